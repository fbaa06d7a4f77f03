//! Setting caps at the portal: it is said before and after, so that no read in between hides it, and whoever dies half-way
//! leaves a mirror that is read again.

use std::{sync::Arc, time::Duration};

use dbauthz::{BoundStore, CapUpsertOutcome, WriteOrder, WriteUnit};
use model::{
    Micros, UserId,
    caps::{Cap, CapMirror, CapOverride, CapOverrideUpsert, CapScope, CapTrust},
};
use portal::{PortalError, PortalOverride, PortalOverrideUpsert};

use crate::{CapsError, desk::Desk, upstream};

/// What a portal says that takes no overrides without a flat cap.
const NO_RECORD: &str = "Subscription budget cap not found";
/// How long whoever set caps waits for them to be read, when it is not known what is set now.
const PATIENCE: Duration = Duration::from_secs(2);

/// After so many refreshes without a read that counted, whoever sets caps waits for one.
const OVERDUE: u32 = 4;

/// A write that is under way, by somebody.
#[derive(Debug)]
pub(crate) struct Writing {
    pub(crate) desk: Arc<Desk>,
    pub(crate) store: BoundStore,
    pub(crate) scope: CapScope,
}

impl Writing {
    /// Sets the flat cap; what the portal keeps now.
    pub(crate) async fn flat(self, mut unit: WriteUnit, cap: Cap) -> Result<Cap, CapsError> {
        self.check(&mut unit).await?;
        let mut unit = self.give_way(unit).await?;
        let version = unit.upstream_caps().cap_mirror_drop(self.scope).await?;
        unit.commit().await?;
        let place = upstream::place(self.scope);
        let stored = self.desk.portal.flat_user_cap_upsert(&place, cap).await;
        let stored = match stored {
            Ok(stored) => stored.cap,
            Err(error) => return Err(self.failed(error).await),
        };
        let (order, _) = self.mirror(version, Some(stored), &[]).await?;
        self.settle(order).await;
        Ok(stored)
    }

    /// Sets people's own caps; what the portal keeps now.
    pub(crate) async fn overrides(
        self,
        mut unit: WriteUnit,
        overrides: &[CapOverrideUpsert],
        implicit: bool,
    ) -> Result<CapUpsertOutcome, CapsError> {
        self.check(&mut unit).await?;
        if overrides.is_empty() {
            return Ok(CapUpsertOutcome::Done(Vec::new()));
        }
        let mut unit = self.give_way(unit).await?;
        let version = unit.upstream_caps().cap_mirror_drop(self.scope).await?;
        let users: Vec<UserId> = overrides.iter().map(|one| one.user_id).collect();
        if let Some(refused) = unit.caps().cap_override_check(self.scope, &users).await? {
            return Ok(refused);
        }
        unit.commit().await?;
        let (flat, stored) = self.ask(overrides, implicit).await;
        let stored = match stored {
            Ok(stored) => stored,
            Err(error) => {
                if flat.is_some() {
                    self.mirror(version, flat, &[]).await?;
                }
                let rejected = matches!(error, PortalError::Rejected(_));
                return Err(match self.failed(error).await {
                    CapsError::Portal(error) if flat.is_some() && !rejected => {
                        CapsError::Partly(error)
                    }
                    error => error,
                });
            }
        };
        let set = overrides.iter().filter_map(|one| {
            let cap = upstream::kept(&stored, one.user_id)?;
            Some(CapOverrideUpsert { cap, ..*one })
        });
        let set: Vec<CapOverrideUpsert> = set.collect();
        let (mut order, mut mirrored) = self.mirror(version, flat, &set).await?;
        // What is told is what the portal keeps, also where somebody else's word may be the last.
        for (one, told) in mirrored.iter_mut().flat_map(|one| {
            let told = set.iter().find(|told| told.user_id == one.user_id);
            told.map(|told| (one, told))
        }) {
            one.cap = told.cap;
        }
        if set.len() < overrides.len() {
            self.drop_again().await?;
            order = WriteOrder::Unknown;
        }
        self.settle(order).await;
        Ok(CapUpsertOutcome::Done(mirrored))
    }

    /// Refuses whoever may not set caps here, and then what cannot be asked of the portal.
    async fn check(&self, unit: &mut WriteUnit) -> Result<(), CapsError> {
        unit.caps().cap_update_check(self.scope).await?;
        if self.desk.covers(self.scope) {
            return Ok(());
        }
        Err(PortalError::NoCredentials.into())
    }

    /// Lets the portal be read before anything more is set, where that has been overdue for long: what is set keeps reads that
    /// are under way from counting, and whoever sets caps without a pause must not keep out what is set at the portal.
    async fn give_way(&self, unit: WriteUnit) -> Result<WriteUnit, CapsError> {
        let overdue = self.desk.refresh.saturating_mul(OVERDUE);
        let mut reading = self.desk.store.read().await?;
        let mirror = reading.cap_mirrors().cap_mirror_get(self.scope).await?;
        drop(reading);
        if !mirror.overdue(overdue) {
            return Ok(unit);
        }
        // Nothing is held while the portal is asked.
        drop(unit);
        let read = tokio::time::timeout(PATIENCE, self.desk.fresh(self.scope)).await;
        if matches!(read, Err(_) | Ok(Err(CapsError::Changing))) {
            return Err(CapsError::Changing);
        }
        // A portal that cannot be read may still be written to.
        let mut unit = self.store.begin().await?;
        self.check(&mut unit).await?;
        Ok(unit)
    }

    /// Asks the portal to set people's caps; if it lacks the flat cap and that may be made, makes it, not enforced, and
    /// asks once more. Also what flat cap it keeps now, if that was made.
    async fn ask(
        &self,
        overrides: &[CapOverrideUpsert],
        implicit: bool,
    ) -> (Option<Cap>, Result<Vec<PortalOverride>, PortalError>) {
        let (portal, place) = (&self.desk.portal, upstream::place(self.scope));
        let asked = overrides.iter().map(|one| PortalOverrideUpsert {
            entity_id: upstream::entity(one.user_id),
            cap: one.cap,
        });
        let asked: Vec<PortalOverrideUpsert> = asked.collect();
        let stored = portal.user_overrides_upsert(&place, &asked).await;
        let lacking =
            matches!(&stored, Err(PortalError::Rejected(errors)) if errors == &[NO_RECORD]);
        if !(implicit && lacking) {
            return (None, stored);
        }
        // Somebody else may have set it since, which is not to be replaced.
        match portal.subscription_caps(&place).await {
            Ok(None) => {}
            Ok(Some(_)) => return (None, portal.user_overrides_upsert(&place, &asked).await),
            Err(error) => return (None, Err(error)),
        }
        let off = Cap {
            amount: Micros::ZERO,
            enabled: false,
        };
        match portal.flat_user_cap_upsert(&place, off).await {
            Ok(flat) => {
                let stored = portal.user_overrides_upsert(&place, &asked).await;
                (Some(flat.cap), stored)
            }
            Err(error) => (None, Err(error)),
        }
    }

    /// Mirrors what is set, as the doing of whoever set it, and whether it is known to be the last word.
    async fn mirror(
        &self,
        version: i64,
        flat: Option<Cap>,
        overrides: &[CapOverrideUpsert],
    ) -> Result<(WriteOrder, Vec<CapOverride>), CapsError> {
        let (scope, refresh) = (self.scope, self.desk.refresh);
        self.desk.written(scope);
        let mut unit = self.store.begin().await?;
        let mut upstream = unit.upstream_caps();
        let order = upstream.cap_mirror_confirm(scope, version, refresh).await?;
        if let (Some(flat), WriteOrder::Known) = (flat, order) {
            unit.caps().cap_flat_upsert(scope, flat).await?;
        }
        let mut stored = Vec::new();
        if !overrides.is_empty() {
            let mut upstream = unit.upstream_caps();
            stored = upstream
                .cap_override_mirror(scope, overrides, order)
                .await?;
        }
        unit.commit().await?;
        Ok((order, stored))
    }

    /// What became of a write that did not end well. If it may have been done all the same, the mirror is read again.
    async fn failed(&self, error: PortalError) -> CapsError {
        let known = matches!(
            error,
            PortalError::Rejected(_) | PortalError::BreakerOpen { .. } | PortalError::NoCredentials
        );
        if let PortalError::Rejected(_) = error {
            self.desk.written(self.scope);
        }
        if !known {
            let (scope, user, code) = (self.scope.id(), self.store.user_id(), error.code());
            tracing::warn!(%scope, %user, code, "whether the portal set caps is not known");
            match self.drop_again().await {
                Ok(()) => self.settle(WriteOrder::Unknown).await,
                Err(error) => {
                    let error: &dyn std::error::Error = &error;
                    tracing::warn!(%scope, error, "the mirror of caps is read later");
                }
            }
        }
        error.into()
    }

    /// What was read until now may lack what is being set.
    async fn drop_again(&self) -> Result<(), CapsError> {
        self.desk.written(self.scope);
        let mut unit = self.store.begin().await?;
        unit.upstream_caps().cap_mirror_drop(self.scope).await?;
        Ok(unit.commit().await?)
    }

    /// Has the mirror read if it is not known to show what is set, or if it is so old that the ledger does not go by it. Who
    /// waits for that does not wait for long; it is read anyhow.
    async fn settle(&self, order: WriteOrder) {
        if order == WriteOrder::Known && self.trusted().await.unwrap_or(false) {
            return;
        }
        let reading = self.desk.fresh(self.scope);
        match tokio::time::timeout(PATIENCE, reading).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                let error: &dyn std::error::Error = &error;
                tracing::debug!(error, "the mirror of caps is read later");
            }
            Err(_elapsed) => tracing::debug!("the mirror of caps is still being read"),
        }
    }

    async fn trusted(&self) -> Result<bool, CapsError> {
        let mut unit = self.desk.store.read().await?;
        let mirror = unit.cap_mirrors().cap_mirror_get(self.scope).await?;
        // What it shows of this write is known; what counts is its age.
        let age = CapMirror {
            dropped: false,
            ..mirror
        };
        Ok(age.fresh(CapTrust::MAX_AGE))
    }
}
