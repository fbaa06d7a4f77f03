-- The tables on which the application's role has less than reading and writing, and what it has there. A
-- migration that makes such a table adds a row. Owner only.
CREATE TABLE application_rights (
    table_name text PRIMARY KEY,
    rights text NOT NULL
);
INSERT INTO application_rights (table_name, rights) VALUES
    ('application_rights', ''),
    -- Lines come from the triggers.
    ('audit_logs', 'SELECT'),
    -- Append-only.
    ('ai_usage_events', 'SELECT, INSERT'),
    -- To know whether it fits the program.
    ('__diesel_schema_migrations', 'SELECT');

-- Gives the application's role its rights on everything that the owner has made so far, as
-- `application_rights` says. Called after every migration; owner only.
CREATE FUNCTION bursar_grant_application(application name) RETURNS void
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
    FOR relation, rights IN
        SELECT c.oid, coalesce(r.rights, 'SELECT, INSERT, UPDATE, DELETE')
        FROM pg_class AS c
        LEFT JOIN public.application_rights AS r ON r.table_name = c.relname::text
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v')
            AND pg_get_userbyid(c.relowner) = current_user
    LOOP
        EXECUTE format('REVOKE ALL ON %s FROM %I', relation, application);
        IF rights <> '' THEN
            EXECUTE format('GRANT %s ON %s TO %I', rights, relation, application);
        END IF;
    END LOOP;
    EXECUTE format(
        'GRANT EXECUTE ON FUNCTION public.audit_refused(text, text, text, integer) TO %I', application);
END
$$;
REVOKE ALL ON FUNCTION bursar_grant_application(name) FROM PUBLIC;
