-- What reports call groups and providers that are gone: history outlives them, and shows no bare ids. Accounts
-- and organizations keep their rows, these do not.
CREATE TABLE former_groups (
    id uuid PRIMARY KEY,
    name text NOT NULL,
    deleted_at timestamptz NOT NULL DEFAULT bursar_now()
);
CREATE TABLE former_ai_providers (
    id uuid PRIMARY KEY,
    name text NOT NULL,
    kind text NOT NULL,
    deleted_at timestamptz NOT NULL DEFAULT bursar_now()
);

-- Written as the owner: the application reads them only.
CREATE FUNCTION keep_former_group() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp
    AS $$
BEGIN
    INSERT INTO public.former_groups (id, name) VALUES (OLD.id, OLD.name)
        ON CONFLICT (id) DO UPDATE SET name = EXCLUDED.name, deleted_at = EXCLUDED.deleted_at;
    RETURN NULL;
END
$$;
CREATE TRIGGER keep_former_group
    AFTER DELETE ON groups
    FOR EACH ROW EXECUTE FUNCTION keep_former_group();

CREATE FUNCTION keep_former_ai_provider() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp
    AS $$
BEGIN
    INSERT INTO public.former_ai_providers (id, name, kind) VALUES (OLD.id, OLD.name, OLD.kind)
        ON CONFLICT (id) DO UPDATE SET
            name = EXCLUDED.name, kind = EXCLUDED.kind, deleted_at = EXCLUDED.deleted_at;
    RETURN NULL;
END
$$;
CREATE TRIGGER keep_former_ai_provider
    AFTER DELETE ON ai_providers
    FOR EACH ROW EXECUTE FUNCTION keep_former_ai_provider();

-- The groups that were deleted before this: the audit log names them.
INSERT INTO former_groups (id, name, deleted_at)
    SELECT DISTINCT ON (l.resource_id) l.resource_id::uuid, l.resource_target, l.time
    FROM audit_logs AS l
    WHERE l.resource_type = 'group' AND l.action = 'delete' AND l.status_code < 400
        AND NOT EXISTS (SELECT 1 FROM groups AS g WHERE g.id::text = l.resource_id)
    ORDER BY l.resource_id, l.time DESC;

INSERT INTO application_rights (table_name, rights) VALUES
    ('former_groups', 'SELECT'),
    ('former_ai_providers', 'SELECT');
