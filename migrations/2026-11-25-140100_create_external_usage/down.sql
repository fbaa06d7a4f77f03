DELETE FROM application_rights WHERE table_name = 'ai_external_usage';
DROP TABLE ai_external_usage;
ALTER TABLE server_leases DROP COLUMN external;
