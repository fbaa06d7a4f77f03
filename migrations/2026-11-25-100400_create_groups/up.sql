CREATE TABLE groups (
    id uuid PRIMARY KEY,
    organization_id uuid NOT NULL,
    name text NOT NULL,
    display_name text NOT NULL DEFAULT '',
    avatar_url text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT bursar_now(),
    updated_at timestamptz NOT NULL DEFAULT bursar_now(),
    -- What the tables of members and budgets refer to, so that their organization is the group's.
    CONSTRAINT groups_id_organization_id_key UNIQUE (id, organization_id),
    CONSTRAINT groups_organization_id_fkey
        FOREIGN KEY (organization_id) REFERENCES organizations (id) ON DELETE CASCADE
);
-- Names are unique within an organization, without regard to case.
CREATE UNIQUE INDEX groups_organization_id_name_key ON groups (organization_id, lower(name));

CREATE TRIGGER audit_groups
    AFTER INSERT OR UPDATE OR DELETE ON groups
    FOR EACH ROW EXECUTE FUNCTION audit_row('group', 'id', 'name', 'organization_id', 'updated_at', '');

-- Every organization has a group of its own id that everyone in it belongs to.
CREATE FUNCTION create_everyone_group() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, public, pg_temp
    AS $$
BEGIN
    INSERT INTO public.groups (id, organization_id, name) VALUES (NEW.id, NEW.id, 'Everyone');
    RETURN NULL;
END
$$;
CREATE TRIGGER everyone_group
    AFTER INSERT ON organizations
    FOR EACH ROW EXECUTE FUNCTION create_everyone_group();

CREATE TABLE group_members (
    group_id uuid NOT NULL,
    user_id uuid NOT NULL,
    organization_id uuid NOT NULL,
    created_at timestamptz NOT NULL DEFAULT bursar_now(),
    CONSTRAINT group_members_pkey PRIMARY KEY (group_id, user_id),
    -- The Everyone group follows the organization's membership; nobody is put into it.
    CONSTRAINT group_members_everyone_check CHECK (group_id <> organization_id),
    CONSTRAINT group_members_group_id_fkey
        FOREIGN KEY (group_id, organization_id) REFERENCES groups (id, organization_id) ON DELETE CASCADE,
    -- Only people of the group's organization are in it, and who leaves the organization leaves the group.
    CONSTRAINT group_members_organization_member_fkey
        FOREIGN KEY (organization_id, user_id)
        REFERENCES organization_members (organization_id, user_id) ON DELETE CASCADE
);
CREATE INDEX group_members_user_id_idx ON group_members (user_id);
CREATE INDEX group_members_organization_member_idx ON group_members (organization_id, user_id);

CREATE TRIGGER audit_group_members
    AFTER INSERT OR UPDATE OR DELETE ON group_members
    FOR EACH ROW EXECUTE FUNCTION
        audit_row('group_member', 'user_id', '@username', 'organization_id', '', '');

-- Who is in which group: the people put there, and everyone of an organization in its Everyone group.
CREATE VIEW group_members_expanded AS
    SELECT group_id, organization_id, user_id FROM group_members
    UNION ALL
    SELECT organization_id AS group_id, organization_id, user_id FROM organization_members;
