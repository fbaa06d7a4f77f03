DELETE FROM application_rights WHERE table_name = 'acl_changes';
DROP TABLE workspace_acl;
DROP TABLE workspaces;
DROP TABLE acl_changes;
DROP FUNCTION note_acl_changes();
DROP FUNCTION audit_acl_changes();
