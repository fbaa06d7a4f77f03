//! The fake's caps.

use async_trait::async_trait;
use model::{
    Micros, UserId,
    caps::{
        Cap, CapOverride, CapOverrideUpsert, CapPerson, CapScope, SubscriptionCapUpsert,
        SubscriptionCaps,
    },
};
use store::{
    StoreError, StoreResult,
    caps::{CapOverrideFilter, CapOverridePage, CapRead, CapWrite},
};

use super::{FakeUnit, State};

fn find(state: &State, scope: CapScope) -> Option<SubscriptionCaps> {
    let mut caps = state.caps.iter();
    caps.find(|caps| caps.scope == scope).copied()
}

fn upsert(
    state: &mut State,
    scope: CapScope,
    flat: Option<Cap>,
    rest: &SubscriptionCapUpsert,
) -> SubscriptionCaps {
    let old = find(state, scope).unwrap_or(SubscriptionCaps {
        scope,
        flat_user: None,
        subscription: None,
        included: Micros(0),
        created_at: state.now,
        updated_at: state.now,
    });
    let new = SubscriptionCaps {
        flat_user: flat.or(old.flat_user),
        subscription: rest.cap.or(old.subscription),
        included: rest.included.unwrap_or(old.included),
        updated_at: state.now,
        ..old
    };
    state.caps.retain(|caps| caps.scope != scope);
    state.caps.push(new);
    new
}

#[async_trait]
impl CapRead for FakeUnit {
    async fn cap_get(&mut self, scope: CapScope) -> StoreResult<Option<SubscriptionCaps>> {
        Ok(find(self.call("cap_get"), scope))
    }

    async fn cap_override_list(
        &mut self,
        scope: CapScope,
        filter: &CapOverrideFilter,
    ) -> StoreResult<CapOverridePage> {
        let held = &self.call("cap_override_list").cap_overrides;
        let asked = |user: UserId| filter.users.as_ref().is_none_or(|all| all.contains(&user));
        let mut all: Vec<CapOverride> = held
            .iter()
            .filter(|(of, one)| *of == scope && asked(one.user_id))
            .map(|(_, one)| *one)
            .collect();
        all.sort_by_key(|one| one.user_id);
        let before = |user: UserId| filter.after.is_some_and(|after| user <= after);
        let after = |user: UserId| filter.before.is_some_and(|before| user >= before);
        let (mut from, mut to) = (
            all.iter().filter(|one| before(one.user_id)).count(),
            all.iter().filter(|one| !after(one.user_id)).count(),
        );
        let limit = usize::try_from(filter.limit).unwrap_or(usize::MAX);
        if filter.last {
            from = from.max(to.saturating_sub(limit)).min(to);
        } else {
            to = to.min(from.saturating_add(limit)).max(from);
        }
        Ok(CapOverridePage {
            overrides: all.get(from..to).unwrap_or_default().to_vec(),
            count: all.len().try_into().unwrap_or(u64::MAX),
            has_previous: from > 0,
            has_next: to < all.len(),
        })
    }
}

#[async_trait]
impl CapWrite for FakeUnit {
    async fn cap_lock(&mut self, scope: CapScope) -> StoreResult<Option<SubscriptionCaps>> {
        Ok(find(self.call("cap_lock"), scope))
    }

    async fn cap_people_lock(
        &mut self,
        scope: CapScope,
        users: &[UserId],
    ) -> StoreResult<Vec<CapPerson>> {
        let state = self.call("cap_people_lock");
        let member = |user: UserId| {
            let member = |org| {
                let mut members = state.members.iter();
                members.any(|one| one.organization_id == org && one.user_id == user)
            };
            scope.organization().is_none_or(member)
        };
        let capped = |user: UserId| {
            let mut overrides = state.cap_overrides.iter();
            overrides.any(|(of, one)| *of == scope && one.user_id == user)
        };
        let asked = state.users.iter().filter(|user| users.contains(&user.id));
        let mut people: Vec<CapPerson> = asked
            .map(|user| CapPerson {
                user_id: user.id,
                member: member(user.id),
                capped: capped(user.id),
            })
            .collect();
        people.sort_by_key(|person| person.user_id);
        Ok(people)
    }

    async fn cap_flat_upsert(
        &mut self,
        scope: CapScope,
        cap: Cap,
    ) -> StoreResult<SubscriptionCaps> {
        let state = self.call("cap_flat_upsert");
        Ok(upsert(
            state,
            scope,
            Some(cap),
            &SubscriptionCapUpsert::default(),
        ))
    }

    async fn cap_subscription_upsert(
        &mut self,
        scope: CapScope,
        new: &SubscriptionCapUpsert,
    ) -> StoreResult<SubscriptionCaps> {
        Ok(upsert(
            self.call("cap_subscription_upsert"),
            scope,
            None,
            new,
        ))
    }

    async fn cap_override_upsert(
        &mut self,
        scope: CapScope,
        overrides: &[CapOverrideUpsert],
    ) -> StoreResult<Vec<CapOverride>> {
        let state = self.call("cap_override_upsert");
        if find(state, scope).is_none() && !overrides.is_empty() {
            let constraint = "user_budget_cap_overrides_scope_id_fkey";
            return Err(StoreError::Violated(constraint.to_owned()));
        }
        let now = state.now;
        let mut stored = Vec::new();
        for upsert in overrides {
            let same =
                |(of, one): &(CapScope, CapOverride)| *of == scope && one.user_id == upsert.user_id;
            let old = state.cap_overrides.iter().find(|one| same(one)).copied();
            let old = old.map(|(_, old)| old);
            let mode = upsert.disabled_mode.or(old.map(|old| old.disabled_mode));
            let new = CapOverride {
                user_id: upsert.user_id,
                cap: upsert.cap,
                disabled_mode: mode.unwrap_or_default(),
                created_at: old.map_or(now, |old| old.created_at),
                updated_at: now,
            };
            state.cap_overrides.retain(|one| !same(one));
            state.cap_overrides.push((scope, new));
            stored.push(new);
        }
        Ok(stored)
    }

    async fn cap_override_delete(
        &mut self,
        scope: CapScope,
        users: &[UserId],
    ) -> StoreResult<Vec<UserId>> {
        let overrides = &mut self.call("cap_override_delete").cap_overrides;
        let meant =
            |(of, one): &(CapScope, CapOverride)| *of == scope && users.contains(&one.user_id);
        let gone = overrides.iter().filter(|one| meant(one));
        let mut gone: Vec<UserId> = gone.map(|(_, one)| one.user_id).collect();
        gone.sort_unstable();
        overrides.retain(|one| !meant(one));
        Ok(gone)
    }
}
