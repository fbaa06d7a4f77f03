//! Bringing a database up to date, as its owner, one server at a time.

use std::collections::BTreeSet;

use diesel::{
    Connection, OptionalExtension, QueryableByName, RunQueryDsl,
    connection::SimpleConnection,
    migration::{Migration, MigrationSource},
    pg::Pg,
    sql_query,
    sql_types::{Nullable, Text},
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
    /// What migrations changed of what people had made, in the audit log's words: somebody should know.
    pub changed: Vec<String>,
}

/// What ran under the lock.
#[derive(Debug, Default)]
struct Done {
    applied: Vec<String>,
    changed: Vec<String>,
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
        let began = now(connection)?;
        let applied = connection
            .run_pending_migrations(MIGRATIONS)
            .map_err(MigrateError::Migration)?;
        let applied = applied.iter().map(ToString::to_string).collect();
        let changed = changed_since(connection, &began)?;
        give_rights(connection, &role)?;
        Ok(Done { applied, changed })
    })
    .await
}

/// Brings a database to exactly this version (its digits), forth or back, as a program of that time would have left
/// it. For tests of upgrades: a server only ever goes forward, to its own version.
///
/// # Errors
/// See [`MigrateError`].
pub async fn migrate_to(
    owner_url: &SecretString,
    app_role: &str,
    version: &str,
) -> Result<MigrationReport, MigrateError> {
    let (role, version) = (app_role.to_owned(), version.to_owned());
    locked(owner_url, move |connection| {
        let mut applied = Vec::new();
        while newest(connection)?.is_some_and(|newest| newest > version) {
            let reverted = connection
                .revert_last_migration(MIGRATIONS)
                .map_err(MigrateError::Migration)?;
            applied.push(reverted.to_string());
        }
        let pending = connection
            .pending_migrations(MIGRATIONS)
            .map_err(MigrateError::Migration)?;
        let wanted = pending
            .iter()
            .filter(|migration| migration.name().version().to_string() <= version);
        for migration in wanted {
            let run = connection
                .run_migration(migration)
                .map_err(MigrateError::Migration)?;
            applied.push(run.to_string());
        }
        give_rights(connection, &role)?;
        Ok(Done {
            applied,
            changed: Vec::new(),
        })
    })
    .await
}

/// The versions of this program's migrations that a database lacks, the oldest first. Changes nothing, and may be
/// asked as the application's role.
///
/// # Errors
/// [`MigrateError::Newer`] for a database that was migrated by a newer program; when it cannot be reached.
pub async fn pending_migrations(url: &SecretString) -> Result<Vec<String>, MigrateError> {
    let mut connection = open(url, "bursar").await?;
    let table = sql_query("SELECT to_regclass('public.__diesel_schema_migrations')::text AS text");
    let tables: Vec<MaybeStatement> =
        diesel_async::RunQueryDsl::load(table, &mut connection).await?;
    let applied = if tables.iter().all(|table| table.text.is_none()) {
        BTreeSet::new()
    } else {
        // diesel's own first one makes its table.
        let applied = sql_query(
            "SELECT version::text AS text FROM __diesel_schema_migrations \
             WHERE version <> '00000000000000'",
        );
        let applied: Vec<Statement> =
            diesel_async::RunQueryDsl::load(applied, &mut connection).await?;
        applied.into_iter().map(|row| row.text).collect()
    };
    let known = known()?;
    match applied.difference(&known).max() {
        Some(version) => Err(MigrateError::Newer {
            version: version.clone(),
        }),
        None => Ok(known.difference(&applied).cloned().collect()),
    }
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
        Ok(Done {
            applied: reverted.iter().map(ToString::to_string).collect(),
            changed: Vec::new(),
        })
    })
    .await
}

/// Runs `work` under the advisory lock, on a database that is not newer than this program.
async fn locked(
    owner_url: &SecretString,
    work: impl FnOnce(&mut Blocking) -> Result<Done, MigrateError> + Send + 'static,
) -> Result<MigrationReport, MigrateError> {
    let connection = open(owner_url, "bursar migrate").await?;
    // diesel's migrations are blocking code that runs the connection's futures by itself.
    let task = tokio::task::spawn_blocking(move || {
        let mut connection = Blocking::from(connection);
        sql_query(format!("SELECT pg_advisory_lock({LOCK})")).execute(&mut connection)?;
        connection.batch_execute(DDL_LOCK_TIMEOUT)?;
        may_make(&mut connection)?;
        let outcome = fitting(&mut connection).and_then(|()| work(&mut connection));
        let version = newest(&mut connection)?;
        sql_query(format!("SELECT pg_advisory_unlock({LOCK})")).execute(&mut connection)?;
        outcome.map(|Done { applied, changed }| MigrationReport {
            applied,
            version,
            changed,
        })
    });
    task.await?
}

async fn open(url: &SecretString, name: &str) -> Result<AsyncPgConnection, MigrateError> {
    let address = Address::parse(url, name)
        .map_err(|error| MigrateError::Connection(bad_connection(&error)))?;
    address
        .open_diesel(LOCK_TIMEOUTS)
        .await
        .map_err(MigrateError::Connection)
}

/// The versions of this program's migrations.
fn known() -> Result<BTreeSet<String>, MigrateError> {
    let known = MigrationSource::<Pg>::migrations(&MIGRATIONS).map_err(MigrateError::Migration)?;
    Ok(known
        .iter()
        .map(|migration| migration.name().version().to_string())
        .collect())
}

/// Refuses a database with migrations that this program does not know.
fn fitting(connection: &mut Blocking) -> Result<(), MigrateError> {
    let known = known()?;
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

#[derive(QueryableByName)]
struct MaybeStatement {
    #[diesel(sql_type = Nullable<Text>)]
    text: Option<String>,
}

fn now(connection: &mut Blocking) -> Result<String, MigrateError> {
    let now = sql_query("SELECT clock_timestamp()::text AS text");
    Ok(now.get_result::<Statement>(connection)?.text)
}

/// What migrations changed since then of what was there before.
fn changed_since(connection: &mut Blocking, began: &str) -> Result<Vec<String>, MigrateError> {
    let lines = sql_query(
        "SELECT format('%s %s %s', resource_type, resource_target, diff) AS text FROM audit_logs \
         WHERE actor_name = 'migration' AND action = 'write' AND time >= $1::timestamptz ORDER BY time, id",
    );
    let lines: Vec<Statement> = lines.bind::<Text, _>(began).load(connection)?;
    Ok(lines.into_iter().map(|line| line.text).collect())
}

/// Gives the application's role its rights, making it when it can.
fn give_rights(connection: &mut Blocking, role: &str) -> Result<(), MigrateError> {
    make_role(connection, role)?;
    sql_query("SELECT bursar_grant_application($1::name)")
        .bind::<Text, _>(role)
        .execute(connection)?;
    forbid_making(connection, role)
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
