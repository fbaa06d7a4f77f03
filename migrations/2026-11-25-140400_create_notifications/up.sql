-- At which percentages of a limit people are told.
ALTER TABLE ai_budget_settings
    ADD COLUMN alert_thresholds integer[] NOT NULL DEFAULT '{50,85,100}',
    -- What the API takes.
    ADD CONSTRAINT ai_budget_settings_alert_thresholds_check CHECK (
        cardinality(alert_thresholds) <= 10
        AND array_position(alert_thresholds, NULL) IS NULL
        AND 1 <= ALL (alert_thresholds) AND 1000 >= ALL (alert_thresholds));

-- Messages to people: the inbox. Ids are of version 7, so their order is that of time.
CREATE TABLE notifications (
    id uuid PRIMARY KEY DEFAULT bursar_uuid_v7(),
    user_id uuid NOT NULL,
    -- Which text it is.
    template text NOT NULL,
    title text NOT NULL,
    content text NOT NULL,
    -- What the text says, by name.
    data jsonb NOT NULL,
    -- Links: label and url.
    actions jsonb NOT NULL DEFAULT '[]',
    created_at timestamptz NOT NULL DEFAULT bursar_now(),
    read_at timestamptz,
    -- Messages go with their person.
    CONSTRAINT notifications_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
);
CREATE INDEX notifications_user_id_idx ON notifications (user_id, id DESC);
-- Every look at an inbox counts what was not read.
CREATE INDEX notifications_unread_idx ON notifications (user_id) WHERE read_at IS NULL;
-- Old ones go.
CREATE INDEX notifications_created_at_idx ON notifications (created_at);

-- The thresholds that were told of: the mark of each limit and period. One that spend fell below again, because
-- the limit was raised, is cleared and stays as history. Without foreign keys: history outlives people and groups.
CREATE TABLE ai_budget_alerts (
    id uuid PRIMARY KEY DEFAULT bursar_uuid_v7(),
    limit_kind text NOT NULL,
    limit_id uuid NOT NULL,
    scope_id uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
    period_start timestamptz NOT NULL,
    period_end timestamptz NOT NULL,
    -- In percent.
    threshold integer NOT NULL,
    limit_micros bigint NOT NULL,
    spent_micros bigint NOT NULL,
    -- Who is charged.
    group_id uuid,
    organization_id uuid,
    -- What is said of it, by name.
    data jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT bursar_now(),
    cleared_at timestamptz,
    -- The ledger's kinds of limits.
    CONSTRAINT ai_budget_alerts_limit_kind_check CHECK (limit_kind IN ('user', 'pool'))
);
-- A threshold is told of once, whoever finds it reached.
CREATE UNIQUE INDEX ai_budget_alerts_mark_key
    ON ai_budget_alerts (limit_id, period_start, limit_kind, scope_id, threshold) WHERE cleared_at IS NULL;

INSERT INTO application_rights (table_name, rights) VALUES
    -- What was told stays told.
    ('ai_budget_alerts', 'SELECT, INSERT, UPDATE');

-- Below: whatever may change a limit has it looked at. The ledger does so where spend rises. A check is due
-- at its own instant and never at `-infinity`, which is the ledger's: so neither waits for the other's row.

-- A group's budget was set, changed or removed: its members and its pool.
CREATE FUNCTION check_alerts_of_group() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, public, pg_temp
    AS $$
BEGIN
    INSERT INTO public.ai_alert_checks (subject_kind, subject_id, due_at)
        SELECT kinds.kind, coalesce(NEW.group_id, OLD.group_id), public.bursar_now()
        FROM (VALUES ('group'), ('pool')) AS kinds (kind)
        ON CONFLICT DO NOTHING;
    RETURN NULL;
END
$$;
CREATE TRIGGER check_alerts AFTER INSERT OR DELETE ON group_ai_budgets
    FOR EACH ROW EXECUTE FUNCTION check_alerts_of_group();
CREATE TRIGGER check_alerts_update AFTER UPDATE ON group_ai_budgets
    FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION check_alerts_of_group();

-- A person's override was set, changed or removed; and when it ends.
CREATE FUNCTION check_alerts_of_override() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, public, pg_temp
    AS $$
BEGIN
    INSERT INTO public.ai_alert_checks (subject_kind, subject_id, due_at)
        VALUES ('user', coalesce(NEW.user_id, OLD.user_id), public.bursar_now())
        ON CONFLICT DO NOTHING;
    IF NEW.expires_at > public.bursar_now() THEN
        INSERT INTO public.ai_alert_checks (subject_kind, subject_id, due_at)
            VALUES ('user', NEW.user_id, NEW.expires_at)
            ON CONFLICT DO NOTHING;
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER check_alerts AFTER INSERT OR UPDATE OR DELETE ON user_ai_budget_overrides
    FOR EACH ROW EXECUTE FUNCTION check_alerts_of_override();

-- People came or went.
CREATE FUNCTION check_alerts_of_members() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, public, pg_temp
    AS $$
BEGIN
    INSERT INTO public.ai_alert_checks (subject_kind, subject_id, due_at)
        SELECT DISTINCT 'user', user_id, public.bursar_now() FROM changed_rows
        ON CONFLICT DO NOTHING;
    RETURN NULL;
END
$$;
CREATE TRIGGER check_alerts_insert AFTER INSERT ON group_members
    REFERENCING NEW TABLE AS changed_rows
    FOR EACH STATEMENT EXECUTE FUNCTION check_alerts_of_members();
CREATE TRIGGER check_alerts_delete AFTER DELETE ON group_members
    REFERENCING OLD TABLE AS changed_rows
    FOR EACH STATEMENT EXECUTE FUNCTION check_alerts_of_members();
CREATE TRIGGER check_alerts_insert AFTER INSERT ON organization_members
    REFERENCING NEW TABLE AS changed_rows
    FOR EACH STATEMENT EXECUTE FUNCTION check_alerts_of_members();
CREATE TRIGGER check_alerts_delete AFTER DELETE ON organization_members
    REFERENCING OLD TABLE AS changed_rows
    FOR EACH STATEMENT EXECUTE FUNCTION check_alerts_of_members();

-- What holds for all budgets was changed: everybody, from the least id on.
CREATE FUNCTION check_alerts_of_everyone() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, public, pg_temp
    AS $$
BEGIN
    INSERT INTO public.ai_alert_checks (subject_kind, subject_id, due_at)
        VALUES ('everyone', '00000000-0000-0000-0000-000000000000', public.bursar_now())
        ON CONFLICT DO NOTHING;
    RETURN NULL;
END
$$;
CREATE TRIGGER check_alerts
    AFTER UPDATE OF policy, everyone, period, time_zone, alert_thresholds ON ai_budget_settings
    FOR EACH ROW EXECUTE FUNCTION check_alerts_of_everyone();

-- What was spent before this was known of is told of once.
INSERT INTO ai_alert_checks (subject_kind, subject_id, due_at)
    VALUES ('everyone', '00000000-0000-0000-0000-000000000000', bursar_now());
