//! The session cookie of browsers.

use http::{HeaderMap, HeaderValue, header};
use secrecy::{ExposeSecret, SecretString};

use crate::{AuthState, SESSION_LIFETIME};

/// The name of the session cookie.
pub const SESSION_COOKIE: &str = "bursar_session";

/// The `Set-Cookie` value that signs a browser in: out of reach of scripts, not sent by other sites' forms,
/// and over TLS only when the deployment's address is an `https` one.
#[must_use]
pub fn session_cookie(state: &AuthState, token: &SecretString) -> HeaderValue {
    let text = cookie(state, token.expose_secret(), SESSION_LIFETIME.num_seconds());
    let Ok(mut value) = HeaderValue::try_from(text) else {
        // No key has a text like that, so whoever presents it is signed in by none.
        return session_cookie_removed(state);
    };
    value.set_sensitive(true);
    value
}

/// The `Set-Cookie` value that signs a browser out.
#[must_use]
pub fn session_cookie_removed(state: &AuthState) -> HeaderValue {
    HeaderValue::try_from(cookie(state, "", 0)).unwrap_or(HeaderValue::from_static(
        "bursar_session=; Path=/; Max-Age=0",
    ))
}

fn cookie(state: &AuthState, token: &str, seconds: i64) -> String {
    let tls = state
        .access_url
        .as_ref()
        .is_some_and(|url| url.scheme() == "https");
    let secure = if tls { "; Secure" } else { "" };
    format!("{SESSION_COOKIE}={token}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}")
}

/// The value of the session cookie in a request.
pub(crate) fn session_of(headers: &HeaderMap) -> Option<&str> {
    cookie_of(headers, SESSION_COOKIE)
}

/// The value of a cookie in a request: the first of this name decides.
pub(crate) fn cookie_of<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let lines = headers
        .get_all(header::COOKIE)
        .into_iter()
        .filter_map(|line| line.to_str().ok());
    let pairs = lines
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.split_once('='));
    let mut named = pairs.filter(|(one, _)| one.trim() == name);
    let (_, value) = named.next()?;
    Some(value.trim()).filter(|value| !value.is_empty())
}
