//! Mirrors of caps: who reads them, which reads count, and what a read changes.

mod apply;
mod versions;

use std::time::Duration;

use db::Database;
use model::{
    Micros, UserId,
    caps::{
        Cap, CapMirrorClaim, CapScope, MirrorChanges, MirrorOutcome, MirroredCaps, MirroredOverride,
    },
};
use store::cap_mirrors::CapMirrorsDue;

use crate::support::{TestDb, begin, read};

const REFRESH: Duration = Duration::from_secs(5);
const ALL: CapMirrorsDue = CapMirrorsDue {
    instance: true,
    organizations: true,
    refresh: REFRESH,
    limit: 100,
};

const fn cap(micros: i64, enabled: bool) -> Cap {
    Cap {
        amount: Micros(micros),
        enabled,
    }
}

fn of(user_id: UserId, micros: i64) -> MirroredOverride {
    MirroredOverride {
        user_id,
        cap: cap(micros, true),
        created_at: None,
        updated_at: None,
    }
}

fn told(flat: i64, overrides: &[MirroredOverride]) -> MirroredCaps {
    MirroredCaps {
        flat_user: Some(cap(flat, true)),
        subscription: None,
        overrides: overrides.to_vec(),
    }
}

async fn take(store: &Database, scope: CapScope) -> CapMirrorClaim {
    let mut unit = begin(store).await;
    let claim = unit.cap_mirror_begin(scope, REFRESH).await.unwrap();
    unit.commit().await.unwrap();
    claim
}

async fn apply(
    store: &Database,
    claim: &CapMirrorClaim,
    caps: Option<&MirroredCaps>,
) -> MirrorOutcome {
    let mut unit = begin(store).await;
    let outcome = unit.cap_mirror_apply(claim, caps).await.unwrap();
    unit.commit().await.unwrap();
    outcome
}

/// Reads and mirrors, with nobody in between.
async fn mirror(store: &Database, scope: CapScope, caps: Option<&MirroredCaps>) -> MirrorChanges {
    let claim = take(store, scope).await;
    match apply(store, &claim, caps).await {
        MirrorOutcome::Mirrored(changes) => changes,
        MirrorOutcome::Superseded => panic!("{claim:?}"),
    }
}

async fn announce(store: &Database, scope: CapScope) -> i64 {
    let mut unit = begin(store).await;
    let version = unit.cap_mirror_drop(scope).await.unwrap();
    unit.commit().await.unwrap();
    version
}

async fn confirm(store: &Database, scope: CapScope, version: i64) -> bool {
    let mut unit = begin(store).await;
    let confirmed = unit.cap_mirror_confirm(scope, version, REFRESH).await;
    unit.commit().await.unwrap();
    confirmed.unwrap()
}

async fn fresh(store: &Database, scope: CapScope) -> bool {
    let mut unit = read(store).await;
    unit.cap_mirror_get(scope).await.unwrap().fresh(REFRESH)
}

/// Whose mirrors are due, in the order of their ids.
async fn due(store: &Database, asked: &CapMirrorsDue) -> Vec<CapScope> {
    let mut unit = begin(store).await;
    let taken = unit.cap_mirror_claim(asked).await.unwrap();
    unit.commit().await.unwrap();
    let mut scopes: Vec<_> = taken.into_iter().map(|claim| claim.scope).collect();
    scopes.sort();
    scopes
}
