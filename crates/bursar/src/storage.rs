//! Where the data is: an own PostgreSQL in the data folder, or the one that an address names.

use std::{io::ErrorKind, path::PathBuf, time::Duration};

use anyhow::{Context, bail};
use db::{
    Database, DatabaseOptions, Sealer,
    local::{Durability, LocalConfig, LocalError, LocalPostgres, LocalRole},
};
use secrecy::SecretString;

use crate::{
    cli::{DatabaseSource, ServerOptions},
    environment::Environment,
};

/// The role that a server works as when no option names one.
const APP_ROLE: &str = "bursar_app";

/// Connections to the own PostgreSQL besides those that the server may open: the one that listens, those of
/// the start, and some for whoever looks inside.
const SPARE_CONNECTIONS: u32 = 20;

/// An open, migrated database.
#[derive(Debug)]
pub(crate) struct Storage {
    pub(crate) database: Database,
    /// The address to listen for other servers' hints at.
    pub(crate) hints_url: SecretString,
    /// The own PostgreSQL, which no other server can share.
    pub(crate) local: Option<LocalPostgres>,
}

/// Opens the database that the options name.
pub(crate) async fn open(
    options: &ServerOptions,
    environment: &Environment,
) -> anyhow::Result<Storage> {
    match &options.source.database_url {
        Some(url) => external(url, options, environment).await,
        None => embedded(options, environment).await,
    }
}

/// The folder of the own PostgreSQL.
pub(crate) fn data_dir(
    source: &DatabaseSource,
    environment: &Environment,
) -> anyhow::Result<PathBuf> {
    source
        .data_dir
        .clone()
        .or_else(|| environment.default_data_dir.clone())
        .context("there is no home folder to keep data in: say where with --data-dir")
}

/// Starts the own PostgreSQL.
pub(crate) async fn start_local(
    source: &DatabaseSource,
    max_connections: u32,
    environment: &Environment,
) -> anyhow::Result<LocalPostgres> {
    let data_dir = data_dir(source, environment)?;
    let mut config = LocalConfig::new(&data_dir);
    config.postgres_bin_dir.clone_from(&source.postgres_bin_dir);
    config.path_env.clone_from(&environment.path);
    config.durability = environment.durability;
    let connections = max_connections.saturating_add(SPARE_CONNECTIONS);
    config.max_connections = config.max_connections.max(u16::try_from(connections)?);
    tracing::info!(data_dir = %data_dir.display(), "starting the embedded PostgreSQL");
    LocalPostgres::start(config)
        .await
        .map_err(|error| match error {
            LocalError::Io { ref source, .. } if source.kind() == ErrorKind::PermissionDenied => {
                anyhow::Error::new(error).context(format!(
                    "the data folder `{}` cannot be used by this account; start Bursar as its owner, or name \
                     another one with --data-dir",
                    data_dir.display()
                ))
            }
            error => error.into(),
        })
}

async fn embedded(options: &ServerOptions, environment: &Environment) -> anyhow::Result<Storage> {
    let connections = options.database_max_connections;
    let local = start_local(&options.source, connections, environment).await?;
    match embedded_database(&local, options, environment).await {
        Ok(database) => Ok(Storage {
            database,
            hints_url: local.app_url(),
            local: Some(local),
        }),
        Err(error) => {
            local.stop().await?;
            Err(error)
        }
    }
}

async fn embedded_database(
    local: &LocalPostgres,
    options: &ServerOptions,
    environment: &Environment,
) -> anyhow::Result<Database> {
    migrate(&local.owner_url(), LocalRole::App.name()).await?;
    let sealer = match &options.encryption_key_file {
        Some(path) => Sealer::load(path)?,
        None => Sealer::load_or_create(&local.data_dir().join("secrets/encryption.key"))?,
    };
    connect(local.app_url(), None, options, environment, sealer).await
}

async fn external(
    url: &SecretString,
    options: &ServerOptions,
    environment: &Environment,
) -> anyhow::Result<Storage> {
    let Some(key_file) = &options.encryption_key_file else {
        bail!(
            "with a database URL, every server needs the same key to encrypt provider keys with: make one \
             with `openssl rand -hex 32 > bursar.key && chmod 600 bursar.key` and name it with \
             --encryption-key-file"
        );
    };
    let sealer = Sealer::load(key_file)?;
    let Roles {
        user,
        app_role,
        step_down,
    } = roles(url, &options.source)?;
    let owner_url = options.source.migrate_database_url.as_ref();
    migrate(owner_url.unwrap_or(url), &app_role).await?;
    let steps_down = step_down.as_ref().map(|role| {
        format!(
            "the account `{user}` cannot take on the role `{role}` at connect; unless the reason below is \
             another, run as an administrator: GRANT \"{role}\" TO \"{user}\""
        )
    });
    let database = connect(url.clone(), step_down, options, environment, sealer).await;
    let database = match steps_down {
        Some(context) => database.context(context)?,
        None => database?,
    };
    Ok(Storage {
        database,
        hints_url: url.clone(),
        local: None,
    })
}

/// Who a server is at a database that an address names.
pub(crate) struct Roles {
    /// Whom the address signs in as.
    user: String,
    /// Whom it works as.
    app_role: String,
    /// The same when it is another, to be taken on at every connect.
    pub(crate) step_down: Option<String>,
}

/// Two addresses: the server's own role is the one in its address. One address: it owns the tables, and the server
/// steps down from it at every connect.
pub(crate) fn roles(url: &SecretString, source: &DatabaseSource) -> anyhow::Result<Roles> {
    let user = db::url_user(url).context("the database URL cannot be read")?;
    let app_role = source.database_app_role.clone().unwrap_or_else(|| {
        if source.migrate_database_url.is_some() {
            user.clone()
        } else {
            APP_ROLE.to_owned()
        }
    });
    let step_down = (app_role != user).then(|| app_role.clone());
    Ok(Roles {
        user,
        app_role,
        step_down,
    })
}

async fn migrate(owner_url: &SecretString, app_role: &str) -> anyhow::Result<()> {
    let report = db::migrate(owner_url, app_role).await?;
    for migration in &report.applied {
        tracing::info!(migration, "migrated the database");
    }
    for changed in &report.changed {
        tracing::warn!(changed, "a migration changed what somebody had made");
    }
    Ok(())
}

async fn connect(
    url: SecretString,
    app_role: Option<String>,
    options: &ServerOptions,
    environment: &Environment,
    sealer: Sealer,
) -> anyhow::Result<Database> {
    let mut database = DatabaseOptions::new(url);
    database.app_role = app_role;
    database.max_connections = usize::try_from(options.database_max_connections)?;
    database.acquire_timeout = Duration::from_secs(5);
    database
        .application_name
        .clone_from(&environment.application_name);
    // The demo and the tests must not wait for a disk that they do not trust anyway.
    if environment.durability == Durability::Throwaway {
        tracing::debug!("the data will not survive a power failure");
    }
    let database = Database::connect(database, sealer).await?;
    for provider in database.providers_sealed_otherwise().await? {
        tracing::warn!(
            provider,
            "the key of this provider was encrypted with another encryption key: requests through it fail \
             until the server is started with that key, or the provider is given its key again"
        );
    }
    Ok(database)
}
