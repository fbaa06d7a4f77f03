//! The fake's mirrors of caps.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use model::caps::{
    CapMirror, CapMirrorClaim, CapOverride, CapScope, MirrorChanges, MirrorOutcome, MirroredCaps,
    SubscriptionCaps,
};
use store::{
    StoreResult,
    cap_mirrors::{CapMirrorRead, CapMirrorWrite, CapMirrorsDue},
};

use super::{FakeUnit, State};

/// How fresh a mirror is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FakeMirror {
    /// Raised by every write.
    pub version: i64,
    /// The version that was read last.
    pub read_version: Option<i64>,
    /// When that read began.
    pub read_at: Option<DateTime<Utc>>,
    /// From when on it is to be read again.
    pub due_at: DateTime<Utc>,
}

fn after(at: DateTime<Utc>, time: Duration) -> DateTime<Utc> {
    at + TimeDelta::from_std(time).unwrap_or(TimeDelta::MAX)
}

fn claim(state: &mut State, scope: CapScope, refresh: Duration) -> CapMirrorClaim {
    let at = state.now;
    let mirror = state.cap_mirrors.entry(scope).or_default();
    mirror.due_at = mirror.due_at.max(after(at, refresh));
    CapMirrorClaim {
        scope,
        version: mirror.version,
        at,
    }
}

fn set(state: &mut State, scope: CapScope, caps: Option<&MirroredCaps>) -> MirrorChanges {
    let (now, before) = (state.now, state.caps.clone());
    let old = before.iter().find(|one| one.scope == scope);
    let (held, rest): (Vec<_>, Vec<_>) = state
        .cap_overrides
        .drain(..)
        .partition(|(of, _)| *of == scope);
    state.cap_overrides = rest;
    state.caps.retain(|one| one.scope != scope);
    let mut changes = MirrorChanges::default();
    let none = MirroredCaps {
        flat_user: None,
        subscription: None,
        overrides: Vec::new(),
    };
    let Some(caps) = caps.or(old.map(|_| &none)) else {
        return changes;
    };
    let mut record = old.copied().unwrap_or(SubscriptionCaps {
        scope,
        flat_user: None,
        subscription: None,
        included: model::Micros(0),
        created_at: now,
        updated_at: now,
    });
    (record.flat_user, record.subscription) = (caps.flat_user, caps.subscription);
    changes.record = old != Some(&record);
    if changes.record {
        record.updated_at = now;
    }
    state.caps.push(record);
    let known = |user| state.users.iter().any(|one| one.id == user);
    for read in caps.overrides.iter().filter(|read| known(read.user_id)) {
        let old = held.iter().find(|(_, one)| one.user_id == read.user_id);
        let new = match old {
            Some((_, old)) if old.cap == read.cap => *old,
            _ => CapOverride {
                user_id: read.user_id,
                cap: read.cap,
                disabled_mode: old.map_or_else(Default::default, |(_, old)| old.disabled_mode),
                created_at: read.created_at.unwrap_or(now),
                updated_at: read.updated_at.unwrap_or(now),
            },
        };
        changes.overrides += u64::from(old.is_none_or(|(_, old)| *old != new));
        state.cap_overrides.push((scope, new));
    }
    let stays = |user| caps.overrides.iter().any(|read| read.user_id == user);
    let gone = held.iter().filter(|(_, one)| !stays(one.user_id));
    changes.removed = gone.count().try_into().unwrap_or(u64::MAX);
    changes
}

#[async_trait]
impl CapMirrorRead for FakeUnit {
    async fn cap_mirror_get(&mut self, scope: CapScope) -> StoreResult<CapMirror> {
        let state = self.call("cap_mirror_get");
        let mirror = state.cap_mirrors.get(&scope).copied().unwrap_or_default();
        Ok(CapMirror {
            read_at: mirror.read_at,
            dropped: mirror.read_version != Some(mirror.version),
            now: state.now,
        })
    }

    async fn cap_mirror_local_list(&mut self) -> StoreResult<Vec<CapScope>> {
        let state = self.call("cap_mirror_local_list");
        let read_at = |scope| state.cap_mirrors.get(&scope).and_then(|one| one.read_at);
        let unread = |at| move |read_at| at > after(read_at, Duration::from_secs(60));
        let records = state.caps.iter().map(|one| (one.scope, one.updated_at));
        let own = state.cap_overrides.iter();
        let all = records.chain(own.map(|(scope, one)| (*scope, one.updated_at)));
        let mut scopes: Vec<CapScope> = all
            .filter(|(scope, at)| read_at(*scope).is_none_or(unread(*at)))
            .map(|(scope, _)| scope)
            .collect();
        scopes.sort_unstable();
        scopes.dedup();
        Ok(scopes)
    }
}

#[async_trait]
impl CapMirrorWrite for FakeUnit {
    async fn cap_mirror_claim(&mut self, due: &CapMirrorsDue) -> StoreResult<Vec<CapMirrorClaim>> {
        let state = self.call("cap_mirror_claim");
        let organizations = state.organizations.iter().map(|one| one.id);
        let organizations = organizations.map(CapScope::Organization);
        let mut scopes: Vec<CapScope> = organizations.filter(|_| due.organizations).collect();
        if due.instance {
            scopes.push(CapScope::Instance);
        }
        scopes.retain(|scope| {
            let mirror = state.cap_mirrors.get(scope);
            mirror.is_none_or(|mirror| mirror.due_at <= state.now)
        });
        scopes.truncate(usize::try_from(due.limit).unwrap_or(usize::MAX));
        let taken = scopes.into_iter();
        Ok(taken
            .map(|scope| claim(state, scope, due.refresh))
            .collect())
    }

    async fn cap_mirror_begin(
        &mut self,
        scope: CapScope,
        refresh: Duration,
    ) -> StoreResult<CapMirrorClaim> {
        Ok(claim(self.call("cap_mirror_begin"), scope, refresh))
    }

    async fn cap_mirror_put_back(&mut self, scope: CapScope, wait: Duration) -> StoreResult<()> {
        let state = self.call("cap_mirror_put_back");
        let due_at = after(state.now, wait);
        if let Some(mirror) = state.cap_mirrors.get_mut(&scope) {
            mirror.due_at = mirror.due_at.min(due_at);
        }
        Ok(())
    }

    async fn cap_mirror_apply(
        &mut self,
        claim: &CapMirrorClaim,
        caps: Option<&MirroredCaps>,
    ) -> StoreResult<MirrorOutcome> {
        let state = self.call("cap_mirror_apply");
        let mirror = state.cap_mirrors.entry(claim.scope).or_default();
        if mirror.version != claim.version || mirror.read_at.is_some_and(|at| at > claim.at) {
            return Ok(MirrorOutcome::Superseded);
        }
        mirror.read_version = Some(claim.version);
        mirror.read_at = Some(claim.at);
        Ok(MirrorOutcome::Mirrored(set(state, claim.scope, caps)))
    }

    async fn cap_mirror_drop(&mut self, scope: CapScope) -> StoreResult<i64> {
        let state = self.call("cap_mirror_drop");
        let mirror = state.cap_mirrors.entry(scope).or_default();
        mirror.version += 1;
        mirror.due_at = mirror.due_at.min(state.now);
        Ok(mirror.version)
    }

    async fn cap_mirror_confirm(
        &mut self,
        scope: CapScope,
        version: i64,
        refresh: Duration,
    ) -> StoreResult<bool> {
        let state = self.call("cap_mirror_confirm");
        let mirror = state.cap_mirrors.entry(scope).or_default();
        let alone = mirror.version == version;
        let known = alone && mirror.read_version == Some(version - 1);
        mirror.version += 1;
        if let (Some(read_at), true) = (mirror.read_at, known) {
            mirror.read_version = Some(mirror.version);
            mirror.due_at = after(read_at, refresh);
        } else {
            mirror.due_at = mirror.due_at.min(state.now);
        }
        Ok(alone)
    }
}
