-- The instant, to the millisecond, that a UUID of version 7 was made at.
CREATE FUNCTION bursar_uuid_instant(id uuid) RETURNS timestamptz
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
        SELECT 'epoch'::timestamptz
            + ('x' || left(replace(id::text, '-', ''), 12))::bit(48)::bigint * interval '1 millisecond'
    $$;

-- The id of the event that corrects an estimate: its last byte turned round, so the instant is the same.
CREATE FUNCTION bursar_correction_id(id uuid) RETURNS uuid
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
        SELECT encode(set_byte(uuid_send(id), 15, 255 - get_byte(uuid_send(id), 15)), 'hex')::uuid
    $$;

-- The prices that requests were counted with, each once; the id is a digest of them.
CREATE TABLE ai_price_snapshots (
    id uuid PRIMARY KEY,
    prices jsonb NOT NULL
);
INSERT INTO ai_price_snapshots (id, prices)
    SELECT md5(prices::text)::uuid, prices FROM ai_usage_events WHERE prices IS NOT NULL
    UNION SELECT md5(prices::text)::uuid, prices FROM ai_reservations WHERE prices IS NOT NULL;

-- What is spent and held under one limit in one period: of a person (`user`), of a group's members together
-- (`pool`). `scope_id` narrows a limit to an organization; nil is everywhere.
ALTER TABLE spend_counters
    ADD COLUMN scope_id uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
    DROP CONSTRAINT spend_counters_pkey,
    ADD CONSTRAINT spend_counters_pkey PRIMARY KEY (limit_id, period_start, limit_kind, scope_id);

-- The open reservations, and only those. What an id tells is not stored: its instant is the request's, and
-- with that follows which counters it is held by.
DROP INDEX ai_reservations_lease_id_idx;
DROP INDEX ai_reservations_user_id_idx;
ALTER TABLE ai_reservations
    ADD COLUMN price_id uuid;
UPDATE ai_reservations SET price_id = md5(prices::text)::uuid WHERE prices IS NOT NULL;
ALTER TABLE ai_reservations
    DROP COLUMN period_start,
    DROP COLUMN prices,
    DROP COLUMN created_at;

-- What requests came to cost, by months. A settlement's event has its reservation's id; a correction's id
-- follows from the one that it corrects. `created_at` is the instant of the id, so that the key makes both
-- unique for good. A correction holds differences, which may be negative. A cost that is not known is NULL.
ALTER TABLE ai_usage_events RENAME TO ai_usage_events_before;
DROP TRIGGER append_only ON ai_usage_events_before;
DROP INDEX ai_usage_events_reservation_id_key, ai_usage_events_corrects_key,
    ai_usage_events_user_id_idx, ai_usage_events_organization_id_idx;
ALTER TABLE ai_usage_events_before RENAME CONSTRAINT ai_usage_events_pkey TO ai_usage_events_before_pkey;
CREATE TABLE ai_usage_events (
    id uuid NOT NULL,
    created_at timestamptz NOT NULL,
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
    price_id uuid,
    cost_micros bigint,
    hold_micros bigint NOT NULL,
    over_hold_micros bigint NOT NULL DEFAULT 0,
    estimated boolean NOT NULL,
    swept boolean NOT NULL DEFAULT false,
    -- Exactly once.
    CONSTRAINT ai_usage_events_pkey PRIMARY KEY (created_at, id)
) PARTITION BY RANGE (created_at);

-- The ledger is append-only, for the owner too, and in each month.
CREATE TRIGGER append_only
    BEFORE UPDATE OR DELETE OR TRUNCATE ON ai_usage_events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_ledger_change();

-- Takes what no month takes, so that no settlement can fail for want of one.
CREATE TABLE ai_usage_events_default PARTITION OF ai_usage_events DEFAULT;
CREATE TRIGGER append_only
    BEFORE UPDATE OR DELETE OR TRUNCATE ON ai_usage_events_default
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_ledger_change();

-- Makes the partitions of the months from the one of `first` to the one of `last`, where they are missing;
-- how many it made. A month whose events have begun to go to the default partition stays there. Owner only.
CREATE FUNCTION bursar_make_usage_partitions(first timestamptz, last timestamptz) RETURNS integer
    LANGUAGE plpgsql
    SET search_path = pg_catalog, public, pg_temp
    SET timezone = 'UTC'
    AS $$
DECLARE
    month timestamptz;
    name text;
    made integer := 0;
    taken boolean;
BEGIN
    PERFORM pg_advisory_xact_lock(x'75736167656d'::bigint);
    FOR month IN SELECT generate_series(date_trunc('month', first), last, interval '1 month') LOOP
        name := 'ai_usage_events_' || to_char(month, '"y"YYYY"m"MM');
        CONTINUE WHEN to_regclass('public.' || name) IS NOT NULL;
        SELECT EXISTS (SELECT 1 FROM public.ai_usage_events_default
            WHERE created_at >= month AND created_at < month + interval '1 month') INTO taken;
        CONTINUE WHEN taken;
        EXECUTE format('CREATE TABLE public.%I PARTITION OF public.ai_usage_events FOR VALUES FROM (%L) TO (%L)',
            name, month, month + interval '1 month');
        EXECUTE format('CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON public.%I '
            'FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_ledger_change()', name);
        made := made + 1;
    END LOOP;
    RETURN made;
END
$$;
REVOKE ALL ON FUNCTION bursar_make_usage_partitions(timestamptz, timestamptz) FROM PUBLIC;

-- The same for this month and the three after it: what a server's role may do, at start and every day.
CREATE FUNCTION bursar_make_next_usage_partitions() RETURNS integer
    LANGUAGE sql SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp
    AS $$
        SELECT public.bursar_make_usage_partitions(
            public.bursar_now(), public.bursar_now() + interval '3 months')
    $$;
REVOKE ALL ON FUNCTION bursar_make_next_usage_partitions() FROM PUBLIC;

SELECT bursar_make_usage_partitions(min(bursar_uuid_instant(coalesce(corrects, id))), bursar_now())
    FROM ai_usage_events_before HAVING count(*) > 0;
SELECT bursar_make_next_usage_partitions();
INSERT INTO ai_usage_events (
    id, created_at, corrects, user_id, effective_group_id, organization_id, api_key_id, provider_id,
    provider_name, model, priced_model, response_model, provider_response_id, input_tokens,
    cache_read_tokens, cache_write_5m_tokens, cache_write_1h_tokens, output_tokens, reasoning_tokens,
    audio_input_tokens, audio_output_tokens, web_searches, price_id, cost_micros, hold_micros,
    over_hold_micros, estimated, swept)
SELECT
    coalesce(bursar_correction_id(corrects), id), bursar_uuid_instant(coalesce(corrects, id)), corrects,
    user_id, effective_group_id, organization_id, api_key_id, provider_id,
    provider_name, model, priced_model, response_model, provider_response_id, input_tokens,
    cache_read_tokens, cache_write_5m_tokens, cache_write_1h_tokens, output_tokens, reasoning_tokens,
    audio_input_tokens, audio_output_tokens, web_searches, md5(prices::text)::uuid, cost_micros,
    hold_micros, over_hold_micros, estimated, swept
FROM ai_usage_events_before;
DROP TABLE ai_usage_events_before;
CREATE INDEX ai_usage_events_organization_id_idx ON ai_usage_events (organization_id, created_at);

-- What was charged a day (UTC), without foreign keys: history outlives people and groups. The nil group is
-- none. A cost that is not known adds nothing.
CREATE TABLE ai_user_daily_spend (
    user_id uuid NOT NULL,
    effective_group_id uuid NOT NULL,
    day date NOT NULL,
    spend_micros bigint NOT NULL,
    CONSTRAINT ai_user_daily_spend_pkey PRIMARY KEY (user_id, day, effective_group_id)
) WITH (fillfactor = 70);
CREATE INDEX ai_user_daily_spend_group_idx ON ai_user_daily_spend (effective_group_id, day);

-- What the days come to by the events.
CREATE VIEW ai_daily_recount AS
    SELECT user_id,
        coalesce(effective_group_id, '00000000-0000-0000-0000-000000000000') AS effective_group_id,
        (created_at AT TIME ZONE 'UTC')::date AS day,
        sum(cost_micros)::bigint AS spend_micros
    FROM ai_usage_events GROUP BY 1, 2, 3;
INSERT INTO ai_user_daily_spend (user_id, effective_group_id, day, spend_micros)
    SELECT user_id, effective_group_id, day, spend_micros FROM ai_daily_recount WHERE spend_micros <> 0;

-- What every counter comes to by the events and the open reservations, by the present settings: which ones
-- they move follows from person, charged group and instant. Those of before `counted_from` do not count.
CREATE FUNCTION bursar_recount() RETURNS TABLE (
        limit_kind text, limit_id uuid, scope_id uuid, period_start timestamptz,
        spent_micros bigint, reserved_micros bigint)
    LANGUAGE sql STABLE
    AS $$
        WITH moves AS MATERIALIZED (
            SELECT e.user_id, e.effective_group_id AS group_id, e.created_at AS at,
                coalesce(e.cost_micros, 0) AS spent, 0::bigint AS held
            FROM ai_usage_events AS e
            WHERE e.created_at >= (
                SELECT least(s.counted_from, (SELECT min(b.pool_counted_from) FROM group_ai_budgets AS b
                    WHERE b.pool_limit_micros IS NOT NULL))
                FROM ai_budget_settings AS s)
            UNION ALL
            SELECT r.user_id, r.effective_group_id, bursar_uuid_instant(r.id), 0, r.hold_micros
            FROM ai_reservations AS r
        ),
        pools AS (
            SELECT b.group_id, coalesce(b.pool_period, s.period) AS period,
                coalesce(b.pool_time_zone, s.time_zone) AS time_zone, b.pool_counted_from AS since
            FROM group_ai_budgets AS b CROSS JOIN ai_budget_settings AS s
            WHERE b.pool_limit_micros IS NOT NULL
        ),
        calendars AS MATERIALIZED (
            SELECT k.period, k.time_zone,
                bursar_period_starts(ends.first, ends.last, k.period, k.time_zone) AS starts
            FROM (SELECT period, time_zone FROM pools
                UNION SELECT period, time_zone FROM ai_budget_settings) AS k
            CROSS JOIN (SELECT min(at) AS first, max(at) AS last FROM moves) AS ends
        )
        SELECT 'user', m.user_id, '00000000-0000-0000-0000-000000000000'::uuid,
            c.starts[width_bucket(m.at, c.starts)], sum(m.spent)::bigint, sum(m.held)::bigint
        FROM moves AS m CROSS JOIN ai_budget_settings AS s
        JOIN calendars AS c ON c.period = s.period AND c.time_zone = s.time_zone
        WHERE m.at >= s.counted_from
        GROUP BY 2, 4
        UNION ALL
        SELECT 'pool', p.group_id, '00000000-0000-0000-0000-000000000000'::uuid,
            c.starts[width_bucket(m.at, c.starts)], sum(m.spent)::bigint, sum(m.held)::bigint
        FROM pools AS p JOIN moves AS m ON m.group_id = p.group_id AND m.at >= p.since
        JOIN calendars AS c ON c.period = p.period AND c.time_zone = p.time_zone
        GROUP BY 2, 4
    $$;

-- From when on spend is counted under a limit that begins to count now: the start of the present period, or
-- of an earlier one that a reservation is still open in.
CREATE FUNCTION bursar_count_from(kind text, zone text) RETURNS timestamptz
    LANGUAGE sql STABLE
    AS $$
        SELECT p.period_start FROM bursar_period(
            least(bursar_now(), (SELECT bursar_uuid_instant(id) FROM ai_reservations ORDER BY id LIMIT 1)),
            kind, zone) AS p
    $$;

-- The lock that every step of the ledger holds shared, and whoever counts anew exclusively: "budget" in ASCII.
CREATE FUNCTION bursar_lock_ledger() RETURNS void
    LANGUAGE sql VOLATILE
    AS $$ SELECT pg_advisory_xact_lock(x'627564676574'::bigint) $$;

-- Counts a group's pool anew when it begins, or when its period changes.
CREATE FUNCTION recount_pool() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, public, pg_temp
    AS $$
BEGIN
    PERFORM public.bursar_lock_ledger();
    UPDATE public.group_ai_budgets AS b
        SET pool_counted_from = public.bursar_count_from(
            coalesce(b.pool_period, s.period), coalesce(b.pool_time_zone, s.time_zone))
        FROM public.ai_budget_settings AS s
        WHERE b.group_id = NEW.group_id;
    DELETE FROM public.spend_counters WHERE limit_kind = 'pool' AND limit_id = NEW.group_id;
    INSERT INTO public.spend_counters
        (limit_kind, limit_id, scope_id, period_start, spent_micros, reserved_micros)
        SELECT * FROM public.bursar_recount() AS r
        WHERE r.limit_kind = 'pool' AND r.limit_id = NEW.group_id;
    RETURN NULL;
END
$$;
CREATE TRIGGER recount_new_pool
    AFTER INSERT ON group_ai_budgets
    FOR EACH ROW WHEN (NEW.pool_limit_micros IS NOT NULL)
    EXECUTE FUNCTION recount_pool();
CREATE TRIGGER recount_changed_pool
    AFTER UPDATE OF pool_limit_micros, pool_period, pool_time_zone ON group_ai_budgets
    FOR EACH ROW WHEN (NEW.pool_limit_micros IS NOT NULL AND (
        OLD.pool_limit_micros IS NULL
        OR NEW.pool_period IS DISTINCT FROM OLD.pool_period
        OR NEW.pool_time_zone IS DISTINCT FROM OLD.pool_time_zone))
    EXECUTE FUNCTION recount_pool();

-- Counts everything anew that follows the deployment's period, when that changes.
CREATE FUNCTION recount_spend() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, public, pg_temp
    AS $$
BEGIN
    PERFORM public.bursar_lock_ledger();
    UPDATE public.ai_budget_settings SET counted_from = public.bursar_count_from(period, time_zone);
    UPDATE public.group_ai_budgets AS b
        SET pool_counted_from = public.bursar_count_from(
            coalesce(b.pool_period, NEW.period), coalesce(b.pool_time_zone, NEW.time_zone))
        WHERE b.pool_period IS NULL OR b.pool_time_zone IS NULL;
    DELETE FROM public.spend_counters;
    INSERT INTO public.spend_counters
        (limit_kind, limit_id, scope_id, period_start, spent_micros, reserved_micros)
        SELECT * FROM public.bursar_recount();
    RETURN NULL;
END
$$;
CREATE TRIGGER recount_spend
    AFTER UPDATE OF period, time_zone ON ai_budget_settings
    FOR EACH ROW WHEN (NEW.period <> OLD.period OR NEW.time_zone <> OLD.time_zone)
    EXECUTE FUNCTION recount_spend();

DELETE FROM spend_counters;
INSERT INTO spend_counters (limit_kind, limit_id, scope_id, period_start, spent_micros, reserved_micros)
    SELECT * FROM bursar_recount();

INSERT INTO application_rights (table_name, rights) VALUES
    -- A price that was counted with never changes.
    ('ai_price_snapshots', 'SELECT, INSERT'),
    -- The row is there for good.
    ('ai_budget_settings', 'SELECT, UPDATE'),
    ('ai_daily_recount', 'SELECT');

-- As before, but partitions are reached through their table only, and two more functions may be called.
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
        SELECT c.oid, CASE WHEN c.relispartition THEN ''
            ELSE coalesce(r.rights, 'SELECT, INSERT, UPDATE, DELETE') END
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
        'GRANT EXECUTE ON FUNCTION public.audit_refused(text, text, text, integer), '
        'public.bursar_make_next_usage_partitions() TO %I', application);
END
$$;
