-- Roles that an organization makes for itself: lists of `{negate, resource_type, action}`.
CREATE TABLE custom_roles (
    id uuid PRIMARY KEY,
    organization_id uuid NOT NULL,
    name text NOT NULL,
    display_name text NOT NULL DEFAULT '',
    site_permissions jsonb NOT NULL DEFAULT '[]',
    org_permissions jsonb NOT NULL DEFAULT '[]',
    user_permissions jsonb NOT NULL DEFAULT '[]',
    member_permissions jsonb NOT NULL DEFAULT '[]',
    created_at timestamptz NOT NULL DEFAULT bursar_now(),
    updated_at timestamptz NOT NULL DEFAULT bursar_now(),
    CONSTRAINT custom_roles_organization_id_fkey
        FOREIGN KEY (organization_id) REFERENCES organizations (id) ON DELETE CASCADE,
    -- A role of an organization reaches nothing outside it.
    CONSTRAINT custom_roles_inside_check CHECK (site_permissions = '[]' AND user_permissions = '[]'),
    CONSTRAINT custom_roles_lists_check CHECK (
        jsonb_typeof(org_permissions) = 'array' AND jsonb_typeof(member_permissions) = 'array')
);
-- Names are unique within an organization, without regard to case.
CREATE UNIQUE INDEX custom_roles_organization_id_name_key ON custom_roles (organization_id, lower(name));

CREATE TRIGGER audit_custom_roles
    AFTER INSERT OR UPDATE OR DELETE ON custom_roles
    FOR EACH ROW EXECUTE FUNCTION
        audit_row('assign_org_role', 'id', 'name', 'organization_id', 'updated_at', '');

-- What the organization's members hold beside the roles they were given, and who may share workspaces.
ALTER TABLE organizations
    ADD COLUMN default_org_member_roles text[] NOT NULL DEFAULT '{organization-workspace-access}',
    ADD COLUMN shareable_workspace_owners text NOT NULL DEFAULT 'everyone',
    ADD CONSTRAINT organizations_shareable_workspace_owners_check
        CHECK (shareable_workspace_owners IN ('everyone', 'service_accounts', 'none'));

-- A role that is gone is held by nobody: another role of the same name must not inherit its holders.
CREATE FUNCTION take_custom_role() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, public, pg_temp
    AS $$
BEGIN
    UPDATE public.organization_members
        SET roles = array_remove(roles, OLD.name), updated_at = public.bursar_now()
        WHERE organization_id = OLD.organization_id AND OLD.name = ANY (roles);
    UPDATE public.organizations
        SET default_org_member_roles = array_remove(default_org_member_roles, OLD.name),
            updated_at = public.bursar_now()
        WHERE id = OLD.organization_id AND OLD.name = ANY (default_org_member_roles);
    RETURN NULL;
END
$$;
CREATE TRIGGER take_custom_role
    AFTER DELETE ON custom_roles
    FOR EACH ROW EXECUTE FUNCTION take_custom_role();

-- What decides for everybody in an organization raises the organization's version.
CREATE TRIGGER subject_versions_insert AFTER INSERT ON custom_roles
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION
        raise_subject_versions('organization_id', 'name, org_permissions, member_permissions');
CREATE TRIGGER subject_versions_update AFTER UPDATE ON custom_roles
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION
        raise_subject_versions('organization_id', 'name, org_permissions, member_permissions');
CREATE TRIGGER subject_versions_delete AFTER DELETE ON custom_roles
    REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION
        raise_subject_versions('organization_id', 'name, org_permissions, member_permissions');
DROP TRIGGER subject_versions_update ON organizations;
CREATE TRIGGER subject_versions_update AFTER UPDATE ON organizations
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION
        raise_subject_versions('id', 'deleted, default_org_member_roles, shareable_workspace_owners');
-- An account that stops signing in is a service account from then on, and other way round.
DROP TRIGGER subject_versions_update ON users;
CREATE TRIGGER subject_versions_update AFTER UPDATE ON users
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION
        raise_subject_versions('id', 'status, roles, deleted, login_type');
