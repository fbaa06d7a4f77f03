//! Who asks, and what every resolver needs.

use std::{
    ops::{Deref, DerefMut},
    sync::{Arc, Mutex, PoisonError},
};

use async_graphql::Context;
use auth::Caller;
use dbauthz::{BoundStore, ReadUnit};
use model::{
    UserId,
    audit::{AuditAction, RefusedWrite},
};
use store::StoreError;
use tokio::sync::{Semaphore, SemaphorePermit};

use super::{
    failure::Failure,
    limits::{Counted, Rates},
};
use crate::{ApiState, middleware::record_refused};

/// The status that a refused write is recorded with: over REST it would have been answered so.
const REFUSED_STATUS: u16 = 404;

/// How many refused writes of one request are recorded.
const MOST_REFUSED: usize = 20;

/// How many units of work one request has open at once: the fields of a query are answered beside each other, and there
/// may be many.
const MOST_READS: usize = 4;

/// Who asks.
#[derive(Debug)]
pub(super) struct Viewer {
    caller: Option<Caller>,
    reads: Semaphore,
    /// The server's.
    pub(super) state: ApiState,
    refused: Mutex<Vec<RefusedWrite>>,
}

/// Repositories for reading, one of the few that a request has at once.
pub(super) struct Reading<'a> {
    unit: ReadUnit,
    _permit: SemaphorePermit<'a>,
}

impl Deref for Reading<'_> {
    type Target = ReadUnit;

    fn deref(&self) -> &ReadUnit {
        &self.unit
    }
}

impl DerefMut for Reading<'_> {
    fn deref_mut(&mut self) -> &mut ReadUnit {
        &mut self.unit
    }
}

/// What an operation may cost, by who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Allowance {
    /// The most fields.
    pub(super) complexity: u64,
    /// How deep they may be nested.
    pub(super) depth: u64,
}

/// What the asked operation costs and may cost.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cost {
    pub(super) score: u64,
    pub(super) limit: u64,
}

impl Viewer {
    pub(super) fn new(state: ApiState, caller: Option<Caller>) -> Self {
        Self {
            caller,
            reads: Semaphore::new(MOST_READS),
            state,
            refused: Mutex::default(),
        }
    }

    /// Who asks, of a resolver's context.
    ///
    /// # Errors
    /// Never: the handler puts it there.
    pub(super) fn of<'a>(ctx: &Context<'a>) -> Result<&'a Arc<Self>, Failure> {
        let found = ctx.data_opt::<Arc<Self>>();
        found.ok_or_else(|| StoreError::Internal("nobody is told to ask".into()).into())
    }

    /// The store bound to whoever asks.
    ///
    /// # Errors
    /// The one refusal for nobody.
    pub(super) fn store(&self) -> Result<&BoundStore, Failure> {
        let caller = self.caller.as_ref();
        caller
            .map(|caller| &caller.store)
            .ok_or_else(Failure::hidden)
    }

    /// Repositories for reading. A field has one at a time: with two it could wait for itself.
    ///
    /// # Errors
    /// The one refusal for nobody.
    pub(super) async fn read(&self) -> Result<Reading<'_>, Failure> {
        let store = self.store()?;
        let permit = self.reads.acquire().await;
        let permit = permit.map_err(|closed| StoreError::Internal(closed.into()))?;
        let unit = store.read().await?;
        Ok(Reading {
            unit,
            _permit: permit,
        })
    }

    /// Who it is.
    ///
    /// # Errors
    /// The one refusal for nobody.
    pub(super) fn user_id(&self) -> Result<UserId, Failure> {
        Ok(self.store()?.user_id())
    }

    /// Counts a call of somebody who was let in.
    ///
    /// # Errors
    /// When there were too many.
    pub(super) fn count(&self, counted: Counted) -> Result<(), Failure> {
        let rates: &Rates = &self.state.graphql.rates;
        rates.count(self.user_id()?, counted, self.state.auth.clock.now())
    }

    /// What an operation of theirs may cost.
    pub(super) fn allowance(&self, introspection: bool) -> Allowance {
        let caller = self.caller.as_ref();
        let (complexity, depth) = match caller.map(|caller| caller.store.actor().key.admin_mode) {
            // The largest questions that stock clients ask of a schema have 227 fields.
            None if introspection => (250, 15),
            None => (200, 15),
            Some(false) => (250, 20),
            Some(true) => (300, 20),
        };
        Allowance { complexity, depth }
    }

    /// Remembers a write that was refused for want of a right.
    pub(super) fn refused(&self, failure: &Failure, operation: &str, path: Option<&str>) {
        let Some(StoreError::Denied { resource, .. }) = failure.store() else {
            return;
        };
        let target = match path {
            Some(path) => format!("{operation} {path}"),
            None => operation.to_owned(),
        };
        let refused = RefusedWrite {
            action: AuditAction::Write,
            resource_type: resource.as_str().to_owned(),
            resource_target: target.chars().take(200).collect(),
            status_code: REFUSED_STATUS,
        };
        let mut all = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        // One line tells of the same refusal however often it is asked for; and nobody fills the log by one request.
        if all.len() < MOST_REFUSED && !all.contains(&refused) {
            all.push(refused);
        }
    }

    /// Records what was refused, whatever becomes of the answer.
    pub(super) async fn record_refused(&self) {
        let all = {
            let mut all = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut *all)
        };
        let Ok(store) = self.store() else {
            return;
        };
        for refused in all {
            record_refused(store.clone(), refused).await;
        }
    }
}
