DELETE FROM application_rights WHERE table_name = 'ai_alert_checks';
DROP TABLE ai_alert_checks;
ALTER TABLE spend_counters DROP COLUMN alert_at_micros;
ALTER TABLE ai_usage_events
    DROP COLUMN client,
    DROP COLUMN credential_kind;
ALTER TABLE ai_reservations
    DROP COLUMN client,
    DROP COLUMN credential_kind;
