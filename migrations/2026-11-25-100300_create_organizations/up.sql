-- A deleted organization keeps its row, so that history can name it.
CREATE TABLE organizations (
    id uuid PRIMARY KEY,
    name text NOT NULL,
    display_name text NOT NULL DEFAULT '',
    description text NOT NULL DEFAULT '',
    icon text NOT NULL DEFAULT '',
    "default" boolean NOT NULL DEFAULT false,
    deleted boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT bursar_now(),
    updated_at timestamptz NOT NULL DEFAULT bursar_now(),
    -- The default organization cannot be deleted.
    CONSTRAINT organizations_default_stays_check CHECK (NOT ("default" AND deleted))
);

-- Names are unique without regard to case among live organizations; deleting frees them.
CREATE UNIQUE INDEX organizations_name_key ON organizations (lower(name)) WHERE NOT deleted;
-- There is one default organization at most.
CREATE UNIQUE INDEX organizations_default_key ON organizations ("default") WHERE "default";

CREATE TRIGGER audit_organizations
    AFTER INSERT OR UPDATE OR DELETE ON organizations
    FOR EACH ROW EXECUTE FUNCTION audit_row('organization', 'id', 'name', 'id', 'updated_at', '');

CREATE TABLE organization_members (
    organization_id uuid NOT NULL,
    user_id uuid NOT NULL,
    roles text[] NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT bursar_now(),
    updated_at timestamptz NOT NULL DEFAULT bursar_now(),
    -- A person is in an organization once.
    CONSTRAINT organization_members_pkey PRIMARY KEY (organization_id, user_id),
    CONSTRAINT organization_members_organization_id_fkey
        FOREIGN KEY (organization_id) REFERENCES organizations (id) ON DELETE CASCADE,
    CONSTRAINT organization_members_user_id_fkey
        FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
);
CREATE INDEX organization_members_user_id_idx ON organization_members (user_id);

CREATE TRIGGER audit_organization_members
    AFTER INSERT OR UPDATE OR DELETE ON organization_members
    FOR EACH ROW EXECUTE FUNCTION
        audit_row('organization_member', 'user_id', '@username', 'organization_id', 'updated_at', '');
