//! What the portal tells, and what it is told.

use chrono::{DateTime, NaiveDate, Utc};
use model::caps::{BlockedCap, Cap};

/// All caps of a subscription.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PortalCaps {
    /// Those for all people; `None` when there is no record, without which the portal takes no overrides.
    pub subscription: Option<PortalSubscriptionCaps>,
    /// Those of single people, in the portal's order; of every instance that shares the subscription.
    pub overrides: Vec<PortalOverride>,
}

/// The caps of a subscription for all people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortalSubscriptionCaps {
    /// Its name at the portal.
    pub name: Option<String>,
    /// For all people together; `None` was never set.
    pub subscription: Option<Cap>,
    /// For each person without a cap of their own; `None` was never set.
    pub flat_user: Option<Cap>,
}

/// A person's own cap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortalOverride {
    /// Whose, by the id that the portal was told; `None` when it knows no more.
    pub entity_id: Option<String>,
    /// The cap.
    pub cap: Cap,
    /// The instance that the person is of, by the portal's id of it.
    pub instance_activation_id: Option<String>,
    /// When it was first set; not told for what was just written.
    pub created_at: Option<DateTime<Utc>>,
    /// When it was changed last; not told for what was just written.
    pub updated_at: Option<DateTime<Utc>>,
}

/// A person's cap to be set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortalOverrideUpsert {
    /// Whose.
    pub entity_id: String,
    /// The cap.
    pub cap: Cap,
}

/// The flat cap as the portal keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortalFlatCap {
    /// The subscription's name at the portal.
    pub subscription_name: Option<String>,
    /// The cap.
    pub cap: Cap,
}

/// Whether somebody is stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortalBlockedStatus {
    /// Who.
    pub entity_id: String,
    /// Whether they are.
    pub blocked: bool,
    /// By which cap; `None` when they are not stopped, or by a cap of a kind that is not known here.
    pub cap: Option<BlockedCap>,
}

/// Days, the first and the last included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PortalDates {
    /// The first.
    pub start: NaiveDate,
    /// The last.
    pub end: NaiveDate,
}
