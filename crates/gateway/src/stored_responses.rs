//! Whose it is that a provider keeps. All people share the provider's one key, so the provider would continue anybody's
//! response for anybody: what it keeps of an answer is noted for the person who asked, before they see the answer's
//! end, and nobody else may name it.

use std::sync::Arc;

use async_trait::async_trait;
use model::{
    ProviderId, UserId,
    stored_responses::{NewStoredResponse, STORED_IDS_MAX, StoredId},
};
use store::{StoreError, StoreResult};
use tokio::task::JoinHandle;
use tracing::Instrument;

use crate::{
    access::Entry,
    gateway::Inner,
    pipeline::Job,
    settle::source_text,
    wire::{Dialect, ErrorKind, Metered, Named, Storage},
};

/// The seam to the store. Every call is its own unit of work, committed when it returns.
#[async_trait]
pub(crate) trait StoredResponses: Send + Sync + std::fmt::Debug {
    /// Notes what a provider keeps of an answer.
    async fn create(&self, new: &NewStoredResponse) -> StoreResult<()>;
    /// Which of these a provider keeps for a person.
    async fn get(
        &self,
        provider: ProviderId,
        user: UserId,
        ids: &[StoredId],
    ) -> StoreResult<Vec<StoredId>>;
}

/// Why a request is not taken up.
#[derive(Debug)]
pub(crate) enum Unfit {
    /// It is not understood, or names what is not the caller's or not known at all, which is told alike.
    Refused(ErrorKind, String),
    /// Nobody could be asked.
    Failed(StoreError),
}

/// Checks that everything a request names is the caller's.
///
/// # Errors
/// [`Unfit`] when something is not.
pub(crate) async fn check(inner: &Inner, entry: &Entry, named: &Named) -> Result<(), Unfit> {
    let names = || named.response.iter().chain(&named.items);
    // A text that is no id is nobody's.
    let ids: Vec<StoredId> = names().filter_map(|name| name.parse().ok()).collect();
    let mut own = Vec::new();
    if !ids.is_empty() {
        let found = inner
            .stored_responses
            .get(entry.provider.id, entry.user_id, &ids);
        own = found.await.map_err(Unfit::Failed)?;
    }
    let missing = |name: &&String| !own.iter().any(|id| id.as_str() == name.as_str());
    if let Some(name) = named.response.iter().find(missing) {
        let text = format!("Previous response with id '{name}' not found.");
        return Err(Unfit::Refused(ErrorKind::NoPreviousResponse, text));
    }
    if let Some(name) = named.items.iter().find(missing) {
        let text = format!(
            "Item with id '{name}' not found. Send items whole, with their content (reasoning with its \
             `encrypted_content`), or continue a response by `previous_response_id`."
        );
        return Err(Unfit::Refused(ErrorKind::BadRequest, text));
    }
    Ok(())
}

/// What is noted of the answer to one request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Keeper {
    provider_id: ProviderId,
    user_id: UserId,
    /// Of what the provider does not keep, only the items that a client sends back by their ids are noted.
    storage: Storage,
}

impl Keeper {
    /// For a request in the language whose answers are kept.
    pub(crate) fn of(job: &Job) -> Option<Self> {
        (job.dialect() == Dialect::OpenAiResponses).then_some(Self {
            provider_id: job.entry.provider.id,
            user_id: job.entry.user_id,
            storage: job.facts.storage,
        })
    }

    /// Notes it in a task of its own, which is worth waiting for before the answer ends.
    pub(crate) fn keep(self, inner: &Arc<Inner>, metered: &Metered) -> Option<JoinHandle<()>> {
        let new = self.answer(metered)?;
        let inner = Arc::clone(inner);
        let tasks = inner.tasks.clone();
        let note = async move {
            if let Err(error) = inner.stored_responses.create(&new).await {
                tracing::warn!(
                    error = source_text(&error),
                    "a response cannot be continued: whose it is could not be noted"
                );
            }
        };
        Some(tasks.spawn(note.in_current_span()))
    }

    fn answer(self, metered: &Metered) -> Option<NewStoredResponse> {
        let response = metered.provider_response_id.as_deref();
        let ids = match self.storage {
            Storage::Kept => parsed(response.into_iter().chain(metered.items.all())),
            Storage::Refused => parsed(metered.items.unsaid()),
        };
        (!ids.is_empty()).then_some(NewStoredResponse {
            provider_id: self.provider_id,
            user_id: self.user_id,
            ids,
        })
    }
}

/// What cannot be an id is not noted, and so named by nobody.
fn parsed<'a>(names: impl Iterator<Item = &'a str>) -> Vec<StoredId> {
    names
        .filter_map(|name| name.parse().ok())
        .take(STORED_IDS_MAX)
        .collect()
}
