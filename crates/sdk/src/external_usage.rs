//! Spend that other gateways report, or ask for first. Money is in micro-dollars: 1 USD = 1,000,000.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{AiBudgetMode, Change, lenient};

/// Whose credentials a provider saw.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum AiCredentialKind {
    /// The deployment's.
    #[default]
    Centralized,
    /// The person's own ("bring your own key").
    Byok,
}

/// What a request used, by kind. The kinds are disjoint: no token is in two of them, `reasoning` aside, which is a part
/// of `output`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct AiTokenCounts {
    /// Prompt tokens that came from no cache and are no audio.
    pub input: u64,
    /// Prompt tokens read from the provider's cache.
    pub cache_read: u64,
    /// Prompt tokens written to a cache that lives five minutes, or for a time that was not told.
    pub cache_write_5m: u64,
    /// Prompt tokens written to a cache that lives an hour.
    pub cache_write_1h: u64,
    /// Tokens of the answer, reasoning included, audio excluded.
    pub output: u64,
    /// How many of `output` were reasoning.
    pub reasoning: u64,
    /// Audio tokens of the prompt.
    pub audio_input: u64,
    /// Audio tokens of the answer.
    pub audio_output: u64,
    /// Web searches that the provider made.
    pub web_searches: u64,
}

/// Spend that has happened, to be recorded: all of it, or nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReportAiUsageRequest {
    /// The events, from 1 to 1,000.
    #[serde(deserialize_with = "lenient::null_as_default")]
    pub events: Vec<AiUsageReport>,
}

/// A request to a provider that another gateway sent and paid for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AiUsageReport {
    /// The reporter's own name for it, 1 to 128 printable ASCII characters without spaces. What is sent again under the
    /// same one is answered as before; something else is refused.
    pub idempotency_key: String,
    /// Who spent: an id, a username or `me`.
    pub user: String,
    /// The provider's name; one of this deployment's is recognised.
    pub provider: String,
    /// The model asked for.
    pub model: String,
    /// The cost, at least 0; `null` when it is not known. It must be given: nothing is priced here.
    #[serde(default, skip_serializing_if = "Change::keeps")]
    #[cfg_attr(
        feature = "openapi",
        schema(value_type = Option<i64>, required, minimum = 0, maximum = 10_000_000_000_000_i64)
    )]
    pub cost_micros: Change<i64>,
    /// What was used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<AiTokenCounts>,
    /// When it happened, by the reporter's clock: stored, and never trusted. It counts from the moment that it is
    /// reported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub occurred_at: Option<DateTime<Utc>>,
    /// The program that asked.
    #[serde(
        default,
        deserialize_with = "lenient::empty_as_none",
        skip_serializing_if = "Option::is_none"
    )]
    pub client: Option<String>,
    /// Whose credentials the provider saw; `centralized` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential_kind: Option<AiCredentialKind>,
    /// The model that the provider says it answered with.
    #[serde(
        default,
        deserialize_with = "lenient::empty_as_none",
        skip_serializing_if = "Option::is_none"
    )]
    pub response_model: Option<String>,
    /// The provider's own id of the answer.
    #[serde(
        default,
        deserialize_with = "lenient::empty_as_none",
        skip_serializing_if = "Option::is_none"
    )]
    pub provider_response_id: Option<String>,
}

/// What became of a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReportedAiUsage {
    /// One for each event, in their order.
    pub events: Vec<ReportedAiUsageEvent>,
}

/// What became of a reported event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReportedAiUsageEvent {
    /// The reporter's own name for it.
    pub idempotency_key: String,
    /// The usage event.
    pub id: Uuid,
    /// Whether it was recorded now.
    pub status: AiUsageReportStatus,
    /// The group that was charged; `null` for a person without any organization.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub effective_group_id: Option<Uuid>,
    /// What was charged; `null` when the cost is not known.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub cost_micros: Option<i64>,
}

/// Whether a reported event was recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum AiUsageReportStatus {
    /// It was recorded now.
    Recorded,
    /// It had been recorded before; nothing was charged now.
    Duplicate,
}

/// Room for spend that may happen.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CreateAiReservationRequest {
    /// The reporter's own name for it, 1 to 128 printable ASCII characters without spaces. What is asked again under
    /// the same one is answered with the same hold; something else is refused. A refusal is not remembered.
    pub idempotency_key: String,
    /// Who wants to spend: an id, a username or `me`.
    pub user: String,
    /// The provider's name; one of this deployment's is recognised.
    pub provider: String,
    /// The model asked for.
    pub model: String,
    /// The most that the request can cost, from 1 to 1,000,000,000.
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 1_000_000_000))]
    pub hold_micros: i64,
    /// For how many seconds it is held, from 1 to 3,600; 300 when absent. A hold that is neither settled nor released
    /// by then is charged whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 3_600))]
    pub expires_in_s: Option<i64>,
    /// The program that asks.
    #[serde(
        default,
        deserialize_with = "lenient::empty_as_none",
        skip_serializing_if = "Option::is_none"
    )]
    pub client: Option<String>,
    /// Whose credentials the provider sees; `centralized` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential_kind: Option<AiCredentialKind>,
}

/// What is to become of a hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum AiReservationAction {
    /// It is charged with what the request cost.
    Settle,
    /// It is given back: the request was not sent, or cost nothing.
    #[default]
    Release,
    /// It holds more, or for longer.
    Extend,
}

/// A change of a hold. Each action has its own fields; those of others must be absent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PatchAiReservationRequest {
    /// What is to become of it.
    pub action: AiReservationAction,
    /// To settle: the cost, at least 0; `null` when it is not known. It must be given.
    #[serde(default, skip_serializing_if = "Change::keeps")]
    #[cfg_attr(
        feature = "openapi",
        schema(value_type = Option<i64>, minimum = 0, maximum = 10_000_000_000_000_i64)
    )]
    pub cost_micros: Change<i64>,
    /// To settle: what was used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<AiTokenCounts>,
    /// To settle: the model that the provider says it answered with.
    #[serde(
        default,
        deserialize_with = "lenient::empty_as_none",
        skip_serializing_if = "Option::is_none"
    )]
    pub response_model: Option<String>,
    /// To settle: the provider's own id of the answer.
    #[serde(
        default,
        deserialize_with = "lenient::empty_as_none",
        skip_serializing_if = "Option::is_none"
    )]
    pub provider_response_id: Option<String>,
    /// To extend: what is to be held in all, up to 1,000,000,000; less than what is held leaves it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 1_000_000_000))]
    pub hold_micros: Option<i64>,
    /// To extend: for how many seconds from now on it is held, from 1 to 3,600; it is never shortened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 3_600))]
    pub expires_in_s: Option<i64>,
}

/// The state of a hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum AiReservationStatus {
    /// It is held.
    Open,
    /// It was charged with what the request cost.
    Settled,
    /// It was given back.
    Released,
    /// Nobody closed it in time: it is charged whole, until it is settled or released after all.
    Expired,
}

/// A hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AiReservation {
    /// The hold; the usage event of its settlement has the same id.
    pub id: Uuid,
    /// The reporter's own name for it.
    pub idempotency_key: String,
    /// The state.
    pub status: AiReservationStatus,
    /// Who spends.
    pub user_id: Uuid,
    /// The group that is charged; `null` for a person without any organization.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub effective_group_id: Option<Uuid>,
    /// The provider's name.
    pub provider: String,
    /// The model asked for.
    pub model: String,
    /// What is held, or was.
    pub hold_micros: i64,
    /// From when on it is charged whole.
    pub expires_at: DateTime<Utc>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was settled or released; `null` before.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub closed_at: Option<DateTime<Utc>>,
    /// What it was settled with; `null` before, and when the cost is not known.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub cost_micros: Option<i64>,
    /// By how much the cost passed the hold.
    pub over_hold_micros: i64,
    /// Whether it had expired and been charged whole, which was corrected.
    pub corrected: bool,
    /// The limits that apply to the person at this instant: the person's own, the pool of the group that is charged, and
    /// caps.
    pub limits: Vec<AiLimitState>,
}

/// What a limit is set for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum AiLimitKind {
    /// All that a person spends.
    User,
    /// All that is charged to a group.
    Pool,
    /// All that a person spends in the organization, or in the deployment, under its user cap.
    UserCap,
    /// What all people spend in the organization, or in the deployment, beyond what is included for each.
    SubscriptionCap,
}

/// A limit, and what is left of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AiLimitState {
    /// What it is set for.
    pub kind: AiLimitKind,
    /// The limit.
    pub limit_micros: i64,
    /// Whether it blocks.
    pub mode: AiBudgetMode,
    /// What is settled in the period.
    pub spent_micros: i64,
    /// What is held in the period.
    pub reserved_micros: i64,
    /// What is neither spent nor held, never below zero. Under the cap of a subscription, what remains to this person.
    pub remaining_micros: i64,
    /// When the period ends, and what is spent counts from zero again.
    pub resets_at: DateTime<Utc>,
    /// Which cap it is; absent unless it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cap: Option<AiLimitCap>,
}

/// Which cap a limit is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AiLimitCap {
    /// The organization that it was set for; `null` for the deployment.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub organization_id: Option<Uuid>,
    /// What was set.
    pub source: AiCapSource,
    /// The amount that was set. A user cap never takes what is included, so its limit may be more.
    pub cap_micros: i64,
    /// What the person may spend in a period whatever the caps say. It does not count under a subscription's cap, and
    /// what is left of it is part of what remains to the person.
    pub included_micros: i64,
}

/// What a cap was set as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum AiCapSource {
    /// For each person without a cap of their own.
    FlatUser,
    /// For this person.
    UserOverride,
    /// For all people together.
    Subscription,
}

/// Why room was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum AiBudgetRefusalKind {
    /// It cannot fit in this period (402).
    OverBudget,
    /// It may fit when other requests are settled (429, with `Retry-After`).
    RetryLater,
}

/// A refusal in figures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AiBudgetRefusal {
    /// Why.
    pub kind: AiBudgetRefusalKind,
    /// The limit that is in the way.
    pub limit: AiLimitState,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cost_that_is_not_known_is_told_apart_from_none_at_all() {
        let check = |cost: Change<i64>, text: &str| {
            let request = PatchAiReservationRequest {
                action: AiReservationAction::Settle,
                cost_micros: cost,
                ..Default::default()
            };
            assert_eq!(serde_json::to_string(&request).unwrap(), text);
            let read: PatchAiReservationRequest = serde_json::from_str(text).unwrap();
            assert_eq!(read, request);
        };
        check(Change::Keep, r#"{"action":"settle"}"#);
        check(Change::Remove, r#"{"action":"settle","cost_micros":null}"#);
        check(Change::Set(0), r#"{"action":"settle","cost_micros":0}"#);
    }
}
