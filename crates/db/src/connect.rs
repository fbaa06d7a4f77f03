//! Opening connections: the one place that knows what a database address means.

use std::{error::Error, time::Duration};

use diesel::{ConnectionError, ConnectionResult};
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection};
use secrecy::{ExposeSecret, SecretString};
use tokio_postgres::{Client, Config, Connection, Socket};

use crate::tls::{Encrypted, Tls};

/// After so long in silence the other end is asked whether it still lives.
const KEEPALIVE: Duration = Duration::from_secs(30);
/// How long opening a connection may take when the address does not say.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenError {
    #[error("no connection to the database")]
    Postgres(#[from] tokio_postgres::Error),
    #[error("TLS cannot be set up")]
    Tls(#[from] std::io::Error),
}

/// A database's address, read once. Holds the password, so it has no `Debug`.
#[derive(Clone)]
pub(crate) struct Address {
    config: Config,
    /// How connections are encrypted, those that cancel a query included.
    pub(crate) tls: Tls,
}

impl Address {
    pub(crate) fn parse(url: &SecretString, application_name: &str) -> Result<Self, OpenError> {
        let mut config: Config = url.expose_secret().parse()?;
        config
            .application_name(application_name)
            .keepalives_idle(KEEPALIVE);
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT_TIMEOUT);
        }
        let tls = Tls::of(&mut config)?;
        Ok(Self { config, tls })
    }

    /// A client, and the connection that somebody must drive.
    pub(crate) async fn open(&self) -> Result<(Client, Connection<Socket, Encrypted>), OpenError> {
        Ok(self.config.connect(self.tls.clone()).await?)
    }

    /// A diesel connection, driven in the background, on which `setup` has run.
    pub(crate) async fn open_diesel(&self, setup: &str) -> ConnectionResult<AsyncPgConnection> {
        let (client, connection) = self.open().await.map_err(|error| bad_connection(&error))?;
        let mut connection =
            AsyncPgConnection::try_from_client_and_connection(client, connection).await?;
        let set_up = connection.batch_execute(setup).await;
        set_up.map_err(ConnectionError::CouldntSetupConfiguration)?;
        Ok(connection)
    }
}

/// diesel's error holds a text only: the message with its causes.
pub(crate) fn bad_connection(error: &OpenError) -> ConnectionError {
    let mut message = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        message = format!("{message}: {cause}");
        source = cause.source();
    }
    ConnectionError::BadConnection(message)
}

/// Why an address does not tell its account.
#[derive(Debug, thiserror::Error)]
pub enum UrlError {
    /// It cannot be read.
    #[error("no address of a PostgreSQL database")]
    Unreadable(#[from] tokio_postgres::Error),
    /// It leaves the account to the machine.
    #[error("the address names no user")]
    NoUser,
}

/// The account that a database address signs in as.
///
/// # Errors
/// See [`UrlError`].
pub fn url_user(url: &SecretString) -> Result<String, UrlError> {
    let config: Config = url.expose_secret().parse()?;
    config.get_user().map(str::to_owned).ok_or(UrlError::NoUser)
}

/// A name as an SQL identifier.
pub(crate) fn quote_identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::{quote_identifier, url_user};

    #[test]
    fn identifiers_cannot_break_out_of_their_quotes() {
        assert_eq!(quote_identifier("bursar_app"), "\"bursar_app\"");
        assert_eq!(quote_identifier("a\"; DROP"), "\"a\"\"; DROP\"");
    }

    #[test]
    fn addresses_tell_their_account_or_that_they_do_not() {
        let check = |url: &str, user: Option<&str>| {
            assert_eq!(url_user(&url.into()).ok().as_deref(), user, "{url}");
        };
        check("postgresql://ada:secret@db.example.com/bursar", Some("ada"));
        check("host=/run/postgresql user=ada", Some("ada"));
        check("postgresql://db.example.com/bursar", None);
        check("http://", None);
    }
}
