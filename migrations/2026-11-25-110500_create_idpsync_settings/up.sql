-- How an identity provider's claims become organizations (one row for the deployment, without an
-- organization), groups and roles (one row each for an organization). No row, or an empty field: nothing is
-- synchronized.
CREATE TABLE idpsync_settings (
    id uuid PRIMARY KEY DEFAULT bursar_uuid_v7(),
    organization_id uuid,
    kind text NOT NULL,
    field text NOT NULL DEFAULT '',
    -- What each value of the claim stands for: ids of organizations or of groups, or names of roles.
    mapping jsonb NOT NULL DEFAULT '{}',
    regex_filter text,
    create_missing boolean NOT NULL DEFAULT false,
    assign_default boolean NOT NULL DEFAULT true,
    -- The roles that it may take from somebody, which are those that its last writer could; NULL for all.
    takes text[],
    created_at timestamptz NOT NULL DEFAULT bursar_now(),
    updated_at timestamptz NOT NULL DEFAULT bursar_now(),
    CONSTRAINT idpsync_settings_organization_id_fkey
        FOREIGN KEY (organization_id) REFERENCES organizations (id) ON DELETE CASCADE,
    CONSTRAINT idpsync_settings_kind_check CHECK (kind IN ('organization', 'groups', 'roles')),
    -- Organizations are decided by the deployment, groups and roles by each organization.
    CONSTRAINT idpsync_settings_place_check CHECK ((kind = 'organization') = (organization_id IS NULL)),
    CONSTRAINT idpsync_settings_mapping_check CHECK (jsonb_typeof(mapping) = 'object'),
    CONSTRAINT idpsync_settings_groups_check
        CHECK (kind = 'groups' OR (regex_filter IS NULL AND NOT create_missing))
);
-- One of each kind in each place. PostgreSQL before 15 takes every NULL for a place of its own.
CREATE UNIQUE INDEX idpsync_settings_place_key
    ON idpsync_settings ((coalesce(organization_id, '00000000-0000-0000-0000-000000000000'::uuid)), kind);

CREATE TRIGGER audit_idpsync_settings
    AFTER INSERT OR UPDATE OR DELETE ON idpsync_settings
    FOR EACH ROW EXECUTE FUNCTION
        audit_row('idpsync_settings', 'id', 'kind', 'organization_id', 'updated_at', '');

-- A role that is gone is given and taken by no claim: another role of the same name must not inherit its place.
CREATE FUNCTION unmap_custom_role() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, public, pg_temp
    AS $$
BEGIN
    UPDATE public.idpsync_settings
        SET mapping = (
                SELECT coalesce(jsonb_object_agg(key, value - OLD.name), '{}') FROM jsonb_each(mapping)),
            takes = array_remove(takes, OLD.name),
            updated_at = public.bursar_now()
        WHERE organization_id = OLD.organization_id AND kind = 'roles'
            AND (OLD.name = ANY (takes)
                OR EXISTS (SELECT 1 FROM jsonb_each(mapping) AS entry WHERE entry.value ? OLD.name));
    RETURN NULL;
END
$$;
CREATE TRIGGER unmap_custom_role
    AFTER DELETE ON custom_roles
    FOR EACH ROW EXECUTE FUNCTION unmap_custom_role();
