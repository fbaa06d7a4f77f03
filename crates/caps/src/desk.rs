//! Reading the portal into the mirror: once at a time for each subscription, however many wait for it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use chrono::{DateTime, Utc};
use dbauthz::SystemStore;
use futures_util::{
    FutureExt,
    future::{BoxFuture, Shared},
};
use model::caps::{CapMirrorClaim, CapScope, MirrorChanges, MirrorOutcome};
use portal::{Portal, PortalError};
use store::{StoreError, StoreResult, cap_mirrors::CapMirrorsDue};
use tokio::sync::{Semaphore, oneshot};
use tracing::Instrument;

use crate::{CapsError, upstream};

/// How often a read is begun anew that did not count, since something was written meanwhile.
const ATTEMPTS: u32 = 4;

/// After a read that failed it is for so long not asked again for those who want to see: they get the same answer.
const PAUSE: Duration = Duration::from_secs(1);
/// How soon a subscription is due again that the portal was not asked about, at the earliest.
const SOON: Duration = Duration::from_secs(1);
/// How many questions about who is stopped are under way at once.
const QUESTIONS: usize = 8;

/// What reads and writes need.
#[derive(Debug)]
pub(crate) struct Desk {
    /// The store, as the mirror's system actor.
    pub(crate) store: SystemStore,
    pub(crate) portal: Portal,
    /// What was read longer ago is read again.
    pub(crate) refresh: Duration,
    reads: Mutex<Reads>,
    failing: Mutex<HashMap<CapScope, Failing>>,
    /// Of those who ask who is stopped, these may.
    pub(crate) questions: Semaphore,
}

/// The reads of this server, by subscription.
#[derive(Debug, Default)]
struct Reads {
    under_way: HashMap<CapScope, Flight>,
    /// How many have ended.
    landed: HashMap<CapScope, u64>,
}

/// A subscription that could not be read.
#[derive(Debug)]
struct Failing {
    /// What was logged of it.
    code: &'static str,
    /// How the last read ended, and when it was begun, by the store's clock. `None` is not worth telling any more.
    last: Option<(ReadError, DateTime<Utc>)>,
}

/// A read under way, for all who wait for it.
type Flight = Shared<BoxFuture<'static, Read>>;
type Read = Result<MirrorOutcome, ReadError>;

/// Why a read did not end well. Shared by all who waited for it.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum ReadError {
    #[error(transparent)]
    Store(Arc<StoreError>),
    #[error(transparent)]
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
            reads: Mutex::default(),
            failing: Mutex::default(),
            questions: Semaphore::new(QUESTIONS),
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
            let landed = self.landed(scope);
            let mut unit = self.store.read().await?;
            let mirror = unit.cap_mirrors().cap_mirror_get(scope).await?;
            drop(unit);
            if mirror.fresh(self.refresh) {
                return Ok(());
            }
            if let Some(error) = self.failed_just_now(scope, mirror.now) {
                return Err(error.into());
            }
            // What was seen of the mirror may be from before a read that has just ended.
            let Some((flight, mine)) = self.flight(scope, None, Some(landed)) else {
                continue;
            };
            // One that was under way may have been at its end already when something was written: it is looked again.
            if matches!(flight.await?, MirrorOutcome::Mirrored(_)) && mine {
                return Ok(());
            }
        }
        Err(CapsError::Changing)
    }

    /// How many reads of a subscription have ended here.
    fn landed(&self, scope: CapScope) -> u64 {
        let reads = self.reads();
        reads.landed.get(&scope).copied().unwrap_or_default()
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
    /// waits for it. `None`: more than `landed` have ended, so that the caller may know too little to want a new one.
    pub(crate) fn flight(
        self: &Arc<Self>,
        scope: CapScope,
        claim: Option<CapMirrorClaim>,
        landed: Option<u64>,
    ) -> Option<(Flight, bool)> {
        let (tell, told) = oneshot::channel();
        let ended = async move {
            let broken = |error| Err(StoreError::Internal(Box::new(error)).into());
            told.await.unwrap_or_else(broken)
        };
        let flight = ended.boxed().shared();
        {
            let mut reads = self.reads();
            if let Some(flight) = reads.under_way.get(&scope) {
                return Some((flight.clone(), false));
            }
            let ended = reads.landed.get(&scope).copied().unwrap_or_default();
            if landed.is_some_and(|landed| landed != ended) {
                return None;
            }
            reads.under_way.insert(scope, flight.clone());
        }
        // A runtime that ends drops at once what it is given; landing takes the lock, which is free by now.
        let landing = Landing {
            desk: Arc::clone(self),
            scope,
        };
        let reading = async move {
            let (begun, read) = landing.desk.read(scope, claim).await;
            landing.desk.note(scope, begun, &read);
            drop(landing);
            // Nobody may wait for it any more.
            drop(tell.send(read));
        };
        tokio::spawn(reading.in_current_span());
        Some((flight, true))
    }

    /// Reads the portal outside any transaction, and mirrors what it says in one.
    /// Also when it was begun, by the store's clock.
    async fn read(
        &self,
        scope: CapScope,
        claim: Option<CapMirrorClaim>,
    ) -> (Option<DateTime<Utc>>, Read) {
        let claim = match claim {
            Some(claim) => Ok(claim),
            None => self.begin(scope).await,
        };
        match claim {
            Ok(claim) => (Some(claim.at), self.read_for(claim).await),
            Err(error) => (None, Err(error.into())),
        }
    }

    async fn read_for(&self, claim: CapMirrorClaim) -> Read {
        let scope = claim.scope;
        let told = match self.portal.budget_caps(&upstream::place(scope)).await {
            Ok(told) => told,
            Err(error) => {
                if let PortalError::BreakerOpen { .. } = error {
                    self.put_back(scope).await?;
                }
                return Err(ReadError::Portal(Arc::new(error)));
            }
        };
        let caps = upstream::mirrored(&told);
        let mut unit = self.store.begin().await?;
        let mut mirrors = unit.cap_mirrors();
        let outcome = mirrors.cap_mirror_apply(&claim, caps.as_ref()).await?;
        if matches!(outcome, MirrorOutcome::Mirrored(_)) {
            unit.commit().await?;
        }
        Ok(outcome)
    }

    /// The portal was not asked, so that it is no failure of this subscription: it is read as soon as the portal is asked
    /// again.
    async fn put_back(&self, scope: CapScope) -> StoreResult<()> {
        let wait = self.portal.left_alone(&upstream::place(scope)).max(SOON);
        let mut unit = self.store.begin().await?;
        unit.cap_mirrors().cap_mirror_put_back(scope, wait).await?;
        unit.commit().await
    }

    async fn begin(&self, scope: CapScope) -> StoreResult<CapMirrorClaim> {
        let mut unit = self.store.begin().await?;
        let mut mirrors = unit.cap_mirrors();
        let claim = mirrors.cap_mirror_begin(scope, self.refresh).await?;
        unit.commit().await?;
        Ok(claim)
    }

    /// Tells of a change from good to bad and back, and not of every read.
    fn note(&self, scope: CapScope, begun: Option<DateTime<Utc>>, read: &Read) {
        let mut failing = self.failing();
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
                let before = failing.get(&scope).map(|before| before.code);
                let again = code == "PORTAL_BREAKER_OPEN" && before.is_some();
                let known = before.filter(|before| again || *before == code);
                let last = begun.map(|at| (error.clone(), at));
                let code = known.unwrap_or(code);
                failing.insert(scope, Failing { code, last });
                if known.is_none() {
                    let error: &dyn std::error::Error = error;
                    tracing::warn!(%scope_id, code, error, "the portal's caps cannot be read; the last ones hold for a while");
                }
            }
        }
    }

    /// How the last read ended, if it failed a moment ago.
    fn failed_just_now(&self, scope: CapScope, now: DateTime<Utc>) -> Option<ReadError> {
        let failing = self.failing();
        let (error, at) = failing.get(&scope)?.last.as_ref()?;
        let ago = now.signed_duration_since(at).to_std().ok()?;
        (ago < PAUSE.min(self.refresh)).then(|| error.clone())
    }

    /// The portal was written to, so that whether it can be read is not known any more.
    pub(crate) fn written(&self, scope: CapScope) {
        if let Some(failing) = self.failing().get_mut(&scope) {
            failing.last = None;
        }
    }

    fn failing(&self) -> MutexGuard<'_, HashMap<CapScope, Failing>> {
        let failing = self.failing.lock();
        failing.unwrap_or_else(PoisonError::into_inner)
    }

    fn reads(&self) -> MutexGuard<'_, Reads> {
        self.reads.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whatever becomes of a read, the next one may begin when it has ended.
struct Landing {
    desk: Arc<Desk>,
    scope: CapScope,
}

impl Drop for Landing {
    fn drop(&mut self) {
        let mut reads = self.desk.reads();
        *reads.landed.entry(self.scope).or_default() += 1;
        reads.under_way.remove(&self.scope);
    }
}
