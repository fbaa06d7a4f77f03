//! Budgets of groups, overrides of people, and what holds for all budgets. Money is in micro-dollars:
//! 1 USD = 1,000,000.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::Change;

/// Whether a limit blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum AiBudgetMode {
    /// What does not fit is refused.
    #[default]
    Enforce,
    /// Spend is counted; nothing is refused.
    Observe,
}

/// The span in which spend is counted together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum AiBudgetPeriod {
    /// From midnight to midnight.
    Day,
    /// From Monday to Sunday, as ISO 8601 has it.
    Week,
    /// A calendar month.
    #[default]
    Month,
    /// Three calendar months, the first of them January, April, July or October.
    Quarter,
}

/// How one limit is made of several group budgets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum AiBudgetPolicy {
    /// The highest holds.
    #[default]
    Highest,
    /// The lowest holds.
    Lowest,
    /// All of them together hold.
    Sum,
}

/// How the budget of an Everyone group stands beside those of other groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum AiBudgetEveryone {
    /// It competes like any other.
    #[default]
    Competes,
    /// It counts only for people without a budget of another group.
    Default,
}

/// A group's budget: what each of its members may spend in a period, and its pool, if it has one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GroupAiBudget {
    /// The group.
    pub group_id: Uuid,
    /// The limit for each member, in micro-dollars; zero blocks.
    pub spend_limit_micros: i64,
    /// Whether the limits block.
    pub mode: AiBudgetMode,
    /// The pool: the limit of all spend together that is charged to the group, in micro-dollars; `null` is none.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub pool_limit_micros: Option<i64>,
    /// The pool's own period; `null` is the deployment's.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub pool_period: Option<AiBudgetPeriod>,
    /// The time zone of the pool's period; `null` is the deployment's.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub pool_time_zone: Option<String>,
    /// When it was first set.
    pub created_at: DateTime<Utc>,
    /// When it was last set to something else.
    pub updated_at: DateTime<Utc>,
}

/// A group's budget to be set. What is optional and absent stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UpsertGroupAiBudgetRequest {
    /// The limit for each member, in micro-dollars, from 0 to 1,000,000,000,000.
    #[cfg_attr(
        feature = "openapi",
        schema(minimum = 0, maximum = 1_000_000_000_000_i64)
    )]
    pub spend_limit_micros: i64,
    /// Whether the limits block; `enforce` for a new budget.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<AiBudgetMode>,
    /// The pool: the limit of all spend together that is charged to the group, in micro-dollars, from 0 to
    /// 1,000,000,000,000; `null` removes it.
    #[serde(default, skip_serializing_if = "Change::keeps")]
    #[cfg_attr(
        feature = "openapi",
        schema(value_type = Option<i64>, minimum = 0, maximum = 1_000_000_000_000_i64)
    )]
    pub pool_limit_micros: Change<i64>,
    /// The pool's own period; `null` makes it the deployment's.
    #[serde(default, skip_serializing_if = "Change::keeps")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<AiBudgetPeriod>))]
    pub pool_period: Change<AiBudgetPeriod>,
    /// The time zone of the pool's period, by its IANA name; `null` makes it the deployment's.
    #[serde(default, skip_serializing_if = "Change::keeps")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub pool_time_zone: Change<String>,
}

/// A person's own budget, which stands in for those of groups.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UserAiBudgetOverride {
    /// The person.
    pub user_id: Uuid,
    /// The group that the person's spend is charged to.
    pub group_id: Uuid,
    /// The limit, in micro-dollars; zero blocks.
    pub spend_limit_micros: i64,
    /// Whether the limit blocks.
    pub mode: AiBudgetMode,
    /// From when on it counts for nothing; `null` is never.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was first set.
    pub created_at: DateTime<Utc>,
    /// When it was last set to something else.
    pub updated_at: DateTime<Utc>,
}

/// A person's override to be set, whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UpsertUserAiBudgetOverrideRequest {
    /// The group that the person's spend will be charged to; the person must be in it.
    pub group_id: Uuid,
    /// The limit, in micro-dollars, from 0 to 1,000,000,000,000.
    #[cfg_attr(
        feature = "openapi",
        schema(minimum = 0, maximum = 1_000_000_000_000_i64)
    )]
    pub spend_limit_micros: i64,
    /// Whether the limit blocks; `enforce` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<AiBudgetMode>,
    /// From when on it counts for nothing; never when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<DateTime<Utc>>,
}

/// What holds for all budgets of the deployment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AiBudgetSettings {
    /// How one limit is made of several group budgets.
    pub policy: AiBudgetPolicy,
    /// How budgets of Everyone groups stand beside others.
    pub everyone: AiBudgetEveryone,
    /// The period of people's budgets, and of pools without one of their own.
    pub period: AiBudgetPeriod,
    /// The time zone that periods follow, by its IANA name.
    pub time_zone: String,
    /// At which percentages of a limit people are told, in ascending order; empty tells nobody.
    #[serde(default)]
    pub alert_thresholds: Vec<u16>,
    /// When they were last changed.
    pub changed_at: DateTime<Utc>,
}

/// A change of what holds for all budgets; what is absent stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UpdateAiBudgetSettingsRequest {
    /// Another policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<AiBudgetPolicy>,
    /// Another way with Everyone groups.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub everyone: Option<AiBudgetEveryone>,
    /// Another period: what was spent is counted anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub period: Option<AiBudgetPeriod>,
    /// Another time zone, by its IANA name: what was spent is counted anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    /// Other percentages of a limit at which people are told: ten at most, each from 1 to 1000; none tells nobody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alert_thresholds: Option<Vec<u16>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pool_is_removed_by_null_and_left_alone_by_nothing() {
        let check = |pool: Change<i64>, body: &str| {
            let request = UpsertGroupAiBudgetRequest {
                pool_limit_micros: pool,
                ..Default::default()
            };
            assert_eq!(serde_json::to_string(&request).unwrap(), body);
            let read: UpsertGroupAiBudgetRequest = serde_json::from_str(body).unwrap();
            assert_eq!(read, request);
        };
        check(Change::Keep, r#"{"spend_limit_micros":0}"#);
        check(
            Change::Remove,
            r#"{"spend_limit_micros":0,"pool_limit_micros":null}"#,
        );
        check(
            Change::Set(7),
            r#"{"spend_limit_micros":0,"pool_limit_micros":7}"#,
        );
    }
}
