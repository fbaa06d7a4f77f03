DROP TABLE oidc_logins;
DROP TABLE user_links;
DROP FUNCTION audit_user_link();
-- Whoever signed in at a provider has no password until an administrator sets one.
SELECT set_config('bursar.actor_name', 'migration', true);
UPDATE users SET login_type = 'password' WHERE login_type = 'oidc';
ALTER TABLE users DROP CONSTRAINT users_login_type_check;
ALTER TABLE users ADD CONSTRAINT users_login_type_check CHECK (login_type IN ('password', 'none'));
