-- The program that asked, as far as its User-Agent says (NULL: not known), and whose credentials the provider saw.
ALTER TABLE ai_reservations
    ADD COLUMN client text,
    ADD COLUMN credential_kind text NOT NULL DEFAULT 'centralized',
    -- The deployment's own, or somebody's who brought them.
    ADD CONSTRAINT ai_reservations_credential_kind_check CHECK (credential_kind IN ('centralized', 'byok'));
ALTER TABLE ai_usage_events
    ADD COLUMN client text,
    ADD COLUMN credential_kind text NOT NULL DEFAULT 'centralized',
    -- What a reservation may have an event may have, so that no settlement can fail.
    ADD CONSTRAINT ai_usage_events_credential_kind_check CHECK (credential_kind IN ('centralized', 'byok'));

-- From which spend on somebody must be told; NULL is not known yet, as in a new period or after a recount.
ALTER TABLE spend_counters ADD COLUMN alert_at_micros bigint;

-- Whose alerts must be looked at, and from when on. The ledger writes one, with the counters, when spend reaches
-- what a counter says, or rises where it says nothing.
CREATE TABLE ai_alert_checks (
    subject_kind text NOT NULL,
    subject_id uuid NOT NULL,
    due_at timestamptz NOT NULL,
    CONSTRAINT ai_alert_checks_pkey PRIMARY KEY (subject_kind, subject_id, due_at),
    -- A person's limit; a group's pool; everybody in a group; everybody.
    CONSTRAINT ai_alert_checks_subject_kind_check
        CHECK (subject_kind IN ('user', 'pool', 'group', 'everyone'))
);
CREATE INDEX ai_alert_checks_due_at_idx ON ai_alert_checks (due_at);

INSERT INTO application_rights (table_name, rights) VALUES
    -- A check is written and removed; it never changes. Locking one needs the right to update something.
    ('ai_alert_checks', 'SELECT, INSERT, UPDATE, DELETE');
