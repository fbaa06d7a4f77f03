DROP INDEX chat_acl_expires_at_idx;
DROP INDEX notifications_shared_chat_idx;

-- As before, each time.
CREATE OR REPLACE FUNCTION tell_of_shared_chat() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, public, pg_temp
    AS $$
BEGIN
    INSERT INTO public.notifications (user_id, template, title, content, data, actions)
    SELECT n.user_id, 'chat_shared', 'A chat was shared with you',
        format('%s shared the chat "%s" with you.', coalesce(by.username, 'Somebody'), c.title),
        jsonb_build_object('chat_id', c.id, 'chat_title', c.title, 'initiator', coalesce(by.username, '')),
        jsonb_build_array(jsonb_build_object('label', 'Open the chat', 'url', '/chats/' || c.id))
    FROM new_rows AS n
    JOIN public.chats AS c ON c.id = n.root_chat_id AND c.owner_id <> n.user_id
    LEFT JOIN public.users AS by ON by.id = n.granted_by
    WHERE n.user_id IS NOT NULL AND n.user_id IS DISTINCT FROM n.granted_by
    ORDER BY n.user_id;
    RETURN NULL;
END
$$;

DROP TRIGGER acl_changes_insert ON chat_acl;
DROP TRIGGER acl_changes_update ON chat_acl;
DROP TRIGGER acl_changes_delete ON chat_acl;
CREATE TRIGGER acl_changes_insert AFTER INSERT ON chat_acl
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION note_acl_changes('chat', 'root_chat_id', 'chats', 'title', 'chat_acl_said(role, expires_at)');
CREATE TRIGGER acl_changes_update AFTER UPDATE ON chat_acl
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION note_acl_changes('chat', 'root_chat_id', 'chats', 'title', 'chat_acl_said(role, expires_at)');
CREATE TRIGGER acl_changes_delete AFTER DELETE ON chat_acl
    REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION note_acl_changes('chat', 'root_chat_id', 'chats', 'title', 'chat_acl_said(role, expires_at)');

DROP TRIGGER audit_chats_insert ON chats;
DROP TRIGGER audit_chats_insert_made ON chats;
DROP TRIGGER audit_chats_update ON chats;
DROP TRIGGER audit_chats_update_child ON chats;
DROP TRIGGER audit_chats_update_made ON chats;
DROP TRIGGER audit_chats_update_made_child ON chats;
DROP TRIGGER audit_chats_delete ON chats;
DROP TRIGGER audit_chats_delete_made ON chats;
CREATE TRIGGER audit_chats_insert AFTER INSERT ON chats
    FOR EACH ROW EXECUTE FUNCTION
        audit_row('chat', 'id', 'title', 'organization_id',
            'status,last_error,lease_id,turn_started_at,snapshot_version,history_version,queue_version,'
            'generation_attempt,created_at,updated_at', '');
CREATE TRIGGER audit_chats_update AFTER UPDATE OF title, model, client_type, labels, archived, workspace_id ON chats
    FOR EACH ROW WHEN (NEW.parent_chat_id IS NULL) EXECUTE FUNCTION
        audit_row('chat', 'id', 'title', 'organization_id',
            'status,last_error,lease_id,turn_started_at,snapshot_version,history_version,queue_version,'
            'generation_attempt,updated_at', '');
CREATE TRIGGER audit_chats_update_child
    AFTER UPDATE OF title, model, client_type, labels, archived, workspace_id ON chats
    FOR EACH ROW WHEN (NEW.parent_chat_id IS NOT NULL) EXECUTE FUNCTION
        audit_row('chat', 'id', 'title', 'organization_id',
            'archived,status,last_error,lease_id,turn_started_at,snapshot_version,history_version,queue_version,'
            'generation_attempt,updated_at', '');
CREATE TRIGGER audit_chats_delete AFTER DELETE ON chats
    FOR EACH ROW WHEN (OLD.parent_chat_id IS NULL) EXECUTE FUNCTION
        audit_row('chat', 'id', 'title', 'organization_id',
            'status,last_error,lease_id,turn_started_at,snapshot_version,history_version,queue_version,'
            'generation_attempt,created_at,updated_at', '');

ALTER TABLE chats DROP COLUMN log_name;
ALTER TABLE chats DROP COLUMN title_made;
