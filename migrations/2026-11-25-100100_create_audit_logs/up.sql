-- Who changed what, from what to what. No foreign keys: a line outlives everything that it names.
CREATE TABLE audit_logs (
    id uuid PRIMARY KEY DEFAULT bursar_uuid_v7(),
    time timestamptz NOT NULL DEFAULT clock_timestamp(),
    action text NOT NULL,
    resource_type text NOT NULL,
    resource_id text NOT NULL,
    resource_target text NOT NULL,
    organization_id uuid,
    user_id uuid,
    actor_name text NOT NULL,
    diff jsonb NOT NULL,
    status_code integer NOT NULL,
    request_id uuid,
    -- The words that the API documents.
    CONSTRAINT audit_logs_action_check CHECK (action IN ('create', 'write', 'delete')),
    -- Nothing changes without an actor.
    CONSTRAINT audit_logs_actor_name_check CHECK (actor_name <> '')
);

CREATE INDEX audit_logs_time_idx ON audit_logs (time DESC, id DESC);
CREATE INDEX audit_logs_resource_idx ON audit_logs (resource_type, resource_id, time DESC);
CREATE INDEX audit_logs_organization_id_idx ON audit_logs (organization_id, time DESC);
CREATE INDEX audit_logs_user_id_idx ON audit_logs (user_id, time DESC);
CREATE INDEX audit_logs_request_id_idx ON audit_logs (request_id) WHERE request_id IS NOT NULL;

-- The actor of the present transaction, as `begin()` told it. Raises when there is none.
CREATE FUNCTION audit_actor_name() RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, public, pg_temp
    AS $$
DECLARE
    actor text := current_setting('bursar.actor_name', true);
BEGIN
    IF actor IS NULL OR actor = '' THEN
        RAISE EXCEPTION 'an audited table may not be changed without an actor'
            USING CONSTRAINT = 'audit_actor_required';
    END IF;
    RETURN actor;
END
$$;

-- Writes the audit line of one changed row. Its arguments, all text, columns separated by commas:
--   0  the resource type, a name of the authorization engine's registry
--   1  the column that identifies the resource
--   2  the column that people know it by, or `@username` or `@group` to look up the row's person or group
--   3  the column of its organization, or nothing
--   4  columns whose changes are not worth a line
--   5  columns whose values are never recorded, only that they changed
-- A row that is marked deleted counts as deleted. It runs as the owner, because the application's role may
-- not write audit lines, and with a fixed search path, so that nobody can slip other tables under it.
CREATE FUNCTION audit_row() RETURNS trigger
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

-- Records a write that was refused, which no trigger can see. The actor is the transaction's.
CREATE FUNCTION audit_refused(action text, resource_type text, resource_target text, status_code integer)
    RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp
    AS $$
BEGIN
    INSERT INTO public.audit_logs (
        action, resource_type, resource_id, resource_target,
        user_id, actor_name, diff, status_code, request_id)
    VALUES (
        audit_refused.action, audit_refused.resource_type, '', audit_refused.resource_target,
        nullif(current_setting('bursar.actor_id', true), '')::uuid, audit_actor_name(), '{}',
        audit_refused.status_code, nullif(current_setting('bursar.request_id', true), '')::uuid);
END
$$;

-- The writers of the log are reached through triggers and `audit_refused` only.
REVOKE ALL ON FUNCTION audit_row() FROM PUBLIC;
REVOKE ALL ON FUNCTION audit_actor_name() FROM PUBLIC;
REVOKE ALL ON FUNCTION audit_refused(text, text, text, integer) FROM PUBLIC;
