//! Where people stand under a subscription's caps at this instant, without a lock.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use diesel::{
    prelude::*,
    sql_types::{Array, BigInt, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::AsyncPgConnection;
use model::{
    Micros, OrganizationId, UserId,
    caps::{CapScope, CapStanding, CapTrust, SubscriptionStanding},
    spend::LimitKey,
};
use store::StoreResult;
use uuid::Uuid;

use super::{
    calendar::look,
    caps::{self, SubscriptionRow},
    counter::{self, Counter, Key},
    sql,
};
use crate::query::{Cached, rows};

pub(super) async fn cap_standing_list(
    conn: &AsyncPgConnection,
    cap_trust: Option<CapTrust>,
    scope: CapScope,
    users: &[UserId],
) -> StoreResult<Vec<CapStanding>> {
    let calendar = look(conn).await?;
    let period = calendar.period(&calendar.people, calendar.now)?;
    let caps = caps::read(conn, cap_trust, &BTreeSet::from([scope]), users).await?;
    let set = caps.of(scope).copied();
    let holds = caps.holds(scope);
    let (spent, all) = match (set, scope) {
        // Nothing counts there yet: the events and reservations say it.
        (None, CapScope::Organization(id)) => {
            (uncounted(conn, id, users, period.start).await?, None)
        }
        (set, _) => counted(conn, scope, set, users, period.start).await?,
    };
    let standing = |user: &UserId| {
        let (spent, reserved) = spent.get(user).copied().unwrap_or_default();
        CapStanding {
            user_id: *user,
            user_cap: caps.user_cap(scope, *user),
            included: set.map_or(Micros::ZERO, |set| set.included),
            spent,
            reserved,
            subscription: all.map(|all| SubscriptionStanding {
                enabled: all.enabled && holds,
                ..all
            }),
            period,
            blocked: None,
        }
        .decided()
    };
    Ok(users.iter().map(standing).collect())
}

/// What people have spent, and what is held for them.
type Figures = BTreeMap<UserId, (Micros, Micros)>;

/// By the counters.
async fn counted(
    conn: &AsyncPgConnection,
    scope: CapScope,
    set: Option<SubscriptionRow>,
    users: &[UserId],
    start: DateTime<Utc>,
) -> StoreResult<(Figures, Option<SubscriptionStanding>)> {
    let own = |user: UserId| match scope {
        CapScope::Instance => LimitKey::user(user),
        CapScope::Organization(id) => LimitKey::user_cap(user, id),
    };
    let mut keys: Vec<Key> = users.iter().map(|user| (own(*user), start)).collect();
    keys.push((LimitKey::subscription(scope), start));
    let found = counter::read(conn, &keys).await?;
    let mut figures = Figures::new();
    let mut all = Counter::default();
    for row in &found {
        let place = usize::try_from(row.place).unwrap_or_default();
        let counter = Counter::from(row);
        match place.checked_sub(1).and_then(|place| users.get(place)) {
            Some(user) => drop(figures.insert(*user, (counter.spent, counter.reserved))),
            None => all = counter,
        }
    }
    let subscription = set.and_then(|set| set.subscription);
    let subscription = subscription.map(|cap| SubscriptionStanding {
        cap: cap.amount,
        enabled: cap.enabled,
        spent: all.spent,
        reserved: all.reserved,
    });
    Ok((figures, subscription))
}

#[derive(QueryableByName)]
struct SpentRow {
    #[diesel(sql_type = SqlUuid)]
    user_id: Uuid,
    #[diesel(sql_type = BigInt)]
    spent: i64,
    #[diesel(sql_type = BigInt)]
    held: i64,
}

const UNCOUNTED: &str = "\
SELECT m.user_id, sum(m.spent)::bigint AS spent, sum(m.held)::bigint AS held FROM ( \
    SELECT e.user_id, coalesce(e.cost_micros, 0) AS spent, 0::bigint AS held FROM ai_usage_events AS e \
    WHERE e.organization_id = $1 AND e.created_at >= $3 AND e.user_id = ANY ($2) \
    UNION ALL \
    SELECT r.user_id, 0, r.hold_micros FROM ai_reservations AS r \
    WHERE r.organization_id = $1 AND bursar_uuid_instant(r.id) >= $3 AND r.user_id = ANY ($2)) AS m \
GROUP BY m.user_id";

/// By what is charged to an organization.
async fn uncounted(
    conn: &AsyncPgConnection,
    organization: OrganizationId,
    users: &[UserId],
    start: DateTime<Utc>,
) -> StoreResult<Figures> {
    let people: Vec<Uuid> = users.iter().map(|user| user.0).collect();
    let asked = sql(UNCOUNTED)
        .bind::<SqlUuid, _>(organization.0)
        .bind::<Array<SqlUuid>, _>(people)
        .bind::<Timestamptz, _>(start);
    let found: Vec<SpentRow> = rows(conn, Cached(asked)).await?;
    let of = |row: &SpentRow| (UserId(row.user_id), (Micros(row.spent), Micros(row.held)));
    Ok(found.iter().map(of).collect())
}
