-- One row, made here and never removed. Locking it is the lock under which the first account is made.
CREATE TABLE deployment (
    singleton boolean PRIMARY KEY DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT bursar_now(),
    -- There is one deployment.
    CONSTRAINT deployment_singleton_check CHECK (singleton)
);
INSERT INTO deployment DEFAULT VALUES;

-- People and service accounts. A deleted one keeps its row, so that history can name it.
CREATE TABLE users (
    id uuid PRIMARY KEY,
    email text NOT NULL,
    username text NOT NULL,
    name text NOT NULL DEFAULT '',
    hashed_password text,
    status text NOT NULL DEFAULT 'active',
    login_type text NOT NULL DEFAULT 'password',
    roles text[] NOT NULL DEFAULT '{}',
    deleted boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT bursar_now(),
    updated_at timestamptz NOT NULL DEFAULT bursar_now(),
    last_seen_at timestamptz,
    CONSTRAINT users_status_check CHECK (status IN ('active', 'suspended')),
    CONSTRAINT users_login_type_check CHECK (login_type IN ('password', 'none'))
);

-- Names and addresses are unique without regard to case among live accounts; deleting frees them.
CREATE UNIQUE INDEX users_username_key ON users (lower(username)) WHERE NOT deleted;
CREATE UNIQUE INDEX users_email_key ON users (lower(email)) WHERE NOT deleted;

-- Every change of an account is audited; a sign-in is not a change.
CREATE TRIGGER audit_users
    AFTER INSERT OR UPDATE OR DELETE ON users
    FOR EACH ROW EXECUTE FUNCTION
        audit_row('user', 'id', 'username', '', 'updated_at,last_seen_at', 'hashed_password');
