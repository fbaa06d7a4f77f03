//! The explorer: a page to write a query, send it and read the answer. It is whole by itself and loads nothing from
//! elsewhere; whoever is signed in here in the same browser asks as themselves.

use axum::{
    http::{HeaderName, HeaderValue, header},
    response::IntoResponse,
};

/// Nothing but the page's own parts, and no page around it.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

type Headers = [(HeaderName, HeaderValue); 3];

fn headers(content_type: &'static str) -> Headers {
    [
        (header::CONTENT_TYPE, HeaderValue::from_static(content_type)),
        (
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static(POLICY),
        ),
        (
            header::REFERRER_POLICY,
            HeaderValue::from_static("no-referrer"),
        ),
    ]
}

/// The page.
pub(super) async fn page() -> impl IntoResponse {
    (
        headers("text/html; charset=utf-8"),
        include_str!("explorer.html"),
    )
}

/// What it does.
pub(super) async fn script() -> impl IntoResponse {
    (
        headers("text/javascript; charset=utf-8"),
        include_str!("explorer.js"),
    )
}

/// What it looks like.
pub(super) async fn style() -> impl IntoResponse {
    (
        headers("text/css; charset=utf-8"),
        include_str!("explorer.css"),
    )
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_page_loads_nothing_from_elsewhere_and_holds_no_code() {
        let page = include_str!("explorer.html");
        for part in [
            page,
            include_str!("explorer.js"),
            include_str!("explorer.css"),
        ] {
            assert!(
                !part.contains("//cdn") && !part.contains("https://"),
                "{part}"
            );
            assert!(!part.contains("http://"), "{part}");
        }
        for inline in ["<script>", "<style>", "style=", "onclick", "onload"] {
            assert!(!page.contains(inline), "{inline}");
        }
        for part in ["explorer.js", "explorer.css"] {
            assert!(
                page.contains(&format!("/-/graphql-explorer/{part}")),
                "{part}"
            );
        }
    }
}
