-- The caps of a subscription: of the whole deployment (the nil organization), or of one organization. A cap that is not
-- enabled is kept and counts for nothing. NULL is not set.
CREATE TABLE subscription_budget_caps (
    scope_id uuid PRIMARY KEY,
    -- The same, for the foreign key; NULL for the deployment.
    organization_id uuid,
    -- What each person may spend in a period who has no cap of their own.
    flat_user_cap_micros bigint,
    flat_user_cap_enabled boolean NOT NULL DEFAULT false,
    -- What all may spend together in a period beyond what is included.
    subscription_cap_micros bigint,
    subscription_cap_enabled boolean NOT NULL DEFAULT false,
    -- What each person may spend in a period whatever the caps say, and without counting under the subscription's.
    included_micros bigint NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT bursar_now(),
    updated_at timestamptz NOT NULL DEFAULT bursar_now(),
    CONSTRAINT subscription_budget_caps_scope_check
        CHECK (scope_id = coalesce(organization_id, '00000000-0000-0000-0000-000000000000')),
    CONSTRAINT subscription_budget_caps_flat_user_cap_check CHECK (flat_user_cap_micros >= 0),
    CONSTRAINT subscription_budget_caps_subscription_cap_check CHECK (subscription_cap_micros >= 0),
    CONSTRAINT subscription_budget_caps_included_check CHECK (included_micros >= 0),
    -- What is not set cannot be enabled.
    CONSTRAINT subscription_budget_caps_enabled_check CHECK (
        (flat_user_cap_micros IS NOT NULL OR NOT flat_user_cap_enabled)
        AND (subscription_cap_micros IS NOT NULL OR NOT subscription_cap_enabled)),
    CONSTRAINT subscription_budget_caps_organization_id_fkey
        FOREIGN KEY (organization_id) REFERENCES organizations (id) ON DELETE CASCADE
);

-- A person's own cap under a subscription, which stands in for the flat one.
CREATE TABLE user_budget_cap_overrides (
    scope_id uuid NOT NULL,
    user_id uuid NOT NULL,
    -- The subscription's, for the audit log; NULL for the deployment.
    organization_id uuid GENERATED ALWAYS AS
        (nullif(scope_id, '00000000-0000-0000-0000-000000000000'::uuid)) STORED,
    cap_micros bigint NOT NULL,
    enabled boolean NOT NULL,
    -- What a disabled one means: no cap at all, or the flat one.
    disabled_mode text NOT NULL DEFAULT 'exempt',
    created_at timestamptz NOT NULL DEFAULT bursar_now(),
    updated_at timestamptz NOT NULL DEFAULT bursar_now(),
    CONSTRAINT user_budget_cap_overrides_pkey PRIMARY KEY (scope_id, user_id),
    CONSTRAINT user_budget_cap_overrides_cap_check CHECK (cap_micros >= 0),
    CONSTRAINT user_budget_cap_overrides_disabled_mode_check CHECK (disabled_mode IN ('exempt', 'inherit')),
    -- An override goes with the record of its subscription, and with its person.
    CONSTRAINT user_budget_cap_overrides_scope_id_fkey
        FOREIGN KEY (scope_id) REFERENCES subscription_budget_caps (scope_id) ON DELETE CASCADE,
    CONSTRAINT user_budget_cap_overrides_user_id_fkey
        FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
);
CREATE INDEX user_budget_cap_overrides_user_id_idx ON user_budget_cap_overrides (user_id);

-- The log tells who set which cap, what it was before, and what it is.
CREATE TRIGGER audit_subscription_budget_caps
    AFTER INSERT OR UPDATE OR DELETE ON subscription_budget_caps
    FOR EACH ROW EXECUTE FUNCTION
        audit_row('budget_cap', 'scope_id', '', 'organization_id',
            'scope_id,organization_id,counted_from,created_at,updated_at', '');
-- The lines of people's own caps are those that `audit_row` would write, all of a statement's at once: two hundred are
-- set by one statement, and one by one their lines would take five times as long as all the rest.
CREATE FUNCTION audit_user_budget_cap_overrides() RETURNS trigger
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
REVOKE ALL ON FUNCTION audit_user_budget_cap_overrides() FROM PUBLIC;
CREATE TRIGGER audit_new_user_budget_cap_overrides
    AFTER INSERT ON user_budget_cap_overrides
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION audit_user_budget_cap_overrides();
CREATE TRIGGER audit_changed_user_budget_cap_overrides
    AFTER UPDATE ON user_budget_cap_overrides
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION audit_user_budget_cap_overrides();
CREATE TRIGGER audit_former_user_budget_cap_overrides
    AFTER DELETE ON user_budget_cap_overrides
    REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION audit_user_budget_cap_overrides();

-- What goes with a person goes before them, so that its audit lines can still name them. A cascade alone would come
-- after.
CREATE FUNCTION delete_budget_cap_overrides_of_user() RETURNS trigger
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, public, pg_temp
    AS $$
BEGIN
    DELETE FROM public.user_budget_cap_overrides WHERE user_id = OLD.id;
    RETURN OLD;
END
$$;
CREATE TRIGGER trigger_delete_budget_cap_overrides_on_user_delete
    BEFORE DELETE ON users
    FOR EACH ROW EXECUTE FUNCTION delete_budget_cap_overrides_of_user();
