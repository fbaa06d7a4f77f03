//! Signing in by OpenID Connect: the authorization code flow with PKCE and a nonce, always.
//!
//! [`oidc_login`] sends a browser to the provider, [`oidc_callback`] takes its answer: the sign-in that it belongs
//! to is taken from the database, once, and only for the browser that began (`flow`); the code is exchanged and
//! the ID token verified (`exchange`, `verify`) with what the provider publishes (`provider`); what it says
//! becomes a person (`person`), the person an account (`accounts`), and the account a session. [`oidc_admin_mode`] sends
//! somebody who is signed in there once more, to prove again who they are (`reauthentication`).
//!
//! Codes, tokens, states and verifiers reach no log and no answer.

mod accounts;
mod config;
mod error;
mod exchange;
mod flow;
mod http;
mod person;
mod provider;
mod reauthentication;
mod verify;

use std::sync::Arc;

use openidconnect::IssuerUrl;
use tokio::sync::{Semaphore, SemaphorePermit};
use url::Url;

pub use config::{OidcConfig, OidcSetupError, Signups, UnsaidEmails};
pub use error::OidcError;
pub use flow::{OidcAnswer, OidcDeparture, OidcReturn, oidc_callback, oidc_login};
pub use reauthentication::oidc_admin_mode;

use self::{http::Http, provider::Provider};

/// Where the provider sends the browser back to, below the deployment's address.
const CALLBACK: &str = "/api/v2/users/oidc/callback";
/// How many sign-ins one server works on at once: each may wait for the provider.
const CONCURRENT: usize = 64;

/// Sign-in at one identity provider. Clones share what is known of it.
#[derive(Debug, Clone)]
pub struct Oidc(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    config: OidcConfig,
    http: Http,
    provider: Provider,
    redirect_uri: Url,
    working: Semaphore,
}

impl Oidc {
    /// Sets up sign-in. The provider is asked nothing yet: it may be down, and is found when it is needed.
    ///
    /// # Errors
    /// See [`OidcSetupError`].
    pub fn new(config: OidcConfig) -> Result<Self, OidcSetupError> {
        config.check()?;
        let issuer = IssuerUrl::new(config.issuer.clone())
            .map_err(|_error| OidcSetupError::Issuer(config.issuer.clone()))?;
        let http = Http::new(config.timeout, issuer.url().scheme() == "https")?;
        let mut redirect_uri = config.access_url.clone();
        let path = format!("{}{CALLBACK}", redirect_uri.path().trim_end_matches('/'));
        redirect_uri.set_path(&path);
        redirect_uri.set_query(None);
        redirect_uri.set_fragment(None);
        Ok(Self(Arc::new(Inner {
            provider: Provider::new(issuer, http.clone()),
            config,
            http,
            redirect_uri,
            working: Semaphore::new(CONCURRENT),
        })))
    }

    /// What the button says that leads to the provider.
    #[must_use]
    pub fn sign_in_text(&self) -> &str {
        &self.0.config.sign_in_text
    }

    /// The address that has to be entered at the provider as the one to return to.
    #[must_use]
    pub fn redirect_uri(&self) -> &Url {
        &self.0.redirect_uri
    }

    fn config(&self) -> &OidcConfig {
        &self.0.config
    }

    /// A place among those that are worked on.
    fn begin_work(&self) -> Result<SemaphorePermit<'_>, OidcError> {
        self.0
            .working
            .try_acquire()
            .map_err(|_error| OidcError::Busy)
    }
}
