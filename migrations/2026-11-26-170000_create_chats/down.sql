DROP VIEW chats_expanded;
DROP TABLE chat_viewers, chat_file_downloads, chat_files, chat_parts, chat_queued_messages, chat_messages, chat_acl, chats;
DROP FUNCTION notify_chat_acl();
DROP FUNCTION notify_chat();
DROP FUNCTION tell_of_shared_chat();
DROP FUNCTION refuse_chat_move();
DROP FUNCTION chat_message_words(jsonb);
DROP FUNCTION chat_acl_said(text, timestamptz);
CREATE OR REPLACE FUNCTION note_acl_changes() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp
    AS $$
DECLARE
    columns text := format('%I AS object, organization_id, principal_kind, principal_id', TG_ARGV[1]);
    added text := format('SELECT %s, NULL AS before, role AS after FROM new_rows', columns);
    removed text := format('SELECT %s, role AS before, NULL AS after FROM old_rows', columns);
    changed text := CASE TG_OP
        WHEN 'INSERT' THEN added
        WHEN 'DELETE' THEN removed
        ELSE format('%s UNION ALL %s', removed, added)
    END;
    noted jsonb;
BEGIN
    EXECUTE format(
        'SELECT jsonb_agg(to_jsonb(entry) || jsonb_build_object(''target'', named.%1$I)) FROM ('
        'SELECT object, organization_id, principal_kind, principal_id, max(before) AS before, max(after) AS after '
        'FROM (%3$s) AS changed GROUP BY object, organization_id, principal_kind, principal_id '
        'HAVING max(before) IS DISTINCT FROM max(after)) AS entry '
        'LEFT JOIN public.%2$I AS named ON named.id = entry.object',
        TG_ARGV[3], TG_ARGV[2], changed) INTO noted;
    IF noted IS NOT NULL THEN
        PERFORM audit_actor_name();
        INSERT INTO public.acl_changes (resource_type, changes) VALUES (TG_ARGV[0], noted);
    END IF;
    RETURN NULL;
END
$$;
DROP TRIGGER subject_versions_update ON organizations;
CREATE TRIGGER subject_versions_update AFTER UPDATE ON organizations
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION
        raise_subject_versions('id', 'deleted, default_org_member_roles, shareable_workspace_owners');
ALTER TABLE organizations DROP COLUMN chat_sharing;
