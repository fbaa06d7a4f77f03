//! What the handlers are given by the binary.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use auth::AuthState;
use axum::extract::FromRef;
use bursar_sdk::BuildInfo;
use caps::BudgetCaps;
use chat::ChatHub;
use model::addresses::Reach;
use model::prices::PriceBook;

use crate::{GraphqlState, Uploads};

/// What the handlers share. Cheap to clone.
#[derive(Debug, Clone)]
pub struct ApiState {
    /// Signing in, and through it the authorized store, the clock and the source of ids.
    pub auth: AuthState,
    /// Which parts of the product are on.
    pub features: Features,
    /// What GraphQL's resolvers share.
    pub graphql: GraphqlState,
    /// Where budget caps live.
    pub caps: Arc<dyn BudgetCaps>,
    /// Runs turns of chats, and shows chats as they go on.
    pub chats: ChatHub,
    /// How many files people may bring, and how often.
    pub uploads: Uploads,
    /// How far webhooks may go.
    pub webhooks: Reach,
    /// What `/buildinfo` answers.
    pub build: BuildInfo,
    /// What `/readyz` asks beside the database.
    pub readiness: Arc<[Arc<dyn Readiness>]>,
    /// What models cost where the deployment has not set it.
    pub prices: Arc<PriceBook>,
    /// What `/metrics` answers.
    pub metrics: MetricsText,
}

impl FromRef<ApiState> for AuthState {
    fn from_ref(state: &ApiState) -> Self {
        state.auth.clone()
    }
}

/// Which parts of the product are on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Features {
    /// Budgets and spend of AI requests.
    pub aibridge: bool,
}

impl Default for Features {
    fn default() -> Self {
        Self { aibridge: true }
    }
}

/// A part of the server that may not be ready.
#[async_trait]
pub trait Readiness: Send + Sync + fmt::Debug {
    /// The part's name.
    fn name(&self) -> &'static str;

    /// Whether it is ready.
    ///
    /// # Errors
    /// Why it is not, in words that everybody may read.
    async fn check(&self) -> Result<(), String>;
}

/// Renders the process's metrics in Prometheus' text format.
#[derive(Clone)]
pub struct MetricsText(Arc<dyn Fn() -> String + Send + Sync>);

impl MetricsText {
    /// Renders by this function.
    pub fn new(render: impl Fn() -> String + Send + Sync + 'static) -> Self {
        Self(Arc::new(render))
    }

    pub(crate) fn render(&self) -> String {
        (self.0)()
    }
}

impl fmt::Debug for MetricsText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MetricsText(..)")
    }
}
