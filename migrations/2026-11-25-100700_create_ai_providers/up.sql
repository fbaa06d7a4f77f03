-- The providers that the gateway forwards to. Their keys are sealed with a key that is not in the database,
-- whose id stands beside the ciphertext.
CREATE TABLE ai_providers (
    id uuid PRIMARY KEY,
    name text NOT NULL,
    kind text NOT NULL,
    base_url text NOT NULL,
    ciphertext bytea NOT NULL,
    nonce bytea NOT NULL,
    key_id text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT bursar_now(),
    updated_at timestamptz NOT NULL DEFAULT bursar_now(),
    CONSTRAINT ai_providers_kind_check CHECK (kind IN ('openai', 'anthropic', 'openai-compatible'))
);
-- Names stand in gateway addresses, without regard to case.
CREATE UNIQUE INDEX ai_providers_name_key ON ai_providers (lower(name));

CREATE TRIGGER audit_ai_providers
    AFTER INSERT OR UPDATE OR DELETE ON ai_providers
    FOR EACH ROW EXECUTE FUNCTION
        audit_row('ai_provider', 'id', 'name', '', 'updated_at', 'ciphertext,nonce,key_id');
