-- The application's rights as they were.
CREATE OR REPLACE FUNCTION bursar_grant_application(application name) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, public, pg_temp
    AS $$
DECLARE
    relation regclass;
    rights text;
BEGIN
    -- Taking rights from the owner would stop the audit triggers, which write as the owner.
    IF application = current_user THEN
        RAISE EXCEPTION 'the application''s role must be another than the owner `%`', application;
    END IF;
    EXECUTE format('GRANT USAGE ON SCHEMA public TO %I', application);
    FOR relation, rights IN
        SELECT c.oid, coalesce(r.rights, 'SELECT, INSERT, UPDATE, DELETE')
        FROM pg_class AS c
        LEFT JOIN public.application_rights AS r ON r.table_name = c.relname::text
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v')
            AND pg_get_userbyid(c.relowner) = current_user
    LOOP
        EXECUTE format('REVOKE ALL ON %s FROM %I', relation, application);
        IF rights <> '' THEN
            EXECUTE format('GRANT %s ON %s TO %I', rights, relation, application);
        END IF;
    END LOOP;
    EXECUTE format(
        'GRANT EXECUTE ON FUNCTION public.audit_refused(text, text, text, integer) TO %I', application);
END
$$;
DELETE FROM application_rights
    WHERE table_name IN ('ai_price_snapshots', 'ai_budget_settings', 'ai_daily_recount');

DROP TRIGGER recount_spend ON ai_budget_settings;
DROP TRIGGER recount_changed_pool ON group_ai_budgets;
DROP TRIGGER recount_new_pool ON group_ai_budgets;
DROP FUNCTION recount_spend();
DROP FUNCTION recount_pool();
DROP FUNCTION bursar_lock_ledger();
DROP FUNCTION bursar_count_from(text, text);
DROP FUNCTION bursar_recount();
DROP VIEW ai_daily_recount;
DROP TABLE ai_user_daily_spend;

-- Counters of pools, and of other periods than months in UTC, are forgotten.
ALTER TABLE spend_counters
    DROP CONSTRAINT spend_counters_pkey,
    DROP COLUMN scope_id;
DELETE FROM spend_counters;
ALTER TABLE spend_counters ADD CONSTRAINT spend_counters_pkey
    PRIMARY KEY (limit_kind, limit_id, period_start);

ALTER TABLE ai_usage_events RENAME TO ai_usage_events_before;
DROP TRIGGER append_only ON ai_usage_events_before;
DROP INDEX ai_usage_events_organization_id_idx;
ALTER TABLE ai_usage_events_before RENAME CONSTRAINT ai_usage_events_pkey TO ai_usage_events_before_pkey;
CREATE TABLE ai_usage_events (
    id uuid PRIMARY KEY DEFAULT bursar_uuid_v7(),
    reservation_id uuid NOT NULL,
    corrects uuid,
    user_id uuid NOT NULL,
    effective_group_id uuid,
    organization_id uuid,
    api_key_id text NOT NULL,
    provider_id uuid NOT NULL,
    provider_name text NOT NULL,
    model text NOT NULL,
    priced_model text,
    response_model text,
    provider_response_id text,
    input_tokens bigint NOT NULL,
    cache_read_tokens bigint NOT NULL,
    cache_write_5m_tokens bigint NOT NULL,
    cache_write_1h_tokens bigint NOT NULL,
    output_tokens bigint NOT NULL,
    reasoning_tokens bigint NOT NULL,
    audio_input_tokens bigint NOT NULL,
    audio_output_tokens bigint NOT NULL,
    web_searches bigint NOT NULL,
    prices jsonb,
    cost_micros bigint,
    hold_micros bigint NOT NULL,
    over_hold_micros bigint NOT NULL DEFAULT 0,
    estimated boolean NOT NULL,
    swept boolean NOT NULL DEFAULT false,
    period_start timestamptz NOT NULL,
    created_at timestamptz NOT NULL DEFAULT bursar_now()
);
INSERT INTO ai_usage_events
    SELECT e.id, coalesce(e.corrects, e.id), e.corrects, e.user_id, e.effective_group_id, e.organization_id,
        e.api_key_id, e.provider_id, e.provider_name, e.model, e.priced_model, e.response_model,
        e.provider_response_id, e.input_tokens, e.cache_read_tokens, e.cache_write_5m_tokens,
        e.cache_write_1h_tokens, e.output_tokens, e.reasoning_tokens, e.audio_input_tokens,
        e.audio_output_tokens, e.web_searches, p.prices, e.cost_micros, e.hold_micros, e.over_hold_micros,
        e.estimated, e.swept, date_trunc('month', e.created_at, 'UTC'), e.created_at
    FROM ai_usage_events_before AS e LEFT JOIN ai_price_snapshots AS p ON p.id = e.price_id;
DROP TABLE ai_usage_events_before;
CREATE UNIQUE INDEX ai_usage_events_reservation_id_key
    ON ai_usage_events (reservation_id) WHERE corrects IS NULL;
CREATE UNIQUE INDEX ai_usage_events_corrects_key ON ai_usage_events (corrects);
CREATE INDEX ai_usage_events_user_id_idx ON ai_usage_events (user_id, period_start);
CREATE INDEX ai_usage_events_organization_id_idx ON ai_usage_events (organization_id, created_at);
CREATE TRIGGER append_only
    BEFORE UPDATE OR DELETE OR TRUNCATE ON ai_usage_events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_ledger_change();

ALTER TABLE ai_reservations
    ADD COLUMN period_start timestamptz,
    ADD COLUMN prices jsonb,
    ADD COLUMN created_at timestamptz NOT NULL DEFAULT bursar_now();
UPDATE ai_reservations AS r SET
    period_start = date_trunc('month', bursar_uuid_instant(r.id), 'UTC'),
    created_at = bursar_uuid_instant(r.id),
    prices = (SELECT p.prices FROM ai_price_snapshots AS p WHERE p.id = r.price_id);
ALTER TABLE ai_reservations
    ALTER COLUMN period_start SET NOT NULL,
    DROP COLUMN price_id;
CREATE INDEX ai_reservations_lease_id_idx ON ai_reservations (lease_id);
CREATE INDEX ai_reservations_user_id_idx ON ai_reservations (user_id, period_start);
DROP TABLE ai_price_snapshots;
DROP FUNCTION bursar_make_next_usage_partitions();
DROP FUNCTION bursar_make_usage_partitions(timestamptz, timestamptz);

INSERT INTO spend_counters (limit_kind, limit_id, period_start, spent_micros, reserved_micros)
    SELECT 'user', user_id, period_start, sum(spent)::bigint, sum(held)::bigint
    FROM (
        SELECT user_id, period_start, coalesce(cost_micros, 0) AS spent, 0 AS held FROM ai_usage_events
        UNION ALL SELECT user_id, period_start, 0, hold_micros FROM ai_reservations) AS moves
    GROUP BY 2, 3;
DROP FUNCTION bursar_correction_id(uuid);
DROP FUNCTION bursar_uuid_instant(uuid);
