//! The database of a command that is no server: the one it is told of, or the one in the data folder. It is never
//! migrated here.

use std::{sync::Arc, time::Duration};

use anyhow::bail;
use db::{Database, DatabaseOptions, Sealer, local::LocalError};
use dbauthz::Authorized;
use secrecy::SecretString;

use crate::{cli::DatabaseSource, environment::Environment, storage};

/// One transaction on one connection, and one to know that the database answers.
const CONNECTIONS: u32 = 2;

/// Does some work on the database that a command names, waiting for each statement as long as is said.
///
/// # Errors
/// Whatever keeps the database from being used, with what to do about it, or what the work says.
pub(crate) async fn on_database<T>(
    source: &DatabaseSource,
    environment: &Environment,
    statement_timeout: Option<Duration>,
    work: impl AsyncFnOnce(&Authorized) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let open = async |url: SecretString, step_down: Option<String>| {
        let options = options(url, step_down, statement_timeout, environment)?;
        open(options).await
    };
    if let Some(url) = &source.database_url {
        let step_down = storage::roles(url, source)?.step_down;
        return work(&open(url.clone(), step_down).await?).await;
    }
    let data_dir = storage::data_dir(source, environment)?;
    if !db::local::has_database(&data_dir) {
        bail!(
            "there is no database in the data folder `{}`: name the folder with --data-dir, or the database with \
             --database-url",
            data_dir.display()
        );
    }
    let started = storage::start_local(source, CONNECTIONS, environment).await;
    let local = started.map_err(|error| match error.downcast_ref() {
        Some(LocalError::Locked { .. }) => error.context(
            "an embedded database belongs to one process: stop the server that runs on it, or use that server's API",
        ),
        _ => error,
    })?;
    let outcome = match open(local.app_url(), None).await {
        Ok(authorized) => work(&authorized).await,
        Err(error) => Err(error),
    };
    local.stop().await?;
    outcome
}

fn options(
    url: SecretString,
    step_down: Option<String>,
    statement_timeout: Option<Duration>,
    environment: &Environment,
) -> anyhow::Result<DatabaseOptions> {
    let mut options = DatabaseOptions::new(url);
    options.app_role = step_down;
    options.max_connections = usize::try_from(CONNECTIONS)?;
    options.statement_timeout = statement_timeout.unwrap_or(options.statement_timeout);
    options
        .application_name
        .clone_from(&environment.application_name);
    Ok(options)
}

async fn open(options: DatabaseOptions) -> anyhow::Result<Authorized> {
    let pending = db::pending_migrations(&options.url).await?;
    if let Some(first) = pending.first() {
        bail!(
            "the database is older than this program: it lacks the migration `{first}`; start `bursar server` of \
             this version once, which brings it up to date"
        );
    }
    // No provider's key is read or written by a command, so any key does.
    let sealer = Sealer::from_key(&rand::random());
    let database = Database::connect(options, sealer).await?;
    Ok(Authorized::new(Arc::new(database)))
}
