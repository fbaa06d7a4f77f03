//! The fake's providers, spend and audit log.

use std::collections::BTreeMap;

use async_trait::async_trait;
use model::{
    GroupId, LeaseId, Micros, Name, PageRequest, ProviderId, UserId,
    audit::{AuditFilter, AuditPage, RefusedWrite},
    budgets::{Considered, LimitSource, Reason},
    caps::{CapScope, CapStanding},
    providers::Provider,
    spend::{
        LedgerAnswer, LedgerBatch, LedgerDifference, LedgerOp, LimitKey, LockWait, Period,
        Progress, SpendState, SpendView,
    },
};
use rbac::{Object, Visibility};
use secrecy::SecretString;
use store::{
    StoreError, StoreResult,
    audit::{AuditRead, AuditWrite},
    providers::{NewProvider, ProviderKey, ProviderRead, ProviderUpdate, ProviderWrite},
    spend::{SpendRead, SpendWrite},
};

use super::{FakeUnit, State, external_usage};

#[async_trait]
impl ProviderRead for FakeUnit {
    async fn provider_get(&mut self, name: &Name) -> StoreResult<Option<Provider>> {
        let providers = &self.call("provider_get").providers;
        Ok(providers
            .iter()
            .find(|provider| provider.name == *name)
            .cloned())
    }

    async fn provider_list(&mut self, visibility: &Visibility) -> StoreResult<Vec<Provider>> {
        let mut providers = self.call("provider_list").providers.clone();
        providers.retain(|provider| visibility.matches(&Object::ai_provider(Some(provider.id.0))));
        Ok(providers)
    }

    async fn provider_key_get(&mut self, id: ProviderId) -> StoreResult<Option<ProviderKey>> {
        let state = self.call("provider_key_get");
        let known = state.providers.iter().any(|p| p.id == id);
        Ok(known.then(|| ProviderKey {
            api_key: SecretString::from("sk-fake"),
            price_version: state.prices.version,
        }))
    }
}

#[async_trait]
impl ProviderWrite for FakeUnit {
    async fn provider_create(&mut self, new: &NewProvider) -> StoreResult<Provider> {
        let state = self.call("provider_create");
        let provider = Provider {
            id: new.id,
            name: new.name.clone(),
            kind: new.kind,
            base_url: new.base_url.clone(),
            created_at: state.now,
            updated_at: state.now,
        };
        state.providers.push(provider.clone());
        Ok(provider)
    }

    async fn provider_lock(&mut self, name: &Name) -> StoreResult<Option<Provider>> {
        let providers = &self.call("provider_lock").providers;
        Ok(providers
            .iter()
            .find(|provider| provider.name == *name)
            .cloned())
    }

    async fn provider_update(
        &mut self,
        id: ProviderId,
        update: &ProviderUpdate,
    ) -> StoreResult<Provider> {
        let providers = &mut self.call("provider_update").providers;
        let provider = providers
            .iter_mut()
            .find(|p| p.id == id)
            .ok_or(StoreError::NotFound)?;
        if let Some(base_url) = &update.base_url {
            provider.base_url = base_url.clone();
        }
        Ok(provider.clone())
    }

    async fn provider_delete(&mut self, id: ProviderId) -> StoreResult<()> {
        self.call("provider_delete")
            .providers
            .retain(|provider| provider.id != id);
        Ok(())
    }
}

fn spend(state: &State) -> SpendState {
    SpendState {
        budget: None,
        group_id: None,
        organization_id: None,
        spent: Micros::ZERO,
        reserved: Micros::ZERO,
        period: Period {
            start: state.now,
            end: state.now + chrono::Duration::days(30),
        },
        now: state.now,
        pool: None,
        caps: [None; 4],
        blocked_by: None,
        blocked_scope: None,
    }
}

#[async_trait]
impl SpendRead for FakeUnit {
    async fn spend_get(&mut self, user: UserId) -> StoreResult<SpendView> {
        let state = self.call("spend_get");
        let person = state.overrides.iter().find(|one| one.user_id == user);
        let considered = person.map(|one| Considered {
            source: LimitSource::UserOverride,
            group_id: one.group_id,
            organization_id: one.organization_id,
            spend_limit: one.spend_limit,
            mode: one.mode,
            reason: Reason::Holds,
        });
        Ok(SpendView {
            state: spend(state),
            considered: considered.into_iter().collect(),
        })
    }

    async fn spend_blocked_count(&mut self) -> StoreResult<BTreeMap<GroupId, u64>> {
        self.call("spend_blocked_count");
        Ok(BTreeMap::new())
    }

    async fn cap_standing_list(
        &mut self,
        _scope: CapScope,
        users: &[UserId],
    ) -> StoreResult<Vec<CapStanding>> {
        let period = spend(self.call("cap_standing_list")).period;
        let standing = |user: &UserId| CapStanding {
            user_id: *user,
            user_cap: None,
            included: Micros::ZERO,
            spent: Micros::ZERO,
            reserved: Micros::ZERO,
            subscription: None,
            period,
            blocked: None,
        };
        Ok(users.iter().map(standing).collect())
    }

    async fn ledger_verify(&mut self) -> StoreResult<Vec<LedgerDifference>> {
        self.call("ledger_verify");
        Ok(Vec::new())
    }
}

#[async_trait]
impl SpendWrite for FakeUnit {
    async fn ledger_batch(
        &mut self,
        ops: &[LedgerOp],
        _wait: LockWait,
    ) -> StoreResult<LedgerBatch> {
        let state = spend(self.call("ledger_batch"));
        self.batched = true;
        let mut batch = self.store.ledger().batch(ops, &state)?;
        for answer in &mut batch.answers {
            if let LedgerAnswer::Reported(reported) = answer {
                let user = reported.account.user_id;
                reported.organization_id = external_usage::charged(&self.state, user);
            }
        }
        Ok(batch)
    }

    async fn ledger_months_make(&mut self) -> StoreResult<u64> {
        self.call("ledger_months_make");
        Ok(0)
    }

    async fn reservation_progress(&mut self, _progress: &[Progress]) -> StoreResult<()> {
        self.call("reservation_progress");
        Ok(())
    }

    async fn lease_renew(&mut self, _lease: LeaseId, _ttl: chrono::Duration) -> StoreResult<bool> {
        self.call("lease_renew");
        Ok(true)
    }

    async fn lease_end(&mut self, _lease: LeaseId) -> StoreResult<()> {
        self.call("lease_end");
        Ok(())
    }

    async fn lease_end_others(&mut self, _lease: LeaseId) -> StoreResult<u64> {
        self.call("lease_end_others");
        Ok(0)
    }

    async fn reservation_sweep(&mut self, _limit: u32) -> StoreResult<Vec<LimitKey>> {
        self.call("reservation_sweep");
        Ok(Vec::new())
    }

    async fn spend_notify(&mut self, _limits: &[LimitKey]) -> StoreResult<()> {
        self.call("spend_notify");
        Ok(())
    }
}

#[async_trait]
impl AuditRead for FakeUnit {
    async fn audit_list(
        &mut self,
        _filter: &AuditFilter,
        _page: PageRequest,
        _visibility: &Visibility,
    ) -> StoreResult<AuditPage> {
        self.call("audit_list");
        Ok(AuditPage::default())
    }
}

#[async_trait]
impl AuditWrite for FakeUnit {
    async fn audit_refused(&mut self, _refused: &RefusedWrite) -> StoreResult<()> {
        self.call("audit_refused");
        Ok(())
    }
}
