//! Requests to the identity provider: in time, of bounded size, and never to a weaker scheme than the issuer's.

use std::{future::Future, pin::Pin, time::Duration};

use model::addresses::{RefusedAddress, check_literal};
use openidconnect::{AsyncHttpClient, HttpRequest, HttpResponse};

use super::OidcSetupError;

/// The greatest answer that is read, in bytes. Published keys and claims are far smaller.
const ANSWER_MAX_BYTES: usize = 1024 * 1024;
/// How long a connection may take to come up.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Talks to the provider. Clones share connections.
#[derive(Debug, Clone)]
pub(super) struct Http {
    client: reqwest::Client,
    timeout: Duration,
    https_only: bool,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum HttpError {
    /// The address is not one for requests.
    #[error("the address is no http or https address, or less safe than the issuer's")]
    Scheme,
    /// The host may not be asked.
    #[error(transparent)]
    Address(#[from] RefusedAddress),
    /// The connection failed.
    #[error("the request failed")]
    Request(#[source] reqwest::Error),
    /// The answer did not end.
    #[error("the answer is larger than {ANSWER_MAX_BYTES} bytes")]
    TooLarge,
    /// The answer did not come.
    #[error("there was no answer in time")]
    TimedOut,
}

impl HttpError {
    /// Whether there was an answer, but one that cannot be used.
    pub(super) const fn answered(&self) -> bool {
        matches!(self, Self::TooLarge | Self::Scheme | Self::Address(_))
    }
}

impl Http {
    /// A client; with `https_only` it asks nothing over plain HTTP.
    pub(super) fn new(timeout: Duration, https_only: bool) -> Result<Self, OidcSetupError> {
        let builder =
            outbound::client_builder().map_err(|error| OidcSetupError::Http(Box::new(error)))?;
        let client = builder
            .connect_timeout(CONNECT_TIMEOUT.min(timeout))
            .build();
        Ok(Self {
            client: client.map_err(|error| OidcSetupError::Http(Box::new(error)))?,
            timeout,
            https_only,
        })
    }

    /// Sends a request and reads its answer to the end.
    pub(super) async fn send(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        tokio::time::timeout(self.timeout, self.exchange(request))
            .await
            .unwrap_or(Err(HttpError::TimedOut))
    }

    async fn exchange(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let failed = |error: reqwest::Error| HttpError::Request(error.without_url());
        let request = reqwest::Request::try_from(request).map_err(failed)?;
        self.admit(request.url())?;
        let mut response = self.client.execute(request).await.map_err(failed)?;
        let mut body = Vec::new();
        while let Some(part) = response.chunk().await.map_err(failed)? {
            body.extend_from_slice(&part);
            if body.len() > ANSWER_MAX_BYTES {
                return Err(HttpError::TooLarge);
            }
        }
        let mut answer = HttpResponse::new(body);
        *answer.status_mut() = response.status();
        *answer.headers_mut() = response.headers().clone();
        Ok(answer)
    }

    /// Refuses an address that may not be asked.
    pub(super) fn admit(&self, url: &url::Url) -> Result<(), HttpError> {
        let scheme = match url.scheme() {
            "https" => true,
            "http" => !self.https_only,
            _ => false,
        };
        if !scheme || !url.username().is_empty() || url.password().is_some() {
            return Err(HttpError::Scheme);
        }
        Ok(check_literal(url)?)
    }
}

impl<'c> AsyncHttpClient<'c> for Http {
    type Error = HttpError;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, HttpError>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.send(request))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_address_is_less_safe_than_the_issuers() {
        let check = |https_only: bool, url: &str, good: bool| {
            let http = Http::new(Duration::from_secs(1), https_only).unwrap();
            let found = http.admit(&url.parse().unwrap());
            assert_eq!(found.is_ok(), good, "{url}");
        };
        check(true, "https://id.example/token", true);
        check(true, "http://id.example/token", false);
        check(false, "http://127.0.0.1:9/token", true);
        check(false, "https://id.example/token", true);
        for bad in [
            "ftp://id.example/token",
            "file:///etc/passwd",
            "http://user@id.example/token",
            "http://169.254.169.254/latest",
            "http://[fe80::1]/",
        ] {
            check(false, bad, false);
        }
    }
}
