-- Servers with open streams hear at once whose rights may have changed, by id on the channel `bursar_subjects`.
-- It is a hint, which may be lost: they look again by themselves as well.

-- Says these ids, of people and of organizations; beyond a thousand one `*` for everybody, which is cheaper to
-- say and to hear.
CREATE FUNCTION notify_subjects(ids uuid[]) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, public, pg_temp
    AS $$
BEGIN
    IF cardinality(ids) > 1000 THEN
        PERFORM pg_notify('bursar_subjects', '*');
    ELSE
        PERFORM pg_notify('bursar_subjects', said.id::text) FROM unnest(ids) AS said (id);
    END IF;
END
$$;

-- As before, and the raised ids are said.
CREATE OR REPLACE FUNCTION raise_noted_subject_versions() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp
    AS $$
DECLARE
    raised uuid[];
BEGIN
    WITH noted AS (DELETE FROM public.subject_version_raises RETURNING ids),
    written AS (
        INSERT INTO public.subject_versions AS known (id, version)
            SELECT wanted.id, 1 FROM (SELECT DISTINCT unnest(ids) AS id FROM noted) AS wanted
            ORDER BY wanted.id
        ON CONFLICT (id) DO UPDATE SET version = known.version + 1
        RETURNING known.id
    )
    SELECT array_agg(written.id) INTO raised FROM written;
    PERFORM public.notify_subjects(raised);
    RETURN NULL;
END
$$;

-- A key's end, and whatever else befalls it, is said of its owner.
CREATE FUNCTION notify_key_owners() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp
    AS $$
BEGIN
    PERFORM public.notify_subjects(array_agg(DISTINCT user_id)) FROM old_rows;
    RETURN NULL;
END
$$;

REVOKE ALL ON FUNCTION notify_subjects(uuid[]) FROM PUBLIC;
REVOKE ALL ON FUNCTION notify_key_owners() FROM PUBLIC;

CREATE TRIGGER notify_key_owners_update AFTER UPDATE ON api_keys
    REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION notify_key_owners();
CREATE TRIGGER notify_key_owners_delete AFTER DELETE ON api_keys
    REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION notify_key_owners();
