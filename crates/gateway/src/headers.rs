//! Which headers pass: allow-lists in both directions, so that a new header is a decision and no accident.

use http::{HeaderMap, HeaderName, HeaderValue, header};
use model::prices::ProviderKind;
use secrecy::{ExposeSecret, SecretString};

/// Headers of the client that the provider may see. No cookie, no sign-in header, no address of the client,
/// nothing that chooses who is billed (`openai-organization`, `openai-project`), and no `idempotency-key`:
/// everybody shares the provider's key, so one person's could bring another's answer.
const TO_PROVIDER: [&str; 6] = [
    "content-type",
    "accept",
    "user-agent",
    "anthropic-version",
    "anthropic-beta",
    "openai-beta",
];

/// Whether the client asks Anthropic for the context window of a million tokens, whatever the model's usual one.
pub(crate) fn long_context(client: &HeaderMap) -> bool {
    let asked = client.get_all("anthropic-beta");
    asked
        .iter()
        .any(|value| find(value.as_bytes(), b"context-1m").is_some())
}

/// The program that asks, as far as it says so.
pub(crate) fn client(headers: &HeaderMap) -> Option<&'static str> {
    let said = headers.get(header::USER_AGENT)?;
    model::clients::guess(said.to_str().ok()?)
}

/// Headers of the provider that the client may see. No cookie, and nothing about the connection.
const TO_CLIENT: [&str; 10] = [
    "content-type",
    "content-encoding",
    "cache-control",
    "retry-after",
    "retry-after-ms",
    "x-request-id",
    "request-id",
    "x-should-retry",
    "openai-processing-ms",
    "openai-version",
];

/// Families of headers of the provider that the client may see.
const FAMILIES_TO_CLIENT: [&str; 2] = ["x-ratelimit-", "anthropic-ratelimit-"];

/// The provider's key cannot be a header: it holds a byte that headers may not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the provider's key cannot be sent in a header")]
pub(crate) struct UnsendableKey;

/// The headers of the request to the provider.
///
/// # Errors
/// [`UnsendableKey`] when the stored key is no header value.
pub(crate) fn to_provider(
    client: &HeaderMap,
    kind: ProviderKind,
    key: &SecretString,
) -> Result<HeaderMap, UnsendableKey> {
    let mut headers = HeaderMap::with_capacity(TO_PROVIDER.len() + 3);
    for name in TO_PROVIDER {
        if let Some(value) = client.get(name) {
            headers.insert(HeaderName::from_static(name), value.clone());
        }
    }
    // The meter reads plain text, and the client gets the bytes as they come.
    headers.insert(
        header::ACCEPT_ENCODING,
        HeaderValue::from_static("identity"),
    );
    let (name, value) = match kind {
        ProviderKind::OpenAi | ProviderKind::OpenAiCompatible => (
            header::AUTHORIZATION,
            format!("Bearer {}", key.expose_secret()),
        ),
        ProviderKind::Anthropic => (
            HeaderName::from_static("x-api-key"),
            key.expose_secret().to_owned(),
        ),
    };
    let mut value = HeaderValue::try_from(value).map_err(|_unsendable| UnsendableKey)?;
    value.set_sensitive(true);
    headers.insert(name, value);
    Ok(headers)
}

/// The headers of the answer to the client. A value that holds the provider's key is left out.
pub(crate) fn to_client(provider: &HeaderMap, key: &SecretString) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in provider {
        let known = TO_CLIENT.contains(&name.as_str())
            || FAMILIES_TO_CLIENT
                .iter()
                .any(|family| name.as_str().starts_with(family));
        if known && find(value.as_bytes(), key.expose_secret().as_bytes()).is_none() {
            headers.append(name.clone(), value.clone());
        }
    }
    headers
}

/// The text with every occurrence of the provider's key replaced: providers quote keys in their errors.
pub(crate) fn without_key(body: bytes::Bytes, key: &SecretString) -> bytes::Bytes {
    let needle = key.expose_secret().as_bytes();
    if find(&body, needle).is_none() {
        return body;
    }
    let mut clean = Vec::with_capacity(body.len());
    let mut rest: &[u8] = &body;
    while let Some(at) = find(rest, needle) {
        let (before, after) = rest.split_at(at);
        clean.extend_from_slice(before);
        clean.extend_from_slice(b"[redacted]");
        rest = after.get(needle.len()..).unwrap_or_default();
    }
    clean.extend_from_slice(rest);
    clean.into()
}

fn find(text: &[u8], needle: &[u8]) -> Option<usize> {
    if needle.is_empty() {
        return None;
    }
    text.windows(needle.len())
        .position(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| {
                (
                    HeaderName::from_static(name),
                    HeaderValue::from_str(value).unwrap(),
                )
            })
            .collect()
    }

    #[test]
    fn the_clients_credentials_stay_here_and_ours_are_added() {
        let client = map(&[
            ("authorization", "Bearer bursar-token"),
            ("x-api-key", "bursar-token"),
            ("bursar-session-token", "bursar-token"),
            ("coder-session-token", "bursar-token"),
            ("cookie", "bursar_session=bursar-token"),
            ("openai-organization", "org-1"),
            ("idempotency-key", "bursar-1"),
            ("x-forwarded-for", "10.0.0.1"),
            ("accept-encoding", "gzip"),
            ("host", "bursar.example"),
            ("content-type", "application/json"),
            ("anthropic-version", "2023-06-01"),
            ("user-agent", "sdk/1"),
        ]);
        let check = |kind, name: &str, value: &str| {
            let sent = to_provider(&client, kind, &SecretString::from("sk-1")).unwrap();
            assert_eq!(sent.get(name).unwrap(), value);
            assert!(!format!("{sent:?}").contains("bursar"), "{sent:?}");
            assert!(
                !format!("{sent:?}").contains("sk-1"),
                "the key must not be printable: {sent:?}"
            );
            assert_eq!(sent.get("accept-encoding").unwrap(), "identity");
            assert_eq!(sent.get("anthropic-version").unwrap(), "2023-06-01");
            assert_eq!(sent.len(), 5, "{sent:?}");
        };
        check(ProviderKind::OpenAi, "authorization", "Bearer sk-1");
        check(
            ProviderKind::OpenAiCompatible,
            "authorization",
            "Bearer sk-1",
        );
        check(ProviderKind::Anthropic, "x-api-key", "sk-1");
        assert_eq!(
            to_provider(&client, ProviderKind::OpenAi, &SecretString::from("a\nb")).err(),
            Some(UnsendableKey)
        );
    }

    #[test]
    fn the_providers_headers_are_chosen() {
        let provider = map(&[
            ("set-cookie", "a=b"),
            ("content-type", "text/event-stream"),
            ("x-ratelimit-remaining-tokens", "5"),
            ("anthropic-ratelimit-requests-limit", "5"),
            ("anthropic-organization-id", "org"),
            ("openai-organization", "org"),
            ("x-request-id", "req-1 sk-secret"),
            ("request-id", "req-2"),
            ("transfer-encoding", "chunked"),
            ("connection", "close"),
        ]);
        let sent = to_client(&provider, &SecretString::from("sk-secret"));
        let mut names: Vec<&str> = sent.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        assert_eq!(
            names,
            [
                "anthropic-ratelimit-requests-limit",
                "content-type",
                "request-id",
                "x-ratelimit-remaining-tokens"
            ]
        );
    }

    #[test]
    fn the_long_context_window_is_noticed() {
        let check = |text, expected| {
            assert_eq!(
                long_context(&map(&[("anthropic-beta", text)])),
                expected,
                "{text}"
            );
        };
        check("context-1m-2025-08-07", true);
        check("claude-code-20250219,context-1m-2025-08-07", true);
        check("claude-code-20250219", false);
        assert!(!long_context(&HeaderMap::new()));
    }

    #[test]
    fn a_quoted_key_is_taken_out_and_all_else_stays() {
        let check = |text: &'static str, expected: &str| {
            assert_eq!(
                without_key(text.into(), &SecretString::from("sk-1")),
                expected
            );
        };
        check("no key here", "no key here");
        check("bad key sk-1, sk-1!", "bad key [redacted], [redacted]!");
        assert_eq!(without_key("x".into(), &SecretString::from("")), "x");
    }
}
