-- From when on spend is counted under the caps of a subscription: the row is there as long as its caps are.
CREATE TABLE budget_cap_counts (
    scope_id uuid PRIMARY KEY,
    counted_from timestamptz NOT NULL,
    CONSTRAINT budget_cap_counts_scope_id_fkey
        FOREIGN KEY (scope_id) REFERENCES subscription_budget_caps (scope_id) ON DELETE CASCADE
);

-- What the counters of caps come to by the events and the open reservations: of each person in an organization
-- (`user_cap`), and of all people under a subscription beyond what is included for each (`subscription`), where what is
-- held counts as if it were spent last.
CREATE FUNCTION bursar_recount_caps() RETURNS TABLE (
        limit_kind text, limit_id uuid, scope_id uuid, period_start timestamptz,
        spent_micros bigint, reserved_micros bigint)
    LANGUAGE sql STABLE
    AS $$
        WITH moves AS MATERIALIZED (
            SELECT e.user_id, e.organization_id, e.created_at AS at,
                coalesce(e.cost_micros, 0) AS spent, 0::bigint AS held
            FROM ai_usage_events AS e
            WHERE e.created_at >= (SELECT min(k.counted_from) FROM budget_cap_counts AS k)
            UNION ALL
            SELECT r.user_id, r.organization_id, bursar_uuid_instant(r.id), 0, r.hold_micros
            FROM ai_reservations AS r
        ),
        calendar AS MATERIALIZED (
            SELECT bursar_period_starts(ends.first, ends.last, s.period, s.time_zone) AS starts
            FROM ai_budget_settings AS s
            CROSS JOIN (SELECT min(at) AS first, max(at) AS last FROM moves) AS ends
        ),
        people AS MATERIALIZED (
            SELECT c.scope_id, c.organization_id, c.included_micros AS included,
                c.subscription_cap_micros IS NOT NULL AS capped, m.user_id,
                k.starts[width_bucket(m.at, k.starts)] AS period_start,
                sum(m.spent)::bigint AS spent, sum(m.held)::bigint AS held
            FROM subscription_budget_caps AS c
            JOIN budget_cap_counts AS n ON n.scope_id = c.scope_id
            JOIN moves AS m ON m.at >= n.counted_from
                AND (c.organization_id IS NULL OR m.organization_id = c.organization_id)
            CROSS JOIN calendar AS k
            GROUP BY c.scope_id, 5, 6
        )
        SELECT 'user_cap', p.user_id, p.scope_id, p.period_start, p.spent, p.held
        FROM people AS p WHERE p.organization_id IS NOT NULL
        UNION ALL
        SELECT 'subscription', p.scope_id, '00000000-0000-0000-0000-000000000000'::uuid, p.period_start,
            sum(greatest(p.spent - p.included, 0))::bigint,
            sum(greatest(p.spent + p.held - p.included, 0) - greatest(p.spent - p.included, 0))::bigint
        FROM people AS p WHERE p.capped
        GROUP BY p.scope_id, p.period_start
    $$;

-- What every counter comes to, those of caps too.
ALTER FUNCTION bursar_recount() RENAME TO bursar_recount_budgets;
CREATE FUNCTION bursar_recount() RETURNS TABLE (
        limit_kind text, limit_id uuid, scope_id uuid, period_start timestamptz,
        spent_micros bigint, reserved_micros bigint)
    LANGUAGE sql STABLE
    AS $$
        SELECT * FROM bursar_recount_budgets()
        UNION ALL
        SELECT * FROM bursar_recount_caps()
    $$;

-- Counts what is spent under the caps of a subscription anew: when the first is set, and when something else counts than
-- before. Amounts, switches and overrides change nothing of that. Counters of caps that are gone are nobody's: what is
-- counted next removes them, and whoever ends an organization need not keep everybody from spending.
CREATE FUNCTION recount_caps() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, public, pg_temp
    AS $$
DECLARE
    scope uuid := NEW.scope_id;
BEGIN
    PERFORM public.bursar_lock_ledger();
    DELETE FROM public.spend_counters
        WHERE limit_kind = 'user_cap' AND scope_id = scope OR limit_kind = 'subscription' AND limit_id = scope;
    INSERT INTO public.budget_cap_counts AS k (scope_id, counted_from)
        SELECT scope, public.bursar_count_from(s.period, s.time_zone) FROM public.ai_budget_settings AS s
        ON CONFLICT (scope_id) DO UPDATE SET counted_from = excluded.counted_from;
    INSERT INTO public.spend_counters
        (limit_kind, limit_id, scope_id, period_start, spent_micros, reserved_micros)
        SELECT * FROM public.bursar_recount_caps() AS r
        WHERE r.limit_kind = 'user_cap' AND r.scope_id = scope OR r.limit_kind = 'subscription' AND r.limit_id = scope;
    RETURN NULL;
END
$$;
CREATE TRIGGER recount_new_caps
    AFTER INSERT ON subscription_budget_caps
    FOR EACH ROW EXECUTE FUNCTION recount_caps();
CREATE TRIGGER recount_changed_caps
    AFTER UPDATE OF included_micros, subscription_cap_micros ON subscription_budget_caps
    FOR EACH ROW WHEN (NEW.included_micros <> OLD.included_micros
        OR (NEW.subscription_cap_micros IS NULL) <> (OLD.subscription_cap_micros IS NULL))
    EXECUTE FUNCTION recount_caps();

-- As before, and what is counted under caps.
CREATE OR REPLACE FUNCTION recount_spend() RETURNS trigger
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
    UPDATE public.budget_cap_counts SET counted_from = public.bursar_count_from(NEW.period, NEW.time_zone);
    DELETE FROM public.spend_counters;
    INSERT INTO public.spend_counters
        (limit_kind, limit_id, scope_id, period_start, spent_micros, reserved_micros)
        SELECT * FROM public.bursar_recount();
    RETURN NULL;
END
$$;

-- Caps that are there already.
INSERT INTO budget_cap_counts (scope_id, counted_from)
    SELECT c.scope_id, bursar_count_from(s.period, s.time_zone)
    FROM subscription_budget_caps AS c CROSS JOIN ai_budget_settings AS s;
INSERT INTO spend_counters (limit_kind, limit_id, scope_id, period_start, spent_micros, reserved_micros)
    SELECT * FROM bursar_recount_caps();
