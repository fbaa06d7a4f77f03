-- Receivers of events: where the deployment tells other programs what happens. What they verify messages with is
-- sealed with a key that is not in the database, whose id stands beside the ciphertext.
CREATE TABLE webhooks (
    id uuid PRIMARY KEY,
    name text NOT NULL,
    url text NOT NULL,
    -- Only events of this organization; NULL for those of all.
    organization_id uuid,
    enabled boolean NOT NULL DEFAULT true,
    ciphertext bytea NOT NULL,
    nonce bytea NOT NULL,
    key_id text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT bursar_now(),
    updated_at timestamptz NOT NULL DEFAULT bursar_now(),
    -- Nothing more is told of an organization that is gone.
    CONSTRAINT webhooks_organization_id_fkey
        FOREIGN KEY (organization_id) REFERENCES organizations (id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX webhooks_name_key ON webhooks (lower(name));
CREATE INDEX webhooks_organization_id_idx ON webhooks (organization_id);

CREATE TRIGGER audit_webhooks
    AFTER INSERT OR UPDATE OR DELETE ON webhooks
    FOR EACH ROW EXECUTE FUNCTION
        audit_row('deployment_config', 'id', 'name', '', 'updated_at', 'ciphertext,nonce,key_id');

-- The outbox: what is sent besides the inbox, one row for each receiver, written in the transaction of what it tells
-- of. A row that is claimed is due again when the claim's time has passed, so that the claims of a server that
-- crashed are taken over. The id is what receivers know a message by, however often it is sent.
CREATE TABLE notification_deliveries (
    id uuid PRIMARY KEY DEFAULT bursar_uuid_v7(),
    channel text NOT NULL,
    webhook_id uuid,
    notification_id uuid,
    -- The alert that a webhook is told of.
    alert_id uuid,
    event_type text NOT NULL,
    -- What a webhook is sent, to the byte.
    body text,
    attempts integer NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT bursar_now(),
    -- When it was last asked for; it is given up some days later.
    queued_at timestamptz NOT NULL DEFAULT bursar_now(),
    next_attempt_at timestamptz DEFAULT bursar_now(),
    claim_id uuid,
    delivered_at timestamptz,
    failed_at timestamptz,
    last_error text,
    -- Messages go with their receiver, and with what they tell of.
    CONSTRAINT notification_deliveries_webhook_id_fkey
        FOREIGN KEY (webhook_id) REFERENCES webhooks (id) ON DELETE CASCADE,
    CONSTRAINT notification_deliveries_notification_id_fkey
        FOREIGN KEY (notification_id) REFERENCES notifications (id) ON DELETE CASCADE,
    -- A webhook gets a body, a person their own notice.
    CONSTRAINT notification_deliveries_channel_check CHECK (
        (channel = 'webhook' AND num_nonnulls(webhook_id, body) = 2 AND notification_id IS NULL)
        OR (channel = 'mail' AND notification_id IS NOT NULL AND num_nonnulls(webhook_id, body, alert_id) = 0)),
    -- It is under way, or it was delivered, or it was given up.
    CONSTRAINT notification_deliveries_state_check
        CHECK (num_nonnulls(next_attempt_at, delivered_at, failed_at) = 1)
);
-- Nobody is told twice of one thing.
CREATE UNIQUE INDEX notification_deliveries_alert_key ON notification_deliveries (webhook_id, alert_id);
CREATE UNIQUE INDEX notification_deliveries_notification_key ON notification_deliveries (notification_id);
CREATE INDEX notification_deliveries_webhook_id_idx ON notification_deliveries (webhook_id, id DESC);
CREATE INDEX notification_deliveries_due_idx ON notification_deliveries (webhook_id, next_attempt_at)
    WHERE next_attempt_at IS NOT NULL;

-- Until when a server that can send mail said it would be there. Without one nothing is put into the outbox.
CREATE TABLE notification_channels (
    channel text PRIMARY KEY,
    ready_until timestamptz NOT NULL,
    -- Webhooks need no server that is set up for them.
    CONSTRAINT notification_channels_channel_check CHECK (channel = 'mail')
);
INSERT INTO notification_channels (channel, ready_until) VALUES ('mail', '-infinity');
INSERT INTO application_rights (table_name, rights) VALUES
    -- The row is there for good.
    ('notification_channels', 'SELECT, UPDATE');

-- An instant as receivers read it.
CREATE FUNCTION webhook_instant(at timestamptz) RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') $$;

-- A message as receivers read it: its kind, when it happened, and what.
CREATE FUNCTION webhook_body(event_type text, at timestamptz, data json) RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$
        SELECT json_build_object('type', event_type, 'timestamp', webhook_instant(at), 'data', data)::text
    $$;

-- A threshold was reached: each receiver of the organization's events is told, with the names of that moment.
CREATE FUNCTION tell_webhooks_of_alert() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, public, pg_temp
    AS $$
DECLARE
    event_type constant text := 'ai_budget.threshold_reached';
BEGIN
    INSERT INTO public.notification_deliveries (channel, webhook_id, alert_id, event_type, body)
        SELECT 'webhook', w.id, NEW.id, event_type, public.webhook_body(event_type, NEW.created_at,
            json_build_object(
                'alert_id', NEW.id,
                'limit_kind', NEW.limit_kind,
                'user_id', u.id,
                'username', u.username,
                'group_id', g.id,
                'group_name', g.name,
                'organization_id', o.id,
                'organization_name', o.name,
                'threshold_percent', NEW.threshold,
                'limit_micros', NEW.limit_micros,
                'spent_micros', NEW.spent_micros,
                'period_start', public.webhook_instant(NEW.period_start),
                'period_end', public.webhook_instant(NEW.period_end)))
        FROM public.webhooks AS w
        LEFT JOIN public.users AS u ON NEW.limit_kind = 'user' AND u.id = NEW.limit_id
        LEFT JOIN public.groups AS g
            ON g.id = CASE NEW.limit_kind WHEN 'pool' THEN NEW.limit_id ELSE NEW.group_id END
        LEFT JOIN public.organizations AS o ON o.id = NEW.organization_id
        WHERE w.enabled AND (w.organization_id IS NULL OR w.organization_id = NEW.organization_id)
        -- One that is removed at this moment is passed over instead of failing the alert.
        FOR KEY SHARE OF w;
    RETURN NULL;
END
$$;
CREATE TRIGGER tell_webhooks AFTER INSERT ON ai_budget_alerts
    FOR EACH ROW EXECUTE FUNCTION tell_webhooks_of_alert();

-- A message came into an inbox: its person is told by mail, where somebody sends mail.
CREATE FUNCTION mail_notification() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, public, pg_temp
    AS $$
BEGIN
    INSERT INTO public.notification_deliveries (channel, notification_id, event_type)
        SELECT 'mail', NEW.id, NEW.template
        FROM public.users AS u
        JOIN public.notification_channels AS c ON c.channel = 'mail' AND c.ready_until > public.bursar_now()
        WHERE u.id = NEW.user_id AND u.status = 'active' AND NOT u.deleted AND u.email <> '';
    RETURN NULL;
END
$$;
CREATE TRIGGER mail_notification AFTER INSERT ON notifications
    FOR EACH ROW EXECUTE FUNCTION mail_notification();
