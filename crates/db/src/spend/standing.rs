//! What holds for a person at this instant, without a lock.

use std::collections::BTreeMap;

use diesel_async::AsyncPgConnection;
use model::{
    UserId,
    caps::{CapScope, CapTrust},
    spend::{Account, SpendView},
};
use store::{StoreError, StoreResult};

use super::{
    calendar::{Calendar, look},
    candidates::{Standing, resolutions},
    caps,
    counter::{self, Counter, Key},
    moves::moves,
    state::state,
};

pub(super) async fn spend_get(
    conn: &AsyncPgConnection,
    cap_trust: Option<CapTrust>,
    user: UserId,
) -> StoreResult<SpendView> {
    let mut calendar = look(conn).await?;
    calendar.cap_trust = cap_trust;
    let mut found = resolutions(conn, &calendar, &[user]).await?;
    let resolution = found.remove(&user).ok_or(StoreError::NotFound)?;
    let standing = Standing::from(&resolution);
    let counters = counters(conn, &mut calendar, &[standing.account(user)]).await?;
    Ok(SpendView {
        state: state(&calendar, (user, &standing), calendar.now, &counters)?,
        considered: resolution.considered,
    })
}

/// What is spent at this instant under all limits of these people, as far as anything is; with that, the calendar knows
/// their pools and caps.
pub(super) async fn counters(
    conn: &AsyncPgConnection,
    calendar: &mut Calendar,
    accounts: &[Account],
) -> StoreResult<BTreeMap<Key, Counter>> {
    let groups = accounts.iter().filter_map(|account| account.group_id);
    calendar.learn_pools(conn, groups).await?;
    if calendar.any_cap {
        let people: Vec<UserId> = accounts.iter().map(|account| account.user_id).collect();
        let places = accounts
            .iter()
            .filter_map(|account| account.organization_id);
        let scopes = places.map(CapScope::Organization);
        let scopes = scopes.chain([CapScope::Instance]).collect();
        calendar.caps = caps::read(conn, calendar.cap_trust, &scopes, &people).await?;
    }
    let mut asked: Vec<Key> = Vec::new();
    for account in accounts {
        let moves = moves(calendar, *account, calendar.now)?;
        asked.extend(moves.iter().map(|one| one.key));
    }
    asked.sort_unstable();
    asked.dedup();
    let found = counter::read(conn, &asked).await?;
    let of = |row: &counter::CounterRow| {
        let place = usize::try_from(row.place).ok()?.checked_sub(1)?;
        Some((*asked.get(place)?, Counter::from(row)))
    };
    Ok(found.iter().filter_map(of).collect())
}
