-- Switches of features that somebody set: of the whole deployment, or of one organization. Without one of the
-- organization the deployment's holds, without that the program's default.
CREATE TABLE feature_flags (
    id uuid PRIMARY KEY DEFAULT bursar_uuid_v7(),
    -- The feature. Not every program that shares the database need know it.
    name text NOT NULL,
    -- Where; NULL is the whole deployment.
    organization_id uuid,
    enabled boolean NOT NULL,
    created_at timestamptz NOT NULL DEFAULT bursar_now(),
    updated_at timestamptz NOT NULL DEFAULT bursar_now(),
    CONSTRAINT feature_flags_name_check CHECK (name <> ''),
    -- A switch goes with its organization.
    CONSTRAINT feature_flags_organization_id_fkey
        FOREIGN KEY (organization_id) REFERENCES organizations (id) ON DELETE CASCADE
);
-- One switch a feature and place.
CREATE UNIQUE INDEX feature_flags_key
    ON feature_flags (name, coalesce(organization_id, '00000000-0000-0000-0000-000000000000'));
CREATE INDEX feature_flags_organization_id_idx ON feature_flags (organization_id);

CREATE TRIGGER audit_feature_flags
    AFTER INSERT OR UPDATE OR DELETE ON feature_flags
    FOR EACH ROW EXECUTE FUNCTION
        audit_row('feature_flag', 'id', 'name', 'organization_id', 'created_at,updated_at', '');
