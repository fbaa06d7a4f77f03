//! The spend ledger's vocabulary: a request **reserves** its worst case, then **settles** what it cost.
//!
//! Spend follows the person: what counts against a limit is all that the person spent in the period,
//! whichever group was charged. Amounts that are not settled yet are held by reservations.

mod credentials;
mod exhausted;
mod extend;
mod ledger;
mod limits;
mod report;

use chrono::{DateTime, Utc};

pub use self::{
    credentials::{CredentialKind, NoSuchCredential},
    extend::{Extend, ExtendOutcome},
    ledger::{
        Account, LedgerAnswer, LedgerBatch, LedgerDifference, LedgerFigure, LedgerOp, LockWait,
        Release, WaitEnd,
    },
    limits::{LimitKey, LimitKind, NoSuchLimit},
    report::{Reported, UsageReport},
};
use crate::{
    GroupId, LeaseId, Micros, OrganizationId, ProviderId, ReservationId, UserId, WaiterId,
    admission::{Patience, WorstCase},
    budgets::{BudgetMode, Considered, EffectiveBudget},
    caps::{CapScope, CapState},
    metering::{PriceSnapshot, TokenUsage},
};

/// A budget period: the half-open span in which spend is counted together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    /// Its first instant.
    pub start: DateTime<Utc>,
    /// The first instant after it, when spend counts from zero again.
    pub end: DateTime<Utc>,
}

/// A request that wants to spend.
#[derive(Debug, Clone)]
pub struct ReserveRequest {
    /// The request, as long as it has no reservation.
    pub waiter: WaiterId,
    /// The lease of the server that holds it.
    pub lease_id: LeaseId,
    /// Who spends.
    pub user_id: UserId,
    /// The key that was presented.
    pub api_key_id: String,
    /// The provider asked.
    pub provider_id: ProviderId,
    /// The provider's name at that time.
    pub provider_name: String,
    /// The model asked for, as the client wrote it.
    pub model: String,
    /// The program that asks, by [`crate::clients::guess`]; `None` when nothing is known of it.
    pub client: Option<String>,
    /// Whose credentials the provider sees.
    pub credential_kind: CredentialKind,
    /// The most input tokens the request can cost: saved for a settlement after a crash.
    pub input_bound_tokens: u64,
    /// What the request may cost; a request that cannot be bounded is refused under a limit.
    pub worst_case: Result<WorstCase, NotBounded>,
    /// The prices at the bound, for a settlement after a crash; `None` when the model has no price.
    pub prices: Option<PriceSnapshot>,
    /// Whether the request may still wait for others to settle.
    pub patience: Patience,
    /// Since when this request waits, when it has been told to wait before.
    pub waiting_since: Option<DateTime<Utc>>,
    /// The instant at which it will stop waiting.
    pub gives_up_at: DateTime<Utc>,
}

/// Why a request's cost has no upper bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotBounded {
    /// The model has no price.
    Unpriced,
    /// The request carries what only the model's context window bounds, and that is not known.
    Input,
    /// The request asks for something that is charged per call, for which no price is known.
    Fee,
}

/// The state of a person's spend in the present period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpendState {
    /// The limit that holds; `None` is no limit.
    pub budget: Option<EffectiveBudget>,
    /// The group that spend is charged to; `None` for a person without an organization.
    pub group_id: Option<GroupId>,
    /// The organization of that group.
    pub organization_id: Option<OrganizationId>,
    /// What is settled in this period.
    pub spent: Micros,
    /// What open reservations hold in this period.
    pub reserved: Micros,
    /// The period.
    pub period: Period,
    /// The present instant by the database's clock.
    pub now: DateTime<Utc>,
    /// The pool of the group that spend is charged to, if it has one.
    pub pool: Option<PoolState>,
    /// The caps that apply: user caps before subscriptions' caps, and each the organization's before the deployment's.
    pub caps: [Option<CapState>; 4],
    /// The limit that is in the way of a request; `None` where no request was.
    pub blocked_by: Option<LimitKind>,
    /// Whose it is, if it is a cap.
    pub blocked_scope: Option<CapScope>,
}

impl SpendState {
    /// The cap that is in the way of a request, if it is a cap that is.
    #[must_use]
    pub fn blocked_cap(&self) -> Option<&CapState> {
        let named = |cap: &&CapState| {
            Some(cap.cap.kind()) == self.blocked_by && Some(cap.scope) == self.blocked_scope
        };
        self.caps.iter().flatten().find(named)
    }
}

/// The state of a group's pool in its present period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolState {
    /// The group.
    pub group_id: GroupId,
    /// The limit of all its members' spend together.
    pub limit: Micros,
    /// Whether it blocks.
    pub mode: BudgetMode,
    /// What is settled in this period.
    pub spent: Micros,
    /// What open reservations hold in this period.
    pub reserved: Micros,
    /// The pool's period.
    pub period: Period,
}

/// The state of a person's spend, and why it is so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpendView {
    /// The state.
    pub state: SpendState,
    /// Every budget that was considered, and what became of it.
    pub considered: Vec<Considered>,
}

/// The answer to a [`ReserveRequest`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReserveOutcome {
    /// The amount is held and the open row is durable; forward the request with this output cap.
    Admitted {
        /// The reservation, made from the database's instant; the usage event will have the same id.
        id: ReservationId,
        /// Whom it is held by and charged to.
        account: Account,
        /// What is held; zero for a request that cannot be bounded.
        hold: Micros,
        /// The output cap per choice to forward with, in tokens; `None` leaves the client's as it is.
        cap: Option<u64>,
        /// Whether the cap is lower than what was asked for.
        lowered: bool,
        /// The state before this reservation.
        state: SpendState,
    },
    /// It does not fit only because of other open reservations: try again after a settlement.
    Wait {
        /// The limits that are in the way.
        limits: Vec<LimitKey>,
        /// The state that was decided by.
        state: SpendState,
    },
    /// It cannot fit in this period.
    Refused(SpendState),
    /// Its wait is over, but a settlement may still free what it needs.
    RetryLater(SpendState),
    /// A limit applies and the request's cost has no upper bound.
    NotBounded(NotBounded, SpendState),
    /// Caps live elsewhere, and what those of this subscription are has not been read for too long: try again soon.
    CapsUnknown(CapScope),
}

/// What a request came to cost.
#[derive(Debug, Clone)]
pub struct Settlement {
    /// The reservation.
    pub id: ReservationId,
    /// Whom it is charged to.
    pub account: Account,
    /// What was used, by the provider's own figures or by estimate.
    pub usage: TokenUsage,
    /// How the figures came about.
    pub basis: SettlementBasis,
    /// The cost; `None` when the model has no price.
    pub cost: Option<Micros>,
    /// The prices that the cost was computed with.
    pub prices: Option<PriceSnapshot>,
    /// The model that the provider says it answered with.
    pub response_model: Option<String>,
    /// The provider's own id of the answer: stored, never trusted.
    pub provider_response_id: Option<String>,
}

/// How the figures of a settlement came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SettlementBasis {
    /// The provider reported them.
    Reported,
    /// They are bounds or counts of what was received, because the provider's report never came.
    Estimated,
}

/// What became of a settlement or a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettleOutcome {
    /// What became of it.
    pub effect: SettleEffect,
    /// The limits where it freed room.
    pub freed: Vec<LimitKey>,
    /// By how much the cost passed what was held, when the provider reported more than was foreseen.
    pub over_hold: Micros,
}

/// What a settlement or release did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SettleEffect {
    /// The open reservation was closed and its event written.
    Settled,
    /// The reservation had been swept with an estimate; an event corrects it.
    Corrected,
    /// It had been settled before: nothing changed.
    AlreadySettled,
    /// The reservation was closed without a charge.
    Released,
    /// No such reservation is known.
    Unknown,
}

/// How far an open request has come, saved so that a crash is charged by what is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// The reservation.
    pub id: ReservationId,
    /// The most output tokens that can have been received so far.
    pub output_tokens: u64,
}

impl ReservationId {
    /// An id of version 7 of this instant, to the millisecond.
    #[must_use]
    pub fn of(instant: DateTime<Utc>, random: &[u8; 10]) -> Self {
        let millis = u64::try_from(instant.timestamp_millis()).unwrap_or_default();
        Self(uuid::Builder::from_unix_timestamp_millis(millis, random).into_uuid())
    }

    /// The instant that the request belongs to, from the id: its first 48 bits are milliseconds.
    #[must_use]
    pub fn instant(self) -> DateTime<Utc> {
        let millis = i64::try_from(self.0.as_u128() >> 80).unwrap_or_default();
        DateTime::from_timestamp_millis(millis).unwrap_or_default()
    }

    /// The id of the event that corrects an estimate: the last byte turned round, so the instant is the same.
    /// The database's `bursar_correction_id` says the same.
    #[must_use]
    pub fn correction(self) -> uuid::Uuid {
        uuid::Uuid::from_u128(self.0.as_u128() ^ 0xff)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_tells_its_instant_and_its_correction_has_the_same() {
        let instant = DateTime::from_timestamp_millis(1_790_000_000_123).unwrap();
        let id = ReservationId::of(instant, &[0xa5; 10]);
        assert_eq!((id.instant(), id.0.get_version_num()), (instant, 7));
        let correction = ReservationId(id.correction());
        assert_ne!(correction, id);
        assert_eq!(
            (correction.instant(), correction.correction()),
            (instant, id.0)
        );
    }
}
