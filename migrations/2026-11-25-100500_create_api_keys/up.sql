-- Sessions and API tokens. `id` is the part before the hyphen; of the secret only its SHA-256 is kept.
CREATE TABLE api_keys (
    id text PRIMARY KEY,
    hashed_secret bytea NOT NULL,
    user_id uuid NOT NULL,
    kind text NOT NULL,
    token_name text NOT NULL DEFAULT '',
    scopes text[] NOT NULL,
    allow_list text[] NOT NULL,
    created_at timestamptz NOT NULL DEFAULT bursar_now(),
    expires_at timestamptz NOT NULL,
    CONSTRAINT api_keys_kind_check CHECK (kind IN ('session', 'token')),
    CONSTRAINT api_keys_hashed_secret_check CHECK (octet_length(hashed_secret) = 32),
    CONSTRAINT api_keys_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
);
-- A person's tokens have different names, without regard to case; sessions have none.
CREATE UNIQUE INDEX api_keys_user_id_token_name_key
    ON api_keys (user_id, lower(token_name)) WHERE kind = 'token';
CREATE INDEX api_keys_user_id_idx ON api_keys (user_id);

CREATE TRIGGER audit_api_keys
    AFTER INSERT OR UPDATE OR DELETE ON api_keys
    FOR EACH ROW EXECUTE FUNCTION audit_row('api_key', 'id', 'token_name', '', '', 'hashed_secret');
