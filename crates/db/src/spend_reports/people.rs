//! Which limit holds for whom: candidates for many people at once, decided by the one rule.

use std::collections::BTreeMap;

use diesel_async::AsyncPgConnection;
use model::{
    UserId,
    budgets::{Resolution, resolve},
};
use store::StoreResult;

use super::Present;
use crate::budgets::candidates;

/// How many people are looked at together.
pub(super) const CHUNK: usize = 2_000;

/// What holds for these people at the report's instant.
pub(super) async fn resolutions(
    conn: &AsyncPgConnection,
    present: &Present,
    people: &[UserId],
) -> StoreResult<BTreeMap<UserId, Resolution>> {
    let found = candidates(conn, people).await?;
    let (policy, everyone) = (present.settings.policy, present.settings.everyone);
    let resolved = found.into_iter().map(|(user, candidates)| {
        let resolution = resolve(policy, everyone, &candidates, present.now);
        (user, resolution)
    });
    Ok(resolved.collect())
}
