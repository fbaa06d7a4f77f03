DROP TRIGGER notify_key_owners_delete ON api_keys;
DROP TRIGGER notify_key_owners_update ON api_keys;
DROP FUNCTION notify_key_owners();
CREATE OR REPLACE FUNCTION raise_noted_subject_versions() RETURNS trigger
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
DROP FUNCTION notify_subjects(uuid[]);
