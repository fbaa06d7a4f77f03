-- The first instant at which a wall clock in a zone shows `local` or more. A time that a change of the clocks
-- skips begins with the change; one that comes twice begins the first time. Takes for granted that a zone's
-- offset changes once at most within 26 hours of it.
CREATE FUNCTION bursar_local_start(local timestamp, zone text) RETURNS timestamptz
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    AS $$
DECLARE
    guess timestamptz := local AT TIME ZONE zone;
    low timestamptz := guess - interval '26 hours';
    high timestamptz := guess + interval '26 hours';
    offset_before interval := (low AT TIME ZONE zone) - (low AT TIME ZONE 'UTC');
    offset_after interval := (high AT TIME ZONE zone) - (high AT TIME ZONE 'UTC');
    middle timestamptz;
BEGIN
    IF offset_before = offset_after THEN
        RETURN guess;
    END IF;
    middle := (local - offset_before) AT TIME ZONE 'UTC';
    IF middle AT TIME ZONE zone = local THEN
        RETURN middle;
    END IF;
    -- Skipped, or after the change: the first instant at which the clock is not before it.
    WHILE high - low > interval '1 microsecond' LOOP
        middle := low + (high - low) / 2;
        IF middle AT TIME ZONE zone >= local THEN
            high := middle;
        ELSE
            low := middle;
        END IF;
    END LOOP;
    RETURN high;
END
$$;

-- The budget period that an instant lies in, half open: a day, an ISO week, a month or a quarter by the wall
-- clocks of a zone. The one place that knows periods.
CREATE FUNCTION bursar_period(
    instant timestamptz, kind text, zone text, OUT period_start timestamptz, OUT period_end timestamptz)
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    AS $$
DECLARE
    step interval := CASE kind
        WHEN 'day' THEN interval '1 day'
        WHEN 'week' THEN interval '7 days'
        WHEN 'month' THEN interval '1 month'
        WHEN 'quarter' THEN interval '3 months'
    END;
    local timestamp := date_trunc(kind, instant AT TIME ZONE zone);
BEGIN
    IF step IS NULL THEN
        RAISE EXCEPTION 'there is no budget period `%`', kind;
    END IF;
    period_end := bursar_local_start(local + step, zone);
    -- Clocks that are put back may show an hour of the period before once more: it stays in the new one.
    IF period_end <= instant THEN
        local := local + step;
        period_end := bursar_local_start(local + step, zone);
    END IF;
    period_start := bursar_local_start(local, zone);
END
$$;

-- The starts of all periods from the one of `first` to the one of `last`, in order.
CREATE FUNCTION bursar_period_starts(first timestamptz, last timestamptz, kind text, zone text)
    RETURNS timestamptz[]
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    AS $$
DECLARE
    starts timestamptz[] := '{}';
    at timestamptz := first;
    span record;
BEGIN
    WHILE at <= last LOOP
        span := bursar_period(at, kind, zone);
        starts := starts || span.period_start;
        at := span.period_end;
    END LOOP;
    RETURN starts;
END
$$;

DROP FUNCTION bursar_period_start(timestamptz);
DROP FUNCTION bursar_period_end(timestamptz);

-- What holds for all budgets. One row, so that all servers decide alike.
CREATE TABLE ai_budget_settings (
    id text PRIMARY KEY DEFAULT 'ai_budget',
    policy text NOT NULL DEFAULT 'highest',
    everyone text NOT NULL DEFAULT 'competes',
    period text NOT NULL DEFAULT 'month',
    time_zone text NOT NULL DEFAULT 'UTC',
    changed_at timestamptz NOT NULL DEFAULT bursar_now(),
    -- What people spent is counted from here on; it is a start of a period.
    counted_from timestamptz NOT NULL DEFAULT '-infinity',
    -- There is one row.
    CONSTRAINT ai_budget_settings_id_check CHECK (id = 'ai_budget'),
    -- Among the budgets of a person's groups: the greatest, the least, or all of them together.
    CONSTRAINT ai_budget_settings_policy_check CHECK (policy IN ('highest', 'lowest', 'sum')),
    -- The budget of an Everyone group is one like any other, or counts when no other group has one.
    CONSTRAINT ai_budget_settings_everyone_check CHECK (everyone IN ('competes', 'default')),
    -- The periods that `bursar_period` knows.
    CONSTRAINT ai_budget_settings_period_check CHECK (period IN ('day', 'week', 'month', 'quarter')),
    -- A zone that PostgreSQL does not know raises.
    CONSTRAINT ai_budget_settings_time_zone_check
        CHECK (timezone(time_zone, '2000-01-01 00:00:00+00'::timestamptz) IS NOT NULL)
);
INSERT INTO ai_budget_settings DEFAULT VALUES;

CREATE TRIGGER audit_ai_budget_settings
    AFTER INSERT OR UPDATE OR DELETE ON ai_budget_settings
    FOR EACH ROW EXECUTE FUNCTION
        audit_row('deployment_config', 'id', 'id', '', 'changed_at,counted_from', '');

-- A pool limits a group's total beside each member's limit, over a period of its own or the deployment's.
-- A budget in the mode `observe` is counted and blocks nobody.
ALTER TABLE group_ai_budgets
    ADD COLUMN mode text NOT NULL DEFAULT 'enforce',
    ADD COLUMN pool_limit_micros bigint,
    ADD COLUMN pool_period text,
    ADD COLUMN pool_time_zone text,
    ADD COLUMN pool_counted_from timestamptz NOT NULL DEFAULT '-infinity',
    -- What is observed is counted and blocks nobody.
    ADD CONSTRAINT group_ai_budgets_mode_check CHECK (mode IN ('enforce', 'observe')),
    -- Zero blocks; nothing is less.
    ADD CONSTRAINT group_ai_budgets_pool_limit_micros_check CHECK (pool_limit_micros >= 0),
    -- As for the settings; NULL follows them.
    ADD CONSTRAINT group_ai_budgets_pool_period_check
        CHECK (pool_period IN ('day', 'week', 'month', 'quarter')),
    -- A zone that PostgreSQL does not know raises; NULL follows the settings.
    ADD CONSTRAINT group_ai_budgets_pool_time_zone_check CHECK (pool_time_zone IS NULL
        OR timezone(pool_time_zone, '2000-01-01 00:00:00+00'::timestamptz) IS NOT NULL);

-- Every batch of the ledger asks whether there is any pool.
CREATE INDEX group_ai_budgets_pool_idx ON group_ai_budgets (group_id) WHERE pool_limit_micros IS NOT NULL;

DROP TRIGGER audit_group_ai_budgets ON group_ai_budgets;
CREATE TRIGGER audit_group_ai_budgets
    AFTER INSERT OR UPDATE OR DELETE ON group_ai_budgets
    FOR EACH ROW EXECUTE FUNCTION
        audit_row('ai_budget', 'group_id', '@group', 'organization_id', 'updated_at,pool_counted_from', '');
