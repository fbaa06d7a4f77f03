DROP TRIGGER audit_group_ai_budgets ON group_ai_budgets;
CREATE TRIGGER audit_group_ai_budgets
    AFTER INSERT OR UPDATE OR DELETE ON group_ai_budgets
    FOR EACH ROW EXECUTE FUNCTION
        audit_row('ai_budget', 'group_id', '@group', 'organization_id', 'updated_at', '');
ALTER TABLE group_ai_budgets
    DROP COLUMN mode,
    DROP COLUMN pool_limit_micros,
    DROP COLUMN pool_period,
    DROP COLUMN pool_time_zone,
    DROP COLUMN pool_counted_from;
DROP TABLE ai_budget_settings;

CREATE FUNCTION bursar_period_start(instant timestamptz) RETURNS timestamptz
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$ SELECT date_trunc('month', instant AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' $$;
CREATE FUNCTION bursar_period_end(instant timestamptz) RETURNS timestamptz
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
        SELECT (date_trunc('month', instant AT TIME ZONE 'UTC') + interval '1 month') AT TIME ZONE 'UTC'
    $$;

DROP FUNCTION bursar_period_starts(timestamptz, timestamptz, text, text);
DROP FUNCTION bursar_period(timestamptz, text, text);
DROP FUNCTION bursar_local_start(timestamp, text);
