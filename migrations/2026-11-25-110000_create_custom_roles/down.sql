DROP TRIGGER subject_versions_update ON users;
CREATE TRIGGER subject_versions_update AFTER UPDATE ON users
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION raise_subject_versions('id', 'status, roles, deleted');
DROP TRIGGER subject_versions_update ON organizations;
CREATE TRIGGER subject_versions_update AFTER UPDATE ON organizations
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION raise_subject_versions('id', 'deleted');
DROP TABLE custom_roles;
DROP FUNCTION take_custom_role();
ALTER TABLE organizations
    DROP COLUMN shareable_workspace_owners,
    DROP COLUMN default_org_member_roles;
