//! Budgets of groups and overrides for people; [`resolve`] is the rule that says which one holds.
//!
//! A group's budget is a limit **for each member**; beside it a group may have a pool, a limit for all of its
//! spend together. A budget is enforced, or only observed: counted and told about, never blocking.

mod resolve;
mod settings;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{Change, GroupId, Micros, OrganizationId, UserId};

pub use resolve::{
    BudgetCandidate, Candidates, Considered, EffectiveBudget, FallbackCandidate, LimitSource,
    OverrideCandidate, Reason, Resolution, fallback_group, resolve,
};
pub(crate) use settings::words;
pub use settings::{BudgetPeriod, BudgetSettings, BudgetSettingsUpdate, UnknownWord};

/// The greatest limit that may be set: one million dollars for each person, or pool, and period.
pub const MAX_SPEND_LIMIT: Micros = Micros(1_000_000_000_000);

/// Whether a limit blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BudgetMode {
    /// What does not fit is refused.
    #[default]
    Enforce,
    /// Spend is counted and told about; nothing is refused.
    Observe,
}

impl BudgetMode {
    /// Every one.
    pub const ALL: &'static [Self] = &[Self::Enforce, Self::Observe];

    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Enforce => "enforce",
            Self::Observe => "observe",
        }
    }
}

/// How one limit is made of several group budgets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BudgetPolicy {
    /// The highest holds.
    #[default]
    Highest,
    /// The lowest holds.
    Lowest,
    /// All of them together hold.
    Sum,
}

impl BudgetPolicy {
    /// Every one.
    pub const ALL: &'static [Self] = &[Self::Highest, Self::Lowest, Self::Sum];

    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Highest => "highest",
            Self::Lowest => "lowest",
            Self::Sum => "sum",
        }
    }
}

/// How the budget of an Everyone group stands beside those of other groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EveryoneBudget {
    /// It competes like any other.
    #[default]
    Competes,
    /// It is a default: it counts only for people without a budget of another group.
    Default,
}

impl EveryoneBudget {
    /// Every one.
    pub const ALL: &'static [Self] = &[Self::Competes, Self::Default];

    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Competes => "competes",
            Self::Default => "default",
        }
    }
}

/// A group's budget.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupBudget {
    /// The group.
    pub group_id: GroupId,
    /// What each member may spend in a period.
    pub spend_limit: Micros,
    /// Whether the limit blocks.
    pub mode: BudgetMode,
    /// What all spend that is charged to the group may come to in a period; `None` is no such limit.
    pub pool_limit: Option<Micros>,
    /// The pool's own period; `None` is the deployment's.
    pub pool_period: Option<BudgetPeriod>,
    /// The zone of the pool's period; `None` is the deployment's.
    pub pool_time_zone: Option<String>,
    /// When it was first set.
    pub created_at: DateTime<Utc>,
    /// When it was last set.
    pub updated_at: DateTime<Utc>,
}

/// A group's budget to be set. A mode of `None` leaves what is set, or is the default where nothing is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GroupBudgetUpsert {
    /// What each member may spend in a period.
    pub spend_limit: Micros,
    /// Whether the limit blocks.
    pub mode: Option<BudgetMode>,
    /// What all spend that is charged to the group may come to in a period.
    pub pool_limit: Change<Micros>,
    /// The pool's own period.
    pub pool_period: Change<BudgetPeriod>,
    /// The zone of the pool's period, by its IANA name without regard to case.
    pub pool_time_zone: Change<String>,
}

impl GroupBudgetUpsert {
    /// A limit for each member, and the rest as it is.
    #[must_use]
    pub fn limit(spend_limit: Micros) -> Self {
        Self {
            spend_limit,
            ..Self::default()
        }
    }
}

/// An override to be set, whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BudgetOverrideUpsert {
    /// The group that the person's spend will be charged to.
    pub group_id: GroupId,
    /// What the person may spend in a period.
    pub spend_limit: Micros,
    /// Whether the limit blocks.
    pub mode: BudgetMode,
    /// From when on it counts for nothing; `None` is never.
    pub expires_at: Option<DateTime<Utc>>,
}

/// A person's own budget, which stands in for those of groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BudgetOverride {
    /// The person.
    pub user_id: UserId,
    /// The group that the person's spend is charged to; the person is in it.
    pub group_id: GroupId,
    /// The group's organization.
    pub organization_id: OrganizationId,
    /// What the person may spend in a period.
    pub spend_limit: Micros,
    /// Whether the limit blocks.
    pub mode: BudgetMode,
    /// From when on it counts for nothing; `None` is never.
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was first set.
    pub created_at: DateTime<Utc>,
    /// When it was last set.
    pub updated_at: DateTime<Utc>,
}
