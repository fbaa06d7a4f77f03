DROP TRIGGER trigger_delete_ai_budget_override_on_user_delete ON users;
DROP FUNCTION delete_ai_budget_override_of_user();
DROP TRIGGER trigger_delete_ai_budgets_on_group_delete ON groups;
DROP FUNCTION delete_ai_budgets_of_group();

DROP TRIGGER audit_user_ai_budget_overrides ON user_ai_budget_overrides;
CREATE TRIGGER audit_user_ai_budget_overrides
    AFTER INSERT OR UPDATE OR DELETE ON user_ai_budget_overrides
    FOR EACH ROW EXECUTE FUNCTION
        audit_row('ai_budget', 'user_id', '@username', 'organization_id', 'updated_at', '');
DROP TRIGGER audit_group_ai_budgets ON group_ai_budgets;
CREATE TRIGGER audit_group_ai_budgets
    AFTER INSERT OR UPDATE OR DELETE ON group_ai_budgets
    FOR EACH ROW EXECUTE FUNCTION
        audit_row('ai_budget', 'group_id', '@group', 'organization_id', 'updated_at,pool_counted_from', '');

-- Writes the audit line of one changed row. Its arguments, all text, columns separated by commas:
--   0  the resource type, a name of the authorization engine's registry
--   1  the column that identifies the resource
--   2  the column that people know it by, or `@username` or `@group` to look up the row's person or group
--   3  the column of its organization, or nothing
--   4  columns whose changes are not worth a line
--   5  columns whose values are never recorded, only that they changed
-- A row that is marked deleted counts as deleted. It runs as the owner, because the application's role may
-- not write audit lines, and with a fixed search path, so that nobody can slip other tables under it.
CREATE OR REPLACE FUNCTION audit_row() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp
    AS $$
DECLARE
    ignored text[] := string_to_array(TG_ARGV[4], ',');
    secret text[] := string_to_array(TG_ARGV[5], ',');
    actor text := audit_actor_name();
    before jsonb := '{}';
    after jsonb := '{}';
    present jsonb;
    diff jsonb;
    target text;
    action text := 'write';
    status integer := 200;
BEGIN
    IF TG_OP <> 'INSERT' THEN
        before := to_jsonb(OLD);
        present := before;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        after := to_jsonb(NEW);
        present := after;
    END IF;

    SELECT jsonb_object_agg(
        changed.key,
        CASE WHEN changed.key = ANY (secret)
            THEN jsonb_build_object('old', '', 'new', '', 'secret', true)
            ELSE jsonb_build_object('old', changed.old, 'new', changed.new, 'secret', false)
        END)
    INTO diff
    FROM (
        SELECT key, coalesce(o.value, 'null') AS old, coalesce(n.value, 'null') AS new
        FROM jsonb_each(before) AS o FULL JOIN jsonb_each(after) AS n USING (key)
    ) AS changed
    WHERE changed.old <> changed.new AND changed.key <> ALL (ignored);
    IF diff IS NULL THEN
        RETURN NULL;
    END IF;

    IF TG_OP = 'INSERT' THEN
        action := 'create';
        status := 201;
    ELSIF TG_OP = 'DELETE' OR (before ->> 'deleted' = 'false' AND after ->> 'deleted' = 'true') THEN
        action := 'delete';
        status := 204;
    END IF;

    target := CASE TG_ARGV[2]
        WHEN '@username' THEN (
            SELECT username FROM public.users WHERE id = (present ->> 'user_id')::uuid)
        WHEN '@group' THEN (
            SELECT name FROM public.groups WHERE id = (present ->> 'group_id')::uuid)
        ELSE present ->> TG_ARGV[2]
    END;

    INSERT INTO public.audit_logs (
        action, resource_type, resource_id, resource_target, organization_id,
        user_id, actor_name, diff, status_code, request_id)
    VALUES (
        action, TG_ARGV[0], present ->> TG_ARGV[1], coalesce(target, ''),
        (present ->> TG_ARGV[3])::uuid,
        nullif(current_setting('bursar.actor_id', true), '')::uuid, actor, diff, status,
        nullif(current_setting('bursar.request_id', true), '')::uuid);
    RETURN NULL;
END
$$;

DROP INDEX audit_logs_action_idx;
DROP INDEX audit_logs_user_id_idx;
DROP INDEX audit_logs_organization_id_idx;
DROP INDEX audit_logs_resource_id_idx;
DROP INDEX audit_logs_resource_type_idx;
CREATE INDEX audit_logs_resource_idx ON audit_logs (resource_type, resource_id, time DESC);
CREATE INDEX audit_logs_organization_id_idx ON audit_logs (organization_id, time DESC);
CREATE INDEX audit_logs_user_id_idx ON audit_logs (user_id, time DESC);
