-- Every organization keeps the roles that come with being a member, `organization-member` for people and
-- `organization-service-account` for service accounts: a copy of what the program defines for the
-- organization's settings. Version 0 is a placeholder: the program's own definition counts until the servers
-- have written theirs.
ALTER TABLE custom_roles
    ADD COLUMN is_system boolean NOT NULL DEFAULT false,
    ADD COLUMN definition_version integer NOT NULL DEFAULT 0;

-- What this migration does is recorded as its own doing.
SELECT set_config('bursar.actor_name', 'migration', true);

-- A role that an organization gave one of these names gets another one, in the hands of who holds it as well.
DO $$
DECLARE
    clash record;
    new_name text;
BEGIN
    FOR clash IN
        SELECT id, organization_id, name FROM custom_roles
        WHERE lower(name) IN ('organization-member', 'organization-service-account')
    LOOP
        new_name := 'custom-' || right(replace(clash.id::text, '-', ''), 12);
        UPDATE custom_roles
            SET name = new_name,
                display_name = CASE WHEN display_name = '' THEN clash.name ELSE display_name END,
                updated_at = bursar_now()
            WHERE id = clash.id;
        UPDATE organization_members SET roles = array_replace(roles, clash.name, new_name)
            WHERE organization_id = clash.organization_id AND clash.name = ANY (roles);
        UPDATE organizations
            SET default_org_member_roles = array_replace(default_org_member_roles, clash.name, new_name)
            WHERE id = clash.organization_id AND clash.name = ANY (default_org_member_roles);
        RAISE WARNING 'the custom role `%` of the organization % is called `%` now: its name is a system role''s',
            clash.name, clash.organization_id, new_name;
    END LOOP;
END
$$;

-- The two placeholders of an organization.
CREATE FUNCTION create_system_roles() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, public, pg_temp
    AS $$
BEGIN
    INSERT INTO public.custom_roles (id, organization_id, name, is_system)
        SELECT public.bursar_uuid_v7(), NEW.id, system.name, true
        FROM (VALUES ('organization-member'), ('organization-service-account')) AS system (name);
    RETURN NULL;
END
$$;
CREATE TRIGGER system_roles
    AFTER INSERT ON organizations
    FOR EACH ROW EXECUTE FUNCTION create_system_roles();

INSERT INTO custom_roles (id, organization_id, name, is_system)
    SELECT bursar_uuid_v7(), organizations.id, system.name, true
    FROM organizations, (VALUES ('organization-member'), ('organization-service-account')) AS system (name);

-- During a rolling upgrade servers disagree about what a role holds: the newer definition stays.
CREATE FUNCTION keep_newer_definition() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    RAISE EXCEPTION 'the role `%` was defined by a newer program', OLD.name
        USING ERRCODE = 'check_violation', CONSTRAINT = 'custom_roles_newer_definition',
            TABLE = 'custom_roles';
END
$$;
CREATE TRIGGER keep_newer_definition
    BEFORE UPDATE ON custom_roles
    FOR EACH ROW WHEN (OLD.is_system AND NEW.definition_version < OLD.definition_version)
    EXECUTE FUNCTION keep_newer_definition();

-- The definition's version decides as well: see the reader of subjects.
DROP TRIGGER subject_versions_update ON custom_roles;
CREATE TRIGGER subject_versions_update AFTER UPDATE ON custom_roles
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION raise_subject_versions(
        'organization_id', 'name, org_permissions, member_permissions, definition_version');
