-- What is shared with whom is audited by object, not by entry: a change of an ACL is one line with the entries that
-- changed, whatever statements, cascades or rows it took. Each statement notes here what it changed; as its last act
-- the transaction joins the notes. Nobody ever sees a row of another transaction.
CREATE TABLE acl_changes (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    resource_type text NOT NULL,
    changes jsonb NOT NULL
);

-- Notes what a statement changed in a table of ACL entries, which has the columns organization_id, principal_kind
-- (`user`, `group`), principal_id and role beside the object's. Its arguments:
--   0  the object's resource type, a name of the authorization engine's registry
--   1  the column of the object's id
--   2  the object's table
--   3  the column there that people know the object by
CREATE FUNCTION note_acl_changes() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp
    AS $$
DECLARE
    columns text := format('%I AS object, organization_id, principal_kind, principal_id', TG_ARGV[1]);
    added text := format('SELECT %s, NULL AS before, role AS after FROM new_rows', columns);
    removed text := format('SELECT %s, role AS before, NULL AS after FROM old_rows', columns);
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

-- Writes one audit line for each object whose ACL the transaction changed: who had and who has which role, of those
-- for whom it is another one in the end.
CREATE FUNCTION audit_acl_changes() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp
    AS $$
BEGIN
    WITH noted AS (
        DELETE FROM public.acl_changes RETURNING number, resource_type, changes
    ), entry AS (
        SELECT noted.resource_type, e.object, e.organization_id, e.principal_kind, e.principal_id,
            (array_agg(e.before ORDER BY noted.number))[1] AS before,
            (array_agg(e.after ORDER BY noted.number DESC))[1] AS after,
            max(e.target) AS target
        FROM noted, jsonb_to_recordset(noted.changes) AS e (
            object uuid, organization_id uuid, principal_kind text, principal_id uuid,
            before text, after text, target text)
        GROUP BY noted.resource_type, e.object, e.organization_id, e.principal_kind, e.principal_id
    ), side AS (
        SELECT resource_type, object, organization_id, principal_kind, max(target) AS target,
            jsonb_build_object(
                'old', coalesce(jsonb_object_agg(principal_id, before) FILTER (WHERE before IS NOT NULL), '{}'),
                'new', coalesce(jsonb_object_agg(principal_id, after) FILTER (WHERE after IS NOT NULL), '{}'),
                'secret', false) AS roles
        FROM entry WHERE before IS DISTINCT FROM after
        GROUP BY resource_type, object, organization_id, principal_kind
    )
    INSERT INTO public.audit_logs (
        action, resource_type, resource_id, resource_target, organization_id,
        user_id, actor_name, diff, status_code, request_id)
    SELECT 'write', resource_type, object::text, coalesce(max(target), ''), organization_id,
        nullif(current_setting('bursar.actor_id', true), '')::uuid, audit_actor_name(),
        jsonb_object_agg(principal_kind || '_acl', roles), 200,
        nullif(current_setting('bursar.request_id', true), '')::uuid
    FROM side GROUP BY resource_type, object, organization_id
    ORDER BY object;
    RETURN NULL;
END
$$;

REVOKE ALL ON FUNCTION note_acl_changes() FROM PUBLIC;
REVOKE ALL ON FUNCTION audit_acl_changes() FROM PUBLIC;

CREATE CONSTRAINT TRIGGER audit_at_commit
    AFTER INSERT ON acl_changes
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION audit_acl_changes();

-- The shared folders of a team's AI work. A deleted workspace keeps its row, so that history can name it.
CREATE TABLE workspaces (
    id uuid PRIMARY KEY,
    organization_id uuid NOT NULL,
    owner_id uuid NOT NULL,
    name text NOT NULL,
    description text NOT NULL DEFAULT '',
    dormant_at timestamptz,
    deleted boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT bursar_now(),
    updated_at timestamptz NOT NULL DEFAULT bursar_now(),
    -- What the table of entries refers to, so that their organization is the workspace's.
    CONSTRAINT workspaces_id_organization_id_key UNIQUE (id, organization_id),
    CONSTRAINT workspaces_organization_id_fkey
        FOREIGN KEY (organization_id) REFERENCES organizations (id) ON DELETE CASCADE,
    -- The owner may leave the organization: the workspace sleeps then, and stays.
    CONSTRAINT workspaces_owner_id_fkey FOREIGN KEY (owner_id) REFERENCES users (id) ON DELETE CASCADE
);
-- A person's live workspaces have different names, without regard to case; deleting frees a name.
CREATE UNIQUE INDEX workspaces_owner_id_name_key ON workspaces (owner_id, lower(name)) WHERE NOT deleted;
CREATE INDEX workspaces_organization_id_idx ON workspaces (organization_id, lower(name), id) WHERE NOT deleted;

CREATE TRIGGER audit_workspaces
    AFTER INSERT OR UPDATE OR DELETE ON workspaces
    FOR EACH ROW EXECUTE FUNCTION
        audit_row('workspace', 'id', 'name', 'organization_id', 'updated_at', '');

-- Who else may use a workspace: an entry for each person or group.
CREATE TABLE workspace_acl (
    workspace_id uuid NOT NULL,
    organization_id uuid NOT NULL,
    user_id uuid,
    group_id uuid,
    principal_kind text NOT NULL GENERATED ALWAYS AS (CASE WHEN user_id IS NULL THEN 'group' ELSE 'user' END) STORED,
    principal_id uuid NOT NULL GENERATED ALWAYS AS (coalesce(user_id, group_id)) STORED,
    role text NOT NULL,
    -- For people who look into the database: decisions read neither.
    granted_by uuid DEFAULT nullif(current_setting('bursar.actor_id', true), '')::uuid,
    granted_at timestamptz NOT NULL DEFAULT bursar_now(),
    CONSTRAINT workspace_acl_pkey PRIMARY KEY (workspace_id, principal_kind, principal_id),
    -- An entry is about one person or one group.
    CONSTRAINT workspace_acl_principal_check CHECK (num_nonnulls(user_id, group_id) = 1),
    CONSTRAINT workspace_acl_role_check CHECK (role IN ('use', 'admin')),
    CONSTRAINT workspace_acl_workspace_fkey
        FOREIGN KEY (workspace_id, organization_id) REFERENCES workspaces (id, organization_id) ON DELETE CASCADE,
    -- Only members of the workspace's organization; whoever leaves it loses what was shared with them for good.
    CONSTRAINT workspace_acl_organization_member_fkey
        FOREIGN KEY (organization_id, user_id)
        REFERENCES organization_members (organization_id, user_id) ON DELETE CASCADE,
    -- Only groups of the workspace's organization.
    CONSTRAINT workspace_acl_group_fkey
        FOREIGN KEY (group_id, organization_id) REFERENCES groups (id, organization_id) ON DELETE CASCADE
);
-- What is shared with somebody, and what goes when they leave.
CREATE INDEX workspace_acl_user_idx ON workspace_acl (user_id, organization_id) WHERE user_id IS NOT NULL;
CREATE INDEX workspace_acl_group_idx ON workspace_acl (group_id, organization_id) WHERE group_id IS NOT NULL;

CREATE TRIGGER acl_changes_insert AFTER INSERT ON workspace_acl
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION note_acl_changes('workspace', 'workspace_id', 'workspaces', 'name');
CREATE TRIGGER acl_changes_update AFTER UPDATE ON workspace_acl
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION note_acl_changes('workspace', 'workspace_id', 'workspaces', 'name');
CREATE TRIGGER acl_changes_delete AFTER DELETE ON workspace_acl
    REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION note_acl_changes('workspace', 'workspace_id', 'workspaces', 'name');

-- Notes come from the triggers.
INSERT INTO application_rights (table_name, rights) VALUES ('acl_changes', '');
