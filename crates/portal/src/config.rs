//! What a portal client is told: where the portal is, who is asking, and how patient to be.

use std::{num::NonZeroU32, time::Duration};

use secrecy::SecretString;
use url::Url;

/// Where the portal is, who is asking, and how patient to be. Secrets are not printed by `Debug`.
#[derive(Debug, Clone)]
pub struct PortalConfig {
    /// The whole address of its GraphQL endpoint.
    pub url: Url,
    /// Who asks for a namespace; without it nothing is asked in that scope.
    pub admin: Option<AdminCredentials>,
    /// Who asks for the instance; without it nothing is asked in that scope.
    pub licence: Option<Licence>,
    /// How long a connection may take to come up.
    pub connect_timeout: Duration,
    /// How long one exchange may take, the answer's last byte included.
    pub timeout: Duration,
    /// How long a page of a read may take with all its attempts. Longer than one exchange.
    pub deadline: Duration,
    /// How long a read may take with all its pages, however well they come.
    pub longest: Duration,
    /// The greatest answer that is read, in bytes.
    pub answer_max_bytes: usize,
    /// How many pages of overrides are read before the portal is taken to be paging in circles.
    pub max_pages: u32,
    /// When reads are tried again. Writes never are.
    pub retry: RetryPolicy,
    /// When the portal is left alone about a scope.
    pub breaker: BreakerPolicy,
}

impl PortalConfig {
    /// The usual patience, and nobody who asks yet.
    #[must_use]
    pub fn new(url: Url) -> Self {
        Self {
            url,
            admin: None,
            licence: None,
            connect_timeout: Duration::from_secs(2),
            timeout: Duration::from_secs(5),
            deadline: Duration::from_secs(15),
            longest: Duration::from_secs(120),
            answer_max_bytes: 1024 * 1024,
            max_pages: 5_000,
            retry: RetryPolicy::default(),
            breaker: BreakerPolicy::default(),
        }
    }
}

/// What is sent as `X-Admin-Email` and `X-Admin-Token` with requests about a namespace.
#[derive(Debug, Clone)]
pub struct AdminCredentials {
    /// The address.
    pub email: String,
    /// The token.
    pub token: SecretString,
}

/// What requests about the instance are known by. There are no headers; the key is in the body.
#[derive(Debug, Clone)]
pub struct Licence {
    /// The licence data.
    pub key: SecretString,
    /// The instance, as usage is reported for it.
    pub instance_id: String,
    /// The instance, as overrides are kept for it: one subscription may have several.
    pub unique_instance_id: String,
}

/// Whose caps are asked for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum PortalScope {
    /// A namespace's, by its id at the portal.
    Namespace(String),
    /// The instance's, by its licence.
    Instance,
}

/// When a read is tried again: after a failure that may pass, with growing pauses of random length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// How often each page is asked for at most, the first time included.
    pub attempts: NonZeroU32,
    /// The longest pause after the first attempt; it doubles with each further one.
    pub first_pause: Duration,
    /// The longest pause at all. A portal that asks to be left alone for longer is not asked again.
    pub longest_pause: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            attempts: NonZeroU32::MIN.saturating_add(2),
            first_pause: Duration::from_millis(100),
            longest_pause: Duration::from_secs(2),
        }
    }
}

/// When the portal is asked nothing more about a scope, so that a dead one costs little time. Each scope has its own count:
/// a portal that fails about one of them may be well about all others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BreakerPolicy {
    /// After so many exchanges in a row that failed.
    pub failures: NonZeroU32,
    /// For so long; then one exchange shows whether it is back.
    pub open_for: Duration,
}

impl Default for BreakerPolicy {
    fn default() -> Self {
        Self {
            failures: NonZeroU32::MIN.saturating_add(4),
            open_for: Duration::from_secs(30),
        }
    }
}

/// A portal client cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum PortalSetupError {
    /// The address is none that requests go to.
    #[error("the portal's address is no http or https address without user information")]
    Address,
    /// The host may not be asked.
    #[error("the portal's host may not be asked")]
    Host(#[source] model::addresses::RefusedAddress),
    /// The admin credentials cannot be sent in headers.
    #[error("the admin credentials cannot be sent in headers")]
    Admin,
    /// The TLS library refuses its settings.
    #[error("TLS cannot be set up")]
    Tls(#[source] rustls::Error),
    /// No HTTP client can be made.
    #[error("the HTTP client cannot be made")]
    Http(#[source] reqwest::Error),
}
