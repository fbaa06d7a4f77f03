//! How requests leave the house: one way to make an HTTP client, for the AI providers, for the identity
//! provider and for webhooks alike. No redirects, no proxy from the environment, no decompression, TLS by the
//! system's trust store, and only addresses that `model::addresses` allows, whatever name led there.
//!
//! It knows nothing of what is asked. Whoever asks sets the timeouts, bounds the answer, and checks hosts that
//! are written as addresses ([`Reach::check_literal`]), which no resolver ever sees.

mod address;
mod tls;

use std::sync::Arc;

use model::addresses::Reach;

pub use address::resolve;
pub use tls::tls_config;

/// A client in the making, safe as far as this crate can make it, which reaches this machine and private networks.
///
/// # Errors
/// When the TLS library refuses its settings.
pub fn client_builder() -> Result<reqwest::ClientBuilder, rustls::Error> {
    client_builder_within(Reach::Private)
}

/// The same, which reaches no further than it is told.
///
/// # Errors
/// When the TLS library refuses its settings.
pub fn client_builder_within(reach: Reach) -> Result<reqwest::ClientBuilder, rustls::Error> {
    Ok(reqwest::Client::builder()
        .tls_backend_preconfigured(tls_config()?)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .no_proxy()
        .referer(false)
        .http1_only()
        .tcp_nodelay(true)
        .dns_resolver(Arc::new(address::GuardedResolver(reach))))
}
