-- As it was before: whole rows in JSON.
CREATE OR REPLACE FUNCTION audit_user_budget_cap_overrides() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp
    AS $$
DECLARE
    changes text := CASE TG_OP
        WHEN 'INSERT' THEN $sql$SELECT 'create' AS action, 201 AS status, '{}'::jsonb AS before, to_jsonb(n) AS after
            FROM new_rows AS n$sql$
        WHEN 'UPDATE' THEN $sql$SELECT 'write' AS action, 200 AS status, to_jsonb(o) AS before, to_jsonb(n) AS after
            FROM old_rows AS o JOIN new_rows AS n USING (scope_id, user_id)$sql$
        ELSE $sql$SELECT 'delete' AS action, 204 AS status, to_jsonb(o) AS before, '{}'::jsonb AS after
            FROM old_rows AS o$sql$
    END;
BEGIN
    EXECUTE $sql$
        INSERT INTO public.audit_logs (
            action, resource_type, resource_id, resource_target, organization_id,
            user_id, actor_name, diff, status_code, request_id)
        SELECT c.action, 'budget_cap', p.present ->> 'user_id', coalesce(u.username, ''),
            (p.present ->> 'organization_id')::uuid,
            nullif(current_setting('bursar.actor_id', true), '')::uuid, public.audit_actor_name(), d.diff, c.status,
            nullif(current_setting('bursar.request_id', true), '')::uuid
        FROM ($sql$ || changes || $sql$) AS c
        CROSS JOIN LATERAL (SELECT c.before || c.after AS present) AS p
        CROSS JOIN LATERAL (
            SELECT jsonb_object_agg(f.field, jsonb_build_object(
                'old', c.before -> f.field, 'new', c.after -> f.field, 'secret', false)) AS diff
            FROM unnest('{cap_micros,enabled,disabled_mode}'::text[]) AS f (field)
            WHERE (c.before -> f.field) IS DISTINCT FROM (c.after -> f.field)) AS d
        LEFT JOIN public.users AS u ON u.id = (p.present ->> 'user_id')::uuid
        WHERE d.diff IS NOT NULL$sql$;
    RETURN NULL;
END
$$;
