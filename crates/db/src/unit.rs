//! Units of work: one pooled connection each, inside a transaction or not.

use std::{marker::PhantomData, time::Duration};

use async_trait::async_trait;
use diesel::{sql_query, sql_types::Text};
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection};
use futures_util::future::{try_join, try_join3};
use model::{
    caps::CapTrust,
    spend::{LedgerBatch, LockWait},
};
use store::{ReadUnit, StoreResult, WriteContext, WriteUnit};
use tokio::{runtime::Handle, time::timeout};

use crate::{
    errors::{from_diesel, internal},
    pool::PooledConnection,
    query::{self, Cached},
    sealing::Sealer,
    spend::{self, Counters, Manner},
    tls::Tls,
};

/// How long the rollback of a dropped unit may take before what runs on its connection is cancelled, and
/// once more before the connection is thrown away.
const ROLLBACK_TIMEOUT: Duration = Duration::from_secs(1);

/// A unit that reads without a transaction.
#[derive(Debug)]
pub(crate) struct Reading;

/// A unit that reads and writes inside one.
#[derive(Debug)]
pub(crate) struct Writing;

/// What a unit has of its store besides a connection.
#[derive(Debug)]
pub(crate) struct Ways {
    pub(crate) sealer: Sealer,
    /// How far mirrored caps are trusted; `None` where caps live here.
    pub(crate) cap_trust: Option<CapTrust>,
}

/// A unit of work. The repositories are implemented for it in the modules of their features.
pub(crate) struct Unit<Mode> {
    held: Held,
    pub(crate) sealer: Sealer,
    pub(crate) cap_trust: Option<CapTrust>,
    /// Who writes, as long as the transaction has not begun.
    later: Option<WriteContext>,
    /// What a batch of the ledger writes at the commit.
    writes: Option<spend::Writes>,
    mode: PhantomData<Mode>,
}

/// A connection that never returns to the pool inside a transaction.
pub(crate) struct Held {
    connection: Option<PooledConnection>,
    tls: Tls,
    in_transaction: bool,
}

impl Held {
    pub(crate) fn new(connection: PooledConnection, tls: Tls) -> Self {
        Self {
            connection: Some(connection),
            tls,
            in_transaction: false,
        }
    }

    fn connection(&self) -> StoreResult<&AsyncPgConnection> {
        self.connection
            .as_deref()
            .ok_or_else(|| internal("the unit of work has ended"))
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take().filter(|_| self.in_transaction) else {
            return; // It goes back to the pool as it is.
        };
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(roll_back(connection, self.tls.clone()));
        } else {
            discard(connection);
        }
    }
}

/// Ends the transaction of a dropped unit. Its last statement may still run, or wait for a lock: it is given a
/// moment, then cancelled.
async fn roll_back(connection: PooledConnection, tls: Tls) {
    let rollback = || async { (&mut &*connection).batch_execute("ROLLBACK").await };
    if timeout(ROLLBACK_TIMEOUT, rollback())
        .await
        .is_ok_and(|result| result.is_ok())
    {
        return;
    }
    let cancelled = connection.cancel_token().cancel_query(tls).await;
    let rolled_back = timeout(ROLLBACK_TIMEOUT, rollback()).await;
    if !matches!((cancelled, rolled_back), (Ok(()), Ok(Ok(())))) {
        tracing::warn!("a connection is thrown away: its transaction could not be rolled back");
        discard(connection);
    }
}

/// Closes a connection instead of returning it; PostgreSQL then rolls back by itself.
fn discard(connection: PooledConnection) {
    drop(PooledConnection::take(connection));
}

impl<Mode> Unit<Mode> {
    /// The connection to run statements on.
    pub(crate) fn connection(&self) -> StoreResult<&AsyncPgConnection> {
        if self.later.is_some() {
            return Err(internal("the unit of work has not begun"));
        }
        self.held.connection()
    }
}

impl<Mode: Send + Sync> Unit<Mode> {
    /// Begins a transaction that reads as of one instant, unless the unit is in a transaction already; whether it did.
    pub(crate) async fn begin_snapshot(&mut self) -> StoreResult<bool> {
        if self.held.in_transaction || self.later.is_some() {
            return Ok(false);
        }
        self.held.in_transaction = true; // From the first byte on: this future may be dropped half-way.
        let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
        batch(self.held.connection()?, begin).await?;
        Ok(true)
    }

    /// Ends what [`Unit::begin_snapshot`] began.
    pub(crate) async fn end_snapshot(&mut self) -> StoreResult<()> {
        batch(self.held.connection()?, "ROLLBACK").await?;
        self.held.in_transaction = false;
        Ok(())
    }
}

impl Unit<Reading> {
    pub(crate) fn reading(held: Held, ways: Ways) -> Self {
        Self {
            held,
            sealer: ways.sealer,
            cap_trust: ways.cap_trust,
            later: None,
            writes: None,
            mode: PhantomData,
        }
    }
}

impl Unit<Writing> {
    /// Begins the transaction and tells it who writes, in one round trip.
    pub(crate) async fn begin(
        mut held: Held,
        ways: Ways,
        context: &WriteContext,
    ) -> StoreResult<Self> {
        held.in_transaction = true; // From the first byte on: this future may be dropped half-way.
        begin(held.connection()?, context).await?;
        Ok(Self {
            held,
            sealer: ways.sealer,
            cap_trust: ways.cap_trust,
            later: None,
            writes: None,
            mode: PhantomData,
        })
    }

    /// A unit whose transaction begins with its batch of the ledger.
    pub(crate) fn begin_later(held: Held, ways: Ways, context: WriteContext) -> Self {
        Self {
            held,
            sealer: ways.sealer,
            cap_trust: ways.cap_trust,
            later: Some(context),
            writes: None,
            mode: PhantomData,
        }
    }

    /// Takes a batch of the ledger. If the transaction has yet to begin, it does so in the same round trip; what
    /// the batch writes goes out with the commit, or before the next batch. Whoever drops this future drops the unit.
    pub(crate) async fn batch(
        &mut self,
        steps: &[spend::Step<'_>],
        wait: LockWait,
    ) -> StoreResult<LedgerBatch> {
        let context = self.later.take();
        self.held.in_transaction = true; // From the first byte on: this future may be dropped half-way.
        let connection = self.held.connection()?;
        if let Some(before) = self.writes.take() {
            before.write(connection).await?;
        }
        let began = async {
            match &context {
                Some(context) => begin(connection, context).await,
                None => Ok(()),
            }
        };
        // A transaction that does nothing else can be begun anew.
        let mut manner = Manner {
            wait,
            counters: match context {
                Some(_) => Counters::Known,
                None => Counters::Any,
            },
            cap_trust: self.cap_trust,
        };
        let mut taken = spend::run_batch(connection, began, steps, manner).await?;
        if let (None, Some(context)) = (&taken, &context) {
            manner.counters = Counters::Any;
            // Waited for: what is sent with the beginning must find the transaction begun.
            query::run(connection, Cached(sql_query("ROLLBACK"))).await?;
            let began = begin(connection, context);
            taken = spend::run_batch(connection, began, steps, manner).await?;
        }
        let (batch, writes) = taken.ok_or_else(|| internal("a counter was not made"))?;
        self.writes = Some(writes);
        Ok(batch)
    }
}

/// Begins a transaction and tells it who writes.
async fn begin(connection: &AsyncPgConnection, context: &WriteContext) -> StoreResult<()> {
    try_join(batch(connection, "BEGIN"), set_actor(connection, context))
        .await
        .map(drop)
}

async fn batch(mut connection: &AsyncPgConnection, text: &str) -> StoreResult<()> {
    connection.batch_execute(text).await.map_err(from_diesel)
}

async fn set_actor(connection: &AsyncPgConnection, context: &WriteContext) -> StoreResult<()> {
    let text = |id: Option<uuid::Uuid>| id.map(|id| id.to_string()).unwrap_or_default();
    let statement = sql_query(
        "SELECT set_config('bursar.actor_name', $1, true), set_config('bursar.actor_id', $2, true), \
         set_config('bursar.request_id', $3, true)",
    )
    .bind::<Text, _>(context.actor_name.clone())
    .bind::<Text, _>(text(context.user_id.map(Into::into)))
    .bind::<Text, _>(text(context.request_id));
    query::run(connection, Cached(statement)).await.map(drop)
}

impl<Mode: Send + Sync> ReadUnit for Unit<Mode> {}

#[async_trait]
impl WriteUnit for Unit<Writing> {
    async fn commit(mut self: Box<Self>) -> StoreResult<()> {
        let connection = self.held.connection()?;
        // PostgreSQL answers a COMMIT after a failed statement with a silent rollback; the statement before it
        // makes that an error, in the same round trip.
        let sound = query::run(connection, Cached(sql_query("SELECT 1")));
        let writes = async {
            match &self.writes {
                Some(writes) => writes.write(connection).await,
                None => Ok(()),
            }
        };
        // As a prepared statement like the others: those are sent in their order also where one of them must
        // be prepared first, and nothing may be written after the commit.
        let commit = query::run(connection, Cached(sql_query("COMMIT")));
        try_join3(writes, sound, commit).await?;
        self.held.in_transaction = false;
        Ok(())
    }
}
