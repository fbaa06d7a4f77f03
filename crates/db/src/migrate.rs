//! Bringing a database up to date, as its owner, one server at a time.

use std::collections::BTreeSet;

use diesel::{
    Connection, OptionalExtension, QueryableByName, RunQueryDsl,
    connection::SimpleConnection,
    migration::{Migration, MigrationSource},
    pg::Pg,
    sql_query,
    sql_types::Text,
};
use diesel_async::{AsyncPgConnection, async_connection_wrapper::AsyncConnectionWrapper};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use secrecy::SecretString;

use crate::connect::{Address, bad_connection};

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations");

/// The advisory lock that one migrating server holds: "bursar" in ASCII.
const LOCK: i64 = 0x6275_7273_6172;

/// How long to wait for another server's migration, and then for a table that somebody uses.
const LOCK_TIMEOUTS: &str = "SET lock_timeout = '120s'";
const DDL_LOCK_TIMEOUT: &str = "SET lock_timeout = '10s'";

type Blocking = AsyncConnectionWrapper<AsyncPgConnection>;

/// What a migration did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MigrationReport {
    /// The versions that were applied or reverted, in that order.
    pub applied: Vec<String>,
    /// The newest version that the database has now; `None` for an empty one.
    pub version: Option<String>,
}

/// Why a database could not be brought up to date.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// It cannot be reached.
    #[error("the database cannot be reached for its migration")]
    Connection(#[source] diesel::ConnectionError),
    /// It was migrated by a newer program.
    #[error(
        "the database is newer than this program: it has the migration `{version}`; run a newer Bursar"
    )]
    Newer {
        /// The newest version that this program does not know.
        version: String,
    },
    /// The application's role is missing and may not be made.
    #[error(
        "the role `{role}` does not exist and may not be made by this account; as an administrator run: \
         CREATE ROLE \"{role}\" NOLOGIN; GRANT \"{role}\" TO the account of the database address"
    )]
    AppRole {
        /// The role.
        role: String,
        /// What PostgreSQL says.
        source: diesel::result::Error,
    },
    /// The account may not make tables.
    #[error(
        "the account `{account}` may not make tables in the database; migrate as the role that owns them \
         (give its address as the address to migrate with), or as an administrator run in this database: \
         ALTER SCHEMA public OWNER TO \"{account}\""
    )]
    NotOwner {
        /// The account of the address.
        account: String,
    },
    /// The application's role could make tables and functions, and with those get at the owner's rights.
    #[error(
        "the role `{role}` may make tables, which a running server must not; as an administrator run in this \
         database: REVOKE CREATE ON SCHEMA public FROM PUBLIC, \"{role}\" (and see that the role is neither a \
         superuser nor a member of the owner's)"
    )]
    AppMayCreate {
        /// The role.
        role: String,
    },
    /// A migration failed; nothing of it remains.
    #[error("a migration failed")]
    Migration(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A statement around the migrations failed.
    #[error("the database refused a step of the migration")]
    Statement(#[from] diesel::result::Error),
    /// The task that migrates ended early.
    #[error("the migration was interrupted")]
    Interrupted(#[from] tokio::task::JoinError),
}

/// Applies what is missing, makes the application's role when it can, and gives that role its rights.
///
/// # Errors
/// See [`MigrateError`].
pub async fn migrate(
    owner_url: &SecretString,
    app_role: &str,
) -> Result<MigrationReport, MigrateError> {
    let role = app_role.to_owned();
    locked(owner_url, move |connection| {
        let applied = connection
            .run_pending_migrations(MIGRATIONS)
            .map_err(MigrateError::Migration)?;
        let applied = applied.iter().map(ToString::to_string).collect();
        make_role(connection, &role)?;
        sql_query("SELECT bursar_grant_application($1::name)")
            .bind::<Text, _>(&role)
            .execute(connection)?;
        forbid_making(connection, &role)?;
        Ok(applied)
    })
    .await
}

/// Takes back every migration, the newest first: everything is gone then.
///
/// # Errors
/// See [`MigrateError`].
pub async fn revert_all(owner_url: &SecretString) -> Result<MigrationReport, MigrateError> {
    locked(owner_url, |connection| {
        let reverted = connection
            .revert_all_migrations(MIGRATIONS)
            .map_err(MigrateError::Migration)?;
        Ok(reverted.iter().map(ToString::to_string).collect())
    })
    .await
}

/// Runs `work` under the advisory lock, on a database that is not newer than this program.
async fn locked(
    owner_url: &SecretString,
    work: impl FnOnce(&mut Blocking) -> Result<Vec<String>, MigrateError> + Send + 'static,
) -> Result<MigrationReport, MigrateError> {
    let address = Address::parse(owner_url, "bursar migrate")
        .map_err(|error| MigrateError::Connection(bad_connection(&error)))?;
    let connection = address
        .open_diesel(LOCK_TIMEOUTS)
        .await
        .map_err(MigrateError::Connection)?;
    // diesel's migrations are blocking code that runs the connection's futures by itself.
    let task = tokio::task::spawn_blocking(move || {
        let mut connection = Blocking::from(connection);
        sql_query(format!("SELECT pg_advisory_lock({LOCK})")).execute(&mut connection)?;
        connection.batch_execute(DDL_LOCK_TIMEOUT)?;
        may_make(&mut connection)?;
        let outcome = fitting(&mut connection).and_then(|()| work(&mut connection));
        let version = newest(&mut connection)?;
        sql_query(format!("SELECT pg_advisory_unlock({LOCK})")).execute(&mut connection)?;
        outcome.map(|applied| MigrationReport { applied, version })
    });
    task.await?
}

/// Refuses a database with migrations that this program does not know.
fn fitting(connection: &mut Blocking) -> Result<(), MigrateError> {
    let known = MigrationSource::<Pg>::migrations(&MIGRATIONS).map_err(MigrateError::Migration)?;
    let known: BTreeSet<String> = known
        .iter()
        .map(|migration| migration.name().version().to_string())
        .collect();
    let applied = connection
        .applied_migrations()
        .map_err(MigrateError::Migration)?;
    let unknown = applied
        .iter()
        .map(ToString::to_string)
        .filter(|one| !known.contains(one))
        .max();
    unknown.map_or(Ok(()), |version| Err(MigrateError::Newer { version }))
}

fn newest(connection: &mut Blocking) -> Result<Option<String>, MigrateError> {
    let applied = connection
        .applied_migrations()
        .map_err(MigrateError::Migration)?;
    Ok(applied.iter().map(ToString::to_string).max())
}

#[derive(QueryableByName)]
struct Statement {
    #[diesel(sql_type = Text)]
    text: String,
}

/// Refuses an account that cannot migrate, before it fails at the first table in words of PostgreSQL's.
fn may_make(connection: &mut Blocking) -> Result<(), MigrateError> {
    let refused = sql_query(
        "SELECT current_user::text AS text \
         WHERE NOT has_schema_privilege(current_user, 'public', 'CREATE')",
    )
    .get_result::<Statement>(connection)
    .optional()?;
    let account = refused.map(|found| found.text);
    account.map_or(Ok(()), |account| Err(MigrateError::NotOwner { account }))
}

/// Sees to it that the application's role can make nothing: before PostgreSQL 15 everybody could.
fn forbid_making(connection: &mut Blocking, role: &str) -> Result<(), MigrateError> {
    if !may_create(connection, role)? {
        return Ok(());
    }
    let revoke = connection.transaction(|connection| {
        connection.batch_execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    });
    match revoke {
        Ok(()) if !may_create(connection, role)? => Ok(()),
        // Who does not own the schema cannot: PostgreSQL refuses, or does nothing and says so in a notice.
        Ok(()) | Err(diesel::result::Error::DatabaseError(..)) => {
            let role = role.to_owned();
            Err(MigrateError::AppMayCreate { role })
        }
        Err(error) => Err(error.into()),
    }
}

fn may_create(connection: &mut Blocking, role: &str) -> Result<bool, MigrateError> {
    let able = sql_query("SELECT $1 AS text WHERE has_schema_privilege($1, 'public', 'CREATE')")
        .bind::<Text, _>(role)
        .get_result::<Statement>(connection)
        .optional()?;
    Ok(able.is_some())
}

/// Makes the application's role, which only its owner can take on, unless it exists.
fn make_role(connection: &mut Blocking, role: &str) -> Result<(), MigrateError> {
    let create = sql_query(
        "SELECT format('CREATE ROLE %I NOLOGIN ROLE %I', $1, current_user) AS text \
         WHERE NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = $1)",
    )
    .bind::<Text, _>(role)
    .get_result::<Statement>(connection)
    .optional()?;
    let Some(create) = create else { return Ok(()) };
    connection
        .transaction(|connection| connection.batch_execute(&create.text))
        .map_err(|source| MigrateError::AppRole {
            role: role.to_owned(),
            source,
        })
}
