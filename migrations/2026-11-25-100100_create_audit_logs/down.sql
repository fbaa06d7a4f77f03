DROP FUNCTION audit_refused(text, text, text, integer);
DROP FUNCTION audit_row();
DROP FUNCTION audit_actor_name();
DROP TABLE audit_logs;
