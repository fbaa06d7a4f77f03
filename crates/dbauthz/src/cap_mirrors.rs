//! Mirrors of caps that an upstream system keeps.
//!
//! Whoever sets caps upstream says so before and after, with the rights that setting takes; mirrors are kept by system
//! actors only.

use std::time::Duration;

use model::{
    UserId,
    caps::{
        CapMirror, CapMirrorClaim, CapOverride, CapOverrideUpsert, CapScope, MirrorOutcome,
        MirroredCaps, SubscriptionCapUpsert,
    },
};
use rbac::{Action, Object, ResourceType};
use store::{StoreResult, cap_mirrors::CapMirrorsDue, caps::CapOverrideFilter};

use crate::{
    Caps,
    caps::{SCOPE, SET},
    rules::{Rule, Shape, rule},
    units::wrapper,
};

const SYSTEM: &str = "system actors only";

pub(crate) const RULES: &[Rule] = &[
    rule("cap_mirror_get", Shape::Check, &["budget_cap:read"], SYSTEM),
    rule(
        "cap_mirror_local_list",
        Shape::Check,
        &["budget_cap:read"],
        SYSTEM,
    ),
    rule(
        "cap_mirror_claim",
        Shape::Check,
        &["budget_cap:read", "budget_cap:update"],
        SYSTEM,
    ),
    rule(
        "cap_mirror_begin",
        Shape::Check,
        &["budget_cap:read", "budget_cap:update"],
        SYSTEM,
    ),
    rule(
        "cap_mirror_put_back",
        Shape::Check,
        &["budget_cap:update"],
        SYSTEM,
    ),
    rule(
        "cap_mirror_apply",
        Shape::Check,
        &[
            "budget_cap:create",
            "budget_cap:update",
            "budget_cap:delete",
        ],
        SYSTEM,
    ),
    rule("cap_mirror_drop", Shape::Check, SET, SCOPE),
    rule("cap_mirror_confirm", Shape::Check, SET, SCOPE),
    rule(
        "cap_override_mirror",
        Shape::Check,
        SET,
        "in the organization, or everywhere and in admin mode; locks the caps and the accounts",
    ),
];

/// Whether it is known that a write upstream was the last one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteOrder {
    /// Nobody else wrote meanwhile.
    Known,
    /// Somebody did, and who was first is not known.
    Unknown,
}

wrapper! {
    /// Mirrors of caps, each call authorized. Reached by system actors only.
    CapMirrors
}

impl<U: ?Sized> CapMirrors<'_, U> {
    fn may(&self, actions: &[Action]) -> StoreResult<()> {
        let object = Object::new(ResourceType::BudgetCap);
        let mut actions = actions.iter();
        actions.try_for_each(|action| self.gate.check_in_admin_mode(*action, &object))
    }
}

impl<U: store::ReadUnit + ?Sized> CapMirrors<'_, U> {
    /// How fresh a subscription's mirror is.
    ///
    /// # Errors
    /// `Denied`.
    pub async fn cap_mirror_get(&mut self, scope: CapScope) -> StoreResult<CapMirror> {
        self.may(&[Action::Read])?;
        self.unit.cap_mirror_get(scope).await
    }

    /// The subscriptions whose caps were set here since their mirror was read.
    ///
    /// # Errors
    /// `Denied`.
    pub async fn cap_mirror_local_list(&mut self) -> StoreResult<Vec<CapScope>> {
        self.may(&[Action::Read])?;
        self.unit.cap_mirror_local_list().await
    }
}

impl<U: store::WriteUnit + ?Sized> CapMirrors<'_, U> {
    /// Takes mirrors that are due.
    ///
    /// # Errors
    /// `Denied`.
    pub async fn cap_mirror_claim(
        &mut self,
        due: &CapMirrorsDue,
    ) -> StoreResult<Vec<CapMirrorClaim>> {
        self.may(&[Action::Read, Action::Update])?;
        self.unit.cap_mirror_claim(due).await
    }

    /// Takes one mirror, whether it is due or not.
    ///
    /// # Errors
    /// `NotFound` for an organization that has ended, `Denied`.
    pub async fn cap_mirror_begin(
        &mut self,
        scope: CapScope,
        refresh: Duration,
    ) -> StoreResult<CapMirrorClaim> {
        self.may(&[Action::Read, Action::Update])?;
        self.unit.cap_mirror_begin(scope, refresh).await
    }

    /// Gives back what was taken and could not be read: due after so long.
    ///
    /// # Errors
    /// `Denied`.
    pub async fn cap_mirror_put_back(
        &mut self,
        scope: CapScope,
        wait: Duration,
    ) -> StoreResult<()> {
        self.may(&[Action::Update])?;
        self.unit.cap_mirror_put_back(scope, wait).await
    }

    /// Mirrors what was read for this claim; `None`: there is no record.
    ///
    /// # Errors
    /// `NotFound` for an organization that has ended, `Denied`.
    pub async fn cap_mirror_apply(
        &mut self,
        claim: &CapMirrorClaim,
        caps: Option<&MirroredCaps>,
    ) -> StoreResult<MirrorOutcome> {
        self.may(&[Action::Create, Action::Update, Action::Delete])?;
        self.unit.cap_mirror_apply(claim, caps).await
    }
}

wrapper! {
    /// Caps that are set upstream, each call authorized as setting them here is.
    UpstreamCaps
}

impl<U: store::WriteUnit + ?Sized> UpstreamCaps<'_, U> {
    async fn check(&mut self, scope: CapScope) -> StoreResult<()> {
        let mut caps = Caps::new(self.gate, &mut *self.unit);
        caps.cap_update_check(scope).await
    }

    /// Says that caps are about to be set upstream; the version that this write is known by. It holds once the unit is
    /// committed.
    ///
    /// # Errors
    /// `NotFound` for an unknown organization, `Denied`.
    pub async fn cap_mirror_drop(&mut self, scope: CapScope) -> StoreResult<i64> {
        self.check(scope).await?;
        self.unit.cap_mirror_drop(scope).await
    }

    /// Says that they are set, and that this unit mirrors it; whether nobody else set some meanwhile. Comes first in its
    /// unit.
    ///
    /// # Errors
    /// `NotFound` for an unknown organization, `Denied`.
    pub async fn cap_mirror_confirm(
        &mut self,
        scope: CapScope,
        version: i64,
        refresh: Duration,
    ) -> StoreResult<WriteOrder> {
        self.check(scope).await?;
        let alone = self
            .unit
            .cap_mirror_confirm(scope, version, refresh)
            .await?;
        Ok(if alone {
            WriteOrder::Known
        } else {
            WriteOrder::Unknown
        })
    }

    /// Mirrors people's own caps that are set upstream, after [`UpstreamCaps::cap_mirror_confirm`]; each person is named once.
    /// Whoever has no account any more is passed over. Where the order of writes is not known, amounts that are mirrored
    /// already stay as they are, until they are read again.
    ///
    /// Without a record one is made, and what it says is to be read at once: somebody else made it upstream.
    ///
    /// # Errors
    /// `NotFound` for an unknown organization, `Denied`.
    pub async fn cap_override_mirror(
        &mut self,
        scope: CapScope,
        overrides: &[CapOverrideUpsert],
        order: WriteOrder,
    ) -> StoreResult<Vec<CapOverride>> {
        self.check(scope).await?;
        if self.unit.cap_lock(scope).await?.is_none() {
            let nothing = SubscriptionCapUpsert::default();
            self.unit.cap_subscription_upsert(scope, &nothing).await?;
            self.unit.cap_mirror_drop(scope).await?;
        }
        let users: Vec<UserId> = overrides.iter().map(|one| one.user_id).collect();
        let people = self.unit.cap_people_lock(scope, &users).await?;
        let known = |user: UserId| people.iter().any(|person| person.user_id == user);
        let mut set: Vec<CapOverrideUpsert> = overrides.to_vec();
        set.retain(|one| known(one.user_id));
        if order == WriteOrder::Unknown {
            let filter = CapOverrideFilter {
                limit: users.len().try_into().unwrap_or(u32::MAX),
                users: Some(users),
                ..CapOverrideFilter::default()
            };
            let held = self.unit.cap_override_list(scope, &filter).await?.overrides;
            for one in &mut set {
                let old = held.iter().find(|old| old.user_id == one.user_id);
                one.cap = old.map_or(one.cap, |old| old.cap);
            }
        }
        self.unit.cap_override_upsert(scope, &set).await
    }
}
