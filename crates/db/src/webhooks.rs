//! Receivers of events, whose secrets are sealed at rest, and what was sent to them.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use diesel::{
    pg::Pg,
    prelude::*,
    sql_query,
    sql_types::{BigInt, Nullable, Uuid as SqlUuid},
};
use model::{DeliveryId, Name, WebhookId, deliveries::WebhookDelivery, webhooks::Webhook};
use secrecy::{ExposeSecret, SecretString};
use store::{
    StoreError, StoreResult,
    webhooks::{DeliveryPage, NewWebhook, WebhookRead, WebhookUpdate, WebhookWrite},
};
use uuid::Uuid;

use crate::{
    deliveries::DeliveryRow,
    errors::internal,
    query::{Cached, bursar_now, one, parse, row, rows, run_on_one},
    schema::webhooks,
    unit::{Unit, Writing},
    users::lower,
};

#[derive(Queryable, Selectable)]
#[diesel(table_name = webhooks, check_for_backend(Pg))]
struct WebhookRow {
    id: Uuid,
    name: String,
    url: String,
    organization_id: Option<Uuid>,
    enabled: bool,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl TryFrom<WebhookRow> for Webhook {
    type Error = StoreError;
    fn try_from(row: WebhookRow) -> StoreResult<Self> {
        Ok(Self {
            id: row.id.into(),
            name: parse("webhooks.name", &row.name)?,
            url: parse("webhooks.url", &row.url)?,
            organization_id: row.organization_id.map(Into::into),
            enabled: row.enabled,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

#[derive(AsChangeset)]
#[diesel(table_name = webhooks)]
struct WebhookChange<'a> {
    name: Option<&'a str>,
    url: Option<&'a str>,
    #[expect(
        clippy::option_option,
        reason = "how diesel tells keeping from emptying"
    )]
    organization_id: Option<Option<Uuid>>,
    enabled: Option<bool>,
    ciphertext: Option<Vec<u8>>,
    nonce: Option<Vec<u8>>,
    key_id: Option<String>,
}

/// The columns of a delivery as people look at it, of `notification_deliveries`.
pub(crate) const DELIVERY_COLUMNS: &str = "id, webhook_id, event_type, body, attempts, created_at, \
     next_attempt_at, delivered_at, failed_at, last_error";

#[async_trait]
impl<Mode: Send + Sync> WebhookRead for Unit<Mode> {
    async fn webhook_get(&mut self, id: WebhookId) -> StoreResult<Option<Webhook>> {
        let query = webhooks::table
            .filter(webhooks::id.eq(id.0))
            .select(WebhookRow::as_select());
        let found: Option<WebhookRow> = row(self.connection()?, query).await?;
        found.map(TryInto::try_into).transpose()
    }

    async fn webhook_list(&mut self) -> StoreResult<Vec<Webhook>> {
        let query = webhooks::table
            .order((lower(webhooks::name), webhooks::id))
            .select(WebhookRow::as_select());
        let found: Vec<WebhookRow> = rows(self.connection()?, query).await?;
        found.into_iter().map(TryInto::try_into).collect()
    }

    async fn webhook_delivery_list(
        &mut self,
        webhook: WebhookId,
        page: DeliveryPage,
    ) -> StoreResult<Vec<WebhookDelivery>> {
        let query = sql_query(format!(
            "SELECT {DELIVERY_COLUMNS} FROM notification_deliveries \
             WHERE webhook_id = $1 AND ($2 IS NULL OR id < $2) ORDER BY id DESC LIMIT $3"
        ))
        .bind::<SqlUuid, _>(webhook.0)
        .bind::<Nullable<SqlUuid>, _>(page.before.map(|id| id.0))
        .bind::<BigInt, _>(i64::from(page.limit));
        let found: Vec<DeliveryRow> = rows(self.connection()?, Cached(query)).await?;
        found.into_iter().map(TryInto::try_into).collect()
    }
}

#[async_trait]
impl WebhookWrite for Unit<Writing> {
    async fn webhook_create(&mut self, new: &NewWebhook) -> StoreResult<Webhook> {
        let sealed = self.sealer.seal(new.id.0, new.secret.expose_secret());
        let sealed = sealed.map_err(internal)?;
        let insert = diesel::insert_into(webhooks::table)
            .values((
                webhooks::id.eq(new.id.0),
                webhooks::name.eq(new.name.as_str()),
                webhooks::url.eq(new.url.as_str()),
                webhooks::organization_id.eq(new.organization_id.map(|id| id.0)),
                webhooks::enabled.eq(new.enabled),
                webhooks::ciphertext.eq(sealed.ciphertext),
                webhooks::nonce.eq(sealed.nonce),
                webhooks::key_id.eq(sealed.key_id),
            ))
            .returning(WebhookRow::as_returning());
        one::<_, WebhookRow>(self.connection()?, insert)
            .await?
            .try_into()
    }

    async fn webhook_update(
        &mut self,
        id: WebhookId,
        update: &WebhookUpdate,
    ) -> StoreResult<Webhook> {
        let seal = |secret: &SecretString| self.sealer.seal(id.0, secret.expose_secret());
        let sealed = update.secret.as_ref().map(seal);
        let sealed = sealed.transpose().map_err(internal)?;
        let (ciphertext, nonce, key_id) = sealed.map_or((None, None, None), |sealed| {
            (
                Some(sealed.ciphertext),
                Some(sealed.nonce),
                Some(sealed.key_id),
            )
        });
        let organization = update.organization_id;
        let change = WebhookChange {
            name: update.name.as_ref().map(Name::as_str),
            url: update.url.as_ref().map(url::Url::as_str),
            organization_id: (!organization.keeps())
                .then(|| organization.value().map(|organization| organization.0)),
            enabled: update.enabled,
            ciphertext,
            nonce,
            key_id,
        };
        let statement = diesel::update(webhooks::table)
            .filter(webhooks::id.eq(id.0))
            .set((change, webhooks::updated_at.eq(bursar_now())))
            .returning(WebhookRow::as_returning());
        one::<_, WebhookRow>(self.connection()?, statement)
            .await?
            .try_into()
    }

    async fn webhook_delete(&mut self, id: WebhookId) -> StoreResult<()> {
        let delete = diesel::delete(webhooks::table).filter(webhooks::id.eq(id.0));
        run_on_one(self.connection()?, delete).await
    }

    async fn webhook_ping(
        &mut self,
        webhook: WebhookId,
        id: DeliveryId,
    ) -> StoreResult<WebhookDelivery> {
        let insert = sql_query(format!(
            "INSERT INTO notification_deliveries (id, channel, webhook_id, event_type, body) \
             SELECT $1, 'webhook', w.id, 'ping', \
                 webhook_body('ping', bursar_now(), json_build_object('webhook_id', w.id, 'name', w.name)) \
             FROM webhooks AS w WHERE w.id = $2 FOR KEY SHARE OF w \
             RETURNING {DELIVERY_COLUMNS}"
        ))
        .bind::<SqlUuid, _>(id.0)
        .bind::<SqlUuid, _>(webhook.0);
        one::<_, DeliveryRow>(self.connection()?, Cached(insert))
            .await?
            .try_into()
    }

    async fn webhook_redeliver(
        &mut self,
        webhook: WebhookId,
        id: DeliveryId,
    ) -> StoreResult<WebhookDelivery> {
        let update = sql_query(format!(
            "UPDATE notification_deliveries SET \
                 attempts = CASE WHEN next_attempt_at IS NULL THEN 0 ELSE attempts END, \
                 queued_at = bursar_now(), \
                 next_attempt_at = CASE WHEN claim_id IS NOT NULL AND next_attempt_at > bursar_now() \
                     THEN next_attempt_at ELSE bursar_now() END, \
                 delivered_at = NULL, failed_at = NULL \
             WHERE id = $1 AND webhook_id = $2 RETURNING {DELIVERY_COLUMNS}"
        ))
        .bind::<SqlUuid, _>(id.0)
        .bind::<SqlUuid, _>(webhook.0);
        one::<_, DeliveryRow>(self.connection()?, Cached(update))
            .await?
            .try_into()
    }
}
