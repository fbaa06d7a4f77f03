//! Background work that tells people: finds out who must be told of spend, and sends what is to be sent besides
//! the inbox.
//!
//! It knows no SQL and serves no HTTP: it takes its work from the authorized store, as named system actors, and any
//! number of servers may do it at the same time. Losing a server loses nothing: what is not done is done by another.
//!
//! The outbox is worked off *at least once*: a message is claimed, sent, and then noted as sent. A server that dies
//! between the last two leaves a claim that lapses, and the message goes out again, under the same id. To add a
//! channel: rows for it come from a trigger, a claim of its own from the store, and a sender here.

mod alerts;
mod courier;
mod mail;
mod signature;
mod webhook;

use std::{sync::Arc, time::Duration};

use dbauthz::Authorized;
use model::{Clock, IdSource, addresses::Reach, deliveries::RetryRule};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use courier::Courier;
pub use mail::{Mail, MailConfig, MailError, MailTls};
pub use signature::{signature, verify};
use webhook::WebhookSender;

/// How messages are sent.
#[derive(Debug, Clone)]
pub struct NotifierConfig {
    /// How far webhooks may go.
    pub webhooks: Reach,
    /// How mail is sent; `None` when it is not.
    pub mail: Option<Mail>,
    /// How often the outbox is looked at.
    pub poll_every: Duration,
    /// How long one attempt to reach a webhook may take.
    pub webhook_timeout: Duration,
    /// How long one attempt to hand over a mail may take.
    pub mail_timeout: Duration,
    /// How long a claim holds: longer than an attempt takes, with what it needs to be noted.
    pub claim_lease: Duration,
    /// When it is tried again.
    pub retry: RetryRule,
    /// How long what is being sent may take to end when the server stops.
    pub grace: Duration,
}

impl Default for NotifierConfig {
    fn default() -> Self {
        Self {
            webhooks: Reach::Public,
            mail: None,
            poll_every: Duration::from_secs(2),
            webhook_timeout: Duration::from_secs(10),
            mail_timeout: Duration::from_secs(30),
            claim_lease: Duration::from_secs(90),
            retry: RetryRule::default(),
            grace: Duration::from_secs(5),
        }
    }
}

/// What the work needs.
#[derive(Debug, Clone)]
pub struct NotifierDeps {
    /// The store.
    pub authorized: Authorized,
    /// The time that messages say they were sent at.
    pub clock: Arc<dyn Clock>,
    /// Ids of claims.
    pub ids: Arc<dyn IdSource>,
    /// How messages are sent.
    pub config: NotifierConfig,
}

/// The work cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum NotifierError {
    /// The TLS library refuses its settings.
    #[error("TLS cannot be set up")]
    Tls(#[from] rustls::Error),
    /// No HTTP client can be made.
    #[error("the HTTP client cannot be made")]
    Http(#[from] reqwest::Error),
}

/// Begins the work, which goes on until the token is cancelled; what is being sent then has a moment to end.
///
/// # Errors
/// See [`NotifierError`].
pub fn start(
    deps: NotifierDeps,
    stopping: CancellationToken,
) -> Result<Vec<JoinHandle<()>>, NotifierError> {
    let webhooks = WebhookSender::new(&deps.config, Arc::clone(&deps.clock))?;
    let alerts = alerts::run(deps.authorized.clone(), stopping.clone());
    let courier = Courier::new(deps, webhooks);
    Ok(vec![
        tokio::spawn(courier.run(stopping)),
        tokio::spawn(alerts),
    ])
}
