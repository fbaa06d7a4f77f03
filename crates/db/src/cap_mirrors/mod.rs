//! Mirrors of caps that an upstream system keeps.

mod apply;
mod versions;

use std::time::Duration;

use async_trait::async_trait;
use diesel::{sql_query, sql_types::Uuid as SqlUuid};
use diesel_async::AsyncPgConnection;
use model::caps::{CapMirror, CapMirrorClaim, CapScope, MirrorOutcome, MirroredCaps};
use store::{
    StoreResult,
    cap_mirrors::{CapMirrorRead, CapMirrorWrite, CapMirrorsDue},
};

use crate::{
    caps::LOCK_ORGANIZATION,
    query::{Cached, run_on_one},
    unit::{Unit, Writing},
};

#[async_trait]
impl<Mode: Send + Sync> CapMirrorRead for Unit<Mode> {
    async fn cap_mirror_get(&mut self, scope: CapScope) -> StoreResult<CapMirror> {
        versions::cap_mirror_get(self.connection()?, scope).await
    }

    async fn cap_mirror_local_list(&mut self) -> StoreResult<Vec<CapScope>> {
        versions::cap_mirror_local_list(self.connection()?).await
    }
}

#[async_trait]
impl CapMirrorWrite for Unit<Writing> {
    async fn cap_mirror_claim(&mut self, due: &CapMirrorsDue) -> StoreResult<Vec<CapMirrorClaim>> {
        versions::cap_mirror_claim(self.connection()?, due).await
    }

    async fn cap_mirror_begin(
        &mut self,
        scope: CapScope,
        refresh: Duration,
    ) -> StoreResult<CapMirrorClaim> {
        versions::cap_mirror_begin(self.connection()?, scope, refresh).await
    }

    async fn cap_mirror_put_back(&mut self, scope: CapScope, wait: Duration) -> StoreResult<()> {
        versions::cap_mirror_put_back(self.connection()?, scope, wait).await
    }

    async fn cap_mirror_apply(
        &mut self,
        claim: &CapMirrorClaim,
        caps: Option<&MirroredCaps>,
    ) -> StoreResult<MirrorOutcome> {
        apply::cap_mirror_apply(self.connection()?, claim, caps).await
    }

    async fn cap_mirror_drop(&mut self, scope: CapScope) -> StoreResult<i64> {
        versions::cap_mirror_drop(self.connection()?, scope).await
    }

    async fn cap_mirror_confirm(
        &mut self,
        scope: CapScope,
        version: i64,
        refresh: Duration,
    ) -> StoreResult<bool> {
        versions::cap_mirror_confirm(self.connection()?, scope, version, refresh).await
    }
}

/// Keeps the organization from ending until the transaction does: its row comes before everything that is in it.
///
/// # Errors
/// `NotFound` when it has ended.
async fn lock_organization(conn: &AsyncPgConnection, scope: CapScope) -> StoreResult<()> {
    let Some(organization) = scope.organization() else {
        return Ok(());
    };
    let lock = sql_query(LOCK_ORGANIZATION).bind::<SqlUuid, _>(organization.0);
    run_on_one(conn, Cached(lock)).await
}

/// A length of time as statements take it.
fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}
