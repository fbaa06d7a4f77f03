-- Words that were edited away are forgotten. Of such a message only stays that it was there.
UPDATE chat_messages SET content = '[]' WHERE deleted;

-- How much of its chat's room a message takes: the bytes of its content as text, and none once it was edited away.
ALTER TABLE chat_messages ADD COLUMN room_bytes integer NOT NULL
    GENERATED ALWAYS AS (CASE WHEN deleted THEN 0 ELSE octet_length(content::text) END) STORED;
ALTER TABLE chat_queued_messages ADD COLUMN room_bytes integer NOT NULL
    GENERATED ALWAYS AS (octet_length(content::text)) STORED;

-- How large each chat is: what was said in it and not edited away, and what waits there. Beside the chats, so that
-- counting changes no chat. Only the triggers below write it, each under the lock of the chat whose messages change.
CREATE TABLE chat_sizes (
    chat_id uuid PRIMARY KEY,
    said_bytes bigint NOT NULL,
    said_messages bigint NOT NULL,
    CONSTRAINT chat_sizes_chat_id_fkey FOREIGN KEY (chat_id) REFERENCES chats (id) ON DELETE CASCADE
);
INSERT INTO chat_sizes (chat_id, said_bytes, said_messages)
SELECT chat_id, sum(room_bytes), count(*) FILTER (WHERE room_bytes > 0)
FROM (SELECT chat_id, room_bytes FROM chat_messages UNION ALL SELECT chat_id, room_bytes FROM chat_queued_messages) AS said
GROUP BY chat_id;

-- Keeps the sizes in step. A message that goes with its chat is counted no more: the size goes, too.
CREATE FUNCTION count_chat_size() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, public, pg_temp
    AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO public.chat_sizes AS s (chat_id, said_bytes, said_messages)
        SELECT n.chat_id, sum(n.room_bytes), count(*) FILTER (WHERE n.room_bytes > 0)
        FROM new_rows AS n GROUP BY n.chat_id ORDER BY n.chat_id
        ON CONFLICT (chat_id) DO UPDATE SET said_bytes = s.said_bytes + excluded.said_bytes,
            said_messages = s.said_messages + excluded.said_messages;
    ELSIF TG_OP = 'UPDATE' THEN
        UPDATE public.chat_sizes AS s SET said_bytes = s.said_bytes + d.bytes, said_messages = s.said_messages + d.messages
        FROM (SELECT r.chat_id, sum(r.bytes) AS bytes, sum(r.messages) AS messages
            FROM (SELECT n.chat_id, n.room_bytes AS bytes, (n.room_bytes > 0)::integer AS messages FROM new_rows AS n
                UNION ALL
                SELECT o.chat_id, -o.room_bytes, -(o.room_bytes > 0)::integer FROM old_rows AS o) AS r
            GROUP BY r.chat_id) AS d
        WHERE s.chat_id = d.chat_id AND (d.bytes <> 0 OR d.messages <> 0);
    ELSE
        UPDATE public.chat_sizes AS s SET said_bytes = s.said_bytes - d.bytes, said_messages = s.said_messages - d.messages
        FROM (SELECT o.chat_id, sum(o.room_bytes) AS bytes, count(*) AS messages
            FROM old_rows AS o WHERE o.room_bytes > 0 GROUP BY o.chat_id) AS d
        WHERE s.chat_id = d.chat_id;
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER count_chat_size_insert AFTER INSERT ON chat_messages
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION count_chat_size();
CREATE TRIGGER count_chat_size_update AFTER UPDATE ON chat_messages
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION count_chat_size();
CREATE TRIGGER count_chat_size_delete AFTER DELETE ON chat_messages
    REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION count_chat_size();
CREATE TRIGGER count_chat_size_insert AFTER INSERT ON chat_queued_messages
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION count_chat_size();
CREATE TRIGGER count_chat_size_update AFTER UPDATE ON chat_queued_messages
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION count_chat_size();
CREATE TRIGGER count_chat_size_delete AFTER DELETE ON chat_queued_messages
    REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION count_chat_size();

-- How many bytes of files a person keeps.
CREATE INDEX chat_files_owner_id_idx ON chat_files (owner_id) INCLUDE (size_bytes);

-- Nobody has read further than to the last message.
UPDATE chat_viewers AS v SET last_read_message_id = l.last
FROM (SELECT w.chat_id, w.user_id,
        coalesce((SELECT max(m.id) FROM chat_messages AS m WHERE m.chat_id = w.chat_id), 0) AS last
    FROM chat_viewers AS w) AS l
WHERE (v.chat_id, v.user_id) = (l.chat_id, l.user_id) AND v.last_read_message_id > l.last;
