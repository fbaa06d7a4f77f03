DROP TRIGGER subject_versions_truncate ON group_members;
DROP TRIGGER subject_versions_delete ON group_members;
DROP TRIGGER subject_versions_update ON group_members;
DROP TRIGGER subject_versions_insert ON group_members;
DROP TRIGGER subject_versions_truncate ON organization_members;
DROP TRIGGER subject_versions_delete ON organization_members;
DROP TRIGGER subject_versions_update ON organization_members;
DROP TRIGGER subject_versions_insert ON organization_members;
DROP TRIGGER subject_versions_delete ON organizations;
DROP TRIGGER subject_versions_update ON organizations;
DROP TRIGGER subject_versions_insert ON organizations;
DROP TRIGGER subject_versions_delete ON users;
DROP TRIGGER subject_versions_update ON users;
DROP TRIGGER subject_versions_insert ON users;
DROP TABLE subject_version_raises;
DROP TABLE subject_versions;
DROP FUNCTION raise_noted_subject_versions();
DROP FUNCTION raise_subject_versions();

-- Gives the application's role its rights on everything that the owner has made so far. Called after every
-- migration; owner only.
--   every table      read and write
--   audit_logs       read: lines come from the triggers
--   ai_usage_events  read and append
--   migrations       read: to know whether it fits the program
CREATE OR REPLACE FUNCTION bursar_grant_application(application name) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, public, pg_temp
    AS $$
DECLARE
    relation regclass;
    rights text;
BEGIN
    -- Taking rights from the owner would stop the audit triggers, which write as the owner.
    IF application = current_user THEN
        RAISE EXCEPTION 'the application''s role must be another than the owner `%`', application;
    END IF;
    EXECUTE format('GRANT USAGE ON SCHEMA public TO %I', application);
    FOR relation IN
        SELECT c.oid FROM pg_class AS c
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v')
            AND pg_get_userbyid(c.relowner) = current_user
    LOOP
        rights := CASE relation
            WHEN 'public.audit_logs'::regclass THEN 'SELECT'
            WHEN 'public.ai_usage_events'::regclass THEN 'SELECT, INSERT'
            WHEN 'public.__diesel_schema_migrations'::regclass THEN 'SELECT'
            ELSE 'SELECT, INSERT, UPDATE, DELETE'
        END;
        EXECUTE format('REVOKE ALL ON %s FROM %I', relation, application);
        EXECUTE format('GRANT %s ON %s TO %I', rights, relation, application);
    END LOOP;
    EXECUTE format(
        'GRANT EXECUTE ON FUNCTION public.audit_refused(text, text, text, integer) TO %I', application);
END
$$;
