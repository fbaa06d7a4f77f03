//! Requests that this program makes itself, for somebody who presents no key: the turns of chats.
//!
//! It is the way of any request that costs, from its middle on: the person is judged by the rights of now, the same
//! pipeline bounds, admits, forwards and settles, and the same presence ends the answer when the person's access ends.
//! Whoever drops the answer is a client that has left.

use std::{fmt, sync::Arc};

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Request, header};
use model::{LeaseId, OrganizationId, ReservationId, UserId, prices::ProviderKind};
use store::{StoreError, StoreResult};
use uuid::Uuid;

use crate::{
    Gateway,
    access::{Denial, Entry},
    lease::Lease,
    presence, routes,
    upstream::Endpoint,
};

/// What stands in the ledger where the id of a key does. No key has such a short one.
pub(crate) const KEY_ID: &str = "chat";
/// What the provider, and reports, are told of who asks.
const USER_AGENT: &str = concat!("bursar-chat/", env!("CARGO_PKG_VERSION"));
const ANTHROPIC_VERSION: HeaderName = HeaderName::from_static("anthropic-version");

/// For whom something is asked, and on whose budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AskFor {
    /// Who.
    pub user_id: UserId,
    /// The organization of what it is asked for, which the person must still be in.
    pub organization_id: OrganizationId,
    /// What it is called in logs.
    pub request_id: Option<Uuid>,
}

/// Why nothing is asked.
#[derive(Debug, thiserror::Error)]
pub enum AskRefusal {
    /// The person may not act any more, and what they are told.
    #[error("{0}")]
    Ended(&'static str),
    /// The person may not use AI providers.
    #[error("the person may not use AI providers")]
    Forbidden,
    /// There is no such provider.
    #[error("there is no such AI provider")]
    NoProvider,
    /// The house failed.
    #[error("it cannot be checked")]
    Failed(#[source] StoreError),
}

impl From<Denial> for AskRefusal {
    fn from(denial: Denial) -> Self {
        match denial {
            Denial::Unauthorized(text) => Self::Ended(text),
            Denial::Forbidden => Self::Forbidden,
            Denial::NoProvider => Self::NoProvider,
            Denial::Failed(error) => Self::Failed(error),
        }
    }
}

/// A provider that may be asked for somebody.
pub struct Asking {
    gateway: Gateway,
    entry: Entry,
}

impl fmt::Debug for Asking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Asking")
            .field("entry", &self.entry)
            .finish_non_exhaustive()
    }
}

/// What came of it.
#[derive(Debug)]
pub enum Answer {
    /// The provider answers, well or with an error of its own.
    Provider {
        /// Its answer, which goes on for as long as it is read.
        response: Response,
        /// The usage event that it becomes; none of an error, which costs nothing.
        usage_event_id: Option<ReservationId>,
    },
    /// The gateway refuses, in the provider's own error shape.
    Gateway(Response),
    /// The person's access ended before the answer began; the gateway says why in the provider's own error shape.
    Ended(Response),
}

/// Marks an answer of the provider's.
#[derive(Debug, Clone, Copy)]
struct OfProvider(Option<ReservationId>);

/// Notes that an answer is the provider's, and which usage event it becomes.
pub(crate) fn of_provider(mut response: Response, usage_event: Option<ReservationId>) -> Response {
    response.extensions_mut().insert(OfProvider(usage_event));
    response
}

/// Marks an answer whose person was there when it began.
#[derive(Debug, Clone, Copy)]
struct Present;

/// This server's lease, which lives for as long as somebody holds it and the server lives.
#[derive(Debug, Clone)]
pub struct ServerLease(Arc<Lease>);

impl ServerLease {
    /// Its id.
    #[must_use]
    pub fn id(&self) -> LeaseId {
        self.0.id
    }
}

impl Gateway {
    /// This server's lease, for what else than reservations must be swept when the server dies.
    ///
    /// # Errors
    /// What the store says when the lease must be renewed first.
    pub async fn lease(&self) -> StoreResult<ServerLease> {
        self.inner.leases.current().await.map(ServerLease)
    }

    /// Lets something be asked of the provider of this name for somebody.
    ///
    /// # Errors
    /// [`AskRefusal`] when the person may not.
    pub async fn asking(&self, whom: AskFor, provider: &str) -> Result<Asking, AskRefusal> {
        let entry = self.inner.access.enter_for(whom, provider).await?;
        Ok(Asking {
            gateway: self.clone(),
            entry,
        })
    }
}

impl Asking {
    /// Which language the provider speaks.
    #[must_use]
    pub const fn kind(&self) -> ProviderKind {
        self.entry.provider.kind
    }

    /// The most bytes that a request may have.
    #[must_use]
    pub fn request_limit(&self) -> usize {
        self.gateway.inner.config.request_limit
    }

    /// The most output tokens to ask this model for, in a language whose requests must name a bound: as many as it can make,
    /// and no more than the deployment lets a request have that names none. A model that nobody knows is asked for as many
    /// as that: more could be more than it can make, which its provider refuses, and a hold needs a worst case.
    pub async fn output_cap(&self, model: &str) -> u64 {
        let inner = &self.gateway.inner;
        let most = inner.config.default_output_cap;
        // Who has no prices at hand is told so when it is asked.
        let Ok(book) = inner.prices.at(self.entry.price_version).await else {
            return most;
        };
        let price = book.lookup(self.kind(), model, inner.clock.now());
        let models = price.and_then(|price| price.max_output_tokens());
        models.map_or(most, |models| models.min(most))
    }

    /// Asks for a chat completion, or for a message where the provider speaks Anthropic's language. `body` is as a client
    /// would send it; the bounds on requests of clients hold for it too.
    ///
    /// Dropping this before its end, or the answer, is a client that leaves: what was asked for is paid for.
    pub async fn ask(self, body: Bytes) -> Answer {
        let Self { gateway, entry } = self;
        let kind = entry.provider.kind;
        let (endpoint, path) = match kind {
            ProviderKind::OpenAi | ProviderKind::OpenAiCompatible => {
                (Endpoint::ChatCompletions, "/v1/chat/completions")
            }
            ProviderKind::Anthropic => (Endpoint::Messages, "/v1/messages"),
        };
        let mut request = Request::new(());
        *request.method_mut() = Method::POST;
        *request.uri_mut() = http::Uri::from_static(path);
        let headers = request.headers_mut();
        headers.insert(header::USER_AGENT, HeaderValue::from_static(USER_AGENT));
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        );
        if kind == ProviderKind::Anthropic {
            headers.insert(ANTHROPIC_VERSION, HeaderValue::from_static("2023-06-01"));
        }
        let (parts, ()) = request.into_parts();
        let presence = Arc::clone(&entry.presence);
        let words = (endpoint.dialect(kind), entry.request_id);
        let answering = async {
            let body = Body::from(body);
            let mut answer = routes::answer(&gateway, entry, endpoint, parts, body).await;
            answer.extensions_mut().insert(Present);
            answer
        };
        let response = Box::pin(presence::guarded(presence, words, answering)).await;
        let response = response.into_response();
        if let Some(OfProvider(usage_event_id)) = response.extensions().get::<OfProvider>() {
            let usage_event_id = *usage_event_id;
            Answer::Provider {
                response,
                usage_event_id,
            }
        } else if response.extensions().get::<Present>().is_some() {
            Answer::Gateway(response)
        } else {
            Answer::Ended(response)
        }
    }
}
