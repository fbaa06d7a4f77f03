//! The steps of a batch, as they come from outside and from the sweep.

use model::{
    ReservationId,
    spend::{Account, LedgerOp, ReserveRequest, Settlement, WaitEnd},
};

/// One step.
#[derive(Debug)]
pub(crate) enum Step<'a> {
    Reserve(&'a ReserveRequest),
    Close(Closing<'a>),
    WaitEnd(&'a WaitEnd),
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
            LedgerOp::WaitEnd(end) => Self::WaitEnd(end),
        }
    }
}
