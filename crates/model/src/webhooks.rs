//! Receivers of events: other programs that the deployment tells what happens.

use std::fmt;

use base64::{Engine, prelude::BASE64_STANDARD};
use chrono::{DateTime, Utc};
use url::Url;

use crate::{Name, OrganizationId, WebhookId};

/// What a secret begins with, by the convention of Standard Webhooks.
const SECRET_PREFIX: &str = "whsec_";
/// The least and the greatest length of the key in a secret, in bytes, by the same convention.
const KEY_BYTES: std::ops::RangeInclusive<usize> = 24..=64;
/// The greatest length of an address, in bytes.
const URL_MAX_BYTES: usize = 2048;

/// A configured receiver, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// Its id.
    pub id: WebhookId,
    /// Its unique name.
    pub name: Name,
    /// Where messages go.
    pub url: Url,
    /// Only events of this organization; `None` for those of all.
    pub organization_id: Option<OrganizationId>,
    /// Whether it is told of anything.
    pub enabled: bool,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

/// Why a text is no address of a receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WebhookUrlError {
    /// It is no absolute address.
    #[error("must be an absolute http or https address")]
    NotAbsolute,
    /// It carries a name or password.
    #[error("must not carry a user name or password")]
    UserInfo,
    /// It carries a fragment, which is never sent.
    #[error("must not carry a fragment")]
    Fragment,
    /// It is too long.
    #[error("must not be longer than {URL_MAX_BYTES} bytes")]
    Long,
}

/// Reads a receiver's address. Where it leads is checked when it is resolved, not here.
///
/// # Errors
/// See [`WebhookUrlError`].
pub fn parse_url(text: &str) -> Result<Url, WebhookUrlError> {
    let url = Url::parse(text.trim()).ok().filter(Url::has_host);
    let url = url.ok_or(WebhookUrlError::NotAbsolute)?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(WebhookUrlError::NotAbsolute);
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(WebhookUrlError::UserInfo);
    }
    if url.fragment().is_some() {
        return Err(WebhookUrlError::Fragment);
    }
    if url.as_str().len() > URL_MAX_BYTES {
        return Err(WebhookUrlError::Long);
    }
    Ok(url)
}

/// The key that messages to one receiver are signed with. `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningKey(Vec<u8>);

/// A text is no secret of a receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be `{SECRET_PREFIX}` and {} to {} bytes in Base64",
    KEY_BYTES.start(),
    KEY_BYTES.end()
)]
pub struct SecretError;

impl SigningKey {
    /// Reads a secret: `whsec_` and a key in Base64.
    ///
    /// # Errors
    /// [`SecretError`]
    pub fn parse(secret: &str) -> Result<Self, SecretError> {
        let text = secret.strip_prefix(SECRET_PREFIX).ok_or(SecretError)?;
        let key = BASE64_STANDARD.decode(text).ok();
        let key = key.filter(|key| KEY_BYTES.contains(&key.len()));
        key.map(Self).ok_or(SecretError)
    }

    /// A key of fresh randomness.
    ///
    /// # Errors
    /// [`SecretError`] when it is too short or too long.
    pub fn from_randomness(bytes: &[u8]) -> Result<Self, SecretError> {
        let fits = KEY_BYTES.contains(&bytes.len());
        fits.then(|| Self(bytes.to_vec())).ok_or(SecretError)
    }

    /// The secret as people hand it to the receiver.
    #[must_use]
    pub fn secret(&self) -> String {
        format!("{SECRET_PREFIX}{}", BASE64_STANDARD.encode(&self.0))
    }

    /// The bytes that sign.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_plain_http_addresses() {
        let check = |text: &str, outcome: Result<(), WebhookUrlError>| {
            assert_eq!(parse_url(text).map(drop), outcome, "{text:?}");
        };
        check("https://hooks.example.com/in/1?token=2", Ok(()));
        check("http://127.0.0.1:8080", Ok(()));
        check("ftp://example.com", Err(WebhookUrlError::NotAbsolute));
        check("hooks.example.com", Err(WebhookUrlError::NotAbsolute));
        check("https://a@example.com", Err(WebhookUrlError::UserInfo));
        check("https://:b@example.com", Err(WebhookUrlError::UserInfo));
        check("https://example.com/#a", Err(WebhookUrlError::Fragment));
        let long = format!("https://example.com/{}", "x".repeat(2048));
        check(&long, Err(WebhookUrlError::Long));
    }

    #[test]
    fn secrets_are_keys_in_base64() {
        let check = |secret: &str, bytes: Option<usize>| {
            let key = SigningKey::parse(secret).ok();
            assert_eq!(key.map(|key| key.expose().len()), bytes, "{secret}");
        };
        let secret = |bytes: usize| SigningKey(vec![7; bytes]).secret();
        check("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", Some(24));
        check(&secret(64), Some(64));
        check(&secret(23), None);
        check(&secret(65), None);
        check("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", None);
        check("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS*", None);
        check("whsec_", None);
        let key = SigningKey::from_randomness(&[9; 32]).unwrap();
        assert_eq!(SigningKey::parse(&key.secret()).unwrap(), key);
        assert!(SigningKey::from_randomness(&[9; 8]).is_err());
        assert_eq!(format!("{key:?}"), "SigningKey(..)");
    }
}
