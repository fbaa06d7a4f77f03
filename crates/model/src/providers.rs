//! The AI providers that the gateway forwards to.

use chrono::{DateTime, Utc};
use url::Url;

use crate::{Name, ProviderId, prices::ProviderKind};

/// A configured provider, without its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provider {
    /// Its id.
    pub id: ProviderId,
    /// Its unique name in gateway addresses.
    pub name: Name,
    /// The wire format and price list it follows.
    pub kind: ProviderKind,
    /// Where requests go. Includes `/v1` for OpenAI types, does not for Anthropic.
    pub base_url: Url,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

/// Why a text is no base address of a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BaseUrlError {
    /// It is no absolute address.
    #[error("must be an absolute http or https address")]
    NotAbsolute,
    /// It carries a name or password.
    #[error("must not carry a user name or password")]
    UserInfo,
    /// It carries a query or fragment, which a path cannot be appended to.
    #[error("must not carry a query or a fragment")]
    Query,
}

/// Reads a provider's base address. Where it leads is checked when it is resolved, not here.
///
/// # Errors
/// See [`BaseUrlError`].
pub fn parse_base_url(text: &str) -> Result<Url, BaseUrlError> {
    let url = Url::parse(text.trim()).ok().filter(Url::has_host);
    let url = url.ok_or(BaseUrlError::NotAbsolute)?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(BaseUrlError::NotAbsolute);
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(BaseUrlError::UserInfo);
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(BaseUrlError::Query);
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::{BaseUrlError, parse_base_url};

    #[test]
    fn base_addresses_are_plain_http_addresses() {
        let check = |text: &str, outcome: Result<(), BaseUrlError>| {
            assert_eq!(parse_base_url(text).map(drop), outcome, "{text:?}");
        };
        check("https://api.openai.com/v1", Ok(()));
        check("http://127.0.0.1:8080/", Ok(()));
        check("ftp://example.com", Err(BaseUrlError::NotAbsolute));
        check("file:///etc/passwd", Err(BaseUrlError::NotAbsolute));
        check("api.openai.com/v1", Err(BaseUrlError::NotAbsolute));
        check("https://user@example.com", Err(BaseUrlError::UserInfo));
        check("https://:secret@example.com", Err(BaseUrlError::UserInfo));
        check("https://example.com/?q=1", Err(BaseUrlError::Query));
        check("https://example.com/#a", Err(BaseUrlError::Query));
    }
}
