//! How many people a limit blocks: fetched for many people at once, decided by the budget rule.

use std::collections::{BTreeMap, BTreeSet};

use diesel::{
    prelude::*,
    sql_types::{BigInt, Uuid as SqlUuid},
};
use diesel_async::AsyncPgConnection;
use model::{
    GroupId, UserId,
    spend::{Account, SpendState},
};
use store::StoreResult;
use uuid::Uuid;

use super::{
    books::{keys, state},
    calendar::{Calendar, look},
    candidates::{Standing, standings},
    counter::{self, Counter, Key},
    sql,
};
use crate::query::{Cached, rows};

/// How many people are looked at at a time.
const PEOPLE: i64 = 1_000;

#[derive(QueryableByName)]
struct PersonRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
}

/// Whoever is suspended asks for nothing.
const NEXT_PEOPLE: &str = "\
SELECT id FROM users WHERE id > $1 AND NOT deleted AND status <> 'suspended' ORDER BY id LIMIT $2";

pub(super) async fn spend_blocked_count(
    conn: &AsyncPgConnection,
) -> StoreResult<BTreeMap<GroupId, u64>> {
    let mut blocked: BTreeMap<GroupId, u64> = BTreeMap::new();
    let mut last = Uuid::nil();
    loop {
        let next = sql(NEXT_PEOPLE)
            .bind::<SqlUuid, _>(last)
            .bind::<BigInt, _>(PEOPLE);
        let people: Vec<PersonRow> = rows(conn, Cached(next)).await?;
        let Some(end) = people.last() else {
            return Ok(blocked);
        };
        last = end.id;
        let people = people.iter().map(|row| UserId(row.id)).collect();
        for state in states(conn, &people).await? {
            if let (Some(group), Some(_)) = (state.group_id, state.exhausted()) {
                *blocked.entry(group).or_default() += 1;
            }
        }
    }
}

/// Where these people stand at this instant, in no order.
async fn states(
    conn: &AsyncPgConnection,
    people: &BTreeSet<UserId>,
) -> StoreResult<Vec<SpendState>> {
    let mut calendar = look(conn).await?;
    let asked: Vec<UserId> = people.iter().copied().collect();
    let standings = standings(conn, &calendar, &asked).await?;
    let charged = standings.values().filter_map(|standing| standing.group);
    calendar.learn_pools(conn, charged).await?;
    let counters = counters(conn, &calendar, &standings).await?;
    let of = |(user, standing): (&UserId, &Standing)| {
        let mut keys = own_keys(&calendar, *user, standing)?.into_iter();
        let mut next = || keys.next().and_then(|key| counters.get(&key));
        let (own, pool) = (next().copied().unwrap_or_default(), next());
        state(&calendar, standing, calendar.now, &own, pool)
    };
    standings.iter().map(of).collect()
}

/// The keys of a person's counter and of the pool of the group that is charged, if it has one.
fn own_keys(calendar: &Calendar, user_id: UserId, standing: &Standing) -> StoreResult<Vec<Key>> {
    let account = Account {
        user_id,
        group_id: standing.group,
    };
    keys(calendar, account, calendar.now)
}

/// What is spent under all limits of these people, as far as anything is.
async fn counters(
    conn: &AsyncPgConnection,
    calendar: &Calendar,
    standings: &BTreeMap<UserId, Standing>,
) -> StoreResult<BTreeMap<Key, Counter>> {
    let mut asked = BTreeSet::new();
    for (user, standing) in standings {
        asked.extend(own_keys(calendar, *user, standing)?);
    }
    let asked: Vec<Key> = asked.into_iter().collect();
    let found = counter::read(conn, &asked).await?;
    let of = |row: &counter::CounterRow| {
        let place = usize::try_from(row.place).ok()?.checked_sub(1)?;
        Some((*asked.get(place)?, Counter::from(row)))
    };
    Ok(found.iter().filter_map(of).collect())
}
