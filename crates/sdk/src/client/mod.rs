//! The HTTP client: one method for each operation of the server, made from its OpenAPI document, on the
//! base in this file.
//!
//! It follows no redirect and takes no proxy from the environment, so that a token goes to the server it
//! was meant for and nowhere else.

mod call;
mod download;
mod error;
mod events;
mod generated;
mod pages;
mod upload;

use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderValue};
use url::Url;

pub use call::Call;
pub use download::Download;
pub use error::{ApiError, Error};
pub use events::{Event, Events};
pub use pages::{ChatPages, Page};
pub use reqwest::Method;
pub use upload::Upload;

use crate::Secret;

/// How long one call may take in all, unless the builder says otherwise.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Talks to one server, as one caller. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    base_url: Url,
    token: Option<Secret>,
}

impl Client {
    /// A client of the server at this address, without a token yet.
    ///
    /// # Errors
    /// [`Error::Address`] when the address is no http or https address; see [`ClientBuilder::build`].
    pub fn new(base_url: &str) -> Result<Self, Error> {
        Self::builder(base_url)?.build()
    }

    /// Sets up a client of the server at this address.
    ///
    /// # Errors
    /// [`Error::Address`] when it is no http or https address.
    pub fn builder(base_url: &str) -> Result<ClientBuilder, Error> {
        let base_url = Url::parse(base_url)
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
            .ok_or_else(|| Error::Address(base_url.to_owned()))?;
        Ok(ClientBuilder {
            base_url,
            token: None,
            timeout: TIMEOUT,
        })
    }

    /// The same server as another caller.
    #[must_use]
    pub fn with_token(&self, token: impl Into<Secret>) -> Self {
        Self {
            token: Some(token.into()),
            ..self.clone()
        }
    }

    /// The same server as nobody.
    #[must_use]
    pub fn without_token(&self) -> Self {
        Self {
            token: None,
            ..self.clone()
        }
    }

    /// The server's address.
    #[must_use]
    pub const fn base_url(&self) -> &Url {
        &self.base_url
    }

    /// The token that calls are made with.
    #[must_use]
    pub const fn token(&self) -> Option<&Secret> {
        self.token.as_ref()
    }

    /// Begins a call. The segments are the path from the server's address on; each is encoded, so that no
    /// name can reach another path.
    ///
    /// # Errors
    /// [`Error::Segment`] for a segment that no path can hold: an empty one, `.` or `..`.
    pub fn call(&self, method: Method, segments: &[&str]) -> Result<Call, Error> {
        let url = self.url(segments)?;
        let mut request = self.http.request(method, url);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token.expose());
        }
        Ok(Call::new(request))
    }

    fn url(&self, segments: &[&str]) -> Result<Url, Error> {
        if let Some(bad) = segments
            .iter()
            .find(|segment| matches!(**segment, "" | "." | ".."))
        {
            return Err(Error::Segment((*bad).to_owned()));
        }
        let mut url = self.base_url.clone();
        match url.path_segments_mut() {
            Ok(mut path) => path.pop_if_empty().extend(segments),
            Err(()) => return Err(Error::Address(self.base_url.to_string())),
        };
        Ok(url)
    }
}

/// Sets up a [`Client`].
#[derive(Debug)]
pub struct ClientBuilder {
    base_url: Url,
    token: Option<Secret>,
    timeout: Duration,
}

impl ClientBuilder {
    /// Calls with this token.
    #[must_use]
    pub fn token(mut self, token: impl Into<Secret>) -> Self {
        self.token = Some(token.into());
        self
    }

    /// Gives up a call that takes longer than this in all; 30 seconds unless set.
    #[must_use]
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// The client. When the program has not chosen a cryptography provider for TLS, it is set to `ring`.
    ///
    /// # Errors
    /// [`Error::Transport`] when the system's root certificates cannot be read.
    pub fn build(self) -> Result<Client, Error> {
        if rustls::crypto::CryptoProvider::get_default().is_none() {
            // Somebody else may be first: then theirs holds, which is as good.
            drop(rustls::crypto::ring::default_provider().install_default());
        }
        let mut headers = HeaderMap::new();
        headers.insert("accept", HeaderValue::from_static("application/json"));
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .timeout(self.timeout)
            .user_agent(concat!("bursar-sdk/", env!("CARGO_PKG_VERSION")))
            .default_headers(headers)
            .build()
            .map_err(Error::Transport)?;
        Ok(Client {
            http,
            base_url: self.base_url,
            token: self.token,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Client, Error};

    #[test]
    fn segments_stay_inside_their_path() {
        let check = |base: &str, segments: &[&str], expected: &str| {
            let client = Client::new(base).unwrap();
            assert_eq!(client.url(segments).unwrap().as_str(), expected);
        };
        check(
            "http://a.test",
            &["api", "v2", "users", "me"],
            "http://a.test/api/v2/users/me",
        );
        check("http://a.test/b/", &["healthz"], "http://a.test/b/healthz");
        check(
            "http://a.test/b",
            &["x/y?z#w"],
            "http://a.test/b/x%2Fy%3Fz%23w",
        );
        let client = Client::new("http://a.test").unwrap();
        for bad in ["", ".", ".."] {
            assert!(
                matches!(client.url(&["users", bad]), Err(Error::Segment(_))),
                "{bad:?}"
            );
        }
    }

    #[test]
    fn addresses_are_http_addresses() {
        for bad in ["", "a.test", "ftp://a.test", "unix:/run/a"] {
            assert!(
                matches!(Client::new(bad), Err(Error::Address(_))),
                "{bad:?}"
            );
        }
    }

    #[test]
    fn debug_does_not_show_the_token() {
        let client = Client::new("http://a.test").unwrap().with_token("hunter2");
        assert!(!format!("{client:?}").contains("hunter2"));
    }
}
