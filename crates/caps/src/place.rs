//! The port: what every place where budget caps live can do.

use std::fmt;

use async_trait::async_trait;
use dbauthz::{BoundStore, CapUpsertOutcome, WriteUnit};
use model::{
    UserId,
    caps::{BlockedCap, Cap, CapOverrideUpsert, CapScope, SubscriptionCapUpsert, SubscriptionCaps},
};

use crate::CapsError;

/// Where budget caps live. Reading them is the store's, once they are [fresh](BudgetCaps::fresh) there.
#[async_trait]
pub trait BudgetCaps: fmt::Debug + Send + Sync {
    /// Sees to it that the stored caps of a subscription are those that hold, or held a few seconds ago. Whoever asks
    /// for somebody has found out that they may know.
    ///
    /// # Errors
    /// What kept them from being read, other than [`CapsError::AtPortal`]. The stored ones may be out of date then.
    async fn fresh(&self, scope: CapScope) -> Result<(), CapsError>;

    /// Whom of these people the place itself stops, beside what the ledger says; `None` when it has no say of its own.
    /// Whoever is left out may be stopped or not: the place does not know.
    ///
    /// # Errors
    /// [`CapsError::Portal`].
    async fn blocked(
        &self,
        scope: CapScope,
        users: &[UserId],
    ) -> Result<Option<Vec<PlaceStatus>>, CapsError>;

    /// Sets the flat cap; what is set now.
    ///
    /// # Errors
    /// What the store's `cap_flat_upsert` says, and [`CapsError::Portal`].
    async fn flat_upsert(&self, writing: CapWriting<'_>, cap: Cap) -> Result<Cap, CapsError>;

    /// Sets people's own caps, all or none; each person is named once. Where nothing was ever set for the subscription,
    /// that is made when it is `implicit`. At a portal that is its business: it never says
    /// [`CapUpsertOutcome::NoRecord`], but rejects.
    ///
    /// # Errors
    /// What the store's `cap_override_upsert` says, [`CapsError::Portal`], and [`CapsError::Partly`] when only what is
    /// `implicit` was made.
    async fn override_upsert(
        &self,
        writing: CapWriting<'_>,
        overrides: &[CapOverrideUpsert],
        implicit: bool,
    ) -> Result<CapUpsertOutcome, CapsError>;

    /// Removes people's own caps; whose there were, in the order of their ids.
    ///
    /// # Errors
    /// What the store's `cap_override_delete` says, or else [`CapsError::AtPortal`].
    async fn override_delete(
        &self,
        writing: CapWriting<'_>,
        users: &[UserId],
    ) -> Result<Vec<UserId>, CapsError>;

    /// Sets what is for all people together; what is set now.
    ///
    /// # Errors
    /// What the store's `cap_subscription_upsert` says, or else [`CapsError::AtPortal`].
    async fn subscription_upsert(
        &self,
        writing: CapWriting<'_>,
        upsert: &SubscriptionCapUpsert,
    ) -> Result<SubscriptionCaps, CapsError>;
}

/// What caps are set in: a unit of work that has written nothing yet, and the store that it is of.
#[derive(Debug)]
pub struct CapWriting<'a> {
    /// The store, bound to whoever sets them.
    pub store: &'a BoundStore,
    /// A unit of it, which the place commits.
    pub unit: WriteUnit,
    /// Whose caps they are.
    pub scope: CapScope,
}

/// Whether the place itself stops somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlaceStatus {
    /// Who.
    pub user_id: UserId,
    /// Whether it does.
    pub blocked: bool,
    /// By which cap; `None` when it does not, or by one of a kind that is not known here.
    pub cap: Option<BlockedCap>,
}
