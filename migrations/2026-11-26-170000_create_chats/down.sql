DROP VIEW chats_expanded;
DROP TABLE chat_viewers, chat_file_downloads, chat_files, chat_parts, chat_queued_messages, chat_messages, chat_acl, chats;
DROP FUNCTION notify_chat_acl();
DROP FUNCTION notify_chat();
DROP FUNCTION tell_of_shared_chat();
DROP FUNCTION refuse_chat_move();
DROP TRIGGER subject_versions_update ON organizations;
CREATE TRIGGER subject_versions_update AFTER UPDATE ON organizations
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION
        raise_subject_versions('id', 'deleted, default_org_member_roles, shareable_workspace_owners');
ALTER TABLE organizations DROP COLUMN chat_sharing;
