//! What comes of reports and of asking first.

use super::{ExternalRecord, IdempotencyKey};
use crate::{
    GroupId, Micros, ReservationId,
    caps::CapScope,
    spend::{LimitKey, SpendState},
};

/// What became of one reported event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportOutcome {
    /// The reporter's name for it.
    pub key: IdempotencyKey,
    /// The usage event.
    pub id: ReservationId,
    /// Whether it was known before, and nothing was written now.
    pub duplicate: bool,
    /// The group that was charged.
    pub group_id: Option<GroupId>,
    /// What was charged; `None` when the cost is not known.
    pub cost: Option<Micros>,
}

/// What became of a report.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reports {
    /// One for each event, in their order.
    pub outcomes: Vec<ReportOutcome>,
    /// The limits where somebody waits for what came free: to be told once the report is durable.
    pub wake: Vec<LimitKey>,
}

/// What became of asking for room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AskOutcome {
    /// It is held.
    Held(ReservationId),
    /// The same was asked before, and was held.
    Known(ReservationId),
    /// It cannot fit in this period: nothing is to be kept, not even the key.
    Refused(Box<SpendState>),
    /// It may fit when others have settled: nothing is to be kept, not even the key.
    RetryLater(Box<SpendState>),
    /// It is not known which caps this subscription has: nothing is to be kept, not even the key.
    CapsUnknown(CapScope),
}

/// What became of a change of a hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChangeOutcome {
    /// It was made.
    Changed {
        /// The limits where somebody waits for what came free: to be told once the change is durable.
        wake: Vec<LimitKey>,
    },
    /// The same was done before.
    Same,
    /// The hold was closed before, in another way.
    Closed(Box<ExternalRecord>),
    /// The hold has expired: it can be settled or released, but not extended.
    Expired(Box<ExternalRecord>),
    /// More cannot be held in its period; what was held stays held.
    Refused(Box<SpendState>),
    /// More cannot be held now; what was held stays held.
    RetryLater(Box<SpendState>),
}
