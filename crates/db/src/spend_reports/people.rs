//! Which limit holds for whom at the report's instant, for many people at once.

use std::collections::BTreeMap;

use diesel_async::AsyncPgConnection;
use model::{UserId, budgets::Resolution};
use store::StoreResult;

use super::Present;
use crate::budgets;

/// How many people are looked at together.
pub(super) const CHUNK: usize = 2_000;

/// What holds for these people at the report's instant.
pub(super) async fn resolutions(
    conn: &AsyncPgConnection,
    present: &Present,
    people: &[UserId],
) -> StoreResult<BTreeMap<UserId, Resolution>> {
    let rules = (present.settings.policy, present.settings.everyone);
    budgets::resolutions(conn, people, rules, present.now).await
}
