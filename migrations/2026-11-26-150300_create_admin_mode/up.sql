-- Until when a session is in admin mode: its person has proved again who they are. NULL when it never was, or left it.
ALTER TABLE api_keys ADD COLUMN admin_mode_until timestamptz;
-- A token has its scope instead, which does not end by itself.
ALTER TABLE api_keys ADD CONSTRAINT api_keys_admin_mode_until_check
    CHECK (admin_mode_until IS NULL OR kind = 'session');

-- The session that shall be in admin mode once its person comes back from the identity provider; NULL for a sign-in.
-- When the session ends meanwhile, nothing is left to come back to.
ALTER TABLE oidc_logins ADD COLUMN admin_mode_key text;
ALTER TABLE oidc_logins ADD CONSTRAINT oidc_logins_admin_mode_key_fkey
    FOREIGN KEY (admin_mode_key) REFERENCES api_keys (id) ON DELETE CASCADE;
CREATE INDEX oidc_logins_admin_mode_key_idx ON oidc_logins (admin_mode_key) WHERE admin_mode_key IS NOT NULL;
