-- How fresh the caps of a subscription are, where an upstream system keeps them and the tables of caps mirror it: for the
-- whole deployment (the nil organization), or for one organization.
CREATE TABLE budget_cap_mirrors (
    scope_id uuid PRIMARY KEY,
    -- The same, for the foreign key; NULL for the deployment.
    organization_id uuid,
    -- Raised by every write upstream, before and after: what was read meanwhile does not count.
    version bigint NOT NULL DEFAULT 0,
    -- The version that the last good read, or what was written since, belongs to. Another one: a write may have been
    -- done that is not mirrored.
    read_version bigint,
    -- When the last good read began: what is mirrored is not older. NULL: nothing was ever read.
    read_at timestamptz,
    -- From when on it is to be read again.
    due_at timestamptz NOT NULL DEFAULT bursar_now(),
    -- Whose own cap, when it comes again upstream, means the flat one while it is disabled: it did when it went.
    inheriting uuid[] NOT NULL DEFAULT '{}',
    CONSTRAINT budget_cap_mirrors_scope_check
        CHECK (scope_id = coalesce(organization_id, '00000000-0000-0000-0000-000000000000')),
    CONSTRAINT budget_cap_mirrors_read_check CHECK ((read_version IS NULL) = (read_at IS NULL)),
    CONSTRAINT budget_cap_mirrors_organization_id_fkey
        FOREIGN KEY (organization_id) REFERENCES organizations (id) ON DELETE CASCADE
);
CREATE INDEX budget_cap_mirrors_due_at_idx ON budget_cap_mirrors (due_at);
