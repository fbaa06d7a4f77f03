-- How often something changed that decides what a person may do: for a person (status, site roles, deletion,
-- memberships with their roles, groups) and for an organization (deletion). Servers keep what they made of a
-- person for as long as these numbers stand. No foreign keys: a row that is made again under an old id goes on
-- counting, so that no number comes back.
CREATE TABLE subject_versions (
    id uuid PRIMARY KEY,
    version bigint NOT NULL
) WITH (fillfactor = 70);

-- What the present transaction will raise when it commits. Nobody ever sees a row of another transaction.
CREATE TABLE subject_version_raises (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    ids uuid[] NOT NULL
);

-- Notes whose version a statement raises. Its arguments: the column of the id, then the columns that decide,
-- separated by commas. Rows count as changed when they are on one side only, so that an update of anything
-- else, and one that changes nothing, raises nothing.
CREATE FUNCTION raise_subject_versions() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp
    AS $$
DECLARE
    columns text := concat_ws(', ', quote_ident(TG_ARGV[0]), nullif(TG_ARGV[1], ''));
    before text := format('SELECT %s FROM old_rows', columns);
    after text := format('SELECT %s FROM new_rows', columns);
    changed text;
    raised uuid[];
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        SELECT array_agg(users.id) INTO raised FROM public.users;
    ELSE
        changed := CASE TG_OP
            WHEN 'INSERT' THEN after
            WHEN 'DELETE' THEN before
            ELSE format('(%1$s EXCEPT %2$s) UNION (%2$s EXCEPT %1$s)', before, after)
        END;
        EXECUTE format('SELECT array_agg(DISTINCT %I) FROM (%s) AS changed', TG_ARGV[0], changed) INTO raised;
    END IF;
    IF raised IS NOT NULL THEN
        INSERT INTO public.subject_version_raises (ids) VALUES (raised);
    END IF;
    RETURN NULL;
END
$$;

-- Raises what a transaction noted, as its last act and in the order of ids. Raised at once, the rows would stay
-- locked until the commit, and two transactions that move people between groups would wait for each other.
CREATE FUNCTION raise_noted_subject_versions() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp
    AS $$
BEGIN
    WITH noted AS (DELETE FROM public.subject_version_raises RETURNING ids)
    INSERT INTO public.subject_versions AS known (id, version)
        SELECT raised.id, 1 FROM (SELECT DISTINCT unnest(ids) AS id FROM noted) AS raised
        ORDER BY raised.id
    ON CONFLICT (id) DO UPDATE SET version = known.version + 1;
    RETURN NULL;
END
$$;

REVOKE ALL ON FUNCTION raise_subject_versions() FROM PUBLIC;
REVOKE ALL ON FUNCTION raise_noted_subject_versions() FROM PUBLIC;

CREATE CONSTRAINT TRIGGER raise_at_commit
    AFTER INSERT ON subject_version_raises
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION raise_noted_subject_versions();

-- A trigger with both sides of a statement stands for one event, so there are three for each table; cascades
-- fire them as well. Custom roles will have three like these, with the role's id and its permissions.
CREATE TRIGGER subject_versions_insert AFTER INSERT ON users
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION raise_subject_versions('id', 'status, roles, deleted');
CREATE TRIGGER subject_versions_update AFTER UPDATE ON users
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION raise_subject_versions('id', 'status, roles, deleted');
CREATE TRIGGER subject_versions_delete AFTER DELETE ON users
    REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION raise_subject_versions('id', 'status, roles, deleted');

CREATE TRIGGER subject_versions_insert AFTER INSERT ON organizations
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION raise_subject_versions('id', 'deleted');
CREATE TRIGGER subject_versions_update AFTER UPDATE ON organizations
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION raise_subject_versions('id', 'deleted');
CREATE TRIGGER subject_versions_delete AFTER DELETE ON organizations
    REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION raise_subject_versions('id', 'deleted');

CREATE TRIGGER subject_versions_insert AFTER INSERT ON organization_members
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION raise_subject_versions('user_id', 'organization_id, roles');
CREATE TRIGGER subject_versions_update AFTER UPDATE ON organization_members
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION raise_subject_versions('user_id', 'organization_id, roles');
CREATE TRIGGER subject_versions_delete AFTER DELETE ON organization_members
    REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION raise_subject_versions('user_id', 'organization_id, roles');
CREATE TRIGGER subject_versions_truncate AFTER TRUNCATE ON organization_members
    FOR EACH STATEMENT EXECUTE FUNCTION raise_subject_versions('user_id', '');

CREATE TRIGGER subject_versions_insert AFTER INSERT ON group_members
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION raise_subject_versions('user_id', 'group_id, organization_id');
CREATE TRIGGER subject_versions_update AFTER UPDATE ON group_members
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION raise_subject_versions('user_id', 'group_id, organization_id');
CREATE TRIGGER subject_versions_delete AFTER DELETE ON group_members
    REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION raise_subject_versions('user_id', 'group_id, organization_id');
CREATE TRIGGER subject_versions_truncate AFTER TRUNCATE ON group_members
    FOR EACH STATEMENT EXECUTE FUNCTION raise_subject_versions('user_id', '');

-- The triggers raise them; the server only reads them.
INSERT INTO application_rights (table_name, rights) VALUES
    ('subject_versions', 'SELECT'),
    ('subject_version_raises', '');
