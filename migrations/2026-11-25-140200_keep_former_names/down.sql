DELETE FROM application_rights WHERE table_name IN ('former_groups', 'former_ai_providers');
DROP TRIGGER keep_former_group ON groups;
DROP TRIGGER keep_former_ai_provider ON ai_providers;
DROP FUNCTION keep_former_group();
DROP FUNCTION keep_former_ai_provider();
DROP TABLE former_groups;
DROP TABLE former_ai_providers;
