-- The ledger refers to people, groups, keys and providers without foreign keys: history outlives them.
-- No constraint on a counter may make a settlement fail: a true cost is always recorded.

-- The servers that hold open reservations. One that stops renewing is taken for dead.
CREATE TABLE server_leases (
    id uuid PRIMARY KEY,
    renewed_at timestamptz NOT NULL DEFAULT bursar_now(),
    expires_at timestamptz NOT NULL
);

-- What is spent and held under one limit in one period. Its row is the lock that every reservation and
-- settlement takes first. `head_…` is the request that waits longest, which others leave room for;
-- `waiting_until` is how long anybody may be waiting, so that a settlement knows whom to tell.
CREATE TABLE spend_counters (
    limit_kind text NOT NULL,
    limit_id uuid NOT NULL,
    period_start timestamptz NOT NULL,
    spent_micros bigint NOT NULL DEFAULT 0,
    reserved_micros bigint NOT NULL DEFAULT 0,
    head_id uuid,
    head_since timestamptz,
    head_need_micros bigint,
    head_expires_at timestamptz,
    waiting_until timestamptz,
    PRIMARY KEY (limit_kind, limit_id, period_start)
) WITH (fillfactor = 50);

-- The open reservations, and only those: closing one removes its row.
CREATE TABLE ai_reservations (
    id uuid PRIMARY KEY,
    lease_id uuid NOT NULL,
    user_id uuid NOT NULL,
    effective_group_id uuid,
    organization_id uuid,
    api_key_id text NOT NULL,
    provider_id uuid NOT NULL,
    provider_name text NOT NULL,
    model text NOT NULL,
    period_start timestamptz NOT NULL,
    hold_micros bigint NOT NULL,
    input_cost_micros bigint NOT NULL,
    output_price_micros bigint NOT NULL,
    input_bound_tokens bigint NOT NULL,
    output_cap_tokens bigint NOT NULL,
    progress_output_tokens bigint,
    prices jsonb,
    created_at timestamptz NOT NULL DEFAULT bursar_now()
) WITH (fillfactor = 80);
CREATE INDEX ai_reservations_lease_id_idx ON ai_reservations (lease_id);
CREATE INDEX ai_reservations_user_id_idx ON ai_reservations (user_id, period_start);

-- What requests came to cost. A settlement's event has its reservation's id; a correction has its own id
-- and holds differences, which may be negative. A cost that is not known is NULL.
CREATE TABLE ai_usage_events (
    id uuid PRIMARY KEY DEFAULT bursar_uuid_v7(),
    reservation_id uuid NOT NULL,
    corrects uuid,
    user_id uuid NOT NULL,
    effective_group_id uuid,
    organization_id uuid,
    api_key_id text NOT NULL,
    provider_id uuid NOT NULL,
    provider_name text NOT NULL,
    model text NOT NULL,
    priced_model text,
    response_model text,
    provider_response_id text,
    input_tokens bigint NOT NULL,
    cache_read_tokens bigint NOT NULL,
    cache_write_5m_tokens bigint NOT NULL,
    cache_write_1h_tokens bigint NOT NULL,
    output_tokens bigint NOT NULL,
    reasoning_tokens bigint NOT NULL,
    audio_input_tokens bigint NOT NULL,
    audio_output_tokens bigint NOT NULL,
    web_searches bigint NOT NULL,
    prices jsonb,
    cost_micros bigint,
    hold_micros bigint NOT NULL,
    over_hold_micros bigint NOT NULL DEFAULT 0,
    estimated boolean NOT NULL,
    swept boolean NOT NULL DEFAULT false,
    period_start timestamptz NOT NULL,
    created_at timestamptz NOT NULL DEFAULT bursar_now()
);
-- Exactly once: a reservation is settled by one event, and an estimate is corrected by one.
CREATE UNIQUE INDEX ai_usage_events_reservation_id_key
    ON ai_usage_events (reservation_id) WHERE corrects IS NULL;
CREATE UNIQUE INDEX ai_usage_events_corrects_key ON ai_usage_events (corrects);
CREATE INDEX ai_usage_events_user_id_idx ON ai_usage_events (user_id, period_start);
CREATE INDEX ai_usage_events_organization_id_idx ON ai_usage_events (organization_id, created_at);

-- The ledger is append-only, for the owner too.
CREATE FUNCTION refuse_ledger_change() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    RAISE EXCEPTION 'usage events are append-only' USING CONSTRAINT = 'ai_usage_events_append_only';
END
$$;
CREATE TRIGGER append_only
    BEFORE UPDATE OR DELETE OR TRUNCATE ON ai_usage_events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_ledger_change();
