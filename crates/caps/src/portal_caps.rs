//! Caps that a customers portal keeps: the store's tables are its mirror.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use dbauthz::{Authorized, CapUpsertOutcome, SystemActor};
use model::{
    UserId,
    caps::{Cap, CapOverrideUpsert, CapScope, SubscriptionCapUpsert, SubscriptionCaps},
};
use portal::Portal;
use store::StoreError;
use tracing::Instrument;

use crate::{
    BudgetCaps, CapWriting, CapsError, PlaceStatus, desk::Desk, upstream, writing::Writing,
};

/// Caps are set at a customers portal.
#[derive(Debug)]
pub struct PortalCaps {
    pub(crate) desk: Arc<Desk>,
}

impl PortalCaps {
    /// Caps at this portal, read again when they were read `refresh` ago: of the whole deployment if the portal knows a
    /// licence, of organizations if it knows admin credentials.
    #[must_use]
    pub fn new(authorized: &Authorized, portal: Portal, refresh: Duration) -> Self {
        let store = authorized.as_system(SystemActor::CapsMirror);
        let desk = Arc::new(Desk::new(store, portal, refresh));
        Self { desk }
    }

    fn writing(&self, asked: &CapWriting<'_>) -> Writing {
        Writing {
            desk: Arc::clone(&self.desk),
            store: asked.store.clone(),
            scope: asked.scope,
        }
    }
}

/// Does a write to its end, also when whoever asked for it has left: what was set is to be mirrored as their doing.
async fn to_its_end<T: Send + 'static>(
    write: impl Future<Output = Result<T, CapsError>> + Send + 'static,
) -> Result<T, CapsError> {
    let task = tokio::spawn(write.in_current_span());
    let broken = |error| Err(StoreError::Internal(Box::new(error)).into());
    task.await.unwrap_or_else(broken)
}

#[async_trait]
impl BudgetCaps for PortalCaps {
    async fn fresh(&self, scope: CapScope) -> Result<(), CapsError> {
        self.desk.fresh(scope).await
    }

    async fn blocked(
        &self,
        scope: CapScope,
        users: &[UserId],
    ) -> Result<Option<Vec<PlaceStatus>>, CapsError> {
        let place = upstream::place(scope);
        let entities: Vec<String> = users.iter().copied().map(upstream::entity).collect();
        let room = self.desk.questions.acquire().await;
        let _room = room.map_err(|error| StoreError::Internal(Box::new(error)))?;
        let told = self
            .desk
            .portal
            .blocked_statuses(&place, None, &entities)
            .await?;
        let ours = told.into_iter().filter_map(|status| {
            let user_id = upstream::person(&status.entity_id)?;
            Some(PlaceStatus {
                user_id,
                blocked: status.blocked,
                cap: status.cap,
            })
        });
        Ok(Some(ours.collect()))
    }

    async fn flat_upsert(&self, writing: CapWriting<'_>, cap: Cap) -> Result<Cap, CapsError> {
        let write = self.writing(&writing);
        to_its_end(write.flat(writing.unit, cap)).await
    }

    async fn override_upsert(
        &self,
        writing: CapWriting<'_>,
        overrides: &[CapOverrideUpsert],
        implicit: bool,
    ) -> Result<CapUpsertOutcome, CapsError> {
        let write = self.writing(&writing);
        let (unit, overrides) = (writing.unit, overrides.to_vec());
        to_its_end(async move { write.overrides(unit, &overrides, implicit).await }).await
    }

    async fn override_delete(
        &self,
        mut writing: CapWriting<'_>,
        _users: &[UserId],
    ) -> Result<Vec<UserId>, CapsError> {
        writing.unit.caps().cap_delete_check(writing.scope).await?;
        Err(CapsError::AtPortal)
    }

    async fn subscription_upsert(
        &self,
        mut writing: CapWriting<'_>,
        _upsert: &SubscriptionCapUpsert,
    ) -> Result<SubscriptionCaps, CapsError> {
        writing.unit.caps().cap_update_check(writing.scope).await?;
        Err(CapsError::AtPortal)
    }
}
