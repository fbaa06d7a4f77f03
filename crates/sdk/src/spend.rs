//! What a person spent. Money is in micro-dollars: 1 USD = 1,000,000.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::AiBudgetMode;

/// The state of a person's spend in the present period.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UserAiSpend {
    /// The person.
    pub user_id: Uuid,
    /// The group that spend is charged to; `null` for a person without any organization.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub effective_group_id: Option<Uuid>,
    /// The limit that holds; `null` is no limit.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub effective_budget: Option<EffectiveAiBudget>,
    /// What the person spent in the period, whichever group was charged.
    pub current_spend_micros: i64,
    /// What open requests hold until they are settled.
    pub reserved_micros: i64,
    /// What is left of the limit, never below zero: neither spent nor held; `null` without a limit.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub remaining_micros: Option<i64>,
    /// The first instant of the period.
    pub period_start: DateTime<Utc>,
    /// The first instant after the period.
    pub period_end: DateTime<Utc>,
    /// The pool of the group that spend is charged to; `null` when it has none, or when the caller may not read
    /// the group's organization.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub pool: Option<AiSpendPool>,
    /// Every budget that was considered and whose organization the caller may read, and what became of it.
    pub why: Vec<ConsideredAiBudget>,
}

/// The limit that holds for a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EffectiveAiBudget {
    /// The limit.
    pub spend_limit_micros: i64,
    /// Where it comes from.
    pub limit_source: AiLimitSource,
    /// Whether it blocks.
    pub mode: AiBudgetMode,
}

/// A group's pool: the limit of all spend together that is charged to the group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AiSpendPool {
    /// The group.
    pub group_id: Uuid,
    /// The limit.
    pub pool_limit_micros: i64,
    /// Whether it blocks.
    pub mode: AiBudgetMode,
    /// What was spent from it in its period, by everybody.
    pub current_spend_micros: i64,
    /// What open requests hold until they are settled.
    pub reserved_micros: i64,
    /// What is left of the limit, never below zero: neither spent nor held.
    pub remaining_micros: i64,
    /// The first instant of the pool's period.
    pub period_start: DateTime<Utc>,
    /// The first instant after the pool's period.
    pub period_end: DateTime<Utc>,
}

/// Where a limit comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum AiLimitSource {
    /// The person's own override.
    UserOverride,
    /// The budget of a group, or of several.
    Group,
}

/// A budget that was considered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ConsideredAiBudget {
    /// Where it comes from.
    pub limit_source: AiLimitSource,
    /// The group that carries it, or that the override charges.
    pub group_id: Uuid,
    /// The group's organization.
    pub organization_id: Uuid,
    /// The limit.
    pub spend_limit_micros: i64,
    /// Whether it blocks.
    pub mode: AiBudgetMode,
    /// What became of it.
    pub reason: AiBudgetReason,
}

/// What became of a budget that was considered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum AiBudgetReason {
    /// It holds.
    Holds,
    /// It is one of those that the sum is made of.
    Summed,
    /// Another one is higher, or lower as the policy wants it, or comes first among equals.
    Outranked,
    /// It is the Everyone group's, a default, while another group has one.
    DefaultNotNeeded,
    /// The person's override stands in for it.
    Overridden,
    /// It is observed only.
    Observed,
    /// It has expired.
    Expired,
}
