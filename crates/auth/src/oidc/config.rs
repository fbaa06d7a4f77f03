//! What an operator says about sign-in by OpenID Connect.

use std::{error::Error, time::Duration};

use secrecy::SecretString;
use url::Url;

/// Whether people without an account get one by signing in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signups {
    /// They do.
    Allowed,
    /// Somebody makes accounts for them first.
    Refused,
}

/// What an address is good for of which the provider does not say whether it is verified. One that it says is not is
/// good for nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnsaidEmails {
    /// Nothing.
    Refused,
    /// A new account, and to be of an admitted domain; never an account that exists already.
    SignUp,
}

/// What an operator says about sign-in by OpenID Connect.
#[derive(Debug, Clone)]
pub struct OidcConfig {
    /// The provider, exactly as it calls itself.
    pub issuer: String,
    /// What the provider calls this deployment.
    pub client_id: String,
    /// What proves this deployment to the provider; none for a public client.
    pub client_secret: Option<SecretString>,
    /// What is asked for; `openid` always is.
    pub scopes: Vec<String>,
    /// The claim that a new account is named after.
    pub username_claim: String,
    /// The claim with the e-mail address, of which `email_verified` speaks unless there is another one in `email`.
    pub email_claim: String,
    /// Whether people without an account get one.
    pub signups: Signups,
    /// What an address is good for of which the provider says nothing.
    pub unsaid_emails: UnsaidEmails,
    /// The domains of those who may sign in; everybody when there is none.
    pub email_domains: Vec<String>,
    /// What the button says.
    pub sign_in_text: String,
    /// The address at which people reach this deployment.
    pub access_url: Url,
    /// How long one answer of the provider may take.
    pub timeout: Duration,
}

/// Why sign-in cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum OidcSetupError {
    /// The issuer is no address of a provider.
    #[error("the issuer `{0}` must be an http or https address without user, query and fragment")]
    Issuer(String),
    /// There is no client id.
    #[error("the client id must not be empty")]
    ClientId,
    /// The HTTP client refused its settings.
    #[error("the HTTP client cannot be set up")]
    Http(#[source] Box<dyn Error + Send + Sync>),
}

impl OidcConfig {
    pub(super) fn check(&self) -> Result<(), OidcSetupError> {
        let issuer = Url::parse(&self.issuer).ok().filter(|url| {
            let plain = url.username().is_empty() && url.password().is_none();
            let bare = url.query().is_none() && url.fragment().is_none();
            matches!(url.scheme(), "http" | "https") && url.has_host() && plain && bare
        });
        if issuer.is_none() {
            return Err(OidcSetupError::Issuer(self.issuer.clone()));
        }
        if self.client_id.is_empty() {
            return Err(OidcSetupError::ClientId);
        }
        Ok(())
    }
}
