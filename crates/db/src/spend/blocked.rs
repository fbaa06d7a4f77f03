//! How many people a limit blocks: fetched for many people at once, decided by the budget rule.

use std::collections::{BTreeMap, BTreeSet};

use diesel::{
    prelude::*,
    sql_types::{BigInt, Uuid as SqlUuid},
};
use diesel_async::AsyncPgConnection;
use model::{
    GroupId, UserId,
    caps::CapTrust,
    spend::{Account, SpendState},
};
use store::StoreResult;
use uuid::Uuid;

use super::{
    calendar::look,
    candidates::{Standing, standings},
    sql,
    standing::counters,
    state::state,
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
    cap_trust: Option<CapTrust>,
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
        for state in states(conn, cap_trust, &people).await? {
            if let (Some(group), Some(_)) = (state.group_id, state.exhausted()) {
                *blocked.entry(group).or_default() += 1;
            }
        }
    }
}

/// Where these people stand at this instant, in no order.
async fn states(
    conn: &AsyncPgConnection,
    cap_trust: Option<CapTrust>,
    people: &BTreeSet<UserId>,
) -> StoreResult<Vec<SpendState>> {
    let mut calendar = look(conn).await?;
    calendar.cap_trust = cap_trust;
    let asked: Vec<UserId> = people.iter().copied().collect();
    let standings = standings(conn, &calendar, &asked).await?;
    let accounts: Vec<Account> = standings
        .iter()
        .map(|(user, standing)| standing.account(*user))
        .collect();
    let counters = counters(conn, &mut calendar, &accounts).await?;
    let of = |(user, standing): (&UserId, &Standing)| {
        state(&calendar, (*user, standing), calendar.now, &counters)
    };
    standings.iter().map(of).collect()
}
