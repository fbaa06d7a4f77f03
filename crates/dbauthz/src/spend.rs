//! What people spent, and the ledger, which only system actors write.

use std::collections::BTreeMap;

use model::{
    GroupId, LeaseId, OrganizationId, UserId,
    caps::{CapScope, CapStanding},
    spend::{LedgerBatch, LedgerDifference, LedgerOp, LimitKey, LockWait, Progress, SpendView},
};
use rbac::{Action, Object, ResourceType};
use store::{StoreError, StoreResult};

use crate::{
    rules::{Rule, Shape, rule},
    units::wrapper,
};

const RECORD: &[&str] = &["ai_usage_event:create"];
const SYSTEM: &str = "system actors only";

pub(crate) const RULES: &[Rule] = &[
    rule(
        "spend_get",
        Shape::Fetch,
        &["user:read", "organization:read"],
        "the person; budgets and pools of organizations that the caller may not read are left out",
    ),
    rule(
        "cap_standing_list",
        Shape::Check,
        &["budget_cap:read", "user:read"],
        "budget_cap:read in the organization, or site-wide in admin mode; of oneself alone: user:read, in organizations \
         that one belongs to",
    ),
    rule(
        "spend_blocked_count",
        Shape::Check,
        &["ai_usage_event:read"],
        SYSTEM,
    ),
    rule(
        "ledger_verify",
        Shape::Check,
        &["ai_usage_event:read"],
        SYSTEM,
    ),
    rule("ledger_batch", Shape::Check, RECORD, SYSTEM),
    rule("ledger_months_make", Shape::Check, RECORD, SYSTEM),
    rule("reservation_progress", Shape::Check, RECORD, SYSTEM),
    rule("reservation_sweep", Shape::Check, RECORD, SYSTEM),
    rule("lease_renew", Shape::Check, RECORD, SYSTEM),
    rule("lease_end", Shape::Check, RECORD, SYSTEM),
    rule("lease_end_others", Shape::Check, RECORD, SYSTEM),
    rule("spend_notify", Shape::Check, RECORD, SYSTEM),
];

wrapper! {
    /// What people spent, each call authorized.
    Spend
}

impl<U: store::ReadUnit + ?Sized> Spend<'_, U> {
    /// What holds for a person at this instant: limit, spent, reserved, period, and why, as far as the caller
    /// may read the organizations concerned.
    ///
    /// # Errors
    /// `NotFound`, `Denied`.
    pub async fn spend_get(&mut self, user: UserId) -> StoreResult<SpendView> {
        let user = self
            .unit
            .user_get(user)
            .await?
            .ok_or(StoreError::NotFound)?;
        self.gate.check(Action::Read, &Object::user(user.id.0))?;
        let mut view = self.unit.spend_get(user.id).await?;
        let gate = self.gate;
        let readable = |id: OrganizationId| gate.allows(Action::Read, &Object::organization(id.0));
        view.considered.retain(|one| readable(one.organization_id));
        // What everybody in a group spent together is no more of anybody's business elsewhere than its budget is.
        let organization = view.state.organization_id;
        view.state.pool = view
            .state
            .pool
            .filter(|_| organization.is_some_and(readable));
        if !self.gate.acts_as(user.id) {
            // Who may read caps asks for them.
            view.state.caps = [None; 4];
        }
        Ok(view)
    }

    /// Where each of these people stands under the caps of a subscription at this instant, in their order.
    ///
    /// # Errors
    /// `NotFound`, `Denied`.
    pub async fn cap_standing_list(
        &mut self,
        scope: CapScope,
        users: &[UserId],
    ) -> StoreResult<Vec<CapStanding>> {
        if !self.own_standing(scope, users).await? {
            let object = Object::new(ResourceType::BudgetCap);
            match scope.organization() {
                None => self.gate.check_in_admin_mode(Action::Read, &object)?,
                Some(id) => self.gate.check(Action::Read, &object.in_org(id.0))?,
            }
        }
        self.unit.cap_standing_list(scope, users).await
    }

    /// Whether the caller asks for nobody else, in a subscription that the caller belongs to.
    async fn own_standing(&mut self, scope: CapScope, users: &[UserId]) -> StoreResult<bool> {
        let Some(me) = self.gate.actor().map(|actor| actor.user_id) else {
            return Ok(false);
        };
        if users.is_empty() || users.iter().any(|user| *user != me) {
            return Ok(false);
        }
        if let Some(id) = scope.organization()
            && self.unit.organization_member_get(id, me).await?.is_none()
        {
            return Ok(false);
        }
        self.gate.check(Action::Read, &Object::user(me.0))?;
        Ok(true)
    }
}

wrapper! {
    /// The spend ledger. Reached by system actors only: no right of a person writes it. Everything that
    /// leads to a usage event, reservations and leases included, needs the right to record one.
    Ledger
}

impl<U: ?Sized> Ledger<'_, U> {
    fn check(&self, action: Action) -> StoreResult<()> {
        self.gate
            .check(action, &Object::new(ResourceType::AiUsageEvent))
    }
}

impl<U: store::ReadUnit + ?Sized> Ledger<'_, U> {
    /// How many people a limit keeps from spending anything at this instant, by the group that their spend is
    /// charged to.
    ///
    /// # Errors
    /// `Denied`.
    pub async fn spend_blocked_count(&mut self) -> StoreResult<BTreeMap<GroupId, u64>> {
        self.check(Action::Read)?;
        self.unit.spend_blocked_count().await
    }

    /// Every figure that differs from the recount of its events and open reservations.
    ///
    /// # Errors
    /// `Denied`.
    pub async fn ledger_verify(&mut self) -> StoreResult<Vec<LedgerDifference>> {
        self.check(Action::Read)?;
        self.unit.ledger_verify().await
    }
}

impl<U: store::WriteUnit + ?Sized> Ledger<'_, U> {
    /// See [`store::spend::SpendWrite::ledger_batch`].
    ///
    /// # Errors
    /// `Denied`.
    pub async fn ledger_batch(
        &mut self,
        ops: &[LedgerOp],
        wait: LockWait,
    ) -> StoreResult<LedgerBatch> {
        self.check(Action::Create)?;
        self.unit.ledger_batch(ops, wait).await
    }

    /// See [`store::spend::SpendWrite::ledger_months_make`].
    ///
    /// # Errors
    /// `Denied`.
    pub async fn ledger_months_make(&mut self) -> StoreResult<u64> {
        self.check(Action::Create)?;
        self.unit.ledger_months_make().await
    }

    /// See [`store::spend::SpendWrite::reservation_progress`].
    ///
    /// # Errors
    /// `Denied`.
    pub async fn reservation_progress(&mut self, progress: &[Progress]) -> StoreResult<()> {
        self.check(Action::Create)?;
        self.unit.reservation_progress(progress).await
    }

    /// See [`store::spend::SpendWrite::reservation_sweep`].
    ///
    /// # Errors
    /// `Denied`.
    pub async fn reservation_sweep(&mut self, limit: u32) -> StoreResult<Vec<LimitKey>> {
        self.check(Action::Create)?;
        self.unit.reservation_sweep(limit).await
    }

    /// See [`store::spend::SpendWrite::lease_renew`].
    ///
    /// # Errors
    /// `Denied`.
    pub async fn lease_renew(
        &mut self,
        lease: LeaseId,
        ttl: chrono::Duration,
    ) -> StoreResult<bool> {
        self.check(Action::Create)?;
        self.unit.lease_renew(lease, ttl).await
    }

    /// See [`store::spend::SpendWrite::lease_end`].
    ///
    /// # Errors
    /// `Denied`.
    pub async fn lease_end(&mut self, lease: LeaseId) -> StoreResult<()> {
        self.check(Action::Create)?;
        self.unit.lease_end(lease).await
    }

    /// See [`store::spend::SpendWrite::lease_end_others`].
    ///
    /// # Errors
    /// `Denied`.
    pub async fn lease_end_others(&mut self, lease: LeaseId) -> StoreResult<u64> {
        self.check(Action::Create)?;
        self.unit.lease_end_others(lease).await
    }

    /// See [`store::spend::SpendWrite::spend_notify`].
    ///
    /// # Errors
    /// `Denied`.
    pub async fn spend_notify(&mut self, limits: &[LimitKey]) -> StoreResult<()> {
        self.check(Action::Create)?;
        self.unit.spend_notify(limits).await
    }
}
