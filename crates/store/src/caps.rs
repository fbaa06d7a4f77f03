//! Caps of what people, and everybody together, may spend.

use async_trait::async_trait;
use model::{
    UserId,
    caps::{
        Cap, CapOverride, CapOverrideUpsert, CapPerson, CapScope, SubscriptionCapUpsert,
        SubscriptionCaps,
    },
};

use crate::StoreResult;

/// Which overrides are asked for, in the order of the people's ids.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CapOverrideFilter {
    /// Only of these people; `None` is of all.
    pub users: Option<Vec<UserId>>,
    /// Only of people after this one.
    pub after: Option<UserId>,
    /// Only of people before this one.
    pub before: Option<UserId>,
    /// The greatest number of rows.
    pub limit: u32,
    /// Whether the last rows are asked for instead of the first.
    pub last: bool,
}

/// Some overrides.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CapOverridePage {
    /// In the order of the people's ids, also when the last ones were asked for.
    pub overrides: Vec<CapOverride>,
    /// How many there are of the people that were asked for, whatever the page.
    pub count: u64,
    /// Whether there is one before the first.
    pub has_previous: bool,
    /// Whether there is one after the last.
    pub has_next: bool,
}

/// Reads caps.
#[async_trait]
pub trait CapRead: Send {
    /// A subscription's caps; `None` when none was ever set.
    async fn cap_get(&mut self, scope: CapScope) -> StoreResult<Option<SubscriptionCaps>>;
    /// People's own caps.
    async fn cap_override_list(
        &mut self,
        scope: CapScope,
        filter: &CapOverrideFilter,
    ) -> StoreResult<CapOverridePage>;
}

/// Sets and removes caps. Setting what is set already changes nothing, `updated_at` included.
#[async_trait]
pub trait CapWrite: CapRead {
    /// A subscription's caps, the row locked until the unit ends.
    async fn cap_lock(&mut self, scope: CapScope) -> StoreResult<Option<SubscriptionCaps>>;
    /// Those of these people who have an account, in the order of their ids; the accounts are kept from being removed
    /// until the unit ends.
    async fn cap_people_lock(
        &mut self,
        scope: CapScope,
        users: &[UserId],
    ) -> StoreResult<Vec<CapPerson>>;
    /// Sets the flat cap, and makes the record where there is none.
    ///
    /// # Errors
    /// [`crate::StoreError::NotFound`] when the organization does not exist any more.
    async fn cap_flat_upsert(&mut self, scope: CapScope, cap: Cap)
    -> StoreResult<SubscriptionCaps>;
    /// Sets what is for all people together, and makes the record where there is none.
    ///
    /// # Errors
    /// [`crate::StoreError::NotFound`] when the organization does not exist any more.
    async fn cap_subscription_upsert(
        &mut self,
        scope: CapScope,
        upsert: &SubscriptionCapUpsert,
    ) -> StoreResult<SubscriptionCaps>;
    /// Sets people's own caps, all in one statement; the answer is in the order of what was asked. One that exists keeps
    /// its `created_at`. Each person is named once, and exists.
    ///
    /// # Errors
    /// [`crate::StoreError::Violated`] with `user_budget_cap_overrides_scope_id_fkey` without a record, and with
    /// `user_budget_cap_overrides_user_id_fkey` for somebody who does not exist.
    async fn cap_override_upsert(
        &mut self,
        scope: CapScope,
        overrides: &[CapOverrideUpsert],
    ) -> StoreResult<Vec<CapOverride>>;
    /// Removes people's own caps; whose there were, in the order of their ids.
    async fn cap_override_delete(
        &mut self,
        scope: CapScope,
        users: &[UserId],
    ) -> StoreResult<Vec<UserId>>;
}
