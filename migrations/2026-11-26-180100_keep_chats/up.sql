-- Whether the title was made of the words that were said first. Nobody chose it then, and it goes with those words.
ALTER TABLE chats ADD COLUMN title_made boolean NOT NULL DEFAULT false;
-- What the log calls a chat: its title, but nothing of what was said in it.
ALTER TABLE chats ADD COLUMN log_name text NOT NULL
    GENERATED ALWAYS AS (CASE WHEN title_made THEN id::text ELSE title END) STORED;

-- As before, but a made title is in no line: whoever reads the log need not be one who may read the chat.
DROP TRIGGER audit_chats_insert ON chats;
DROP TRIGGER audit_chats_update ON chats;
DROP TRIGGER audit_chats_update_child ON chats;
DROP TRIGGER audit_chats_delete ON chats;
CREATE TRIGGER audit_chats_insert AFTER INSERT ON chats
    FOR EACH ROW WHEN (NOT NEW.title_made) EXECUTE FUNCTION
        audit_row('chat', 'id', 'log_name', 'organization_id',
            'title_made,log_name,status,last_error,lease_id,turn_started_at,snapshot_version,history_version,'
            'queue_version,generation_attempt,created_at,updated_at', '');
CREATE TRIGGER audit_chats_insert_made AFTER INSERT ON chats
    FOR EACH ROW WHEN (NEW.title_made) EXECUTE FUNCTION
        audit_row('chat', 'id', 'log_name', 'organization_id',
            'title_made,log_name,status,last_error,lease_id,turn_started_at,snapshot_version,history_version,'
            'queue_version,generation_attempt,created_at,updated_at', 'title');
CREATE TRIGGER audit_chats_update AFTER UPDATE OF title, model, client_type, labels, archived, workspace_id ON chats
    FOR EACH ROW WHEN (NEW.parent_chat_id IS NULL AND NOT OLD.title_made AND NOT NEW.title_made) EXECUTE FUNCTION
        audit_row('chat', 'id', 'log_name', 'organization_id',
            'title_made,log_name,status,last_error,lease_id,turn_started_at,snapshot_version,history_version,'
            'queue_version,generation_attempt,updated_at', '');
CREATE TRIGGER audit_chats_update_child
    AFTER UPDATE OF title, model, client_type, labels, archived, workspace_id ON chats
    FOR EACH ROW WHEN (NEW.parent_chat_id IS NOT NULL AND NOT OLD.title_made AND NOT NEW.title_made) EXECUTE FUNCTION
        audit_row('chat', 'id', 'log_name', 'organization_id',
            'title_made,log_name,archived,status,last_error,lease_id,turn_started_at,snapshot_version,history_version,'
            'queue_version,generation_attempt,updated_at', '');
-- That a title was made anew is a step of the conversation, and no line; that somebody chose another is one.
CREATE TRIGGER audit_chats_update_made AFTER UPDATE OF title, model, client_type, labels, archived, workspace_id ON chats
    FOR EACH ROW WHEN (NEW.parent_chat_id IS NULL AND (OLD.title_made OR NEW.title_made)
        AND (OLD.title = NEW.title OR OLD.title_made <> NEW.title_made)) EXECUTE FUNCTION
        audit_row('chat', 'id', 'log_name', 'organization_id',
            'title_made,log_name,status,last_error,lease_id,turn_started_at,snapshot_version,history_version,'
            'queue_version,generation_attempt,updated_at', 'title');
CREATE TRIGGER audit_chats_update_made_child
    AFTER UPDATE OF title, model, client_type, labels, archived, workspace_id ON chats
    FOR EACH ROW WHEN (NEW.parent_chat_id IS NOT NULL AND (OLD.title_made OR NEW.title_made)
        AND (OLD.title = NEW.title OR OLD.title_made <> NEW.title_made)) EXECUTE FUNCTION
        audit_row('chat', 'id', 'log_name', 'organization_id',
            'title_made,log_name,archived,status,last_error,lease_id,turn_started_at,snapshot_version,history_version,'
            'queue_version,generation_attempt,updated_at', 'title');
CREATE TRIGGER audit_chats_delete AFTER DELETE ON chats
    FOR EACH ROW WHEN (OLD.parent_chat_id IS NULL AND NOT OLD.title_made) EXECUTE FUNCTION
        audit_row('chat', 'id', 'log_name', 'organization_id',
            'title_made,log_name,status,last_error,lease_id,turn_started_at,snapshot_version,history_version,'
            'queue_version,generation_attempt,created_at,updated_at', '');
CREATE TRIGGER audit_chats_delete_made AFTER DELETE ON chats
    FOR EACH ROW WHEN (OLD.parent_chat_id IS NULL AND OLD.title_made) EXECUTE FUNCTION
        audit_row('chat', 'id', 'log_name', 'organization_id',
            'title_made,log_name,status,last_error,lease_id,turn_started_at,snapshot_version,history_version,'
            'queue_version,generation_attempt,created_at,updated_at', 'title');

-- The lines about whom it is shared with call it the same.
DROP TRIGGER acl_changes_insert ON chat_acl;
DROP TRIGGER acl_changes_update ON chat_acl;
DROP TRIGGER acl_changes_delete ON chat_acl;
CREATE TRIGGER acl_changes_insert AFTER INSERT ON chat_acl
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION
        note_acl_changes('chat', 'root_chat_id', 'chats', 'log_name', 'chat_acl_said(role, expires_at)');
CREATE TRIGGER acl_changes_update AFTER UPDATE ON chat_acl
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION
        note_acl_changes('chat', 'root_chat_id', 'chats', 'log_name', 'chat_acl_said(role, expires_at)');
CREATE TRIGGER acl_changes_delete AFTER DELETE ON chat_acl
    REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION
        note_acl_changes('chat', 'root_chat_id', 'chats', 'log_name', 'chat_acl_said(role, expires_at)');

-- As before, but once a day at most: a share that is taken back and given again is told anew only when the last message
-- about it is a day old. The chat is locked by whoever shares it, so that two who do see each other's.
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
        AND NOT EXISTS (SELECT FROM public.notifications AS told
            WHERE told.user_id = n.user_id AND told.template = 'chat_shared' AND told.data ->> 'chat_id' = c.id::text
                AND told.created_at > bursar_now() - interval '24 hours')
    ORDER BY n.user_id;
    RETURN NULL;
END
$$;
CREATE INDEX notifications_shared_chat_idx ON notifications (user_id, (data ->> 'chat_id'), created_at)
    WHERE template = 'chat_shared';

-- Entries that have ended, so that they are removed.
CREATE INDEX chat_acl_expires_at_idx ON chat_acl (expires_at) WHERE expires_at IS NOT NULL;
