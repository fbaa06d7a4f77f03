//! A database for each test, cloned from a migrated template, in one local PostgreSQL per test process.

use std::{
    path::Path,
    process::{Command, Stdio},
    sync::{
        LazyLock,
        atomic::{AtomicU32, Ordering},
    },
};

use anyhow::Context;
use db::local::{Durability, LocalConfig, LocalPostgres, LocalRole};
use secrecy::{ExposeSecret, SecretString};
use tokio::{runtime::Runtime, sync::OnceCell};
use tokio_postgres::{Client, NoTls};

const TEMPLATE: &str = "bursar_template";

/// The server outlives every test's own runtime, so it lives on one of its own.
static RUNTIME: LazyLock<std::io::Result<Runtime>> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
});
static SERVER: OnceCell<Server> = OnceCell::const_new();
static NEXT: AtomicU32 = AtomicU32::new(0);

#[derive(Debug)]
struct Server {
    postgres: LocalPostgres,
}

async fn server() -> anyhow::Result<&'static Server> {
    SERVER
        .get_or_try_init(|| async { on_runtime(start()).await? })
        .await
}

async fn on_runtime<T: Send + 'static>(
    work: impl Future<Output = T> + Send + 'static,
) -> anyhow::Result<T> {
    let runtime = RUNTIME
        .as_ref()
        .context("the test runtime cannot be started")?;
    Ok(runtime.spawn(work).await?)
}

async fn start() -> anyhow::Result<Server> {
    let folder = tempfile::Builder::new()
        .prefix("bursar-test-")
        .tempdir()?
        .keep();
    remove_at_exit(&folder)?;
    let mut config = LocalConfig::new(&folder);
    config.durability = Durability::Throwaway;
    config.max_connections = 300;
    let postgres = LocalPostgres::start(config).await?;
    postgres.create_database(TEMPLATE).await?;
    db::migrate(
        &postgres.url(LocalRole::Owner, TEMPLATE),
        LocalRole::App.name(),
    )
    .await?;
    Ok(Server { postgres })
}

/// Removes the folder when this process has ended, however it does, and its PostgreSQL after it: statics are not
/// dropped.
fn remove_at_exit(folder: &Path) -> anyhow::Result<()> {
    let script =
        "read _; while [ -e \"$1/postgres/postmaster.pid\" ]; do sleep 0.1; done; rm -rf \"$1\"";
    let watcher = Command::new("sh")
        .args(["-c", script, "sh"])
        .arg(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    // Its pipe stays open until this process ends.
    Box::leak(Box::new(watcher));
    Ok(())
}

/// One test's own database. It stays until the process ends.
#[derive(Debug, Clone)]
pub struct TestDatabase {
    name: String,
    server: &'static Server,
}

impl TestDatabase {
    /// A fresh database with every migration run.
    ///
    /// # Errors
    /// When PostgreSQL's programs are missing or the server cannot be started.
    pub async fn create() -> anyhow::Result<Self> {
        let server = server().await?;
        let name = format!("test_{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let client = connect(&server.postgres.superuser_url()).await?;
        // The server is not durable anyway, so copying files beats writing them through the log.
        let clone = format!(
            "CREATE DATABASE {name} OWNER {} TEMPLATE {TEMPLATE} STRATEGY file_copy",
            LocalRole::Owner.name()
        );
        client
            .batch_execute(&clone)
            .await
            .context("the template cannot be cloned")?;
        server.postgres.create_database(&name).await?;
        Ok(Self { name, server })
    }

    /// The address as the application's role.
    #[must_use]
    pub fn app_url(&self) -> SecretString {
        self.server.postgres.url(LocalRole::App, &self.name)
    }

    /// The address as the role that owns the tables.
    #[must_use]
    pub fn owner_url(&self) -> SecretString {
        self.server.postgres.url(LocalRole::Owner, &self.name)
    }

    /// Runs SQL as the owner of the tables, to look at what a test did or to break something.
    ///
    /// # Errors
    /// What PostgreSQL says of the statement.
    pub async fn owner(&self) -> anyhow::Result<Client> {
        connect(&self.owner_url()).await
    }

    /// Makes the database unreachable: open connections are cut and new ones refused, until
    /// [`TestDatabase::bring_back`].
    ///
    /// # Errors
    /// What PostgreSQL says.
    pub async fn take_away(&self) -> anyhow::Result<()> {
        self.allow_connections("false").await?;
        let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1";
        let client = connect(&self.server.postgres.superuser_url()).await?;
        client.execute(cut, &[&self.name]).await?;
        Ok(())
    }

    /// Cuts the connections on which servers hear of changes, and returns when they are gone. The servers open
    /// them again.
    ///
    /// # Errors
    /// What PostgreSQL says.
    pub async fn cut_listeners(&self) -> anyhow::Result<()> {
        let client = connect(&self.server.postgres.superuser_url()).await?;
        let cut = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity \
            WHERE datname = $1 AND application_name = 'bursar listen'";
        client.execute(cut, &[&self.name]).await?;
        Ok(())
    }

    /// Makes the database reachable again.
    ///
    /// # Errors
    /// What PostgreSQL says.
    pub async fn bring_back(&self) -> anyhow::Result<()> {
        self.allow_connections("true").await
    }

    async fn allow_connections(&self, allowed: &str) -> anyhow::Result<()> {
        let client = connect(&self.server.postgres.superuser_url()).await?;
        let alter = format!("ALTER DATABASE {} ALLOW_CONNECTIONS {allowed}", self.name);
        Ok(client.batch_execute(&alter).await?)
    }

    /// Moves the database's clock by an SQL interval like `40 days`, for everything that decides a period.
    ///
    /// # Errors
    /// What PostgreSQL says of the interval.
    pub async fn shift_clock(&self, interval: &str) -> anyhow::Result<()> {
        let function = format!(
            "CREATE OR REPLACE FUNCTION bursar_now() RETURNS timestamptz LANGUAGE sql STABLE \
             PARALLEL SAFE AS $$ SELECT statement_timestamp() + interval '{interval}' $$"
        );
        Ok(self.owner().await?.batch_execute(&function).await?)
    }
}

/// A client of a database, for a test that has a PostgreSQL of its own.
///
/// # Errors
/// When it cannot be reached.
pub async fn connect(url: &SecretString) -> anyhow::Result<Client> {
    let (client, connection) = tokio_postgres::connect(url.expose_secret(), NoTls)
        .await
        .context("the test database cannot be reached")?;
    // It ends when the client is dropped; what went wrong the client's call says.
    tokio::spawn(connection);
    Ok(client)
}
