//! Caps of what people, and everybody together, may spend.
//!
//! Those of an organization are in it; those of the whole deployment are in none, so that only rights that hold
//! everywhere reach them, and of people who are in admin mode. Setting takes the rights to make and to change: whether
//! there are caps already is nobody's to find out by trying.

use model::{
    UserId,
    caps::{
        Cap, CapOverride, CapOverrideUpsert, CapPerson, CapScope, SubscriptionCapUpsert,
        SubscriptionCaps,
    },
};
use rbac::{
    Action::{self, Create, Delete, Read, Update},
    Object, ResourceType,
};
use store::{
    StoreError, StoreResult,
    caps::{CapOverrideFilter, CapOverridePage},
};

use crate::{
    rules::{Rule, Shape, rule},
    units::wrapper,
};

const READ: &[&str] = &["budget_cap:read"];
pub(crate) const SET: &[&str] = &["budget_cap:create", "budget_cap:update"];
const DELETE: &[&str] = &["budget_cap:delete"];
pub(crate) const SCOPE: &str = "in the organization, or everywhere and in admin mode";

pub(crate) const RULES: &[Rule] = &[
    rule("cap_get", Shape::Fetch, READ, SCOPE),
    rule("cap_override_list", Shape::Fetch, READ, SCOPE),
    rule("cap_update_check", Shape::Fetch, SET, SCOPE),
    rule("cap_delete_check", Shape::Fetch, DELETE, SCOPE),
    rule("cap_lock", Shape::Inside, &[], ""),
    rule("cap_people_lock", Shape::Inside, &[], ""),
    rule("cap_flat_upsert", Shape::Check, SET, SCOPE),
    rule("cap_subscription_upsert", Shape::Check, SET, SCOPE),
    rule(
        "cap_override_check",
        Shape::Fetch,
        SET,
        "in the organization, of which the people are members or have a cap already, or everywhere and in admin mode; \
         locks the accounts",
    ),
    rule(
        "cap_override_upsert",
        Shape::Lock,
        SET,
        "in the organization, of which the people are members or have a cap already, or everywhere and in admin mode; \
         locks the caps and the accounts",
    ),
    rule(
        "cap_override_delete",
        Shape::Lock,
        DELETE,
        "in the organization, or everywhere and in admin mode; locks the caps",
    ),
];

/// What became of people's own caps that were to be set. Only the first did anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CapUpsertOutcome {
    /// They are set, and in the order of what was asked.
    Done(Vec<CapOverride>),
    /// Nothing was ever set for the subscription, and none was to be made.
    NoRecord,
    /// These people have no account, in the order of what was asked.
    Unknown(Vec<UserId>),
    /// These people are not in the organization, in the order of what was asked.
    Outside(Vec<UserId>),
}

wrapper! {
    /// Caps of what people, and everybody together, may spend, each call authorized.
    Caps
}

impl<U: store::ReadUnit + ?Sized> Caps<'_, U> {
    /// Refuses unless all of these may be done to the caps of a subscription that exists.
    async fn check(&mut self, scope: CapScope, actions: &[Action]) -> StoreResult<()> {
        let object = Object::new(ResourceType::BudgetCap);
        let Some(organization) = scope.organization() else {
            let mut checks = actions.iter();
            return checks.try_for_each(|action| self.gate.check_in_admin_mode(*action, &object));
        };
        let found = self.unit.organization_get(organization).await?;
        let object = object.in_org(found.ok_or(StoreError::NotFound)?.id.0);
        let mut checks = actions.iter();
        checks.try_for_each(|action| self.gate.check(*action, &object))
    }

    /// A subscription's caps; `None` when none was ever set.
    ///
    /// # Errors
    /// `NotFound` for an unknown organization, `Denied`.
    pub async fn cap_get(&mut self, scope: CapScope) -> StoreResult<Option<SubscriptionCaps>> {
        self.check(scope, &[Read]).await?;
        self.unit.cap_get(scope).await
    }

    /// People's own caps.
    ///
    /// # Errors
    /// `NotFound` for an unknown organization, `Denied`.
    pub async fn cap_override_list(
        &mut self,
        scope: CapScope,
        filter: &CapOverrideFilter,
    ) -> StoreResult<CapOverridePage> {
        self.check(scope, &[Read]).await?;
        self.unit.cap_override_list(scope, filter).await
    }

    /// Refuses unless the caps of a subscription may be set, for who must not learn anything else before.
    ///
    /// # Errors
    /// `NotFound` for an unknown organization, `Denied`.
    pub async fn cap_update_check(&mut self, scope: CapScope) -> StoreResult<()> {
        self.check(scope, &[Create, Update]).await
    }

    /// Refuses unless people's own caps may be removed, for who must not learn anything else before.
    ///
    /// # Errors
    /// `NotFound` for an unknown organization, `Denied`.
    pub async fn cap_delete_check(&mut self, scope: CapScope) -> StoreResult<()> {
        self.check(scope, &[Delete]).await
    }
}

impl<U: store::WriteUnit + ?Sized> Caps<'_, U> {
    /// Sets the flat cap.
    ///
    /// # Errors
    /// `NotFound` for an unknown organization, `Denied`.
    pub async fn cap_flat_upsert(
        &mut self,
        scope: CapScope,
        cap: Cap,
    ) -> StoreResult<SubscriptionCaps> {
        self.cap_update_check(scope).await?;
        self.unit.cap_flat_upsert(scope, cap).await
    }

    /// Sets what is for all people together.
    ///
    /// # Errors
    /// `NotFound` for an unknown organization, `Denied`.
    pub async fn cap_subscription_upsert(
        &mut self,
        scope: CapScope,
        upsert: &SubscriptionCapUpsert,
    ) -> StoreResult<SubscriptionCaps> {
        self.cap_update_check(scope).await?;
        self.unit.cap_subscription_upsert(scope, upsert).await
    }

    /// Why people's own caps would not be set, if there is a reason in the people: they have no account, or are not in the
    /// organization. Whoever has a cap keeps being within reach after leaving the organization.
    ///
    /// # Errors
    /// `NotFound` for an unknown organization, `Denied`.
    pub async fn cap_override_check(
        &mut self,
        scope: CapScope,
        users: &[UserId],
    ) -> StoreResult<Option<CapUpsertOutcome>> {
        self.cap_update_check(scope).await?;
        let people = self.unit.cap_people_lock(scope, users).await?;
        Ok(refused(users, &people))
    }

    /// Sets people's own caps, all or none; each person is named once. Where nothing was ever set for the subscription,
    /// that is made when it is `implicit`. Of nobody is done at once. Whoever has a cap keeps being within reach after
    /// leaving the organization.
    ///
    /// # Errors
    /// `NotFound` for an unknown organization, `Denied`.
    pub async fn cap_override_upsert(
        &mut self,
        scope: CapScope,
        overrides: &[CapOverrideUpsert],
        implicit: bool,
    ) -> StoreResult<CapUpsertOutcome> {
        self.cap_update_check(scope).await?;
        if overrides.is_empty() {
            return Ok(CapUpsertOutcome::Done(Vec::new()));
        }
        let recorded = self.unit.cap_lock(scope).await?.is_some();
        let asked: Vec<UserId> = overrides.iter().map(|one| one.user_id).collect();
        let people = self.unit.cap_people_lock(scope, &asked).await?;
        if let Some(refused) = refused(&asked, &people) {
            return Ok(refused);
        }
        if !recorded {
            if !implicit {
                return Ok(CapUpsertOutcome::NoRecord);
            }
            let nothing = SubscriptionCapUpsert::default();
            self.unit.cap_subscription_upsert(scope, &nothing).await?;
        }
        let stored = self.unit.cap_override_upsert(scope, overrides).await?;
        Ok(CapUpsertOutcome::Done(stored))
    }

    /// Removes people's own caps; whose there were, in the order of their ids.
    ///
    /// # Errors
    /// `NotFound` for an unknown organization, `Denied`.
    pub async fn cap_override_delete(
        &mut self,
        scope: CapScope,
        users: &[UserId],
    ) -> StoreResult<Vec<UserId>> {
        self.check(scope, &[Delete]).await?;
        self.unit.cap_lock(scope).await?;
        self.unit.cap_override_delete(scope, users).await
    }
}

/// Why these people's caps are not set, if there is a reason.
fn refused(asked: &[UserId], people: &[CapPerson]) -> Option<CapUpsertOutcome> {
    let those = |wanted: fn(Option<&CapPerson>) -> bool| -> Vec<UserId> {
        let found = |user: &&UserId| people.iter().find(|person| person.user_id == **user);
        asked
            .iter()
            .filter(|user| wanted(found(user)))
            .copied()
            .collect()
    };
    let unknown = those(|person| person.is_none());
    if !unknown.is_empty() {
        return Some(CapUpsertOutcome::Unknown(unknown));
    }
    let outside = those(|person| person.is_some_and(|person| !person.member && !person.capped));
    (!outside.is_empty()).then_some(CapUpsertOutcome::Outside(outside))
}
