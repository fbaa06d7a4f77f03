//! Reading the portal into the mirror: once at a time for each subscription, however many wait for it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use dbauthz::SystemStore;
use futures_util::{
    FutureExt,
    future::{BoxFuture, Shared},
};
use model::caps::{CapMirrorClaim, CapScope, MirrorChanges, MirrorOutcome};
use portal::{Portal, PortalError};
use store::{StoreError, StoreResult, cap_mirrors::CapMirrorsDue};
use tracing::Instrument;

use crate::{CapsError, upstream};

/// How often a read is begun anew that did not count, since something was written meanwhile.
const ATTEMPTS: u32 = 4;

/// What reads and writes need.
#[derive(Debug)]
pub(crate) struct Desk {
    /// The store, as the mirror's system actor.
    pub(crate) store: SystemStore,
    pub(crate) portal: Portal,
    /// What was read longer ago is read again.
    pub(crate) refresh: Duration,
    under_way: Mutex<HashMap<CapScope, Flight>>,
    failing: Mutex<HashMap<CapScope, &'static str>>,
}

/// A read under way, for all who wait for it.
type Flight = Shared<BoxFuture<'static, Read>>;
type Read = Result<MirrorOutcome, ReadError>;

/// Why a read did not end well. Shared by all who waited for it.
#[derive(Debug, Clone)]
pub(crate) enum ReadError {
    Store(Arc<StoreError>),
    Portal(Arc<PortalError>),
}

impl ReadError {
    /// What is logged of it; `None`: the organization has ended, which is no failure.
    fn code(&self) -> Option<&'static str> {
        match self {
            Self::Portal(error) => Some(error.code()),
            Self::Store(error) if error.hidden() => None,
            Self::Store(_) => Some("STORE"),
        }
    }
}

impl From<StoreError> for ReadError {
    fn from(error: StoreError) -> Self {
        Self::Store(Arc::new(error))
    }
}

impl From<ReadError> for CapsError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Portal(error) => Self::Portal(error),
            ReadError::Store(error) => Self::Store(match &*error {
                StoreError::NotFound => StoreError::NotFound,
                StoreError::Unavailable(_) => StoreError::Unavailable(Box::new(error)),
                _ => StoreError::Internal(Box::new(error)),
            }),
        }
    }
}

impl Desk {
    pub(crate) fn new(store: SystemStore, portal: Portal, refresh: Duration) -> Self {
        Self {
            store,
            portal,
            refresh,
            under_way: Mutex::default(),
            failing: Mutex::default(),
        }
    }

    /// Whether the portal can be asked for this subscription at all.
    pub(crate) fn covers(&self, scope: CapScope) -> bool {
        self.portal.has_credentials(&upstream::place(scope))
    }

    /// See [`crate::BudgetCaps::fresh`].
    pub(crate) async fn fresh(self: &Arc<Self>, scope: CapScope) -> Result<(), CapsError> {
        if !self.covers(scope) {
            return Err(PortalError::NoCredentials.into());
        }
        for _ in 0..ATTEMPTS {
            let mut unit = self.store.read().await?;
            let mirror = unit.cap_mirrors().cap_mirror_get(scope).await?;
            drop(unit);
            if mirror.fresh(self.refresh) {
                return Ok(());
            }
            let (flight, mine) = self.flight(scope, None);
            // One that was under way may have been at its end already when something was written: it is looked again.
            if matches!(flight.await?, MirrorOutcome::Mirrored(_)) && mine {
                return Ok(());
            }
        }
        Err(CapsError::Changing)
    }

    /// Takes what is due.
    pub(crate) async fn claim(&self, limit: u32) -> StoreResult<Vec<CapMirrorClaim>> {
        let organization = CapScope::of(uuid::Uuid::max());
        let due = CapMirrorsDue {
            instance: self.covers(CapScope::Instance),
            organizations: self.covers(organization),
            refresh: self.refresh,
            limit,
        };
        let mut unit = self.store.begin().await?;
        let claimed = unit.cap_mirrors().cap_mirror_claim(&due).await?;
        unit.commit().await?;
        Ok(claimed)
    }

    /// The read of a subscription that is under way, or else a new one, and whether it is new. It goes on although nobody
    /// waits for it.
    pub(crate) fn flight(
        self: &Arc<Self>,
        scope: CapScope,
        claim: Option<CapMirrorClaim>,
    ) -> (Flight, bool) {
        let mut under_way = self.under_way();
        if let Some(flight) = under_way.get(&scope) {
            return (flight.clone(), false);
        }
        let landing = Landing {
            desk: Arc::clone(self),
            scope,
        };
        let reading = async move {
            let read = landing.desk.read(scope, claim).await;
            landing.desk.note(scope, &read);
            read
        };
        let task = tokio::spawn(reading.in_current_span());
        let ended = async move {
            let broken = |error| Err(StoreError::Internal(Box::new(error)).into());
            task.await.unwrap_or_else(broken)
        };
        let flight = ended.boxed().shared();
        under_way.insert(scope, flight.clone());
        (flight, true)
    }

    /// Reads the portal outside any transaction, and mirrors what it says in one.
    async fn read(&self, scope: CapScope, claim: Option<CapMirrorClaim>) -> Read {
        let claim = match claim {
            Some(claim) => claim,
            None => self.begin(scope).await?,
        };
        let told = self.portal.budget_caps(&upstream::place(scope)).await;
        let told = told.map_err(|error| ReadError::Portal(Arc::new(error)))?;
        let caps = upstream::mirrored(&told);
        let mut unit = self.store.begin().await?;
        let mut mirrors = unit.cap_mirrors();
        let outcome = mirrors.cap_mirror_apply(&claim, caps.as_ref()).await?;
        if matches!(outcome, MirrorOutcome::Mirrored(_)) {
            unit.commit().await?;
        }
        Ok(outcome)
    }

    async fn begin(&self, scope: CapScope) -> StoreResult<CapMirrorClaim> {
        let mut unit = self.store.begin().await?;
        let mut mirrors = unit.cap_mirrors();
        let claim = mirrors.cap_mirror_begin(scope, self.refresh).await?;
        unit.commit().await?;
        Ok(claim)
    }

    /// Tells of a change from good to bad and back, and not of every read.
    fn note(&self, scope: CapScope, read: &Read) {
        let mut failing = self.failing.lock().unwrap_or_else(PoisonError::into_inner);
        let scope_id = scope.id();
        match read {
            Ok(outcome) => {
                if let MirrorOutcome::Mirrored(changes) = outcome
                    && *changes != MirrorChanges::default()
                {
                    tracing::info!(%scope_id, ?changes, "the caps that the portal keeps have changed");
                }
                if failing.remove(&scope).is_some() {
                    tracing::info!(%scope_id, "the portal's caps can be read again");
                }
            }
            Err(error) => {
                let Some(code) = error.code() else {
                    failing.remove(&scope);
                    return;
                };
                // That it is left alone follows from what it did before.
                let again = code == "PORTAL_BREAKER_OPEN" && failing.contains_key(&scope);
                if !again && failing.insert(scope, code) != Some(code) {
                    tracing::warn!(%scope_id, code, "the portal's caps cannot be read; the last ones hold for a while");
                }
            }
        }
    }

    fn under_way(&self) -> MutexGuard<'_, HashMap<CapScope, Flight>> {
        let flights = self.under_way.lock();
        flights.unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whatever becomes of a read, the next one may begin when it has ended.
struct Landing {
    desk: Arc<Desk>,
    scope: CapScope,
}

impl Drop for Landing {
    fn drop(&mut self) {
        self.desk.under_way().remove(&self.scope);
    }
}
