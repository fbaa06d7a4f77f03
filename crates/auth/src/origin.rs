//! Where a request that signs in by cookie must come from: browsers send cookies along whoever asks. And where
//! one that changes something before anybody is signed in must not come from.

use http::{HeaderMap, Method, Uri, header, request::Parts};
use url::Url;

use crate::{AuthError, AuthState};

/// Refuses a request that a page of another site sent, for what changes something before anybody is signed in:
/// such a page could sign its visitors in as somebody else, or make the first account of a server that only
/// they can reach. Browsers name the origin of every such request; programs name none.
///
/// # Errors
/// [`AuthError::ForeignOrigin`].
pub fn same_site(state: &AuthState, parts: &Parts) -> Result<(), AuthError> {
    let Parts { uri, headers, .. } = parts;
    let named = headers.contains_key(header::ORIGIN);
    if named && !is_ours(uri, headers, state.access_url.as_ref()) {
        return Err(AuthError::ForeignOrigin);
    }
    Ok(())
}

/// Whether a request that signs in by cookie may go on: it only reads, or its `Origin` is this site, by the
/// address that it was sent to or by the deployment's own. A WebSocket counts as a write, since browsers let
/// any site open one.
pub(crate) fn admits(
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
    access_url: Option<&Url>,
) -> bool {
    let reads = matches!(*method, Method::GET | Method::HEAD);
    (reads && !upgrades(headers)) || is_ours(uri, headers, access_url)
}

/// Whether the request names one origin, and it is this site.
fn is_ours(uri: &Uri, headers: &HeaderMap, access_url: Option<&Url>) -> bool {
    let mut origins = headers.get_all(header::ORIGIN).into_iter();
    let (Some(origin), None) = (origins.next(), origins.next()) else {
        return false;
    };
    let origin = origin.to_str().ok().and_then(|text| Url::parse(text).ok());
    // `null`, which sandboxed pages and files send, is no address.
    let Some(origin) = origin.filter(|url| matches!(url.scheme(), "http" | "https")) else {
        return false;
    };
    access_url.is_some_and(|url| url.origin() == origin.origin()) || sent_to(uri, headers, &origin)
}

fn upgrades(headers: &HeaderMap) -> bool {
    let upgrades = headers.get_all(header::UPGRADE).into_iter();
    let words = upgrades
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','));
    words
        .into_iter()
        .any(|word| word.trim().eq_ignore_ascii_case("websocket"))
}

/// Whether the request was sent to the host and port that the origin names. The scheme is the origin's: what
/// ends TLS in front of the server does not tell.
fn sent_to(uri: &Uri, headers: &HeaderMap, origin: &Url) -> bool {
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok());
    let Some(host) = host.or_else(|| uri.authority().map(http::uri::Authority::as_str)) else {
        return false;
    };
    let Ok(target) = Url::parse(&format!("{}://{host}/", origin.scheme())) else {
        return false;
    };
    // A host is a host: anything around it was put there to be misread.
    let plain = target.username().is_empty() && target.password().is_none() && target.path() == "/";
    plain && target.query().is_none() && target.origin() == origin.origin()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Method, host, origin, upgrade.
    type Request<'a> = (&'a str, &'a str, Option<&'a str>, Option<&'a str>);

    const SITE: &str = "bursar.example";
    const OURS: Option<&str> = Some("https://bursar.example");
    const THEIRS: Option<&str> = Some("https://evil.example");

    fn check(request: Request<'_>, access_url: Option<&str>, expected: bool) {
        let (method, host, origin, upgrade) = request;
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, host.parse().unwrap());
        let named = [(header::ORIGIN, origin), (header::UPGRADE, upgrade)];
        for (name, value) in named {
            headers.extend(value.map(|value| (name, value.parse().unwrap())));
        }
        let access_url = access_url.map(|url| url.parse().unwrap());
        let (method, uri) = (method.parse().unwrap(), Uri::from_static("/x"));
        let found = admits(&method, &uri, &headers, access_url.as_ref());
        assert_eq!(found, expected, "{request:?} at {access_url:?}");
    }

    #[test]
    fn reading_needs_no_origin_but_writes_and_web_sockets_do() {
        let socket = Some("WebSocket");
        check(("GET", SITE, None, None), None, true);
        check(("HEAD", SITE, THEIRS, None), None, true);
        for method in ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"] {
            check((method, SITE, None, None), None, false);
            check((method, SITE, THEIRS, None), None, false);
            check((method, SITE, OURS, None), None, true);
        }
        check(("GET", SITE, None, socket), None, false);
        check(("GET", SITE, THEIRS, socket), None, false);
        check(("GET", SITE, OURS, socket), None, true);
        check(("GET", SITE, THEIRS, Some("h2c, websocket")), None, false);
    }

    #[test]
    fn the_origin_is_the_host_and_port_that_the_request_was_sent_to() {
        let rows = [
            (SITE, "https://bursar.example", true),
            (SITE, "http://bursar.example", true),
            (SITE, "https://BURSAR.example", true),
            (SITE, "https://bursar.example:443", true),
            (SITE, "https://bursar.example:8443", false),
            (SITE, "https://bursar.example.evil.example", false),
            (SITE, "https://evil.bursar.example", false),
            (SITE, "null", false),
            (SITE, "file://bursar.example", false),
            (SITE, "", false),
            ("127.0.0.1:7080", "http://127.0.0.1:7080", true),
            ("127.0.0.1:7080", "http://127.0.0.1:7081", false),
            ("[::1]:7080", "http://[::1]:7080", true),
            ("x@evil.example", "http://evil.example", false),
            ("evil.example/?", "http://evil.example", false),
        ];
        for (host, origin, expected) in rows {
            check(("POST", host, Some(origin), None), None, expected);
        }
    }

    #[test]
    fn the_deployments_own_address_counts_behind_a_proxy_that_rewrites_the_host() {
        let behind = |origin| ("POST", "10.0.0.7:7080", origin, None);
        let at = Some("https://bursar.example/base");
        check(behind(OURS), at, true);
        check(behind(Some("http://bursar.example")), at, false);
        check(behind(THEIRS), at, false);
        check(behind(OURS), None, false);
    }
}
