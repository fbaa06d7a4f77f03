//! The pool of connections, and the store that it makes.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use deadpool::Runtime;
use diesel_async::{
    AsyncPgConnection,
    pooled_connection::{
        AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod,
        deadpool::{Object, Pool},
    },
};
use futures_util::FutureExt;
use model::caps::CapTrust;
use secrecy::SecretString;
use store::{ReadUnit, Store, StoreResult, WriteContext, WriteUnit};

use crate::{
    connect::{Address, quote_identifier},
    errors::{from_pool, internal, unavailable},
    query,
    sealing::Sealer,
    tls::Tls,
    unit::{Held, Unit, Ways},
};

/// A pooled connection.
pub(crate) type PooledConnection = Object<AsyncPgConnection>;

/// How long a transaction may wait for its server between two statements. None of ours pauses there on purpose, so
/// that one which does belongs to a server that stands still, and others wait for what it has locked.
const IDLE_IN_TRANSACTION: Duration = Duration::from_secs(10);

/// How to reach the database.
#[derive(Debug, Clone)]
pub struct DatabaseOptions {
    /// Its address. Sockets work (`host` as a parameter, percent-encoded).
    pub url: SecretString,
    /// The role to take on at connect, where the address belongs to the owner.
    pub app_role: Option<String>,
    /// The greatest number of connections.
    pub max_connections: usize,
    /// How long a unit of work may wait for a connection.
    pub acquire_timeout: Duration,
    /// How long a statement may run, waiting for locks included.
    pub statement_timeout: Duration,
    /// What the database calls these connections.
    pub application_name: String,
}

impl DatabaseOptions {
    /// 20 connections, 5 seconds for one, 30 for a statement, no change of role.
    #[must_use]
    pub fn new(url: SecretString) -> Self {
        Self {
            url,
            app_role: None,
            max_connections: 20,
            acquire_timeout: Duration::from_secs(5),
            statement_timeout: Duration::from_secs(30),
            application_name: "bursar".to_owned(),
        }
    }

    /// What runs on a fresh connection. A transaction whose server stands still does not keep its locks for long.
    fn setup(&self) -> String {
        let timeout_ms = self.statement_timeout.as_millis();
        let idle_ms = IDLE_IN_TRANSACTION.as_millis();
        let mut setup = format!(
            "SET statement_timeout = {timeout_ms}; \
             SET idle_in_transaction_session_timeout = {idle_ms};"
        );
        if let Some(role) = &self.app_role {
            setup = format!("{setup} SET ROLE {};", quote_identifier(role));
        }
        setup
    }
}

/// How many connections there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolStatus {
    /// Open ones.
    pub size: usize,
    /// Those of them that nobody uses.
    pub available: usize,
    /// Units of work that wait for one.
    pub waiting: usize,
}

/// The store on PostgreSQL. Clones share the pool.
#[derive(Clone)]
pub struct Database {
    pool: Pool<AsyncPgConnection>,
    tls: Tls,
    sealer: Sealer,
    cap_trust: Option<CapTrust>,
}

impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Database")
            .field("status", &self.status())
            .finish_non_exhaustive()
    }
}

impl Database {
    /// Makes the pool and opens one connection, to know that it can.
    ///
    /// # Errors
    /// [`store::StoreError::Unavailable`] when the database cannot be reached or the role not be taken on.
    pub async fn connect(options: DatabaseOptions, sealer: Sealer) -> StoreResult<Self> {
        let (max, timeout) = (options.max_connections, options.acquire_timeout);
        let address = Address::parse(&options.url, &options.application_name);
        let address = address.map_err(unavailable)?;
        let tls = address.tls.clone();
        let pool = Pool::builder(manager(address, options.setup()))
            .max_size(max)
            .wait_timeout(Some(timeout))
            .create_timeout(Some(timeout))
            .recycle_timeout(Some(timeout))
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(internal)?;
        let database = Self {
            pool,
            tls,
            sealer,
            cap_trust: None,
        };
        database.ping().await?;
        Ok(database)
    }

    /// The same store where caps live elsewhere and are mirrored here: what is mirrored decides only as far as this says.
    /// Without it, the caps that are stored are those that hold.
    #[must_use]
    pub const fn with_cap_trust(mut self, trust: CapTrust) -> Self {
        self.cap_trust = Some(trust);
        self
    }

    /// How many connections there are now.
    #[must_use]
    pub fn status(&self) -> PoolStatus {
        let status = self.pool.status();
        PoolStatus {
            size: status.size,
            available: status.available,
            waiting: status.waiting,
        }
    }

    pub(crate) const fn sealer(&self) -> &Sealer {
        &self.sealer
    }

    fn ways(&self) -> Ways {
        Ways {
            sealer: self.sealer.clone(),
            cap_trust: self.cap_trust,
        }
    }

    pub(crate) async fn acquire(&self) -> StoreResult<PooledConnection> {
        self.pool.get().await.map_err(from_pool)
    }
}

fn manager(address: Address, setup: String) -> AsyncDieselConnectionManager<AsyncPgConnection> {
    let shared = Arc::new((address, setup));
    let mut config = ManagerConfig::default();
    // A connection that was closed meanwhile is noticed without asking.
    config.recycling_method = RecyclingMethod::Fast;
    config.custom_setup = Box::new(move |_| {
        let shared = Arc::clone(&shared);
        async move { shared.0.open_diesel(&shared.1).await }.boxed()
    });
    // The manager gets no address: it would keep the password as a plain text.
    AsyncDieselConnectionManager::new_with_config(String::new(), config)
}

#[async_trait]
impl Store for Database {
    async fn read(&self) -> StoreResult<Box<dyn ReadUnit>> {
        let held = Held::new(self.acquire().await?, self.tls.clone());
        Ok(Box::new(Unit::reading(held, self.ways())))
    }

    async fn begin(&self, context: &WriteContext) -> StoreResult<Box<dyn WriteUnit>> {
        let held = Held::new(self.acquire().await?, self.tls.clone());
        Ok(Box::new(Unit::begin(held, self.ways(), context).await?))
    }

    async fn begin_batch(&self, context: &WriteContext) -> StoreResult<Box<dyn WriteUnit>> {
        let held = Held::new(self.acquire().await?, self.tls.clone());
        Ok(Box::new(Unit::begin_later(
            held,
            self.ways(),
            context.clone(),
        )))
    }

    async fn ping(&self) -> StoreResult<()> {
        let connection = self.acquire().await?;
        let one = query::Cached(diesel::sql_query("SELECT 1"));
        query::run(&connection, one).await.map(drop)
    }
}
