-- The lease of a hold that another gateway asked for: no server's, so no server's start ends it.
ALTER TABLE server_leases ADD COLUMN external boolean NOT NULL DEFAULT false;

-- What other gateways reported, or asked for first, by the reporter and the key that it chose. A row is never
-- removed: what is sent again is answered from it. No foreign keys: like the ledger it outlives people and groups.
CREATE TABLE ai_external_usage (
    reporter_id uuid NOT NULL,
    idempotency_key text NOT NULL,
    -- What was sent: the person as the reporter wrote it, and all the rest. The same key must bring the same.
    person text NOT NULL,
    content jsonb NOT NULL,
    user_id uuid NOT NULL,
    -- The usage event, or the reservation whose event it will be. NULL within the transaction that takes the key.
    event_id uuid,
    effective_group_id uuid,
    organization_id uuid,
    state text NOT NULL,
    -- Of a hold only.
    lease_id uuid,
    hold_micros bigint,
    expires_at timestamptz,
    closing jsonb,
    over_hold_micros bigint NOT NULL DEFAULT 0,
    corrected boolean NOT NULL DEFAULT false,
    closed_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT bursar_now(),
    -- Each thing once.
    CONSTRAINT ai_external_usage_pkey PRIMARY KEY (reporter_id, idempotency_key),
    -- Spend that has happened; or a hold, from open to how it was closed.
    CONSTRAINT ai_external_usage_state_check CHECK (state IN ('recorded', 'open', 'settled', 'released')),
    -- What is not recorded at once is a hold, and a hold says for how long and how much.
    CONSTRAINT ai_external_usage_hold_check CHECK (
        CASE WHEN state = 'recorded' THEN lease_id IS NULL AND hold_micros IS NULL AND expires_at IS NULL
        ELSE lease_id IS NOT NULL AND hold_micros > 0 AND expires_at IS NOT NULL END),
    -- What is closed says how and when.
    CONSTRAINT ai_external_usage_closing_check CHECK (
        (state IN ('settled', 'released')) = (closing IS NOT NULL)
        AND (closing IS NULL) = (closed_at IS NULL))
);
CREATE UNIQUE INDEX ai_external_usage_event_id_key ON ai_external_usage (event_id);

INSERT INTO application_rights (table_name, rights) VALUES
    ('ai_external_usage', 'SELECT, INSERT, UPDATE');
