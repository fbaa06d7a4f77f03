//! Budgets of groups. Money is in micro-dollars: 1 USD = 1,000,000.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A group's budget: what each of its members may spend in a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GroupAiBudget {
    /// The group.
    pub group_id: Uuid,
    /// The limit for each member, in micro-dollars; zero blocks.
    pub spend_limit_micros: i64,
    /// When it was first set.
    pub created_at: DateTime<Utc>,
    /// When it was last set.
    pub updated_at: DateTime<Utc>,
}

/// A group's budget to be set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UpsertGroupAiBudgetRequest {
    /// The limit for each member, in micro-dollars, from 0 to 1,000,000,000,000.
    #[cfg_attr(
        feature = "openapi",
        schema(minimum = 0, maximum = 1_000_000_000_000_i64)
    )]
    pub spend_limit_micros: i64,
}
