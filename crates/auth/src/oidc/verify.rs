//! Whether an ID token may be believed: OpenID Connect Core 1.0, section 3.1.3.7.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use openidconnect::{
    ClaimsVerificationError, Nonce, SignatureVerificationError,
    core::{CoreIdToken, CoreIdTokenClaims, CoreJwsSigningAlgorithm},
};
use serde_json::{Map, Value};

use super::exchange::Client;

/// How far the provider's clock may be from ours.
pub(super) const LEEWAY: TimeDelta = TimeDelta::seconds(60);
/// How old a token may be: it is made for a sign-in that was just under way.
const AGE_MAX: TimeDelta = TimeDelta::minutes(15);

/// Why a token is not believed.
#[derive(Debug, thiserror::Error)]
pub(super) enum TokenError {
    /// Its signature or one of its claims is not right.
    #[error("the ID token is not valid")]
    Claims(#[source] ClaimsVerificationError),
    /// It was made for another client.
    #[error("the ID token was made for another client")]
    AuthorizedParty,
    /// It is no token.
    #[error("the ID token cannot be read")]
    Form,
}

impl TokenError {
    /// Whether another key might make it good.
    pub(super) fn by_the_key(&self) -> bool {
        use SignatureVerificationError as By;
        let Self::Claims(ClaimsVerificationError::SignatureVerification(error)) = self else {
            return false;
        };
        matches!(
            error,
            By::NoMatchingKey | By::CryptoError(_) | By::AmbiguousKeyId(_) | By::InvalidKey(_)
        )
    }
}

/// What a token is held against.
pub(super) struct Verifier<'a> {
    /// Issuer, client id and keys.
    pub(super) client: &'a Client,
    /// The ways to sign that are accepted.
    pub(super) algorithms: Vec<CoreJwsSigningAlgorithm>,
    /// What the sign-in began with.
    pub(super) nonce: &'a str,
    /// The present instant.
    pub(super) now: DateTime<Utc>,
}

impl Verifier<'_> {
    /// The claims of a token that may be believed.
    pub(super) fn verify(self, token: &CoreIdToken) -> Result<Map<String, Value>, TokenError> {
        let now = self.now;
        let verifier = self
            .client
            .id_token_verifier()
            .set_allowed_algs(self.algorithms)
            .set_time_fn(move || now - LEEWAY)
            .set_issue_time_verifier_fn(move |issued| issued_in_time(issued, now))
            // Whom else it is for does not matter where it says that it was made for us: see below.
            .set_other_audience_verifier_fn(|_| true);
        let nonce = Nonce::new(self.nonce.to_owned());
        let claims = token
            .claims(&verifier, &nonce)
            .map_err(TokenError::Claims)?;
        made_for(self.client.client_id().as_str(), claims)?;
        payload(&token.to_string())
    }
}

fn issued_in_time(issued: DateTime<Utc>, now: DateTime<Utc>) -> Result<(), String> {
    if issued > now + LEEWAY {
        return Err("it was issued in the future".to_owned());
    }
    if issued < now - AGE_MAX {
        return Err("it was issued long ago".to_owned());
    }
    Ok(())
}

/// Refuses a token that was made for another client, or for several without saying for whom.
fn made_for(client_id: &str, claims: &CoreIdTokenClaims) -> Result<(), TokenError> {
    let others = claims.audiences().len() > 1;
    match claims.authorized_party() {
        Some(party) if party.as_str() == client_id => Ok(()),
        None if !others => Ok(()),
        _ => Err(TokenError::AuthorizedParty),
    }
}

/// All claims of a token that was verified, also those that no standard knows.
fn payload(token: &str) -> Result<Map<String, Value>, TokenError> {
    let part = token.split('.').nth(1).ok_or(TokenError::Form)?;
    let bytes = BASE64_URL_SAFE_NO_PAD
        .decode(part.trim_end_matches('='))
        .map_err(|_error| TokenError::Form)?;
    serde_json::from_slice(&bytes).map_err(|_error| TokenError::Form)
}
