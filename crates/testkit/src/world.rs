//! A deployment with people in it: a database, a fake provider, a server, and the demo's cast.

use bursar::demo::Cast;
use bursar_sdk::{Client, Secret};
use fakeprovider::{FakeProvider, Script};
use model::Micros;
use reqwest::Response;
use serde_json::{Value, json};

use crate::{ServerOptions, TestDatabase, TestServer};

/// Everything that a test over HTTP needs.
#[derive(Debug)]
pub struct World {
    /// The database.
    pub database: TestDatabase,
    /// The provider that both configured providers lead to.
    pub fake: FakeProvider,
    /// The server.
    pub server: TestServer,
    /// The people.
    pub cast: Cast,
    /// For requests that are no calls of the API.
    pub http: reqwest::Client,
}

impl World {
    /// A world whose member may spend this much a month.
    ///
    /// # Errors
    /// Whatever keeps it from being made.
    pub async fn new(script: Script, budget: Micros) -> anyhow::Result<Self> {
        Self::with_options(script, budget, &ServerOptions::default()).await
    }

    /// A world with a server of these options.
    ///
    /// # Errors
    /// Whatever keeps it from being made.
    pub async fn with_options(
        script: Script,
        budget: Micros,
        options: &ServerOptions,
    ) -> anyhow::Result<Self> {
        let database = TestDatabase::create().await?;
        let fake = FakeProvider::start(script).await?;
        let server = TestServer::start(&database, options).await?;
        let cast = Cast::assemble(server.nobody(), &fake, budget).await?;
        let http = reqwest::Client::builder().no_proxy().build()?;
        Ok(Self {
            database,
            fake,
            server,
            cast,
            http,
        })
    }

    /// Sends an OpenAI chat request through a server's gateway.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn chat(
        &self,
        server: &TestServer,
        token: &Secret,
        body: &Value,
    ) -> anyhow::Result<Response> {
        let url = format!(
            "{}/api/v2/ai-gateway/openai/v1/chat/completions",
            server.url()
        );
        Ok(self
            .http
            .post(url)
            .bearer_auth(token.expose())
            .json(body)
            .send()
            .await?)
    }

    /// What the member has spent and what is still held, in micros.
    ///
    /// # Errors
    /// When the spend cannot be read.
    pub async fn spend(&self, caller: &Client) -> anyhow::Result<(i64, i64)> {
        let spend = caller.spend_get("me").await?;
        Ok((spend.current_spend_micros, spend.reserved_micros))
    }
}

/// A chat request of one short message.
#[must_use]
pub fn chat_request(model: &str) -> Value {
    json!({"model": model, "messages": [{"role": "user", "content": "Hello"}]})
}
