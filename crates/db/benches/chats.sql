-- Chats of $people people in ten organizations with $groups groups: $chats of them, of which the first $most are one
-- person's. Rows are made without their triggers: what they would say of each is not what is measured.
SET session_replication_role = replica;
CREATE FUNCTION pg_temp.named(kind text, number bigint) RETURNS uuid
    LANGUAGE sql IMMUTABLE RETURN md5(kind || number)::uuid;
CREATE FUNCTION pg_temp.owner(number bigint) RETURNS bigint
    LANGUAGE sql IMMUTABLE
    RETURN CASE WHEN number < $most THEN 0 ELSE (number / 10 * 7 + number % 10 / 2 * 3) % $people END;

INSERT INTO organizations (id, name)
    SELECT pg_temp.named('organization', n), 'org-' || n FROM generate_series(0, 9) AS n;
INSERT INTO users (id, email, username, login_type)
    SELECT pg_temp.named('user', n), n || '@example.com', 'user-' || to_char(n, 'FM00000'), 'password'
    FROM generate_series(0, $people - 1) AS n;
INSERT INTO organization_members (organization_id, user_id)
    SELECT pg_temp.named('organization', n % 10), pg_temp.named('user', n) FROM generate_series(0, $people - 1) AS n;
INSERT INTO groups (id, organization_id, name)
    SELECT pg_temp.named('group', n), pg_temp.named('organization', n % 10), 'group-' || n
    FROM generate_series(0, $groups - 1) AS n
    UNION ALL SELECT pg_temp.named('organization', n), pg_temp.named('organization', n), 'Everyone'
    FROM generate_series(0, 9) AS n;
INSERT INTO group_members (group_id, organization_id, user_id)
    SELECT pg_temp.named('group', n), pg_temp.named('organization', n % 10),
        pg_temp.named('user', (n + 370 * m) % $people)
    FROM generate_series(0, $groups - 1) AS n, generate_series(1, 10) AS m ON CONFLICT DO NOTHING;

-- One in ten is a sub-chat of the one before, one in thirteen archived.
INSERT INTO chats (id, organization_id, owner_id, parent_chat_id, root_chat_id, title, archived, snapshot_version,
    history_version, created_at, updated_at)
    SELECT pg_temp.named('chat', n), pg_temp.named('organization', pg_temp.owner(n) % 10),
        pg_temp.named('user', pg_temp.owner(n)), CASE WHEN n % 10 = 9 THEN pg_temp.named('chat', n - 1) END,
        pg_temp.named('chat', n - (n % 10 = 9)::integer), 'chat number ' || n, n % 13 = 0 AND n % 10 < 8, 2, 2,
        now() - n * interval '1 minute', now() - n * interval '1 minute'
    FROM generate_series(0, $chats - 1) AS n;
INSERT INTO chat_messages (chat_id, role, content, revision)
    SELECT pg_temp.named('chat', n), CASE m WHEN 0 THEN 'user' ELSE 'assistant' END,
        jsonb_build_array(jsonb_build_object('type', 'text', 'text',
            'some common words and w' || n * 7 % 5000 || ' of chat ' || n)), 1 + m
    FROM generate_series(0, $chats - 1) AS n, generate_series(0, 1) AS m;
INSERT INTO chat_viewers (chat_id, user_id, last_read_message_id, pin_order)
    SELECT pg_temp.named('chat', n), pg_temp.named('user', pg_temp.owner(n)), $chats,
        CASE WHEN n % 20 = 1 AND n % 13 <> 0 AND n >= $most THEN 1 ELSE 0 END
    FROM generate_series(0, $chats - 1) AS n WHERE n % 2 = 1;
-- One in ten has a turn that says something.
INSERT INTO chat_parts (chat_id, history_version, generation_attempt, seq, part)
    SELECT c.id, 2, 1, n, jsonb_build_object('type', 'text', 'text', 'some words, said together ' || n)
    FROM chats AS c, generate_series(0, 19) AS n WHERE c.id < '1a000000-0000-0000-0000-000000000000';

-- One in twenty is shared, in turn with somebody and with a group of the same organization.
INSERT INTO chat_acl (root_chat_id, organization_id, user_id, role)
    SELECT pg_temp.named('chat', n), pg_temp.named('organization', pg_temp.owner(n) % 10),
        pg_temp.named('user', (n / 40 * 10 * 7 + pg_temp.owner(n) % 10 + 10) % $people), 'read'
    FROM generate_series(0, $chats - 1, 40) AS n;
INSERT INTO chat_acl (root_chat_id, organization_id, group_id, role)
    SELECT pg_temp.named('chat', n), pg_temp.named('organization', pg_temp.owner(n) % 10),
        pg_temp.named('group', (n / 40 * 10 + pg_temp.owner(n) % 10) % $groups), 'read'
    FROM generate_series(20, $chats - 1, 40) AS n;
SET session_replication_role = origin;
