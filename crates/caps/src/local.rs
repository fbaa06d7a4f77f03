//! Caps that are set here: the store's tables are all there is.

use async_trait::async_trait;
use dbauthz::CapUpsertOutcome;
use model::{
    UserId,
    caps::{Cap, CapOverrideUpsert, CapScope, SubscriptionCapUpsert, SubscriptionCaps},
};

use crate::{BudgetCaps, CapWriting, CapsError, PlaceStatus};

/// Caps are set here.
#[derive(Debug, Clone, Copy, Default)]
pub struct LocalCaps;

#[async_trait]
impl BudgetCaps for LocalCaps {
    async fn fresh(&self, _scope: CapScope) -> Result<(), CapsError> {
        Ok(())
    }

    async fn blocked(
        &self,
        _scope: CapScope,
        _users: &[UserId],
    ) -> Result<Option<Vec<PlaceStatus>>, CapsError> {
        Ok(None)
    }

    async fn flat_upsert(&self, writing: CapWriting<'_>, cap: Cap) -> Result<Cap, CapsError> {
        let CapWriting {
            mut unit, scope, ..
        } = writing;
        let stored = unit.caps().cap_flat_upsert(scope, cap).await?;
        unit.commit().await?;
        Ok(stored.flat_user.unwrap_or(cap))
    }

    async fn override_upsert(
        &self,
        writing: CapWriting<'_>,
        overrides: &[CapOverrideUpsert],
        implicit: bool,
    ) -> Result<CapUpsertOutcome, CapsError> {
        let CapWriting {
            mut unit, scope, ..
        } = writing;
        let mut caps = unit.caps();
        let outcome = caps.cap_override_upsert(scope, overrides, implicit).await?;
        if matches!(outcome, CapUpsertOutcome::Done(_)) {
            unit.commit().await?;
        }
        Ok(outcome)
    }

    async fn override_delete(
        &self,
        writing: CapWriting<'_>,
        users: &[UserId],
    ) -> Result<Vec<UserId>, CapsError> {
        let CapWriting {
            mut unit, scope, ..
        } = writing;
        let gone = unit.caps().cap_override_delete(scope, users).await?;
        unit.commit().await?;
        Ok(gone)
    }

    async fn subscription_upsert(
        &self,
        writing: CapWriting<'_>,
        upsert: &SubscriptionCapUpsert,
    ) -> Result<SubscriptionCaps, CapsError> {
        let CapWriting {
            mut unit, scope, ..
        } = writing;
        let mut caps = unit.caps();
        let stored = caps.cap_subscription_upsert(scope, upsert).await?;
        unit.commit().await?;
        Ok(stored)
    }
}
