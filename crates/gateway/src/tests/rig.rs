//! A running gateway with everything around it.

use std::{
    net::Ipv4Addr,
    sync::{Arc, OnceLock},
    time::Duration,
};

use async_trait::async_trait;
use axum::serve::ListenerExt;
use fakeprovider::{FakeProvider, Script};
use model::{
    Micros, SystemClock, UuidV7Source,
    prices::{CustomPrices, PriceBook},
};
use serde_json::{Value, json};
use store::StoreResult;
use tokio::{net::TcpListener, sync::mpsc, task::JoinHandle};

use super::{
    entrance::{FakeAccess, FakePresence, TOKEN},
    fakes::FakeLedger,
    stored_responses::FakeStoredResponses,
};
use crate::{
    Gateway, GatewayConfig, SpendHint,
    gateway::Parts,
    prices::{PriceRows, Prices},
    router,
};

pub(super) struct Rig {
    pub(super) fake: FakeProvider,
    pub(super) ledger: Arc<FakeLedger>,
    pub(super) stored: Arc<FakeStoredResponses>,
    pub(super) gateway: Gateway,
    pub(super) client: reqwest::Client,
    pub(super) hints: mpsc::Sender<SpendHint>,
    pub(super) presence: FakePresence,
    address: String,
    server: JoinHandle<()>,
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.server.abort();
    }
}

pub(crate) fn prices() -> Arc<PriceBook> {
    static BOOK: OnceLock<Arc<PriceBook>> = OnceLock::new();
    Arc::clone(BOOK.get_or_init(|| Arc::new(PriceBook::bundled().unwrap())))
}

pub(super) fn client() -> reqwest::Client {
    reqwest::Client::builder()
        .tls_backend_preconfigured(outbound::tls_config().unwrap())
        .no_proxy()
        .build()
        .unwrap()
}

/// Short waits, so that what is waited for in vain ends a test soon.
pub(super) fn config() -> GatewayConfig {
    GatewayConfig {
        admission_wait: Duration::from_millis(300),
        poll_every: Duration::from_millis(100),
        progress_every: Duration::from_millis(20),
        ..GatewayConfig::default()
    }
}

/// A deployment that has set no prices.
#[derive(Debug)]
struct NoPricesOfOurOwn;

#[async_trait]
impl PriceRows for NoPricesOfOurOwn {
    async fn price_book_get(&self) -> StoreResult<CustomPrices> {
        Ok(CustomPrices::default())
    }
}

impl Rig {
    pub(super) async fn start(script: Script, limit: Option<Micros>) -> Self {
        Self::with(script, limit, config()).await
    }

    pub(super) async fn with(script: Script, limit: Option<Micros>, config: GatewayConfig) -> Self {
        let fake = FakeProvider::start(script).await.unwrap();
        Self::over(fake, Arc::new(FakeLedger::new(limit)), config).await
    }

    /// Another server over the same books, with a provider of its own.
    pub(super) async fn beside(&self, script: Script, config: GatewayConfig) -> Self {
        let fake = FakeProvider::start(script).await.unwrap();
        Self::over(fake, Arc::clone(&self.ledger), config).await
    }

    async fn over(fake: FakeProvider, ledger: Arc<FakeLedger>, config: GatewayConfig) -> Self {
        let (hints, hints_end) = mpsc::channel(8);
        let presence = FakePresence::default();
        let access = FakeAccess {
            presence: presence.clone(),
            address: fake.base_url(),
            key: fake.api_key(),
        };
        let stored = Arc::new(FakeStoredResponses::default());
        let gateway = Gateway::of(Parts {
            access: Arc::new(access),
            ledger: ledger.clone(),
            stored_responses: stored.clone(),
            prices: Prices::new(prices(), Arc::new(NoPricesOfOurOwn)),
            clock: Arc::new(SystemClock),
            ids: Arc::new(UuidV7Source),
            config,
            hints: hints_end,
        });
        let gateway = gateway.unwrap();
        gateway.start().await.unwrap();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let listener = listener.tap_io(|stream| stream.set_nodelay(true).unwrap());
        let app = router(gateway.clone());
        let server = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self {
            fake,
            ledger,
            stored,
            gateway,
            client: client(),
            hints,
            presence,
            address,
            server,
        }
    }

    /// Takes the provider off its port.
    pub(super) async fn stop_provider(&mut self) {
        let next = FakeProvider::start(Script::default()).await.unwrap();
        std::mem::replace(&mut self.fake, next).stop().await;
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("{}/api/v2/ai-gateway/{path}", self.address)
    }

    pub(super) fn alias(&self, path: &str) -> String {
        format!("{}/api/v2/aibridge/{path}", self.address)
    }

    pub(super) fn request(&self, dialect: Spoken, body: &Value) -> reqwest::RequestBuilder {
        let request = self.client.post(self.url(dialect.path())).json(body);
        dialect.sign(request, TOKEN)
    }

    pub(super) async fn ask(&self, dialect: Spoken, body: &Value) -> reqwest::Response {
        self.request(dialect, body).send().await.unwrap()
    }
}

/// A dialect as a client speaks it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spoken {
    OpenAi,
    Responses,
    Anthropic,
}

impl Spoken {
    pub(super) const ALL: [Self; 3] = [Self::OpenAi, Self::Responses, Self::Anthropic];

    pub(super) const fn path(self) -> &'static str {
        match self {
            Self::OpenAi => "openai/v1/chat/completions",
            Self::Responses => "openai/v1/responses",
            Self::Anthropic => "anthropic/v1/messages",
        }
    }

    pub(super) const fn direct(self) -> &'static str {
        match self {
            Self::OpenAi => "/v1/chat/completions",
            Self::Responses => "/v1/responses",
            Self::Anthropic => "/v1/messages",
        }
    }

    pub(super) const fn model(self) -> &'static str {
        match self {
            Self::OpenAi | Self::Responses => "gpt-4o",
            Self::Anthropic => "claude-sonnet-4-5",
        }
    }

    pub(super) const fn cap_field(self) -> &'static str {
        match self {
            Self::OpenAi => "max_completion_tokens",
            Self::Responses => "max_output_tokens",
            Self::Anthropic => "max_tokens",
        }
    }

    pub(super) fn sign(
        self,
        request: reqwest::RequestBuilder,
        key: &str,
    ) -> reqwest::RequestBuilder {
        match self {
            Self::OpenAi | Self::Responses => request.bearer_auth(key),
            Self::Anthropic => request
                .header("x-api-key", key)
                .header("anthropic-version", "2023-06-01"),
        }
    }

    /// A short question, with a cap or without.
    pub(super) fn body(self, cap: Option<u64>, stream: bool) -> Value {
        let talk = if self == Self::Responses {
            "input"
        } else {
            "messages"
        };
        let mut body = json!({
            "model": self.model(),
            talk: [{"role": "user", "content": "How many days has November?"}],
        });
        if let Some(cap) = cap {
            body[self.cap_field()] = cap.into();
        }
        if stream {
            body["stream"] = true.into();
        }
        body
    }
}

pub(super) async fn json(response: reqwest::Response) -> Value {
    serde_json::from_slice(&response.bytes().await.unwrap()).unwrap()
}
