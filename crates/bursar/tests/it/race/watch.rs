//! What watches over the race from inside the database: every limit that ever held, and whether what becomes durable is
//! within them. It does not trust the counters of the subscriptions: what counts under their caps is added up here, of
//! each person's spend.

use uuid::Uuid;

/// The tables, and what looks when a reservation becomes durable: whether it is within the greatest limits that held
/// while its transaction ran.
///
/// A person who has not spent what is included may go on although others have passed the cap, so the cap counts only
/// for reservations that go beyond what is included.
pub(super) fn tables(budgeted: Uuid, capped: Uuid) -> String {
    TABLES
        .replace("<budgeted>", &budgeted.to_string())
        .replace("<capped>", &capped.to_string())
}

const TABLES: &str = "
CREATE TABLE race_limits (
    at timestamptz NOT NULL DEFAULT clock_timestamp(), person bigint NOT NULL, pool bigint NOT NULL,
    included bigint NOT NULL, cap bigint NOT NULL, all_included bigint NOT NULL, all_cap bigint NOT NULL);
CREATE TABLE race_wrong (what text NOT NULL);
CREATE FUNCTION race_past_cap(own_kind text, own_scope uuid, person uuid, included bigint, cap bigint)
    RETURNS text LANGUAGE sql VOLATILE AS $$
    SELECT format('%s %s: %s, included %s, cap %s', own_kind, person, sum(beyond), included, cap)
    FROM (SELECT limit_id, greatest(sum(spent_micros + reserved_micros) - included, 0) AS beyond
        FROM spend_counters
        WHERE limit_kind = own_kind AND scope_id = own_scope AND period_start > now() - interval '40 days'
        GROUP BY limit_id) AS p
    HAVING sum(beyond) > cap AND sum(beyond) FILTER (WHERE limit_id = person) > 0
$$;
CREATE FUNCTION race_check() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    greatest race_limits;
BEGIN
    SELECT now(), max(person), max(pool), max(included), max(cap), max(all_included), max(all_cap)
        INTO greatest FROM race_limits WHERE at >= coalesce(
            (SELECT max(at) FROM race_limits WHERE at < now() - interval '2 seconds'), '-infinity');
    INSERT INTO race_wrong
        SELECT format('%s %s has %s and %s, limits %s', c.limit_kind, c.limit_id, c.spent_micros,
            c.reserved_micros, greatest)
        FROM spend_counters AS c
        WHERE NEW.effective_group_id = '<budgeted>' AND c.limit_kind IN ('user', 'pool')
            AND c.limit_id IN (NEW.user_id, NEW.effective_group_id) AND c.period_start > now() - interval '40 days'
            AND c.spent_micros + c.reserved_micros > CASE c.limit_kind
                WHEN 'user' THEN greatest.person ELSE greatest.pool END;
    INSERT INTO race_wrong
        SELECT past FROM race_past_cap('user', '00000000-0000-0000-0000-000000000000', NEW.user_id,
            greatest.all_included, greatest.all_cap) AS past
        WHERE past IS NOT NULL;
    IF NEW.organization_id = '<capped>' THEN
        INSERT INTO race_wrong
            SELECT past FROM race_past_cap('user_cap', '<capped>', NEW.user_id, greatest.included, greatest.cap) AS past
            WHERE past IS NOT NULL;
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER race_check AFTER INSERT ON ai_reservations DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.hold_micros > 0) EXECUTE FUNCTION race_check();";

/// How many counters differ from what they come to.
pub(super) const DIFFER: &str = "SELECT count(*) FROM spend_counters AS c
    FULL JOIN bursar_recount() AS r USING (limit_kind, limit_id, scope_id, period_start)
    WHERE coalesce(c.spent_micros, 0) <> coalesce(r.spent_micros, 0)
        OR coalesce(c.reserved_micros, 0) <> coalesce(r.reserved_micros, 0)";

/// How many people and pools under budgets are past every limit that ever held.
pub(super) fn past_budgets(budgeted: Uuid) -> String {
    format!(
        "SELECT count(*) FROM spend_counters AS c,
            (SELECT max(person) AS person, max(pool) AS pool FROM race_limits) AS g
        WHERE (c.limit_kind = 'pool' AND c.limit_id = '{budgeted}' AND c.spent_micros + c.reserved_micros > g.pool)
            OR (c.limit_kind = 'user' AND c.spent_micros + c.reserved_micros > g.person AND c.limit_id IN
                (SELECT user_id FROM organization_members WHERE organization_id = '{budgeted}'))"
    )
}

/// By how much the events and open reservations of a subscription are past the greatest cap that ever held, where each
/// person has the greatest amount that was ever included.
pub(super) fn past_cap(organization: Option<Uuid>) -> String {
    let (which, included, cap) = match organization {
        Some(id) => (
            format!("organization_id = '{id}'"),
            "max(included)",
            "max(cap)",
        ),
        None => ("true".to_owned(), "max(all_included)", "max(all_cap)"),
    };
    format!(
        "SELECT (coalesce(sum(greatest(p.used - g.included, 0)), 0) - max(g.cap))::bigint
        FROM (SELECT {included} AS included, {cap} AS cap FROM race_limits) AS g
        LEFT JOIN (SELECT user_id, sum(micros) AS used
            FROM (SELECT user_id, cost_micros AS micros FROM ai_usage_events WHERE {which}
                UNION ALL SELECT user_id, hold_micros FROM ai_reservations WHERE {which}) AS m
            GROUP BY user_id) AS p ON true"
    )
}
