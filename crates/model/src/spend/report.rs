//! Spend that happened elsewhere and is reported afterwards.

use super::{Account, CredentialKind, LimitKind, SettlementBasis};
use crate::{
    Micros, OrganizationId, ProviderId, ReservationId, UserId,
    metering::{PriceSnapshot, TokenUsage},
};

/// What was spent elsewhere. It belongs to the instant at which it is reported, and is charged to the group that the
/// person's spend is charged to at that instant.
#[derive(Debug, Clone)]
pub struct UsageReport {
    /// Who spent.
    pub user_id: UserId,
    /// The key of whoever reports.
    pub api_key_id: String,
    /// The provider asked; nil when it is none of this deployment's.
    pub provider_id: ProviderId,
    /// Its name.
    pub provider_name: String,
    /// The model asked for.
    pub model: String,
    /// The program that asked; `None` when nothing is known of it.
    pub client: Option<String>,
    /// Whose credentials the provider saw.
    pub credential_kind: CredentialKind,
    /// What was used.
    pub usage: TokenUsage,
    /// How the figures came about.
    pub basis: SettlementBasis,
    /// The cost, not negative; `None` when it is not known.
    pub cost: Option<Micros>,
    /// The prices that the cost was computed with, if it was computed.
    pub prices: Option<PriceSnapshot>,
    /// The model that the provider says it answered with.
    pub response_model: Option<String>,
    /// The provider's own id of the answer: stored, never trusted.
    pub provider_response_id: Option<String>,
}

/// What became of a [`UsageReport`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reported {
    /// The id of the usage event.
    pub id: ReservationId,
    /// Whom it was charged to.
    pub account: Account,
    /// The organization of the charged group.
    pub organization_id: Option<OrganizationId>,
    /// What was charged; `None` when the cost is not known.
    pub cost: Option<Micros>,
    /// The limit that it passed, in which case the event is marked: the whole cost is over what was held.
    pub passed: Option<LimitKind>,
}
