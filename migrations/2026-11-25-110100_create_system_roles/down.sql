SELECT set_config('bursar.actor_name', 'migration', true);
DROP TRIGGER system_roles ON organizations;
DROP FUNCTION create_system_roles();
DROP TRIGGER keep_newer_definition ON custom_roles;
DROP FUNCTION keep_newer_definition();
DELETE FROM custom_roles WHERE is_system;
-- What the statement above raised must be settled before the tables can change.
SET CONSTRAINTS ALL IMMEDIATE;
DROP TRIGGER subject_versions_update ON custom_roles;
ALTER TABLE custom_roles
    DROP COLUMN definition_version,
    DROP COLUMN is_system;
CREATE TRIGGER subject_versions_update AFTER UPDATE ON custom_roles
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION
        raise_subject_versions('organization_id', 'name, org_permissions, member_permissions');
