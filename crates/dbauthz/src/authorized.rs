//! The authorized store: out of reach until it is bound to an actor.

use std::sync::Arc;

use model::{Name, UserId};
use rbac::PreparedSubject;
use store::{Store, StoreResult};
use uuid::Uuid;

use crate::{Actor, ReadUnit, SystemActor, SystemReadUnit, SystemWriteUnit, WriteUnit, gate::Gate};

/// The raw store, out of reach: it must be bound to an actor before it has any method.
#[derive(Debug, Clone)]
pub struct Authorized {
    store: Arc<dyn Store>,
    sharing: Sharing,
}

/// The deployment's switches over sharing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Sharing {
    pub(crate) workspaces: WorkspaceSharing,
    pub(crate) chats: ChatSharing,
}

/// Whether workspaces may be shared in this deployment at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum WorkspaceSharing {
    /// As each organization's settings say.
    #[default]
    ByOrganization,
    /// Nobody shares, and what was shared counts for nothing while this lasts. What was granted is kept.
    Disabled,
}

/// Whether chats may be shared in this deployment at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum ChatSharing {
    /// As each organization's settings say.
    #[default]
    ByOrganization,
    /// Nobody shares, and what was shared counts for nothing while this lasts. What was granted is kept.
    Disabled,
}

impl Authorized {
    /// Wraps the raw store.
    #[must_use]
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self {
            store,
            sharing: Sharing::default(),
        }
    }

    /// The same, with the deployment's switch over the sharing of workspaces set.
    #[must_use]
    pub const fn with_workspace_sharing(mut self, sharing: WorkspaceSharing) -> Self {
        self.sharing.workspaces = sharing;
        self
    }

    /// The same, with the deployment's switch over the sharing of chats set.
    #[must_use]
    pub const fn with_chat_sharing(mut self, sharing: ChatSharing) -> Self {
        self.sharing.chats = sharing;
        self
    }

    /// The deployment's switch over the sharing of workspaces.
    #[must_use]
    pub const fn workspace_sharing(&self) -> WorkspaceSharing {
        self.sharing.workspaces
    }

    /// The deployment's switch over the sharing of chats.
    #[must_use]
    pub const fn chat_sharing(&self) -> ChatSharing {
        self.sharing.chats
    }

    /// The store as a person may use it.
    #[must_use]
    pub fn as_actor(&self, actor: Actor) -> BoundStore {
        let (store, gate) = (
            Arc::clone(&self.store),
            Arc::new(Gate::person(actor.clone(), self.sharing)),
        );
        BoundStore {
            bound: Bound { store, gate },
            actor: Arc::new(actor),
        }
    }

    /// The store as a system actor may use it.
    #[must_use]
    pub fn as_system(&self, actor: SystemActor) -> SystemStore {
        let (store, gate) = (
            Arc::clone(&self.store),
            Arc::new(Gate::system(actor, self.sharing)),
        );
        SystemStore {
            bound: Bound { store, gate },
        }
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// [`store::StoreError::Unavailable`] when it does not.
    pub async fn ping(&self) -> StoreResult<()> {
        self.store.ping().await
    }
}

/// A store and the gate before it.
#[derive(Debug, Clone)]
pub(crate) struct Bound {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) gate: Arc<Gate>,
}

impl Bound {
    pub(crate) async fn read(&self) -> StoreResult<ReadUnit> {
        let unit = self.store.read().await?;
        Ok(ReadUnit::new(Arc::clone(&self.gate), unit))
    }

    pub(crate) async fn begin(&self) -> StoreResult<WriteUnit> {
        let unit = self.store.begin(self.gate.context()).await?;
        Ok(WriteUnit::new(Arc::clone(&self.gate), unit))
    }
}

/// The store bound to a person.
#[derive(Debug, Clone)]
pub struct BoundStore {
    bound: Bound,
    actor: Arc<Actor>,
}

impl BoundStore {
    /// Repositories outside a transaction, for reading.
    ///
    /// # Errors
    /// [`store::StoreError::Unavailable`] when no connection can be had in time.
    pub async fn read(&self) -> StoreResult<ReadUnit> {
        self.bound.read().await
    }

    /// Repositories inside one transaction.
    ///
    /// # Errors
    /// [`store::StoreError::Unavailable`] when no connection can be had in time.
    pub async fn begin(&self) -> StoreResult<WriteUnit> {
        self.bound.begin().await
    }

    /// The person.
    #[must_use]
    pub fn actor(&self) -> &Actor {
        &self.actor
    }

    /// Who the person is.
    #[must_use]
    pub fn user_id(&self) -> UserId {
        self.actor.user_id
    }

    /// The deployment's switch over the sharing of workspaces.
    #[must_use]
    pub fn workspace_sharing(&self) -> WorkspaceSharing {
        self.bound.gate.workspace_sharing()
    }

    /// The deployment's switch over the sharing of chats.
    #[must_use]
    pub fn chat_sharing(&self) -> ChatSharing {
        self.bound.gate.chat_sharing()
    }

    /// What decides for the person.
    pub(crate) fn gate(&self) -> &Gate {
        &self.bound.gate
    }

    /// The request on whose behalf the store is used.
    #[must_use]
    pub fn request_id(&self) -> Option<Uuid> {
        self.actor.request_id
    }

    /// What the person may do, for questions that touch no row.
    #[must_use]
    pub fn subject(&self) -> &PreparedSubject {
        &self.actor.subject
    }
}

/// The store bound to a system actor.
#[derive(Debug, Clone)]
pub struct SystemStore {
    bound: Bound,
}

impl SystemStore {
    /// A store behind a watched gate.
    #[cfg(test)]
    pub(crate) const fn bound(bound: Bound) -> Self {
        Self { bound }
    }

    /// The same, working for this request.
    #[must_use]
    pub fn with_request_id(mut self, request_id: Option<Uuid>) -> Self {
        Arc::make_mut(&mut self.bound.gate).context_mut().request_id = request_id;
        self
    }

    /// The same, but what it writes is recorded as this person's doing. Its rights stay its own.
    #[must_use]
    pub fn on_behalf_of(mut self, user: UserId, username: &Name) -> Self {
        let context = Arc::make_mut(&mut self.bound.gate).context_mut();
        context.user_id = Some(user);
        context.actor_name = username.to_string();
        self
    }

    /// Repositories outside a transaction, for reading.
    ///
    /// # Errors
    /// [`store::StoreError::Unavailable`] when no connection can be had in time.
    pub async fn read(&self) -> StoreResult<SystemReadUnit> {
        Ok(SystemReadUnit::new(self.bound.read().await?))
    }

    /// Repositories inside one transaction.
    ///
    /// # Errors
    /// [`store::StoreError::Unavailable`] when no connection can be had in time.
    pub async fn begin(&self) -> StoreResult<SystemWriteUnit> {
        Ok(SystemWriteUnit::new(self.bound.begin().await?))
    }

    /// The same for a unit whose only call is [`Ledger::ledger_batch`].
    ///
    /// # Errors
    /// [`store::StoreError::Unavailable`] when no connection can be had in time.
    pub async fn begin_batch(&self) -> StoreResult<SystemWriteUnit> {
        let gate = Arc::clone(&self.bound.gate);
        let unit = self.bound.store.begin_batch(gate.context()).await?;
        Ok(SystemWriteUnit::new(WriteUnit::new(gate, unit)))
    }
}
