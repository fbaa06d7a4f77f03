//! The steps of a batch, as they come from outside and from the sweep.

use model::{
    ReservationId,
    spend::{Account, Extend, LedgerOp, ReserveRequest, Settlement, UsageReport, WaitEnd},
};

/// One step.
#[derive(Debug)]
pub(crate) enum Step<'a> {
    Reserve(&'a ReserveRequest),
    Extend(&'a Extend),
    Close(Closing<'a>),
    Report(&'a UsageReport),
    WaitEnd(&'a WaitEnd),
}

/// The order in which the steps of a batch are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// What frees room, so that it is there for the others.
    Frees,
    /// What has happened and is refused to nobody.
    Happened,
    /// What asks for room, in the order of arrival.
    Asks,
}

impl Turn {
    pub(super) const ALL: [Self; 3] = [Self::Frees, Self::Happened, Self::Asks];
}

impl Step<'_> {
    pub(super) const fn turn(&self) -> Turn {
        match self {
            Self::Close(_) | Self::WaitEnd(_) => Turn::Frees,
            Self::Report(_) => Turn::Happened,
            Self::Reserve(_) | Self::Extend(_) => Turn::Asks,
        }
    }
}

/// A reservation that is closed.
#[derive(Debug)]
pub(crate) struct Closing<'a> {
    pub(super) id: ReservationId,
    pub(super) account: Account,
    pub(super) how: How<'a>,
}

/// With what a reservation is closed.
#[derive(Debug, Clone, Copy)]
pub(crate) enum How<'a> {
    /// What it cost.
    Settle(&'a Settlement),
    /// Nothing.
    Release,
    /// What is known of it, because its server has gone.
    Sweep,
}

impl<'a> From<&'a LedgerOp> for Step<'a> {
    fn from(op: &'a LedgerOp) -> Self {
        match op {
            LedgerOp::Reserve(request) => Self::Reserve(request),
            LedgerOp::Extend(extend) => Self::Extend(extend),
            LedgerOp::Settle(settlement) => Self::Close(Closing {
                id: settlement.id,
                account: settlement.account,
                how: How::Settle(settlement),
            }),
            LedgerOp::Release(release) => Self::Close(Closing {
                id: release.id,
                account: release.account,
                how: How::Release,
            }),
            LedgerOp::Report(report) => Self::Report(report),
            LedgerOp::WaitEnd(end) => Self::WaitEnd(end),
        }
    }
}
