-- Accounts may sign in at an identity provider. They have no password.
ALTER TABLE users DROP CONSTRAINT users_login_type_check;
ALTER TABLE users ADD CONSTRAINT users_login_type_check CHECK (login_type IN ('password', 'oidc', 'none'));

-- Which person at an identity provider an account belongs to. Only these two together say who somebody is:
-- addresses and names are given to others in time.
CREATE TABLE user_links (
    issuer text NOT NULL,
    subject text NOT NULL,
    user_id uuid NOT NULL,
    created_at timestamptz NOT NULL DEFAULT bursar_now(),
    last_login_at timestamptz NOT NULL DEFAULT bursar_now(),
    CONSTRAINT user_links_pkey PRIMARY KEY (issuer, subject),
    CONSTRAINT user_links_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
);
-- An account belongs to one person of a provider: whoever comes second with the same address is somebody else.
CREATE UNIQUE INDEX user_links_user_id_issuer_key ON user_links (user_id, issuer);

-- A link is a change of its account, and recorded as one. Runs as the owner, as `audit_row` does.
CREATE FUNCTION audit_user_link() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp
    AS $$
DECLARE
    before text;
    after text;
    account uuid;
BEGIN
    IF TG_OP <> 'INSERT' THEN
        before := OLD.issuer || ' ' || OLD.subject;
        account := OLD.user_id;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        after := NEW.issuer || ' ' || NEW.subject;
        account := NEW.user_id;
    END IF;
    INSERT INTO public.audit_logs (
        action, resource_type, resource_id, resource_target,
        user_id, actor_name, diff, status_code, request_id)
    VALUES (
        'write', 'user', account::text,
        coalesce((SELECT username FROM public.users WHERE id = account), ''),
        nullif(current_setting('bursar.actor_id', true), '')::uuid, public.audit_actor_name(),
        jsonb_build_object('link', jsonb_build_object('old', before, 'new', after, 'secret', false)), 200,
        nullif(current_setting('bursar.request_id', true), '')::uuid);
    RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION audit_user_link() FROM PUBLIC;
CREATE TRIGGER audit_user_links
    AFTER INSERT OR DELETE OR UPDATE OF issuer, subject, user_id ON user_links
    FOR EACH ROW EXECUTE FUNCTION audit_user_link();

-- Sign-ins under way at the identity provider, for whichever server the answer comes to. Of the state, which
-- the answer names, and of the cookie of the browser that began, only the SHA-256 is kept.
CREATE TABLE oidc_logins (
    state_hash bytea NOT NULL,
    browser_hash bytea NOT NULL,
    nonce text NOT NULL,
    pkce_verifier text NOT NULL,
    redirect text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT bursar_now(),
    expires_at timestamptz NOT NULL,
    CONSTRAINT oidc_logins_pkey PRIMARY KEY (state_hash),
    CONSTRAINT oidc_logins_hashes_check
        CHECK (octet_length(state_hash) = 32 AND octet_length(browser_hash) = 32)
);
CREATE INDEX oidc_logins_expires_at_idx ON oidc_logins (expires_at);
CREATE INDEX oidc_logins_created_at_idx ON oidc_logins (created_at);
