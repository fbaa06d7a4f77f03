DROP VIEW chats_expanded;
DROP TABLE chat_viewers, chat_file_downloads, chat_files, chat_parts, chat_queued_messages, chat_messages, chat_acl, chats;
DROP FUNCTION notify_chat_acl();
DROP FUNCTION notify_chat();
DROP FUNCTION tell_of_shared_chat();
DROP FUNCTION refuse_chat_move();
ALTER TABLE organizations DROP COLUMN chat_sharing;
