//! Opening connections: the one place that knows what a database address means.

use std::time::Duration;

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
    #[error("the address of the database cannot be read or the database refuses")]
    Postgres(#[from] tokio_postgres::Error),
    #[error("TLS cannot be set up")]
    Tls(#[from] std::io::Error),
}

/// A client, the connection that somebody must drive, and the TLS to cancel its queries with.
pub(crate) async fn open(
    url: &SecretString,
    application_name: &str,
) -> Result<(Client, Connection<Socket, Encrypted>, Tls), OpenError> {
    let mut config: Config = url.expose_secret().parse()?;
    config
        .application_name(application_name)
        .keepalives_idle(KEEPALIVE);
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(CONNECT_TIMEOUT);
    }
    let tls = Tls::of(&mut config)?;
    let (client, connection) = config.connect(tls.clone()).await?;
    Ok((client, connection, tls))
}

/// A diesel connection, driven in the background, on which `setup` has run.
pub(crate) async fn open_diesel(
    url: &SecretString,
    application_name: &str,
    setup: &str,
) -> ConnectionResult<AsyncPgConnection> {
    let (client, connection) = open(url, application_name)
        .await
        .map_err(|error| bad_connection(&error))?;
    let mut connection =
        AsyncPgConnection::try_from_client_and_connection(client, connection).await?;
    connection
        .batch_execute(setup)
        .await
        .map_err(ConnectionError::CouldntSetupConfiguration)?;
    Ok(connection)
}

/// The message with its causes: `Display` of a tokio-postgres error leaves them out.
fn bad_connection(error: &tokio_postgres::Error) -> ConnectionError {
    let mut message = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        message = format!("{message}: {cause}");
        source = cause.source();
    }
    ConnectionError::BadConnection(message)
}

/// A name as an SQL identifier.
pub(crate) fn quote_identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::quote_identifier;

    #[test]
    fn identifiers_cannot_break_out_of_their_quotes() {
        assert_eq!(quote_identifier("bursar_app"), "\"bursar_app\"");
        assert_eq!(quote_identifier("a\"; DROP"), "\"a\"\"; DROP\"");
    }
}
