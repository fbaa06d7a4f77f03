//! Holding more for what is already under way.

use super::{Account, SpendState};
use crate::{Micros, ReservationId};

/// An open reservation that wants to hold more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extend {
    /// The reservation.
    pub id: ReservationId,
    /// Whose it is.
    pub account: Account,
    /// What is to be held from now on, in all: asking twice is like asking once. Less than what is held changes
    /// nothing.
    pub hold: Micros,
}

/// The answer to an [`Extend`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExtendOutcome {
    /// So much is held, in all.
    Extended {
        /// What was asked for; more when more was held already.
        hold: Micros,
    },
    /// It cannot fit in the reservation's period; what was held stays held.
    Refused(SpendState),
    /// It does not fit now, but may when other reservations are settled; what was held stays held.
    RetryLater(SpendState),
    /// No such reservation is open: it was never made, or is closed.
    Unknown,
}
