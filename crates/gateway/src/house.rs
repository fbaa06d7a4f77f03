//! The gateway's seams joined to the house: sign-in by `auth`, everything else by the authorized store.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use auth::{AuthError, AuthState, Caller};
use dbauthz::{Authorized, BoundStore, SystemActor, SystemStore};
use http::{Extensions, HeaderMap, StatusCode};
use model::{
    Clock, GroupId, IdSource, LeaseId, Name, ProviderId, UserId,
    prices::{CustomPrices, PriceBook},
    providers::Provider,
    spend::{
        LedgerAnswer, LedgerOp, LimitKey, Progress, Release, ReserveOutcome, ReserveRequest,
        SettleOutcome, Settlement, WaitEnd,
    },
    stored_responses::{NewStoredResponse, StoredId},
};
use rbac::{Action, Object};
use store::{StoreError, StoreResult};
use tokio::sync::mpsc;

use crate::{
    AskFor, Gateway, GatewayConfig, SpendHint, UpstreamBuildError,
    access::{Access, Denial, Entry, Names, Presence},
    ask,
    batcher::Batcher,
    gateway::Parts,
    ledger::{Ledger, ReserveFailure},
    prices::{PriceRows, Prices},
    stored_responses::StoredResponses,
};

/// How soon the store is asked again whether a caller may go on, when it could not say.
const CONFIRM_AGAIN: Duration = Duration::from_secs(1);

/// What a gateway is built from.
#[derive(Debug)]
pub struct GatewayDeps {
    /// The authorized store.
    pub authorized: Authorized,
    /// Who is calling.
    pub auth: AuthState,
    /// What models cost where the deployment has not set it.
    pub prices: Arc<PriceBook>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Makes ids.
    pub ids: Arc<dyn IdSource>,
    /// The settings.
    pub config: GatewayConfig,
    /// Hints from other servers; a closed channel means that there are none.
    pub hints: mpsc::Receiver<SpendHint>,
}

impl Gateway {
    /// Builds a gateway; it serves after [`Gateway::start`].
    ///
    /// # Errors
    /// [`UpstreamBuildError`] when the HTTP client cannot be set up.
    pub fn new(deps: GatewayDeps) -> Result<Self, UpstreamBuildError> {
        let GatewayDeps {
            authorized,
            auth,
            prices,
            clock,
            ids,
            config,
            hints,
        } = deps;
        let ledger = Arc::new(StoreLedger::new(&authorized));
        Self::of(Parts {
            access: Arc::new(auth),
            stored_responses: ledger.clone(),
            prices: Prices::new(prices, ledger.clone()),
            ledger,
            clock,
            ids,
            config,
            hints,
        })
    }
}

#[async_trait]
impl Access for AuthState {
    async fn enter(
        &self,
        headers: &HeaderMap,
        extensions: &Extensions,
        provider: &str,
    ) -> Result<Entry, Denial> {
        let caller = auth::gateway_caller(self, headers, extensions)
            .await
            .map_err(unauthorized)?;
        let key_id = caller.key_id.clone();
        entry(self, caller, key_id, provider).await
    }

    async fn enter_for(&self, whom: AskFor, provider: &str) -> Result<Entry, Denial> {
        let (user, organization) = (whom.user_id, whom.organization_id);
        let caller = auth::on_behalf_of(self, user, organization, whom.request_id);
        let caller = caller.await.map_err(unauthorized)?;
        entry(self, caller, ask::KEY_ID.to_owned(), provider).await
    }
}

/// Lets a caller use a provider, or does not.
async fn entry(
    auth: &AuthState,
    caller: Caller,
    api_key_id: String,
    provider: &str,
) -> Result<Entry, Denial> {
    let provider = provider_use(&caller.store, provider).await?;
    let key = async {
        let gateway = auth.authorized.as_system(SystemActor::Gateway);
        gateway
            .read()
            .await?
            .provider_keys()
            .provider_key_get(provider.id)
            .await
    };
    let key = key.await.map_err(Denial::Failed)?;
    Ok(Entry {
        user_id: caller.user_id,
        api_key_id,
        request_id: caller.request_id,
        names: Box::new(CallersNames(caller.store.clone())),
        presence: Arc::new(CallersPresence {
            auth: auth.clone(),
            caller,
            provider: provider.name.clone(),
        }),
        provider,
        key: key.api_key,
        price_version: key.price_version,
    })
}

async fn provider_use(store: &BoundStore, name: &str) -> Result<Provider, Denial> {
    // Whoever may not use providers at all does not learn which there are.
    let missing = || {
        let any = Object::ai_provider(None);
        if store.subject().allows(Action::Use, &any) {
            Denial::NoProvider
        } else {
            Denial::Forbidden
        }
    };
    // A text that is no name names no provider.
    let Ok(name) = name.parse::<Name>() else {
        return Err(missing());
    };
    let found = async { store.read().await?.providers().provider_use(&name).await };
    found.await.map_err(|error| match error {
        StoreError::NotFound => missing(),
        StoreError::Denied { .. } => Denial::Forbidden,
        other @ (StoreError::RoleNotAssignable { .. }
        | StoreError::NotGrantable { .. }
        | StoreError::NoDefaultRole(_)
        | StoreError::Taken(_)
        | StoreError::Violated(_)
        | StoreError::Refused(_)
        | StoreError::Unavailable(_)
        | StoreError::Internal(_)) => Denial::Failed(other),
    })
}

fn unauthorized(error: AuthError) -> Denial {
    match error {
        AuthError::Store(error) => Denial::Failed(error),
        left @ AuthError::NotMember => Denial::Unauthorized(left.message()),
        other if other.status() == StatusCode::FORBIDDEN => Denial::Forbidden,
        // Whoever calls a program's library has no session to sign in to again.
        AuthError::Missing => Denial::Unauthorized(
            "No Bursar token was given. Give one as the API key: as a bearer token, or in the header `x-api-key`.",
        ),
        AuthError::Invalid | AuthError::Expired => Denial::Unauthorized(
            "The Bursar token is not valid: it is unknown, has expired, or was deleted or signed out. Make a new one and \
             give it as the API key.",
        ),
        other => Denial::Unauthorized(other.message()),
    }
}

/// What the store tells the caller.
#[derive(Debug)]
struct CallersNames(BoundStore);

#[async_trait]
impl Names for CallersNames {
    async fn group_name(&self, group: GroupId) -> Option<String> {
        let mut unit = self.0.read().await.ok()?;
        let group = unit.groups().group_get(group).await.ok()?;
        Some(group.name.to_string())
    }
}

/// What the hub of open streams and the store say of the caller.
#[derive(Debug)]
struct CallersPresence {
    auth: AuthState,
    caller: Caller,
    provider: Name,
}

#[async_trait]
impl Presence for CallersPresence {
    async fn confirm(&self) -> Result<(), Denial> {
        let now = auth::caller_renew(&self.auth, &self.caller)
            .await
            .map_err(unauthorized)?;
        provider_use(&now.store, self.provider.as_str())
            .await
            .map(drop)
    }

    async fn ended(&self) -> Denial {
        let mut guard = self.auth.access.watch(&self.caller);
        loop {
            if let Err(revoked) = guard.changed().await {
                return unauthorized(revoked.into());
            }
            // Roles, memberships or settings are others now.
            while let Err(denial) = self.confirm().await {
                match denial {
                    Denial::Unauthorized(_) | Denial::Forbidden => return denial,
                    // A provider that was taken away answers what it was asked.
                    Denial::NoProvider => break,
                    Denial::Failed(_) => tokio::time::sleep(CONFIRM_AGAIN).await,
                }
            }
        }
    }
}

/// The ledger, batched, and what is noted beside it, behind the authorized store. Whatever spends takes a clone of the
/// same one.
#[derive(Debug, Clone)]
pub struct StoreLedger {
    gateway: SystemStore,
    sweeper: SystemStore,
    batcher: Batcher,
}

impl StoreLedger {
    /// The ledger of this store, with three batches in flight: one is decided while others are made durable.
    #[must_use]
    pub fn new(authorized: &Authorized) -> Self {
        Self::with_batches_in_flight(authorized, 3)
    }

    /// The same with another number of batches in flight; each takes a connection.
    #[must_use]
    pub fn with_batches_in_flight(authorized: &Authorized, batches: usize) -> Self {
        let gateway = authorized.as_system(SystemActor::Gateway);
        Self {
            batcher: Batcher::new(gateway.clone(), batches),
            gateway,
            sweeper: authorized.as_system(SystemActor::LedgerSweeper),
        }
    }

    async fn close(&self, op: LedgerOp) -> StoreResult<SettleOutcome> {
        match self.batcher.push(op).answer().await {
            Ok(LedgerAnswer::Closed(outcome)) => Ok(outcome),
            Ok(_) => Err(other_answer()),
            Err(failure) => Err(failure.error),
        }
    }
}

/// An answer of another kind than the question.
#[derive(Debug, thiserror::Error)]
#[error("the ledger answered another question")]
struct OtherAnswer;

fn other_answer() -> StoreError {
    StoreError::Internal(Box::new(OtherAnswer))
}

#[async_trait]
impl Ledger for StoreLedger {
    async fn reserve(&self, request: &ReserveRequest) -> Result<ReserveOutcome, ReserveFailure> {
        let op = LedgerOp::Reserve(Box::new(request.clone()));
        match self.batcher.push(op).answer().await? {
            LedgerAnswer::Reserved(outcome) => Ok(*outcome),
            _ => Err(other_answer().into()),
        }
    }

    async fn wait_end(&self, end: WaitEnd) -> StoreResult<()> {
        let ended = self.batcher.push(LedgerOp::WaitEnd(end)).answer().await;
        ended.map(drop).map_err(|failure| failure.error)
    }

    async fn settle(&self, settlement: &Settlement) -> StoreResult<SettleOutcome> {
        self.close(LedgerOp::Settle(Box::new(settlement.clone())))
            .await
    }

    async fn release(&self, release: Release) -> StoreResult<SettleOutcome> {
        self.close(LedgerOp::Release(release)).await
    }

    async fn progress(&self, progress: &[Progress]) -> StoreResult<()> {
        let mut unit = self.gateway.begin().await?;
        unit.ledger().reservation_progress(progress).await?;
        unit.commit().await
    }

    async fn lease_renew(&self, lease: LeaseId, ttl: chrono::Duration) -> StoreResult<bool> {
        let mut unit = self.gateway.begin().await?;
        let held = unit.ledger().lease_renew(lease, ttl).await?;
        unit.commit().await?;
        Ok(held)
    }

    async fn lease_end(&self, lease: LeaseId) -> StoreResult<()> {
        let mut unit = self.gateway.begin().await?;
        unit.ledger().lease_end(lease).await?;
        unit.commit().await
    }

    async fn lease_end_others(&self, lease: LeaseId) -> StoreResult<u64> {
        let mut unit = self.gateway.begin().await?;
        let ended = unit.ledger().lease_end_others(lease).await?;
        unit.commit().await?;
        Ok(ended)
    }

    async fn sweep(&self, limit: u32) -> StoreResult<Vec<LimitKey>> {
        let mut unit = self.sweeper.begin().await?;
        let freed = unit.ledger().reservation_sweep(limit).await?;
        unit.commit().await?;
        self.batcher.tell(freed.iter().copied());
        Ok(freed)
    }

    async fn months_make(&self) -> StoreResult<()> {
        let mut unit = self.sweeper.begin().await?;
        unit.ledger().ledger_months_make().await?;
        unit.commit().await
    }
}

#[async_trait]
impl PriceRows for StoreLedger {
    async fn price_book_get(&self) -> StoreResult<CustomPrices> {
        let mut unit = self.gateway.read().await?;
        unit.prices().price_book_get().await
    }
}

#[async_trait]
impl StoredResponses for StoreLedger {
    async fn create(&self, new: &NewStoredResponse) -> StoreResult<()> {
        let mut unit = self.gateway.begin().await?;
        unit.stored_responses().stored_response_create(new).await?;
        unit.commit().await
    }

    async fn get(
        &self,
        provider: ProviderId,
        user: UserId,
        ids: &[StoredId],
    ) -> StoreResult<Vec<StoredId>> {
        let mut unit = self.gateway.read().await?;
        let mut stored = unit.stored_responses();
        stored.stored_response_get(provider, user, ids).await
    }
}
