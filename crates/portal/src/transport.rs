//! One exchange with the portal over HTTP: in time, of bounded size, to its address and to no other.

use std::time::Duration;

use bytes::Bytes;
use model::addresses::Reach;
use reqwest::{
    Client, Response,
    header::{self, HeaderMap, HeaderName, HeaderValue},
};
use secrecy::ExposeSecret;
use url::Url;

use crate::{AdminCredentials, Malformation, PortalConfig, PortalError, PortalSetupError};

const ADMIN_EMAIL: HeaderName = HeaderName::from_static("x-admin-email");
const ADMIN_TOKEN: HeaderName = HeaderName::from_static("x-admin-token");
/// The portal's address comes from a site owner, who may run one on this machine.
const REACH: Reach = Reach::Private;

/// Carries requests to the portal.
#[derive(Debug)]
pub(crate) struct Transport {
    client: Client,
    url: Url,
    admin: Option<HeaderMap>,
    timeout: Duration,
    answer_max_bytes: usize,
}

impl Transport {
    /// One to the address of `config`.
    pub(crate) fn new(config: &PortalConfig) -> Result<Self, PortalSetupError> {
        let url = config.url.clone();
        let http = matches!(url.scheme(), "http" | "https");
        if !http || !url.username().is_empty() || url.password().is_some() {
            return Err(PortalSetupError::Address);
        }
        REACH.check_literal(&url).map_err(PortalSetupError::Host)?;
        let client = outbound::client_builder_within(REACH)
            .map_err(PortalSetupError::Tls)?
            .connect_timeout(config.connect_timeout)
            // Shorter than the idle limits of common load balancers, which cut without a word.
            .pool_idle_timeout(Duration::from_secs(45))
            .user_agent(concat!("bursar/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(PortalSetupError::Http)?;
        Ok(Self {
            client,
            url,
            admin: config.admin.as_ref().map(headers).transpose()?,
            timeout: config.timeout,
            answer_max_bytes: config.answer_max_bytes,
        })
    }

    /// Whether there are credentials for namespaces.
    pub(crate) const fn has_admin(&self) -> bool {
        self.admin.is_some()
    }

    /// Sends a body, with the admin headers if they are wanted, and reads the answer to its end.
    ///
    /// # Errors
    /// [`PortalError::Refused`], [`PortalError::Unreachable`], [`PortalError::TimedOut`], [`Malformation::TooLarge`].
    pub(crate) async fn exchange(&self, body: Bytes, as_admin: bool) -> Result<Bytes, PortalError> {
        let admin = self.admin.as_ref().filter(|_| as_admin);
        let request = self
            .client
            .post(self.url.clone())
            .header(header::ACCEPT, "application/json")
            .header(header::CONTENT_TYPE, "application/json")
            .headers(admin.cloned().unwrap_or_default())
            .body(body);
        let answered = async {
            let response = request.send().await.map_err(failed)?;
            if !response.status().is_success() {
                return Err(refused(&response));
            }
            self.read(response).await
        };
        let answered = tokio::time::timeout(self.timeout, answered).await;
        answered.unwrap_or(Err(PortalError::TimedOut))
    }

    async fn read(&self, mut response: Response) -> Result<Bytes, PortalError> {
        let most = self.answer_max_bytes;
        let announced = response.content_length().unwrap_or(0);
        if usize::try_from(announced).map_or(true, |announced| announced > most) {
            return Err(Malformation::TooLarge.into());
        }
        let mut body = Vec::new();
        while let Some(part) = response.chunk().await.map_err(failed)? {
            if body.len().saturating_add(part.len()) > most {
                return Err(Malformation::TooLarge.into());
            }
            body.extend_from_slice(&part);
        }
        Ok(body.into())
    }
}

fn headers(admin: &AdminCredentials) -> Result<HeaderMap, PortalSetupError> {
    let sensitive = |text: &str| {
        let mut value = HeaderValue::from_str(text).map_err(|_error| PortalSetupError::Admin)?;
        value.set_sensitive(true);
        Ok(value)
    };
    let mut headers = HeaderMap::new();
    headers.insert(ADMIN_EMAIL, sensitive(&admin.email)?);
    headers.insert(ADMIN_TOKEN, sensitive(admin.token.expose_secret())?);
    Ok(headers)
}

/// What went wrong, without the address, which is a site owner's alone to know.
fn failed(error: reqwest::Error) -> PortalError {
    if error.is_timeout() {
        return PortalError::TimedOut;
    }
    PortalError::Unreachable(error.without_url())
}

fn refused(response: &Response) -> PortalError {
    let seconds = |value: &HeaderValue| value.to_str().ok()?.trim().parse().ok();
    let retry_after = response.headers().get(header::RETRY_AFTER);
    PortalError::Refused {
        status: response.status().as_u16(),
        retry_after: retry_after.and_then(seconds).map(Duration::from_secs),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_that_may_be_asked_are_taken() {
        let check = |url: &str, good: bool| {
            let made = Transport::new(&PortalConfig::new(url.parse().unwrap()));
            assert_eq!(made.is_ok(), good, "{url}");
        };
        check("https://portal.example/graphql", true);
        check("http://127.0.0.1:9/graphql", true);
        check("http://10.0.0.1/graphql", true);
        check("ftp://portal.example/graphql", false);
        check("file:///etc/passwd", false);
        check("https://name@portal.example/graphql", false);
        check("https://:secret@portal.example/graphql", false);
        check("http://169.254.169.254/latest", false);
        check("http://[fe80::1]/graphql", false);
        check("http://[::ffff:169.254.169.254]/graphql", false);
    }

    #[test]
    fn credentials_must_be_headers_and_are_not_printed() {
        let with = |token: &str| {
            let mut config = PortalConfig::new("https://portal.example/graphql".parse().unwrap());
            config.admin = Some(AdminCredentials {
                email: "admin@example.com".to_owned(),
                token: token.into(),
            });
            let made = Transport::new(&config);
            assert!(!format!("{config:?} {made:?}").contains(token));
            made
        };
        assert!(with("t0ken-of-the-admin").is_ok());
        assert!(matches!(with("two\nlines"), Err(PortalSetupError::Admin)));
    }
}
