DROP TABLE ai_usage_events;
DROP FUNCTION refuse_ledger_change();
DROP TABLE ai_reservations;
DROP TABLE spend_counters;
DROP TABLE server_leases;
