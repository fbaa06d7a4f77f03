-- Whether what is shared of an organization's chats counts. What was granted is kept while it does not.
ALTER TABLE organizations ADD COLUMN chat_sharing boolean NOT NULL DEFAULT true;
-- It decides what people may see, so that whoever looks at something is asked about at once.
DROP TRIGGER subject_versions_update ON organizations;
CREATE TRIGGER subject_versions_update AFTER UPDATE ON organizations
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION
        raise_subject_versions('id', 'deleted, default_org_member_roles, shareable_workspace_owners, chat_sharing');

-- Conversations of people with models. A sub-chat belongs to the family of its root, whatever is between them, and so
-- does all that decides who may read it: a root points to itself.
CREATE TABLE chats (
    id uuid PRIMARY KEY,
    organization_id uuid NOT NULL,
    owner_id uuid NOT NULL,
    workspace_id uuid,
    parent_chat_id uuid,
    root_chat_id uuid NOT NULL,
    title text NOT NULL,
    -- What the provider and its model are called, as `provider/model`; NULL is the deployment's.
    model text,
    client_type text NOT NULL DEFAULT 'api',
    labels jsonb NOT NULL DEFAULT '{}',
    archived boolean NOT NULL DEFAULT false,
    status text NOT NULL DEFAULT 'waiting',
    -- Why the last turn ended in an error.
    last_error jsonb,
    -- The server that runs the turn, by its lease.
    lease_id uuid,
    turn_started_at timestamptz,
    -- Raised by each change of what follows; the others are its value at the last change of their kind.
    snapshot_version bigint NOT NULL DEFAULT 0,
    history_version bigint NOT NULL DEFAULT 0,
    queue_version bigint NOT NULL DEFAULT 0,
    -- Counts the turns since the history changed last.
    generation_attempt bigint NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT bursar_now(),
    updated_at timestamptz NOT NULL DEFAULT bursar_now(),
    -- What sub-chats, entries of the ACL and files refer to, so that family, organization and owner are the same.
    CONSTRAINT chats_family_key UNIQUE (id, root_chat_id, organization_id, owner_id),
    CONSTRAINT chats_id_root_chat_id_organization_id_key UNIQUE (id, root_chat_id, organization_id),
    -- A root is its own root, and nothing else is.
    CONSTRAINT chats_root_check CHECK ((parent_chat_id IS NULL) = (root_chat_id = id)),
    CONSTRAINT chats_title_check CHECK (char_length(title) BETWEEN 1 AND 200),
    CONSTRAINT chats_client_type_check CHECK (client_type IN ('ui', 'api')),
    CONSTRAINT chats_labels_check CHECK (jsonb_typeof(labels) = 'object'),
    CONSTRAINT chats_status_check CHECK (status IN ('waiting', 'running', 'error', 'interrupting')),
    -- What is archived does nothing.
    CONSTRAINT chats_archived_check CHECK (NOT archived OR status IN ('waiting', 'error')),
    -- A turn runs at a server, and nothing else does.
    CONSTRAINT chats_lease_check CHECK ((lease_id IS NOT NULL) = (status IN ('running', 'interrupting'))),
    CONSTRAINT chats_organization_id_fkey
        FOREIGN KEY (organization_id) REFERENCES organizations (id) ON DELETE CASCADE,
    CONSTRAINT chats_owner_id_fkey FOREIGN KEY (owner_id) REFERENCES users (id) ON DELETE CASCADE,
    -- The chat stays when its workspace goes.
    CONSTRAINT chats_workspace_id_fkey
        FOREIGN KEY (workspace_id, organization_id) REFERENCES workspaces (id, organization_id)
        ON DELETE SET NULL (workspace_id),
    -- The parent is of the same family, organization and owner, at any depth.
    CONSTRAINT chats_parent_fkey
        FOREIGN KEY (parent_chat_id, root_chat_id, organization_id, owner_id)
        REFERENCES chats (id, root_chat_id, organization_id, owner_id) ON DELETE CASCADE
);
-- A person's own list, in its order; what is kept on top is found by `chat_viewers`.
CREATE INDEX chats_own_idx ON chats (owner_id, archived, updated_at DESC, id DESC) WHERE parent_chat_id IS NULL;
CREATE INDEX chats_owner_id_idx ON chats (owner_id);
CREATE INDEX chats_organization_id_idx ON chats (organization_id);
CREATE INDEX chats_root_chat_id_idx ON chats (root_chat_id) WHERE parent_chat_id IS NOT NULL;
CREATE INDEX chats_parent_chat_id_idx ON chats (parent_chat_id) WHERE parent_chat_id IS NOT NULL;
CREATE INDEX chats_workspace_id_idx ON chats (workspace_id, created_at DESC) WHERE workspace_id IS NOT NULL;
-- Turns whose server may have gone.
CREATE INDEX chats_lease_id_idx ON chats (lease_id) WHERE lease_id IS NOT NULL;
-- What is archived by itself, and what is removed.
CREATE INDEX chats_age_idx ON chats (archived, updated_at, id) WHERE parent_chat_id IS NULL;

-- Whose a chat is, in which organization and family, never changes: whoever may read it was decided by that.
CREATE FUNCTION refuse_chat_move() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, public, pg_temp
    AS $$
BEGIN
    RAISE EXCEPTION 'a chat keeps its owner, organization, parent and root'
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'chats_immutable';
END
$$;
CREATE TRIGGER refuse_chat_move BEFORE UPDATE OF id, organization_id, owner_id, parent_chat_id, root_chat_id ON chats
    FOR EACH ROW
    WHEN (OLD.id <> NEW.id OR OLD.organization_id <> NEW.organization_id OR OLD.owner_id <> NEW.owner_id
        OR OLD.parent_chat_id IS DISTINCT FROM NEW.parent_chat_id OR OLD.root_chat_id <> NEW.root_chat_id)
    EXECUTE FUNCTION refuse_chat_move();

-- The log tells of a chat's life, not of its conversation, whose steps are not even looked at. A family is archived and removed as one, by a line of its
-- root.
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

-- With whom a family is shared: the entries are its root's.
CREATE TABLE chat_acl (
    root_chat_id uuid NOT NULL,
    organization_id uuid NOT NULL,
    -- The same id again, for the foreign key that lets only a root have entries.
    its_own_root_chat_id uuid NOT NULL GENERATED ALWAYS AS (root_chat_id) STORED,
    user_id uuid,
    group_id uuid,
    principal_kind text NOT NULL GENERATED ALWAYS AS (CASE WHEN user_id IS NULL THEN 'group' ELSE 'user' END) STORED,
    principal_id uuid NOT NULL GENERATED ALWAYS AS (coalesce(user_id, group_id)) STORED,
    role text NOT NULL,
    granted_by uuid DEFAULT nullif(current_setting('bursar.actor_id', true), '')::uuid,
    granted_at timestamptz NOT NULL DEFAULT bursar_now(),
    -- From then on the entry counts for nothing; NULL is never.
    expires_at timestamptz,
    CONSTRAINT chat_acl_pkey PRIMARY KEY (root_chat_id, principal_kind, principal_id),
    CONSTRAINT chat_acl_principal_check CHECK (num_nonnulls(user_id, group_id) = 1),
    CONSTRAINT chat_acl_role_check CHECK (role IN ('read')),
    -- A sub-chat has no entries of its own.
    CONSTRAINT chat_acl_root_fkey
        FOREIGN KEY (root_chat_id, its_own_root_chat_id, organization_id)
        REFERENCES chats (id, root_chat_id, organization_id) ON DELETE CASCADE,
    -- Only members of the chat's organization; whoever leaves it loses what was shared with them for good.
    CONSTRAINT chat_acl_organization_member_fkey
        FOREIGN KEY (organization_id, user_id)
        REFERENCES organization_members (organization_id, user_id) ON DELETE CASCADE,
    -- Only groups of the chat's organization.
    CONSTRAINT chat_acl_group_fkey
        FOREIGN KEY (group_id, organization_id) REFERENCES groups (id, organization_id) ON DELETE CASCADE
);
CREATE INDEX chat_acl_user_idx ON chat_acl (user_id, organization_id) WHERE user_id IS NOT NULL;
CREATE INDEX chat_acl_group_idx ON chat_acl (group_id, organization_id) WHERE group_id IS NOT NULL;

-- As before, with one argument more, which may be left out:
--   4  what is said of an entry, in SQL: its role
CREATE OR REPLACE FUNCTION note_acl_changes() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp
    AS $$
DECLARE
    columns text := format('%I AS object, organization_id, principal_kind, principal_id', TG_ARGV[1]);
    said text := coalesce(TG_ARGV[4], 'role');
    added text := format('SELECT %s, NULL AS before, %s AS after FROM new_rows', columns, said);
    removed text := format('SELECT %s, %s AS before, NULL AS after FROM old_rows', columns, said);
    changed text := CASE TG_OP
        WHEN 'INSERT' THEN added
        WHEN 'DELETE' THEN removed
        ELSE format('%s UNION ALL %s', removed, added)
    END;
    noted jsonb;
BEGIN
    EXECUTE format(
        'SELECT jsonb_agg(to_jsonb(entry) || jsonb_build_object(''target'', named.%1$I)) FROM ('
        'SELECT object, organization_id, principal_kind, principal_id, max(before) AS before, max(after) AS after '
        'FROM (%3$s) AS changed GROUP BY object, organization_id, principal_kind, principal_id '
        'HAVING max(before) IS DISTINCT FROM max(after)) AS entry '
        'LEFT JOIN public.%2$I AS named ON named.id = entry.object',
        TG_ARGV[3], TG_ARGV[2], changed) INTO noted;
    IF noted IS NOT NULL THEN
        PERFORM audit_actor_name();
        INSERT INTO public.acl_changes (resource_type, changes) VALUES (TG_ARGV[0], noted);
    END IF;
    RETURN NULL;
END
$$;

-- What is said of an entry that ends: when, so that another end is a change like another role.
CREATE FUNCTION chat_acl_said(role text, expires_at timestamptz) RETURNS text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, public, pg_temp
    RETURN CASE WHEN expires_at IS NULL THEN role
        ELSE role || ' until ' || to_char(expires_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') END;

CREATE TRIGGER acl_changes_insert AFTER INSERT ON chat_acl
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION note_acl_changes('chat', 'root_chat_id', 'chats', 'title', 'chat_acl_said(role, expires_at)');
CREATE TRIGGER acl_changes_update AFTER UPDATE ON chat_acl
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION note_acl_changes('chat', 'root_chat_id', 'chats', 'title', 'chat_acl_said(role, expires_at)');
CREATE TRIGGER acl_changes_delete AFTER DELETE ON chat_acl
    REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION note_acl_changes('chat', 'root_chat_id', 'chats', 'title', 'chat_acl_said(role, expires_at)');

-- Each chat with its family's effective ACL (entries that count now) and its owner's names: what every read uses.
CREATE VIEW chats_expanded AS
    SELECT c.*, o.chat_sharing, u.username AS owner_username, u.name AS owner_name,
        u.login_type = 'none' AS owner_service_account,
        (SELECT coalesce(jsonb_agg(jsonb_build_array(acl.principal_kind, acl.principal_id, acl.role)), '[]')
            FROM chat_acl AS acl
            WHERE acl.root_chat_id = c.root_chat_id
                AND (acl.expires_at IS NULL OR acl.expires_at > bursar_now())) AS acl
    FROM chats AS c
    JOIN organizations AS o ON o.id = c.organization_id AND NOT o.deleted
    JOIN users AS u ON u.id = c.owner_id;

-- The words of a message's texts, as far as they are searched.
CREATE FUNCTION chat_message_words(content jsonb) RETURNS tsvector
    LANGUAGE sql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
    RETURN (SELECT to_tsvector('simple'::regconfig, left(coalesce(string_agg(part ->> 'text', ' '), ''), 100000))
        FROM jsonb_array_elements(content) AS part);

-- What was said. Rows are in the order of their ids; a row that was edited away stays, for who has seen it.
CREATE TABLE chat_messages (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    chat_id uuid NOT NULL,
    role text NOT NULL,
    -- Who it is for: people, the model, or both.
    visibility text NOT NULL DEFAULT 'both',
    -- A list of parts.
    content jsonb NOT NULL,
    created_by uuid,
    model text,
    -- The usage event of the turn that wrote it.
    usage_event_id uuid,
    input_tokens bigint,
    output_tokens bigint,
    deleted boolean NOT NULL DEFAULT false,
    -- The chat's snapshot version at the last change.
    revision bigint NOT NULL,
    created_at timestamptz NOT NULL DEFAULT bursar_now(),
    words tsvector GENERATED ALWAYS AS (chat_message_words(content)) STORED,
    CONSTRAINT chat_messages_role_check CHECK (role IN ('system', 'user', 'assistant')),
    CONSTRAINT chat_messages_visibility_check CHECK (visibility IN ('user', 'model', 'both')),
    CONSTRAINT chat_messages_content_check CHECK (jsonb_typeof(content) = 'array'),
    CONSTRAINT chat_messages_chat_id_fkey FOREIGN KEY (chat_id) REFERENCES chats (id) ON DELETE CASCADE,
    CONSTRAINT chat_messages_created_by_fkey FOREIGN KEY (created_by) REFERENCES users (id) ON DELETE SET NULL
);
CREATE INDEX chat_messages_chat_id_idx ON chat_messages (chat_id, id);
CREATE INDEX chat_messages_revision_idx ON chat_messages (chat_id, revision);
CREATE INDEX chat_messages_answers_idx ON chat_messages (chat_id, id) WHERE role = 'assistant' AND NOT deleted;
CREATE INDEX chat_messages_words_idx ON chat_messages USING gin (words) WHERE NOT deleted AND visibility <> 'model';

-- What waits to be said until the present turn has ended. Only the owner sees it.
CREATE TABLE chat_queued_messages (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    chat_id uuid NOT NULL,
    content jsonb NOT NULL,
    model text,
    created_by uuid,
    -- What is next has the least.
    position bigint NOT NULL,
    created_at timestamptz NOT NULL DEFAULT bursar_now(),
    CONSTRAINT chat_queued_messages_content_check CHECK (jsonb_typeof(content) = 'array'),
    CONSTRAINT chat_queued_messages_chat_id_fkey FOREIGN KEY (chat_id) REFERENCES chats (id) ON DELETE CASCADE,
    CONSTRAINT chat_queued_messages_created_by_fkey FOREIGN KEY (created_by) REFERENCES users (id) ON DELETE SET NULL
);
CREATE UNIQUE INDEX chat_queued_messages_position_key ON chat_queued_messages (chat_id, position);

-- What the model has said so far in a turn that runs, in pieces of a twentieth of a second: for viewers at other
-- servers, and for what is left of a turn whose server went.
CREATE TABLE chat_parts (
    chat_id uuid NOT NULL,
    history_version bigint NOT NULL,
    generation_attempt bigint NOT NULL,
    seq integer NOT NULL,
    part jsonb NOT NULL,
    CONSTRAINT chat_parts_pkey PRIMARY KEY (chat_id, history_version, generation_attempt, seq),
    CONSTRAINT chat_parts_chat_id_fkey FOREIGN KEY (chat_id) REFERENCES chats (id) ON DELETE CASCADE
);

-- Files that people attach. A file belongs to one chat at most, and is readable with it.
CREATE TABLE chat_files (
    id uuid PRIMARY KEY,
    owner_id uuid NOT NULL,
    organization_id uuid NOT NULL,
    chat_id uuid,
    name text NOT NULL,
    -- What it is by its bytes.
    mime_type text NOT NULL,
    size_bytes bigint NOT NULL,
    sha256 bytea NOT NULL,
    data bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT bursar_now(),
    CONSTRAINT chat_files_name_check CHECK (char_length(name) BETWEEN 1 AND 255),
    CONSTRAINT chat_files_size_check CHECK (size_bytes = octet_length(data)),
    CONSTRAINT chat_files_organization_id_fkey
        FOREIGN KEY (organization_id) REFERENCES organizations (id) ON DELETE CASCADE,
    CONSTRAINT chat_files_owner_id_fkey FOREIGN KEY (owner_id) REFERENCES users (id) ON DELETE CASCADE,
    -- It goes with its chat.
    CONSTRAINT chat_files_chat_id_fkey FOREIGN KEY (chat_id) REFERENCES chats (id) ON DELETE CASCADE
);
CREATE INDEX chat_files_chat_id_idx ON chat_files (chat_id, created_at, id) WHERE chat_id IS NOT NULL;
-- What nobody has attached goes after a day.
CREATE INDEX chat_files_loose_idx ON chat_files (owner_id, created_at) WHERE chat_id IS NULL;

-- Addresses of files that hold for a while without a session. Whoever they were made for is asked about again.
CREATE TABLE chat_file_downloads (
    token_hash bytea PRIMARY KEY,
    file_id uuid NOT NULL,
    user_id uuid NOT NULL,
    expires_at timestamptz NOT NULL,
    CONSTRAINT chat_file_downloads_file_id_fkey FOREIGN KEY (file_id) REFERENCES chat_files (id) ON DELETE CASCADE,
    CONSTRAINT chat_file_downloads_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
);
CREATE INDEX chat_file_downloads_expires_at_idx ON chat_file_downloads (expires_at);

-- What each viewer, the owner too, has read, and what a viewer keeps on top or out of sight. A row of a person who may
-- not read the chat any more counts for nothing. The places on top are here and not with the chats, so that closing them
-- up changes no other chat: two changes of an owner's chats would wait for each other in a circle.
CREATE TABLE chat_viewers (
    chat_id uuid NOT NULL,
    user_id uuid NOT NULL,
    last_read_message_id bigint,
    -- The place on top, from 1 on, among the viewer's own chats or among those of others; 0 is not there. Only roots that
    -- are not archived have one.
    pin_order integer NOT NULL DEFAULT 0,
    hidden boolean NOT NULL DEFAULT false,
    CONSTRAINT chat_viewers_pkey PRIMARY KEY (chat_id, user_id),
    CONSTRAINT chat_viewers_pin_order_check CHECK (pin_order >= 0),
    CONSTRAINT chat_viewers_chat_id_fkey FOREIGN KEY (chat_id) REFERENCES chats (id) ON DELETE CASCADE,
    CONSTRAINT chat_viewers_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
);
CREATE INDEX chat_viewers_user_id_idx ON chat_viewers (user_id);
CREATE INDEX chat_viewers_pinned_idx ON chat_viewers (user_id, pin_order) WHERE pin_order > 0;

-- A direct share is told to whom it was made for, once, in the transaction of the share: not to the owner, not to who
-- shared it, and never to a group.
CREATE FUNCTION tell_of_shared_chat() RETURNS trigger
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
CREATE TRIGGER tell_of_shared_chat AFTER INSERT ON chat_acl
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION tell_of_shared_chat();

-- Servers hear at once what happens to chats, on the channel `bursar_chats`: a word for what, and the chat's id. It is a
-- hint, which may be lost: they look again by themselves as well.
--   state  the chat or what is said in it changed
--   acl    with whom its family is shared changed
--   gone   it was removed
CREATE FUNCTION notify_chat() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, public, pg_temp
    AS $$
BEGIN
    PERFORM pg_notify('bursar_chats',
        CASE TG_OP WHEN 'DELETE' THEN 'gone ' || OLD.id ELSE 'state ' || NEW.id END);
    RETURN NULL;
END
$$;
CREATE TRIGGER notify_chat AFTER INSERT OR UPDATE OR DELETE ON chats
    FOR EACH ROW EXECUTE FUNCTION notify_chat();

CREATE FUNCTION notify_chat_acl() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, public, pg_temp
    AS $$
BEGIN
    PERFORM pg_notify('bursar_chats', 'acl ' || changed.root_chat_id)
    FROM (SELECT DISTINCT root_chat_id FROM changed_rows) AS changed;
    RETURN NULL;
END
$$;
CREATE TRIGGER notify_chat_acl_insert AFTER INSERT ON chat_acl
    REFERENCING NEW TABLE AS changed_rows FOR EACH STATEMENT EXECUTE FUNCTION notify_chat_acl();
CREATE TRIGGER notify_chat_acl_update AFTER UPDATE ON chat_acl
    REFERENCING NEW TABLE AS changed_rows FOR EACH STATEMENT EXECUTE FUNCTION notify_chat_acl();
CREATE TRIGGER notify_chat_acl_delete AFTER DELETE ON chat_acl
    REFERENCING OLD TABLE AS changed_rows FOR EACH STATEMENT EXECUTE FUNCTION notify_chat_acl();
