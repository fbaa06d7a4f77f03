//! Caps of what people, and everybody together, may spend.

mod overrides;
mod subscription;

pub(crate) use subscription::{LOCK_ORGANIZATION, cap, cap_get, lock_ledger};

use async_trait::async_trait;
use model::{
    UserId,
    caps::{
        Cap, CapOverride, CapOverrideUpsert, CapPerson, CapScope, SubscriptionCapUpsert,
        SubscriptionCaps,
    },
};
use store::{
    StoreResult,
    caps::{CapOverrideFilter, CapOverridePage, CapRead, CapWrite},
};

use crate::unit::{Unit, Writing};

#[async_trait]
impl<Mode: Send + Sync> CapRead for Unit<Mode> {
    async fn cap_get(&mut self, scope: CapScope) -> StoreResult<Option<SubscriptionCaps>> {
        cap_get(self.connection()?, scope).await
    }

    async fn cap_override_list(
        &mut self,
        scope: CapScope,
        filter: &CapOverrideFilter,
    ) -> StoreResult<CapOverridePage> {
        overrides::cap_override_list(self.connection()?, scope, filter).await
    }
}

#[async_trait]
impl CapWrite for Unit<Writing> {
    async fn cap_lock(&mut self, scope: CapScope) -> StoreResult<Option<SubscriptionCaps>> {
        subscription::cap_lock(self.connection()?, scope).await
    }

    async fn cap_people_lock(
        &mut self,
        scope: CapScope,
        users: &[UserId],
    ) -> StoreResult<Vec<CapPerson>> {
        overrides::cap_people_lock(self.connection()?, scope, users).await
    }

    async fn cap_flat_upsert(
        &mut self,
        scope: CapScope,
        cap: Cap,
    ) -> StoreResult<SubscriptionCaps> {
        let rest = SubscriptionCapUpsert::default();
        subscription::upsert(self.connection()?, scope, Some(cap), &rest).await
    }

    async fn cap_subscription_upsert(
        &mut self,
        scope: CapScope,
        upsert: &SubscriptionCapUpsert,
    ) -> StoreResult<SubscriptionCaps> {
        subscription::upsert(self.connection()?, scope, None, upsert).await
    }

    async fn cap_override_upsert(
        &mut self,
        scope: CapScope,
        overrides: &[CapOverrideUpsert],
    ) -> StoreResult<Vec<CapOverride>> {
        overrides::cap_override_upsert(self.connection()?, scope, overrides).await
    }

    async fn cap_override_delete(
        &mut self,
        scope: CapScope,
        users: &[UserId],
    ) -> StoreResult<Vec<UserId>> {
        overrides::cap_override_delete(self.connection()?, scope, users).await
    }
}
