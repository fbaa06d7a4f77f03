//! This server's lease on its open reservations: renewed while the server lives, swept by others when not.
//!
//! A reservation belongs to the lease that was current when it was made. A lease that cannot be current any
//! more because one of its reservations could not be closed is *retired*: it is renewed until its other
//! requests are done, and then ended, so that a sweep charges what was left behind.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use model::{IdSource, LeaseId};
use store::{StoreError, StoreResult};
use tokio::time::Instant;

use crate::ledger::Ledger;

/// A lease; whoever has a reservation under it holds a clone of the [`Arc`].
#[derive(Debug)]
pub(crate) struct Lease {
    /// Its id.
    pub(crate) id: LeaseId,
    ends: Mutex<Instant>,
}

impl Lease {
    /// Until when it certainly lives.
    pub(crate) fn ends(&self) -> Instant {
        *self.ends.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn extend(&self, ends: Instant) {
        *self.ends.lock().unwrap_or_else(PoisonError::into_inner) = ends;
    }
}

/// A fresh lease was refused, which only an id that is taken can explain.
#[derive(Debug, thiserror::Error)]
#[error("a new lease was refused")]
struct FreshLeaseRefused;

/// Keeps this server's leases alive.
#[derive(Debug)]
pub(crate) struct LeaseKeeper {
    ledger: Arc<dyn Ledger>,
    ids: Arc<dyn IdSource>,
    ttl: Duration,
    /// One renewal at a time, so that two callers do not take two leases.
    turn: tokio::sync::Mutex<()>,
    leases: Mutex<Leases>,
}

#[derive(Debug, Default)]
struct Leases {
    current: Option<Arc<Lease>>,
    retired: Vec<Arc<Lease>>,
}

impl LeaseKeeper {
    pub(crate) fn new(ledger: Arc<dyn Ledger>, ids: Arc<dyn IdSource>, ttl: Duration) -> Self {
        Self {
            ledger,
            ids,
            ttl,
            turn: tokio::sync::Mutex::new(()),
            leases: Mutex::default(),
        }
    }

    /// The lease that new reservations are made under. Usually without a question to the database; when the
    /// last renewal is too long ago, it is renewed or a new one is taken first.
    ///
    /// # Errors
    /// What the ledger says.
    pub(crate) async fn current(&self) -> StoreResult<Arc<Lease>> {
        let margin = self.ttl / 10;
        let usable = |lease: &Arc<Lease>| lease.ends() > Instant::now() + margin;
        if let Some(lease) = self.leases().current.clone().filter(usable) {
            return Ok(lease);
        }
        let _turn = self.turn.lock().await;
        // Somebody else may have renewed it meanwhile.
        if let Some(lease) = self.leases().current.clone().filter(usable) {
            return Ok(lease);
        }
        self.renew_current().await
    }

    /// Renews what must live on and ends what is done. To be called regularly.
    ///
    /// # Errors
    /// What the ledger says about the current lease; trouble with retired ones is tried again next time.
    pub(crate) async fn renew(&self) -> StoreResult<()> {
        let _turn = self.turn.lock().await;
        let outcome = self.renew_current().await;
        let retired = std::mem::take(&mut self.leases().retired);
        for lease in retired {
            // One owner is this list: nobody else holds a reservation under it.
            let kept = if Arc::strong_count(&lease) == 1 {
                self.ledger.lease_end(lease.id).await.is_err()
            } else {
                self.extend(&lease).await.unwrap_or(true)
            };
            if kept {
                self.leases().retired.push(lease);
            }
        }
        outcome.map(drop)
    }

    /// A reservation of this lease cannot be closed: no new ones are made under it, and it ends with the
    /// last of the others.
    pub(crate) fn retire(&self, lease: &Arc<Lease>) {
        let mut leases = self.leases();
        if let Some(current) = leases
            .current
            .take_if(|current| Arc::ptr_eq(current, lease))
        {
            leases.retired.push(current);
        }
    }

    /// Ends the leases of earlier processes: for a server that is alone on its database. Returns how many.
    ///
    /// # Errors
    /// What the ledger says.
    pub(crate) async fn end_others(&self) -> StoreResult<u64> {
        let lease = self.current().await?;
        self.ledger.lease_end_others(lease.id).await
    }

    /// Ends all leases of this server. What is still open under them is swept.
    ///
    /// # Errors
    /// What the ledger says.
    pub(crate) async fn end(&self) -> StoreResult<()> {
        let _turn = self.turn.lock().await;
        let leases = std::mem::take(&mut *self.leases());
        for lease in leases.current.iter().chain(&leases.retired) {
            self.ledger.lease_end(lease.id).await?;
        }
        Ok(())
    }

    async fn renew_current(&self) -> StoreResult<Arc<Lease>> {
        let current = self.leases().current.clone();
        if let Some(lease) = current {
            if self.extend(&lease).await? {
                return Ok(lease);
            }
            tracing::warn!(lease = %lease.id, "the lease had lapsed: open requests may have been swept");
        }
        let id = LeaseId(self.ids.next());
        let lease = Arc::new(Lease {
            id,
            ends: Mutex::new(Instant::now()),
        });
        if !self.extend(&lease).await? {
            return Err(StoreError::Internal(Box::new(FreshLeaseRefused)));
        }
        self.leases().current = Some(Arc::clone(&lease));
        Ok(lease)
    }

    async fn extend(&self, lease: &Lease) -> StoreResult<bool> {
        // Counted from before the question: the database cannot have started later than it was asked.
        let asked = Instant::now();
        let ttl = chrono::Duration::from_std(self.ttl).unwrap_or(chrono::Duration::MAX);
        let held = self.ledger.lease_renew(lease.id, ttl).await?;
        if held {
            lease.extend(asked + self.ttl);
        }
        Ok(held)
    }

    fn leases(&self) -> MutexGuard<'_, Leases> {
        self.leases.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
