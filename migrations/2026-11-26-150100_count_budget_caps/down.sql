DROP TRIGGER recount_changed_caps ON subscription_budget_caps;
DROP TRIGGER recount_new_caps ON subscription_budget_caps;
DROP FUNCTION recount_caps();
DROP FUNCTION bursar_recount();
DROP FUNCTION bursar_recount_caps();
ALTER FUNCTION bursar_recount_budgets() RENAME TO bursar_recount;
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
    DELETE FROM public.spend_counters;
    INSERT INTO public.spend_counters
        (limit_kind, limit_id, scope_id, period_start, spent_micros, reserved_micros)
        SELECT * FROM public.bursar_recount();
    RETURN NULL;
END
$$;
DELETE FROM spend_counters WHERE limit_kind IN ('user_cap', 'subscription');
DROP TABLE budget_cap_counts;
