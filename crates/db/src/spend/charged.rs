//! Whom the spend of people would be charged to at this instant, without a lock.

use std::collections::BTreeMap;

use diesel_async::AsyncPgConnection;
use model::{OrganizationId, UserId};
use store::StoreResult;

use super::{calendar::look, candidates::standings};

/// The organization of the group that each of these people's spend would be charged to.
pub(crate) async fn charged_organizations(
    conn: &AsyncPgConnection,
    people: &[UserId],
) -> StoreResult<BTreeMap<UserId, Option<OrganizationId>>> {
    if people.is_empty() {
        return Ok(BTreeMap::new());
    }
    let calendar = look(conn).await?;
    let found = standings(conn, &calendar, people).await?;
    let place =
        |(user, standing): (&UserId, &super::candidates::Standing)| (*user, standing.organization);
    Ok(found.iter().map(place).collect())
}
