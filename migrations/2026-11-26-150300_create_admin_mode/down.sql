ALTER TABLE oidc_logins DROP COLUMN admin_mode_key;
ALTER TABLE api_keys DROP COLUMN admin_mode_until;
