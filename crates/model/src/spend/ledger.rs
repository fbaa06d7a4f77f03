//! The steps of a reservation's life, as the ledger takes them: many at a time, each on its own.

use chrono::NaiveDate;

use super::{
    Extend, ExtendOutcome, LimitKey, Reported, ReserveOutcome, ReserveRequest, SettleOutcome,
    Settlement, UsageReport,
};
use crate::{GroupId, Micros, OrganizationId, ReservationId, UserId, WaiterId};

/// Whom a reservation is held by and charged to. It never changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Account {
    /// Who spends.
    pub user_id: UserId,
    /// The group that is charged; `None` for a person without an organization.
    pub group_id: Option<GroupId>,
    /// The organization of that group, under whose caps it counts.
    pub organization_id: Option<OrganizationId>,
}

/// One step.
#[derive(Debug, Clone)]
pub enum LedgerOp {
    /// Decides by [`crate::admission::decide`] and, when admitted, holds the amount.
    Reserve(Box<ReserveRequest>),
    /// Holds more for an open reservation, under all of its limits or none.
    Extend(Extend),
    /// Closes a reservation with what it cost: exactly once, whatever happened to it meanwhile.
    Settle(Box<Settlement>),
    /// Closes a reservation whose request was never written upstream or was answered with an error.
    Release(Release),
    /// Charges what was spent elsewhere, without a reservation. Never refused.
    Report(Box<UsageReport>),
    /// A waiter leaves without being admitted: nobody yields to it any longer.
    WaitEnd(WaitEnd),
}

impl LedgerOp {
    /// Whose step it is.
    #[must_use]
    pub fn user_id(&self) -> UserId {
        match self {
            Self::Reserve(request) => request.user_id,
            Self::Extend(extend) => extend.account.user_id,
            Self::Settle(settlement) => settlement.account.user_id,
            Self::Release(release) => release.account.user_id,
            Self::Report(report) => report.user_id,
            Self::WaitEnd(end) => end.user_id,
        }
    }
}

/// Closes a reservation free of charge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Release {
    /// The reservation.
    pub id: ReservationId,
    /// Whose it is.
    pub account: Account,
}

/// A waiter that leaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitEnd {
    /// Who waited.
    pub user_id: UserId,
    /// The waiter.
    pub waiter: WaiterId,
    /// The limits that it waited at.
    pub limits: Vec<LimitKey>,
}

/// How long a batch waits for a lock that somebody else holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LockWait {
    /// A moment: who is in the way of one person shall not be in everybody's.
    Brief,
    /// As long as a statement may run.
    Long,
}

/// What became of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LedgerAnswer {
    /// Of [`LedgerOp::Reserve`].
    Reserved(Box<ReserveOutcome>),
    /// Of [`LedgerOp::Extend`].
    Extended(Box<ExtendOutcome>),
    /// Of [`LedgerOp::Settle`] and [`LedgerOp::Release`].
    Closed(SettleOutcome),
    /// Of [`LedgerOp::Report`].
    Reported(Reported),
    /// Of [`LedgerOp::WaitEnd`].
    WaitEnded,
}

/// What became of a batch of steps.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LedgerBatch {
    /// One answer for each step, in their order.
    pub answers: Vec<LedgerAnswer>,
    /// The limits where room came free for which somebody may be waiting, on any server: to be told once the
    /// batch is durable.
    pub wake: Vec<LimitKey>,
}

/// A figure of the ledger that does not agree with a recount.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerDifference {
    /// Which figure.
    pub figure: LedgerFigure,
    /// What is stored.
    pub stored: Micros,
    /// What the events or the open reservations come to.
    pub recounted: Micros,
}

/// A figure that the ledger keeps and that can be recounted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LedgerFigure {
    /// What is settled under a limit in the period that begins then.
    Spent(LimitKey, chrono::DateTime<chrono::Utc>),
    /// What is held under a limit in the period that begins then.
    Reserved(LimitKey, chrono::DateTime<chrono::Utc>),
    /// What a person was charged on a day (UTC), by group.
    Daily(Account, NaiveDate),
}
