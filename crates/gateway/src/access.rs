//! The seam between the gateway and the house's sign-in: who calls, and which provider they may use.

use std::sync::Arc;

use async_trait::async_trait;
use http::{Extensions, HeaderMap};
use model::{GroupId, UserId, providers::Provider};
use secrecy::SecretString;
use store::StoreError;
use uuid::Uuid;

use crate::AskFor;

/// A caller who may use a provider.
#[derive(Debug)]
pub(crate) struct Entry {
    /// Who spends.
    pub(crate) user_id: UserId,
    /// The public id of the key that was presented, or what the ledger has in its place.
    pub(crate) api_key_id: String,
    /// The request's id, when the server's layer gave one.
    pub(crate) request_id: Option<Uuid>,
    /// Where the request goes.
    pub(crate) provider: Provider,
    /// The key that the provider knows this deployment by.
    pub(crate) key: SecretString,
    /// The version of the prices that the deployment has set, as it was when the key was read.
    pub(crate) price_version: i64,
    /// What the caller may know, for the texts of refusals.
    pub(crate) names: Box<dyn Names>,
    /// Whether the caller may go on.
    pub(crate) presence: Arc<dyn Presence>,
}

/// Why a request is not let in.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Denial {
    /// Nobody that is known and may act.
    #[error("{0}")]
    Unauthorized(&'static str),
    /// The caller or the token may not use AI providers.
    #[error("this token may not use AI providers")]
    Forbidden,
    /// There is no such provider.
    #[error("there is no such AI provider")]
    NoProvider,
    /// The house failed.
    #[error("the request cannot be checked")]
    Failed(#[source] StoreError),
}

/// Lets callers in.
#[async_trait]
pub(crate) trait Access: Send + Sync + std::fmt::Debug {
    /// Authenticates the caller, then authorizes the use of the provider named `provider`.
    async fn enter(
        &self,
        headers: &HeaderMap,
        extensions: &Extensions,
        provider: &str,
    ) -> Result<Entry, Denial>;

    /// The same for somebody who presents no key, since it is not they who ask now.
    async fn enter_for(&self, whom: AskFor, provider: &str) -> Result<Entry, Denial>;
}

/// Names that one caller may know.
#[async_trait]
pub(crate) trait Names: Send + Sync + std::fmt::Debug {
    /// The name of a group, if the caller may know it.
    async fn group_name(&self, group: GroupId) -> Option<String>;
}

/// One caller's access while the request lasts.
#[async_trait]
pub(crate) trait Presence: Send + Sync + std::fmt::Debug {
    /// Asks whether the caller may still use the provider.
    ///
    /// # Errors
    /// Why not; [`Denial::Failed`] when nobody could be asked.
    async fn confirm(&self) -> Result<(), Denial>;

    /// Resolves when the caller may not go on, with the reason. It never does because nobody could be asked.
    async fn ended(&self) -> Denial;
}
