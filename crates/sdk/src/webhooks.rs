//! Receivers of events, and what they are sent. Messages follow the convention of Standard Webhooks: the headers
//! `webhook-id`, `webhook-timestamp` and `webhook-signature` (`v1,` and the Base64 of an HMAC-SHA256 over
//! `id.timestamp.body`), and a body of this module's [`WebhookEvent`].

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Change, Secret, lenient::empty_as_none};

/// A receiver of events. Its secret is never part of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Webhook {
    /// Its id.
    pub id: Uuid,
    /// Its unique name.
    pub name: String,
    /// Where messages go.
    pub url: String,
    /// Only events of this organization; `null` for those of all.
    pub organization_id: Option<Uuid>,
    /// Whether it is told of anything. What is due while it is not waits, for some days.
    pub enabled: bool,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

/// A receiver to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CreateWebhookRequest {
    /// Its unique name.
    pub name: String,
    /// Where messages go: http or https, without user name, password or fragment.
    pub url: String,
    /// What messages are signed with: `whsec_` and 24 to 64 bytes in Base64. Made when it is not given.
    #[serde(
        default,
        deserialize_with = "empty_as_none",
        skip_serializing_if = "Option::is_none"
    )]
    pub secret: Option<Secret>,
    /// Only events of this organization; those of all when it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization_id: Option<Uuid>,
    /// Whether it is told of anything; `true` when it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
}

/// A new receiver, with the secret, which is shown this once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CreateWebhookResponse {
    /// The receiver.
    pub webhook: Webhook,
    /// What its messages are signed with.
    pub secret: Secret,
}

/// A change of a receiver; what is absent stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UpdateWebhookRequest {
    /// A new unique name.
    #[serde(
        default,
        deserialize_with = "empty_as_none",
        skip_serializing_if = "Option::is_none"
    )]
    pub name: Option<String>,
    /// A new address, also for what is still to be sent.
    #[serde(
        default,
        deserialize_with = "empty_as_none",
        skip_serializing_if = "Option::is_none"
    )]
    pub url: Option<String>,
    /// A new secret, also for what is still to be sent.
    #[serde(
        default,
        deserialize_with = "empty_as_none",
        skip_serializing_if = "Option::is_none"
    )]
    pub secret: Option<Secret>,
    /// Only events of this organization; `null` for those of all.
    #[serde(default, skip_serializing_if = "Change::keeps")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Uuid>))]
    pub organization_id: Change<Uuid>,
    /// Whether it is told of anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
}

/// How a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum WebhookDeliveryState {
    /// It is to be sent, or being sent.
    Pending,
    /// The receiver took it.
    Delivered,
    /// It was given up.
    Failed,
}

/// Something that is sent to a receiver, however often it is tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WebhookDelivery {
    /// What the receiver knows it by: the header `webhook-id`, the same in every attempt.
    pub id: Uuid,
    /// The receiver.
    pub webhook_id: Uuid,
    /// The kind of event.
    pub event_type: String,
    /// What is sent; `null` for a kind that this server does not know.
    pub event: Option<WebhookEvent>,
    /// How it stands.
    pub state: WebhookDeliveryState,
    /// How often it was tried since it was last asked for.
    pub attempts: u32,
    /// When it is tried next; while it is being sent, when another server takes it over.
    pub next_attempt_at: Option<DateTime<Utc>>,
    /// When the receiver took it.
    pub delivered_at: Option<DateTime<Utc>>,
    /// When it was given up.
    pub failed_at: Option<DateTime<Utc>>,
    /// Why the last attempt that failed did.
    pub last_error: Option<String>,
    /// When it was written down.
    pub created_at: DateTime<Utc>,
}

/// Which deliveries to list, newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams), into_params(parameter_in = Query))]
pub struct WebhookDeliveryListQuery {
    /// The greatest number of deliveries, up to 1000; 25 when it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// Only those that were written down before this one: the last of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Uuid>,
}

/// What a receiver is sent. More kinds may come: whoever does not know one answers with success and forgets it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "type")]
pub enum WebhookEvent {
    /// Somebody wants to see whether messages arrive.
    #[serde(rename = "ping")]
    Ping {
        /// When it was asked for.
        timestamp: DateTime<Utc>,
        /// Which receiver it is.
        data: WebhookPing,
    },
    /// Spend has come to a threshold of a limit.
    #[serde(rename = "ai_budget.threshold_reached")]
    BudgetThresholdReached {
        /// When it was found out.
        timestamp: DateTime<Utc>,
        /// What was reached.
        data: BudgetThreshold,
    },
}

/// Which receiver is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WebhookPing {
    /// Its id.
    pub webhook_id: Uuid,
    /// Its name.
    pub name: String,
}

/// A threshold of a limit that spend has come to. Names are those of that moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BudgetThreshold {
    /// The alert, the same for every receiver.
    pub alert_id: Uuid,
    /// What is limited: `user` for a person's budget, `pool` for that of a group's members together.
    pub limit_kind: String,
    /// Whose budget it is; `null` for a pool.
    pub user_id: Option<Uuid>,
    /// The person's name.
    pub username: Option<String>,
    /// The group whose pool it is, or that the person's spend is charged to.
    pub group_id: Option<Uuid>,
    /// The group's name.
    pub group_name: Option<String>,
    /// The group's organization.
    pub organization_id: Option<Uuid>,
    /// The organization's name.
    pub organization_name: Option<String>,
    /// The threshold, in percent of the limit.
    pub threshold_percent: u32,
    /// The limit, in micro-dollars.
    pub limit_micros: i64,
    /// What was spent in the period, in micro-dollars.
    pub spent_micros: i64,
    /// When the period began.
    pub period_start: DateTime<Utc>,
    /// When it ends.
    pub period_end: DateTime<Utc>,
}
