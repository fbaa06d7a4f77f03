//! The outbox. A claim is an instant ahead of which nobody else takes a row: it needs no connection that stays open,
//! and a server that crashed holds nothing for longer. Rows that another server is claiming at this moment are
//! passed over, so servers never wait for each other.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use diesel::{
    prelude::*,
    sql_query,
    sql_types::{Array, BigInt, Binary, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use model::{
    ClaimId, DeliveryId, WebhookId,
    deliveries::{DeliveryState, Verdict, WebhookDelivery},
};
use secrecy::SecretString;
use store::{
    StoreError, StoreResult,
    deliveries::{Claim, DeliveryWrite, MailDispatch, Tidied, WebhookDispatch},
};
use uuid::Uuid;

use crate::{
    errors::internal,
    query::{Cached, rows, run},
    sealing::{Sealed, Sealer},
    unit::{Unit, Writing},
};

#[derive(QueryableByName)]
pub(crate) struct DeliveryRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    webhook_id: Uuid,
    #[diesel(sql_type = Text)]
    event_type: String,
    #[diesel(sql_type = Text)]
    body: String,
    #[diesel(sql_type = Integer)]
    attempts: i32,
    #[diesel(sql_type = Timestamptz)]
    created_at: DateTime<Utc>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    next_attempt_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    delivered_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    failed_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Text>)]
    last_error: Option<String>,
}

impl TryFrom<DeliveryRow> for WebhookDelivery {
    type Error = StoreError;
    fn try_from(row: DeliveryRow) -> StoreResult<Self> {
        let state = match (row.next_attempt_at, row.delivered_at, row.failed_at) {
            (Some(next_attempt_at), _, _) => DeliveryState::Pending { next_attempt_at },
            (_, Some(at), _) => DeliveryState::Delivered { at },
            (_, _, Some(at)) => DeliveryState::Failed { at },
            (None, None, None) => return Err(internal("a delivery has no state")),
        };
        Ok(Self {
            id: row.id.into(),
            webhook_id: row.webhook_id.into(),
            event_type: row.event_type,
            body: row.body,
            state,
            attempts: number(row.attempts),
            last_error: row.last_error,
            created_at: row.created_at,
        })
    }
}

#[derive(QueryableByName)]
struct WebhookDispatchRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Integer)]
    attempts: i32,
    #[diesel(sql_type = SqlUuid)]
    webhook_id: Uuid,
    #[diesel(sql_type = Text)]
    url: String,
    #[diesel(sql_type = Text)]
    body: String,
    #[diesel(sql_type = Binary)]
    ciphertext: Vec<u8>,
    #[diesel(sql_type = Binary)]
    nonce: Vec<u8>,
    #[diesel(sql_type = Text)]
    key_id: String,
}

impl WebhookDispatchRow {
    /// The message with its secret opened, as far as this server can.
    fn opened(self, sealer: &Sealer) -> WebhookDispatch {
        let sealed = Sealed {
            ciphertext: self.ciphertext,
            nonce: self.nonce,
            key_id: self.key_id,
        };
        let secret = match sealer.open(self.webhook_id, &sealed) {
            Ok(secret) => Some(SecretString::from(secret)),
            Err(error) => {
                tracing::warn!(webhook = %self.webhook_id, %error, "a webhook's secret cannot be opened");
                None
            }
        };
        WebhookDispatch {
            id: self.id.into(),
            attempt: number(self.attempts),
            webhook_id: self.webhook_id.into(),
            url: self.url,
            secret,
            body: self.body,
        }
    }
}

#[derive(QueryableByName)]
struct MailDispatchRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Integer)]
    attempts: i32,
    #[diesel(sql_type = Nullable<Text>)]
    email: Option<String>,
    #[diesel(sql_type = Text)]
    title: String,
    #[diesel(sql_type = Text)]
    content: String,
}

/// Every receiver's own oldest messages, and everybody's oldest before anybody's second: so whoever has many, and does
/// not answer, does not keep the others waiting.
const CLAIM_WEBHOOKS: &str = "\
    WITH due AS MATERIALIZED (
        SELECT oldest.id FROM webhooks AS w
        CROSS JOIN LATERAL (
            SELECT d.id, d.next_attempt_at FROM notification_deliveries AS d
            WHERE d.webhook_id = w.id AND d.next_attempt_at <= bursar_now()
            ORDER BY d.next_attempt_at, d.id LIMIT $4 FOR UPDATE SKIP LOCKED
        ) AS oldest
        WHERE w.enabled AND w.id <> ALL ($5)
        ORDER BY row_number() OVER (PARTITION BY w.id ORDER BY oldest.next_attempt_at, oldest.id),
            oldest.next_attempt_at, oldest.id LIMIT $3
    )
    UPDATE notification_deliveries AS d SET attempts = d.attempts + 1, claim_id = $1,
        next_attempt_at = bursar_now() + $2 * interval '1 millisecond'
    FROM due, webhooks AS w WHERE d.id = due.id AND w.id = d.webhook_id
    RETURNING d.id, d.attempts, d.webhook_id, w.url, d.body, w.ciphertext, w.nonce, w.key_id";

/// The address is the account's own, of now.
const CLAIM_MAILS: &str = "\
    WITH due AS MATERIALIZED (
        SELECT d.id FROM notification_deliveries AS d
        WHERE d.webhook_id IS NULL AND d.next_attempt_at <= bursar_now()
        ORDER BY d.next_attempt_at, d.id LIMIT $3 FOR UPDATE SKIP LOCKED
    )
    UPDATE notification_deliveries AS d SET attempts = d.attempts + 1, claim_id = $1,
        next_attempt_at = bursar_now() + $2 * interval '1 millisecond'
    FROM due, notifications AS n, users AS u
    WHERE d.id = due.id AND n.id = d.notification_id AND u.id = n.user_id
    RETURNING d.id, d.attempts, n.title, n.content,
        CASE WHEN u.status = 'active' AND NOT u.deleted THEN nullif(u.email, '') END AS email";

#[async_trait]
impl DeliveryWrite for Unit<Writing> {
    async fn delivery_webhook_claim(
        &mut self,
        claim: &Claim,
        per_webhook: u32,
        busy: &[WebhookId],
    ) -> StoreResult<Vec<WebhookDispatch>> {
        let busy: Vec<Uuid> = busy.iter().map(|webhook| webhook.0).collect();
        let query = sql_query(CLAIM_WEBHOOKS)
            .bind::<SqlUuid, _>(claim.id.0)
            .bind::<BigInt, _>(millis(claim.lease))
            .bind::<BigInt, _>(i64::from(claim.limit))
            .bind::<BigInt, _>(i64::from(per_webhook))
            .bind::<Array<SqlUuid>, _>(busy);
        let found: Vec<WebhookDispatchRow> = rows(self.connection()?, Cached(query)).await?;
        let opened = found.into_iter().map(|row| row.opened(&self.sealer));
        Ok(opened.collect())
    }

    async fn delivery_mail_claim(&mut self, claim: &Claim) -> StoreResult<Vec<MailDispatch>> {
        let query = sql_query(CLAIM_MAILS)
            .bind::<SqlUuid, _>(claim.id.0)
            .bind::<BigInt, _>(millis(claim.lease))
            .bind::<BigInt, _>(i64::from(claim.limit));
        let found: Vec<MailDispatchRow> = rows(self.connection()?, Cached(query)).await?;
        let claimed = found.into_iter().map(|row| MailDispatch {
            id: row.id.into(),
            attempt: number(row.attempts),
            email: row.email,
            title: row.title,
            content: row.content,
        });
        Ok(claimed.collect())
    }

    async fn delivery_finish(
        &mut self,
        id: DeliveryId,
        claim: ClaimId,
        verdict: &Verdict,
    ) -> StoreResult<bool> {
        let (word, after, error) = match verdict {
            Verdict::Delivered => ("delivered", None, None),
            Verdict::Retry { after, error } => {
                ("retry", Some(millis(*after)), Some(error.as_str()))
            }
            Verdict::GaveUp { error } => ("gave up", None, Some(error.as_str())),
        };
        let update = sql_query(
            "UPDATE notification_deliveries SET claim_id = NULL, last_error = coalesce($5, last_error), \
                 next_attempt_at = CASE WHEN $3 = 'retry' \
                     THEN bursar_now() + $4 * interval '1 millisecond' END, \
                 delivered_at = CASE WHEN $3 = 'delivered' THEN bursar_now() END, \
                 failed_at = CASE WHEN $3 = 'gave up' THEN bursar_now() END \
             WHERE id = $1 AND claim_id = $2",
        )
        .bind::<SqlUuid, _>(id.0)
        .bind::<SqlUuid, _>(claim.0)
        .bind::<Text, _>(word)
        .bind::<Nullable<BigInt>, _>(after)
        .bind::<Nullable<Text>, _>(error);
        Ok(run(self.connection()?, Cached(update)).await? > 0)
    }

    async fn delivery_mail_ready(&mut self, lasting: Duration) -> StoreResult<()> {
        let update = sql_query(
            "UPDATE notification_channels SET ready_until = \
                 greatest(ready_until, bursar_now() + $1 * interval '1 millisecond') \
             WHERE channel = 'mail'",
        )
        .bind::<BigInt, _>(millis(lasting));
        run(self.connection()?, Cached(update)).await.map(drop)
    }

    async fn delivery_tidy(&mut self, patience: Duration, keep: Duration) -> StoreResult<Tidied> {
        let expire = sql_query(
            "UPDATE notification_deliveries SET next_attempt_at = NULL, claim_id = NULL, \
                 failed_at = bursar_now(), last_error = coalesce(last_error, 'it waited for too long') \
             WHERE next_attempt_at IS NOT NULL \
                 AND queued_at < bursar_now() - $1 * interval '1 millisecond' \
                 AND (claim_id IS NULL OR next_attempt_at <= bursar_now())",
        )
        .bind::<BigInt, _>(millis(patience));
        let remove = sql_query(
            "DELETE FROM notification_deliveries \
             WHERE coalesce(delivered_at, failed_at) < bursar_now() - $1 * interval '1 millisecond'",
        )
        .bind::<BigInt, _>(millis(keep));
        let conn = self.connection()?;
        let expired = run(conn, Cached(expire)).await?;
        let removed = run(conn, Cached(remove)).await?;
        Ok(Tidied {
            expired: u64::try_from(expired).unwrap_or(u64::MAX),
            removed: u64::try_from(removed).unwrap_or(u64::MAX),
        })
    }
}

/// A number that is never negative.
fn number(stored: i32) -> u32 {
    u32::try_from(stored).unwrap_or_default()
}

fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}
