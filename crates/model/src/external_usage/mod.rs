//! Spend that other gateways report, or ask for first.
//!
//! What a reporter sends bears an *idempotency key* of its own choice, and is taken once: sent again it is answered
//! as before, and something else under the same key is refused. Keys are a reporter's own: two reporters never meet.

mod key;
mod outcome;

use chrono::{DateTime, Duration, Utc};
use serde::{Deserialize, Serialize};

pub use self::{
    key::{IdempotencyKey, KeyError},
    outcome::{AskOutcome, ChangeOutcome, ReportOutcome, Reports},
};
use crate::{
    GroupId, LeaseId, Micros, Name, OrganizationId, ReservationId, UserId, WaiterId,
    metering::TokenUsage,
    spend::{Account, CredentialKind},
};

/// The greatest number of events of one report.
pub const MAX_EVENTS: usize = 1_000;

/// The most that another gateway may hold for one request: $1,000.
pub const MAX_HOLD: Micros = Micros(1_000_000_000);

/// The longest that a hold lives before it is settled, released or extended.
pub const MAX_LIFETIME: Duration = Duration::hours(1);

/// How long a hold lives when nothing is said.
pub const DEFAULT_LIFETIME: Duration = Duration::minutes(5);

/// A request to a provider, as the gateway that sent it tells of it. All of it is stored, nothing trusted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExternalCall {
    /// The provider's name; one of this deployment's is recognised.
    pub provider: String,
    /// The model asked for.
    pub model: String,
    /// The program that asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    /// Whose credentials the provider saw.
    #[serde(default)]
    pub credential_kind: CredentialKind,
}

/// What a request came to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExternalCost {
    /// What was used.
    #[serde(default)]
    pub usage: TokenUsage,
    /// The cost, not negative; `None` when it is not known.
    pub cost: Option<Micros>,
    /// The model that the provider says it answered with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_model: Option<String>,
    /// The provider's own id of the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider_response_id: Option<String>,
}

/// What stands under an idempotency key, without the person: what is sent again must be the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ExternalContent {
    /// Spend that has happened.
    Usage {
        /// The request.
        call: ExternalCall,
        /// What it came to.
        cost: ExternalCost,
        /// When it happened, by the reporter's clock: stored only.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        occurred_at: Option<DateTime<Utc>>,
    },
    /// Room for spend that may happen.
    Reservation {
        /// The request.
        call: ExternalCall,
        /// What is to be held.
        hold: Micros,
        /// For how long, in seconds.
        lifetime_s: i64,
    },
}

impl ExternalContent {
    /// The request that it is about.
    #[must_use]
    pub const fn call(&self) -> &ExternalCall {
        match self {
            Self::Usage { call, .. } | Self::Reservation { call, .. } => call,
        }
    }

    /// What it came to, if it has happened.
    #[must_use]
    pub const fn cost(&self) -> Option<&ExternalCost> {
        match self {
            Self::Usage { cost, .. } => Some(cost),
            Self::Reservation { .. } => None,
        }
    }
}

/// Spend that has happened, to be recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageClaim {
    /// The reporter's name for it.
    pub key: IdempotencyKey,
    /// Who spent: an id, a username or `me`, as the reporter wrote it.
    pub person: String,
    /// The request.
    pub call: ExternalCall,
    /// What it came to.
    pub cost: ExternalCost,
    /// When it happened, by the reporter's clock.
    pub occurred_at: Option<DateTime<Utc>>,
}

impl UsageClaim {
    /// What stands under its key.
    #[must_use]
    pub fn content(&self) -> ExternalContent {
        ExternalContent::Usage {
            call: self.call.clone(),
            cost: self.cost.clone(),
            occurred_at: self.occurred_at,
        }
    }
}

/// Room that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReservationClaim {
    /// The reporter's name for it.
    pub key: IdempotencyKey,
    /// Who wants to spend: an id, a username or `me`, as the reporter wrote it.
    pub person: String,
    /// The request.
    pub call: ExternalCall,
    /// What is to be held, above zero.
    pub hold: Micros,
    /// For how long.
    pub lifetime: Duration,
    /// The request as long as it has no reservation: a fresh id.
    pub waiter: WaiterId,
    /// The lease that the hold lives by: a fresh id.
    pub lease: LeaseId,
}

impl ReservationClaim {
    /// What stands under its key.
    #[must_use]
    pub fn content(&self) -> ExternalContent {
        ExternalContent::Reservation {
            call: self.call.clone(),
            hold: self.hold,
            lifetime_s: self.lifetime.num_seconds(),
        }
    }
}

/// What becomes of a hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReservationChange {
    /// It is charged with what the request cost.
    Settle(ExternalCost),
    /// The request was never sent, or cost nothing.
    Release,
    /// It holds more, or for longer.
    Extend {
        /// What is to be held, in all; `None`, and less than what is held, leaves it.
        hold: Option<Micros>,
        /// How long it lives from now on; it never lives shorter than before. `None` leaves it.
        lifetime: Option<Duration>,
    },
}

/// How a hold was closed. Closing it again must be the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum Closing {
    /// With a cost.
    Settle(ExternalCost),
    /// Without.
    Release,
}

/// What is written down of a hold that changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HoldUpdate {
    /// It is closed, and its lease ends.
    Closed {
        /// How.
        how: Closing,
        /// By how much the cost passed it.
        over_hold: Micros,
        /// Whether it had been charged whole before, which was corrected.
        corrected: bool,
    },
    /// It goes on.
    Extended {
        /// What is held, in all.
        hold: Micros,
        /// How long its lease lives from now on, if it would end before.
        lifetime: Option<Duration>,
    },
}

/// A key that is to be taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewExternal {
    /// The key.
    pub key: IdempotencyKey,
    /// The person, as the reporter wrote it.
    pub person: String,
    /// The person.
    pub user_id: UserId,
    /// What stands under it.
    pub content: ExternalContent,
}

/// What the ledger made of a key that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TakenExternal {
    /// The key.
    pub key: IdempotencyKey,
    /// The usage event, or the reservation whose event it will be.
    pub id: ReservationId,
    /// The group that is charged.
    pub group_id: Option<GroupId>,
    /// Its organization.
    pub organization_id: Option<OrganizationId>,
}

/// Who is meant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum PersonRef {
    /// By id.
    Id(UserId),
    /// By username.
    Name(Name),
}

/// A person, and whom their spend is charged to at this instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChargedPerson {
    /// The person.
    pub user_id: UserId,
    /// Whether the account is active, so that it may begin to spend.
    pub active: bool,
    /// The organization of the group that is charged; `None` for a person without any.
    pub organization_id: Option<OrganizationId>,
}

/// What stands under a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExternalRecord {
    /// Who reported it.
    pub reporter_id: UserId,
    /// The reporter's name for it.
    pub key: IdempotencyKey,
    /// The person, as the reporter wrote it.
    pub person: String,
    /// The person.
    pub user_id: UserId,
    /// What was sent.
    pub content: ExternalContent,
    /// The usage event, or the reservation.
    pub id: ReservationId,
    /// The group that is charged.
    pub group_id: Option<GroupId>,
    /// Its organization.
    pub organization_id: Option<OrganizationId>,
    /// When it was taken.
    pub created_at: DateTime<Utc>,
    /// The hold; `None` for what was spent already.
    pub hold: Option<ExternalHold>,
}

impl ExternalRecord {
    /// Whom it is charged to.
    #[must_use]
    pub const fn account(&self) -> Account {
        Account {
            user_id: self.user_id,
            group_id: self.group_id,
            organization_id: self.organization_id,
        }
    }

    /// Whether this was sent before under this key. A person may be named in another way, if that is known to be
    /// the same one.
    #[must_use]
    pub fn repeats(&self, person: &str, known: Option<UserId>, content: &ExternalContent) -> bool {
        let same_person = self.person == person || known == Some(self.user_id);
        same_person && self.content == *content
    }
}

/// A hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExternalHold {
    /// What it lives by.
    pub lease: LeaseId,
    /// What is held, or was when it was closed.
    pub amount: Micros,
    /// From when on it is charged whole, until a settlement corrects that.
    pub expires_at: DateTime<Utc>,
    /// Whether that has come, by the database's clock, before it was closed.
    pub expired: bool,
    /// How it was closed; `None` while it is open, or has expired.
    pub closed: Option<ClosedHold>,
}

/// A hold that was closed by its reporter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClosedHold {
    /// How.
    pub how: Closing,
    /// By how much the cost passed the hold.
    pub over_hold: Micros,
    /// Whether it had been charged whole before, which was corrected.
    pub corrected: bool,
    /// When.
    pub at: DateTime<Utc>,
}
