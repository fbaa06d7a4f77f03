//! The HTTP client towards providers, made by the crate `outbound`.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method};
use model::{prices::ProviderKind, providers::Provider};
use url::Url;

use crate::{GatewayConfig, wire::Dialect};

/// The client could not be built.
#[derive(Debug, thiserror::Error)]
pub enum UpstreamBuildError {
    /// The TLS library refused its settings.
    #[error("TLS cannot be set up")]
    Tls(#[source] rustls::Error),
    /// The HTTP library refused its settings.
    #[error("the HTTP client cannot be set up")]
    Client(#[source] reqwest::Error),
}

/// Why a request has no answer. What it costs depends on whether the provider may have seen it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SendError {
    /// It was certainly not written: the connection never came up.
    #[error("the provider cannot be reached")]
    NotWritten(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// It may have been written, and the provider may charge for it.
    #[error("the connection to the provider broke before it answered")]
    MaybeWritten(#[source] reqwest::Error),
    /// It was written and nothing came back in time.
    #[error("the provider did not answer in time")]
    TimedOut,
}

/// Talks to providers. Cheap to clone; connections are kept and shared.
#[derive(Debug, Clone)]
pub(crate) struct Upstream {
    client: reqwest::Client,
}

impl Upstream {
    /// A client with the settings of `config`.
    ///
    /// # Errors
    /// [`UpstreamBuildError`] when TLS or the client cannot be set up.
    pub(crate) fn new(config: &GatewayConfig) -> Result<Self, UpstreamBuildError> {
        let client = outbound::client_builder()
            .map_err(UpstreamBuildError::Tls)?
            .connect_timeout(config.connect_timeout)
            // Shorter than the idle limits of common load balancers, which cut without a word.
            .pool_idle_timeout(Duration::from_secs(45))
            .pool_max_idle_per_host(usize::MAX)
            .build()
            .map_err(UpstreamBuildError::Client)?;
        Ok(Self { client })
    }

    /// Sends a request and waits for the head of the answer.
    ///
    /// # Errors
    /// See [`SendError`].
    pub(crate) async fn send(
        &self,
        method: Method,
        url: Url,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<reqwest::Response, SendError> {
        model::addresses::check_literal(&url)
            .map_err(|refused| SendError::NotWritten(refused.into()))?;
        let request = self
            .client
            .request(method, url)
            .headers(headers)
            .body(body)
            .build();
        let request = request.map_err(|error| SendError::NotWritten(error.without_url().into()))?;
        self.client.execute(request).await.map_err(|error| {
            let error = error.without_url();
            if error.is_connect() || error.is_builder() {
                SendError::NotWritten(error.into())
            } else {
                SendError::MaybeWritten(error)
            }
        })
    }
}

/// What is asked of a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Endpoint {
    /// OpenAI chat completions.
    ChatCompletions,
    /// OpenAI responses.
    Responses,
    /// Anthropic messages.
    Messages,
    /// Anthropic's count of a prompt's tokens.
    CountTokens,
    /// The list of models, or with a name one of them.
    Models,
}

impl Endpoint {
    /// The language that is spoken here, with this type of provider.
    pub(crate) const fn dialect(self, kind: ProviderKind) -> Dialect {
        match self {
            Self::Responses => Dialect::OpenAiResponses,
            Self::ChatCompletions | Self::Messages | Self::CountTokens | Self::Models => {
                Dialect::of(kind)
            }
        }
    }
}

/// The provider's address of an endpoint. The base address of the OpenAI types includes `/v1`, Anthropic's
/// does not. The client's query passes.
pub(crate) fn endpoint_url(provider: &Provider, endpoint: Endpoint, query: Option<&str>) -> Url {
    let path: &[&str] = match endpoint {
        Endpoint::ChatCompletions => &["chat", "completions"],
        Endpoint::Responses => &["responses"],
        Endpoint::Messages => &["messages"],
        Endpoint::CountTokens => &["messages", "count_tokens"],
        Endpoint::Models => &["models"],
    };
    let mut url = provider.base_url.clone();
    // An http address always has path segments, so this is never skipped.
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty();
        if provider.kind == ProviderKind::Anthropic {
            segments.push("v1");
        }
        segments.extend(path);
    }
    url.set_query(query.filter(|query| !query.is_empty()));
    url
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;
    use model::{Name, ProviderId};

    #[test]
    fn paths_follow_the_base_address() {
        let check = |kind, base: &str, endpoint, query, expected: &str| {
            let provider = Provider {
                id: ProviderId(uuid::Uuid::nil()),
                name: "p".parse::<Name>().unwrap(),
                kind,
                base_url: Url::parse(base).unwrap(),
                created_at: DateTime::UNIX_EPOCH,
                updated_at: DateTime::UNIX_EPOCH,
            };
            assert_eq!(endpoint_url(&provider, endpoint, query).as_str(), expected);
        };
        let openai = ProviderKind::OpenAi;
        check(
            openai,
            "https://a/v1",
            Endpoint::ChatCompletions,
            None,
            "https://a/v1/chat/completions",
        );
        check(
            openai,
            "https://a/v1",
            Endpoint::Responses,
            None,
            "https://a/v1/responses",
        );
        check(
            openai,
            "https://a/v1/",
            Endpoint::Models,
            None,
            "https://a/v1/models",
        );
        check(
            openai,
            "https://a/v1",
            Endpoint::Models,
            Some("limit=1"),
            "https://a/v1/models?limit=1",
        );
        let anthropic = ProviderKind::Anthropic;
        check(
            anthropic,
            "https://a",
            Endpoint::Messages,
            Some("beta=true"),
            "https://a/v1/messages?beta=true",
        );
        check(
            anthropic,
            "https://a/x/",
            Endpoint::CountTokens,
            None,
            "https://a/x/v1/messages/count_tokens",
        );
        check(
            anthropic,
            "https://a/",
            Endpoint::Models,
            Some(""),
            "https://a/v1/models",
        );
    }

    #[tokio::test]
    async fn refused_addresses_are_never_connected_to() {
        let upstream = Upstream::new(&GatewayConfig::default()).unwrap();
        let url = Url::parse("http://169.254.169.254/v1/models").unwrap();
        let answer = upstream
            .send(Method::GET, url, HeaderMap::new(), Bytes::new())
            .await;
        assert!(
            matches!(answer, Err(SendError::NotWritten(_))),
            "{answer:?}"
        );
    }
}
