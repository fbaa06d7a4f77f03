//! Roles and databases inside the embedded server: who may connect, who owns what.

use std::path::Path;

use secrecy::ExposeSecret;
use tokio_postgres::{Client, Config, NoTls};

use super::LocalError;
use super::secrets::Passwords;

/// The database that Bursar works in.
pub(super) const DATABASE: &str = "bursar";
/// Every cluster has it; used to make the others.
pub(super) const MAINTENANCE_DATABASE: &str = "postgres";

/// A login of the embedded server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LocalRole {
    /// `bursar_superuser`: provisioning and tests only. It may do anything, also create databases.
    Superuser,
    /// `bursar_owner`: owns the databases and the tables, runs the migrations; no superuser.
    Owner,
    /// `bursar_app`: what a running server uses. It may connect and use the schema `public`; the
    /// migrations give it its rights on tables. No DDL.
    App,
}

impl LocalRole {
    /// The role's name in the database.
    pub fn name(self) -> &'static str {
        match self {
            LocalRole::Superuser => "bursar_superuser",
            LocalRole::Owner => "bursar_owner",
            LocalRole::App => "bursar_app",
        }
    }
}

/// Connects over the socket; the connection ends when the client is dropped.
pub(super) async fn connect(
    socket_folder: &Path,
    role: LocalRole,
    passwords: &Passwords,
    database: &str,
) -> Result<Client, tokio_postgres::Error> {
    let (client, connection) = Config::new()
        .host_path(socket_folder)
        .user(role.name())
        .password(passwords.of(role).expose_secret())
        .dbname(database)
        .application_name("bursar-local")
        .connect(NoTls)
        .await?;
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a connection to the embedded PostgreSQL ended");
        }
    });
    Ok(client)
}

/// Makes the two ordinary roles, or gives existing ones their rights and passwords again.
pub(super) async fn make_roles(client: &Client, passwords: &Passwords) -> Result<(), LocalError> {
    let failed = LocalError::sql("set up the roles");
    // A statement that fails must not end up in the log with its password.
    client
        .batch_execute("SET log_min_error_statement = panic")
        .await
        .map_err(&failed)?;
    client
        .batch_execute("SET log_statement = none")
        .await
        .map_err(&failed)?;
    client
        .batch_execute("SET log_min_duration_statement = -1")
        .await
        .map_err(&failed)?;
    for role in [LocalRole::Owner, LocalRole::App] {
        let name = role.name();
        let known = client
            .query_opt("SELECT 1 FROM pg_roles WHERE rolname = $1", &[&name])
            .await
            .map_err(&failed)?;
        let verb = if known.is_some() { "ALTER" } else { "CREATE" };
        let password = passwords.of(role).expose_secret();
        let statement = format!(
            "{verb} ROLE {name} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION \
             NOBYPASSRLS PASSWORD '{password}'"
        );
        client.batch_execute(&statement).await.map_err(&failed)?;
    }
    Ok(())
}

/// Makes a database if it is not there yet. `client` is the superuser's, in any database.
///
/// Its grants are set by [`grant`], which needs a connection to the database itself.
pub(super) async fn make_database(client: &Client, name: &str) -> Result<(), LocalError> {
    let failed = LocalError::sql("create a database");
    let known = client
        .query_opt("SELECT 1 FROM pg_database WHERE datname = $1", &[&name])
        .await
        .map_err(&failed)?;
    if known.is_none() {
        let statement = format!(
            "CREATE DATABASE {} OWNER {} TEMPLATE template0",
            identifier(name),
            LocalRole::Owner.name()
        );
        client.batch_execute(&statement).await.map_err(&failed)?;
    }
    Ok(())
}

/// Leaves in a database only the rights that the two roles need. `client` is the superuser's, in it.
///
/// The same on every major version: before 15, everybody could create tables in `public`.
pub(super) async fn grant(client: &Client, name: &str) -> Result<(), LocalError> {
    let database = identifier(name);
    let owner = LocalRole::Owner.name();
    let app = LocalRole::App.name();
    let statements = format!(
        "REVOKE ALL ON DATABASE {database} FROM PUBLIC;
         GRANT CONNECT ON DATABASE {database} TO {app};
         ALTER SCHEMA public OWNER TO {owner};
         REVOKE CREATE ON SCHEMA public FROM PUBLIC;
         GRANT USAGE ON SCHEMA public TO {app};"
    );
    client
        .batch_execute(&statements)
        .await
        .map_err(LocalError::sql("grant rights"))
}

fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_databases_are_quoted() {
        assert_eq!(identifier("bursar"), "\"bursar\"");
        assert_eq!(identifier("a\"b c"), "\"a\"\"b c\"");
    }
}
