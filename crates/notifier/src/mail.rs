//! One attempt to hand a mail over to the deployment's mail server.
//!
//! A connection is made for each: mails are few. The server is the one that an option names, so it may be in a private
//! network, but no more than anything else at a link-local or metadata address. Encryption is never given up: a server
//! that does not offer what the options ask for gets nothing.

use std::{fmt, net::SocketAddr, sync::Arc, time::Duration};

use lettre::{
    Address, Message,
    message::{Mailbox, header},
    transport::smtp::{
        Error,
        authentication::{Credentials, DEFAULT_MECHANISMS},
        client::{AsyncSmtpConnection, TlsParameters},
        extension::ClientId,
    },
};
use model::{Clock, addresses::Reach, deliveries::Failure};
use secrecy::{ExposeSecret, SecretString};
use store::deliveries::MailDispatch;

/// How long a subject and an error may be, in characters.
const LINE_CHARS: usize = 300;
/// The answers of a mail server that speak of this server and not of the mail: it must, or cannot, sign in.
const SIGN_IN_CODES: &[u16] = &[530, 534, 535, 538];

/// How the way to the mail server is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailTls {
    /// Not at all.
    None,
    /// From the command `STARTTLS` on.
    StartTls,
    /// From the beginning.
    Implicit,
}

/// The mail server, and who mails come from.
#[derive(Debug, Clone)]
pub struct MailConfig {
    /// Its name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the way to it is encrypted.
    pub tls: MailTls,
    /// The name and the password to sign in with.
    pub sign_in: Option<(String, SecretString)>,
    /// Who mails come from: an address, with a name or without.
    pub from: String,
    /// What this server calls itself; the domain of `from` when it is not given.
    pub hello: Option<String>,
}

/// Mail cannot be set up as it is configured.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// The sender's address cannot be read.
    #[error("`{0}` is no address that mails can come from")]
    From(String),
    /// The name that this server calls itself cannot be said.
    #[error("`{0}` is no name that a server can call itself")]
    Hello(String),
    /// A password would be sent to be read by everybody on the way.
    #[error("a mail server is not signed in to without encryption")]
    OpenPassword,
    /// TLS cannot be set up.
    #[error("TLS cannot be set up for the mail server")]
    Tls(#[source] Error),
}

/// Sends mail. Cheap to clone.
#[derive(Clone)]
pub struct Mail(Arc<Inner>);

struct Inner {
    config: MailConfig,
    from: Mailbox,
    hello: ClientId,
    credentials: Option<Credentials>,
    tls: TlsParameters,
}

impl fmt::Debug for Mail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Mail").field(&self.0.config).finish()
    }
}

impl Mail {
    /// Sends mail as it is configured. Nothing is connected to yet.
    ///
    /// # Errors
    /// See [`MailError`].
    pub fn new(config: MailConfig) -> Result<Self, MailError> {
        let parsed = config.from.parse::<Mailbox>();
        let from = parsed.map_err(|_error| MailError::From(config.from.clone()))?;
        let hello = config.hello.as_deref().unwrap_or(from.email.domain());
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_[]:".contains(&byte);
        if hello.is_empty() || !hello.bytes().all(plain) {
            return Err(MailError::Hello(hello.to_owned()));
        }
        if config.sign_in.is_some() && config.tls == MailTls::None {
            return Err(MailError::OpenPassword);
        }
        let sign_in = config.sign_in.as_ref();
        let credentials = sign_in.map(|(name, password)| {
            Credentials::new(name.clone(), password.expose_secret().to_owned())
        });
        let tls = TlsParameters::new(config.host.clone()).map_err(MailError::Tls)?;
        Ok(Self(Arc::new(Inner {
            hello: ClientId::Domain(hello.to_owned()),
            from,
            credentials,
            tls,
            config,
        })))
    }

    /// Hands a mail over. The server has it when it says so.
    pub(crate) async fn send(
        &self,
        mail: &MailDispatch,
        timeout: Duration,
        clock: &dyn Clock,
    ) -> Result<(), Failure> {
        let message = self.message(mail, clock)?;
        let mut connection = self.connected(timeout).await?;
        let sent = connection
            .send(message.envelope(), &message.formatted())
            .await;
        match sent {
            Ok(_) => {
                // The mail is handed over, however the server takes the farewell.
                drop(connection.quit().await);
                Ok(())
            }
            Err(error) => {
                connection.abort().await;
                Err(failure(&error))
            }
        }
    }

    /// The mail: plain text to the account's own address. Its id is the delivery's, so that a mail that arrives twice
    /// is known to be the same.
    fn message(&self, mail: &MailDispatch, clock: &dyn Clock) -> Result<Message, Failure> {
        let from = &self.0.from;
        let email = mail.email.as_deref().ok_or_else(|| {
            Failure::lasting("the account is suspended or has no address to write to")
        })?;
        let to: Address = email.parse().map_err(|_error| {
            Failure::lasting("the account's address is none that mail can be sent to")
        })?;
        Message::builder()
            .message_id(Some(format!("<{}@{}>", mail.id, from.email.domain())))
            .date(clock.now().into())
            .from(from.clone())
            .to(Mailbox::new(None, to))
            .subject(line(&mail.title))
            .raw_header(header::HeaderValue::new(
                header::HeaderName::new_from_ascii_str("Auto-Submitted"),
                "auto-generated".to_owned(),
            ))
            .header(header::ContentType::TEXT_PLAIN)
            .body(mail.content.clone())
            .map_err(|error| {
                Failure::lasting(line(&format!("the mail cannot be written: {error}")))
            })
    }

    /// A connection, encrypted and signed in to as the options say. Whatever goes wrong before a mail is named is the
    /// server's or the options' fault and may pass.
    async fn connected(&self, timeout: Duration) -> Result<AsyncSmtpConnection, Failure> {
        let Inner {
            config,
            hello,
            credentials,
            tls,
            ..
        } = &*self.0;
        let found = outbound::resolve(&config.host, config.port, Reach::Private).await;
        let addresses: Vec<SocketAddr> = found.map_err(|error| {
            Failure::passing(line(&format!("the mail server cannot be found: {error}")))
        })?;
        let passing = |error: Error| Failure::passing(failure(&error).error);
        let implicit = (config.tls == MailTls::Implicit).then(|| tls.clone());
        let mut connection = AsyncSmtpConnection::connect_tokio1(
            addresses.as_slice(),
            Some(timeout),
            hello,
            implicit,
            None,
        )
        .await
        .map_err(passing)?;
        if config.tls == MailTls::StartTls {
            connection
                .starttls(tls.clone(), hello)
                .await
                .map_err(passing)?;
        }
        if let Some(credentials) = credentials {
            connection
                .auth(DEFAULT_MECHANISMS, credentials)
                .await
                .map_err(passing)?;
        }
        Ok(connection)
    }
}

/// A refusal for good is one of the mail itself.
fn failure(error: &Error) -> Failure {
    let code = error.status().map(u16::from);
    let mut text = match code {
        Some(code) => format!("the mail server answered {code}"),
        None => "the mail server could not be talked to".to_owned(),
    };
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    let about_us = code.is_some_and(|code| SIGN_IN_CODES.contains(&code));
    if error.is_permanent() && !about_us {
        Failure::lasting(line(&text))
    } else {
        Failure::passing(line(&text))
    }
}

/// A text on one line, not too long: no line of it can become a header.
fn line(text: &str) -> String {
    let plain = |c: char| if c.is_control() { ' ' } else { c };
    text.chars().map(plain).take(LINE_CHARS).collect()
}
