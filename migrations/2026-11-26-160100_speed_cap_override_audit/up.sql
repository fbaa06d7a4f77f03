-- The same lines as before, in half the time of all: the columns are compared as they are. Written as whole rows in JSON,
-- each row was turned into JSON anew for each time that one of its fields was looked at.
CREATE OR REPLACE FUNCTION audit_user_budget_cap_overrides() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp
    AS $$
DECLARE
    changes text := CASE TG_OP
        WHEN 'INSERT' THEN $sql$SELECT 'create' AS action, 201 AS status, n.user_id, n.organization_id,
                NULL::bigint AS old_cap, n.cap_micros AS new_cap, NULL::boolean AS old_enabled, n.enabled AS new_enabled,
                NULL::text AS old_mode, n.disabled_mode AS new_mode
            FROM new_rows AS n$sql$
        WHEN 'UPDATE' THEN $sql$SELECT 'write' AS action, 200 AS status, n.user_id, n.organization_id,
                o.cap_micros AS old_cap, n.cap_micros AS new_cap, o.enabled AS old_enabled, n.enabled AS new_enabled,
                o.disabled_mode AS old_mode, n.disabled_mode AS new_mode
            FROM old_rows AS o JOIN new_rows AS n USING (scope_id, user_id)$sql$
        ELSE $sql$SELECT 'delete' AS action, 204 AS status, o.user_id, o.organization_id,
                o.cap_micros AS old_cap, NULL::bigint AS new_cap, o.enabled AS old_enabled, NULL::boolean AS new_enabled,
                o.disabled_mode AS old_mode, NULL::text AS new_mode
            FROM old_rows AS o$sql$
    END;
BEGIN
    -- Planned each time: by how many rows there are, which a plan that is kept would not know.
    EXECUTE $sql$
        INSERT INTO public.audit_logs (
            action, resource_type, resource_id, resource_target, organization_id,
            user_id, actor_name, diff, status_code, request_id)
        SELECT c.action, 'budget_cap', c.user_id::text, coalesce(u.username, ''), c.organization_id,
            nullif(current_setting('bursar.actor_id', true), '')::uuid, (SELECT public.audit_actor_name()),
            CASE WHEN c.old_cap IS DISTINCT FROM c.new_cap THEN jsonb_build_object('cap_micros',
                jsonb_build_object('old', c.old_cap, 'new', c.new_cap, 'secret', false)) ELSE '{}' END
            || CASE WHEN c.old_enabled IS DISTINCT FROM c.new_enabled THEN jsonb_build_object('enabled',
                jsonb_build_object('old', c.old_enabled, 'new', c.new_enabled, 'secret', false)) ELSE '{}' END
            || CASE WHEN c.old_mode IS DISTINCT FROM c.new_mode THEN jsonb_build_object('disabled_mode',
                jsonb_build_object('old', c.old_mode, 'new', c.new_mode, 'secret', false)) ELSE '{}' END,
            c.status, nullif(current_setting('bursar.request_id', true), '')::uuid
        FROM ($sql$ || changes || $sql$) AS c
        LEFT JOIN public.users AS u ON u.id = c.user_id
        WHERE (c.old_cap, c.old_enabled, c.old_mode) IS DISTINCT FROM (c.new_cap, c.new_enabled, c.new_mode)$sql$;
    RETURN NULL;
END
$$;
