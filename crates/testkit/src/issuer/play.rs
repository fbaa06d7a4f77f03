//! What the identity provider is told to do.

use std::{fmt, sync::Arc};

use serde_json::{Map, Value, json};

/// What is said of a person.
pub type Claims = Map<String, Value>;

/// How tokens are signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// ECDSA on P-256.
    Es256,
    /// Ed25519.
    EdDsa,
}

/// How an endpoint answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endpoint {
    /// As it should.
    Works,
    /// With the status 500.
    Fails,
    /// Never.
    Hangs,
    /// With more than anybody wants to read, and no end.
    Huge,
    /// With the way to somewhere else.
    Redirects,
    /// With what is no JSON.
    Garbage,
}

/// A token about to be made: header, claims and signature, to be spoilt.
#[derive(Debug, Clone)]
pub struct Forge {
    /// Its header.
    pub header: Value,
    /// Its claims.
    pub claims: Value,
    /// How it is signed.
    pub signature: Signature,
}

/// How a token is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signature {
    /// By the present key.
    Good,
    /// By the key before it.
    OldKey,
    /// Not at all.
    Missing,
    /// By HMAC with the published key as the secret.
    HmacByPublicKey,
    /// By HMAC with the client's secret.
    HmacByClientSecret,
    /// By the present key, over other claims.
    Tampered,
}

/// What is done to a token.
#[derive(Clone)]
pub struct Forgery(Arc<dyn Fn(&mut Forge) + Send + Sync>);

impl Forgery {
    /// Does this to every token.
    pub fn new(spoil: impl Fn(&mut Forge) + Send + Sync + 'static) -> Self {
        Self(Arc::new(spoil))
    }

    pub(super) fn spoil(&self, forge: &mut Forge) {
        (self.0)(forge);
    }
}

impl fmt::Debug for Forgery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Forgery(..)")
    }
}

/// What the provider does.
#[derive(Debug, Clone)]
pub struct Play {
    /// Who signs in: claims of the ID token.
    pub person: Claims,
    /// What its userinfo endpoint says; `None` for no such endpoint.
    pub userinfo: Option<Claims>,
    /// How tokens are signed.
    pub algorithm: Algorithm,
    /// What is done to tokens.
    pub forgery: Option<Forgery>,
    /// What is done to the discovery document.
    pub metadata: Claims,
    /// Why nobody is let in, if so.
    pub refusal: Option<String>,
    /// How its discovery answers.
    pub discovery: Endpoint,
    /// How its token endpoint answers.
    pub token: Endpoint,
    /// How its userinfo endpoint answers.
    pub userinfo_endpoint: Endpoint,
}

impl Default for Play {
    fn default() -> Self {
        let person = json!({
            "sub": "ada-1", "preferred_username": "ada.lovelace", "name": "Ada Lovelace",
            "email": "ada.lovelace@example.com", "email_verified": true,
        });
        Self {
            person: person.as_object().cloned().unwrap_or_default(),
            userinfo: None,
            algorithm: Algorithm::Es256,
            forgery: None,
            metadata: Claims::new(),
            refusal: None,
            discovery: Endpoint::Works,
            token: Endpoint::Works,
            userinfo_endpoint: Endpoint::Works,
        }
    }
}
