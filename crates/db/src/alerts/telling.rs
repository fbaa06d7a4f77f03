//! Telling of thresholds that were reached: the marks, and the messages to whom they concern.

use std::collections::{BTreeMap, BTreeSet};

use diesel::{
    prelude::*,
    sql_query,
    sql_types::{Array, BigInt, Bool, Integer, Jsonb, Nullable, Text, Uuid as SqlUuid},
};
use diesel_async::AsyncPgConnection;
use futures_util::future::try_join4;
use model::{
    GroupId, OrganizationId, UserId,
    alerts::{Alert, Audience, Named, Notice},
    notifications::KEPT,
    spend::LimitKind,
};
use rbac::builtin::{ORGANIZATION_ADMIN, OWNER};
use serde_json::{Value, json};
use store::StoreResult;
use uuid::Uuid;

use super::marks::Fired;
use crate::query::{Cached, changed, rows, run};

/// Everybody and everything that alerts name.
#[derive(Debug, Default)]
struct Names {
    /// People's names, of those who may be told.
    people: BTreeMap<UserId, (String, bool)>,
    groups: BTreeMap<GroupId, (String, Named<OrganizationId>)>,
    /// Who looks after an organization's budgets.
    admins: BTreeMap<OrganizationId, BTreeSet<UserId>>,
    owners: BTreeSet<UserId>,
}

/// Marks these thresholds as told of and writes the messages; how many of both.
pub(super) async fn tell(conn: &AsyncPgConnection, fired: &[Fired<'_>]) -> StoreResult<(u64, u64)> {
    if fired.is_empty() {
        return Ok((0, 0));
    }
    let names = names(conn, fired).await?;
    let alerts: Vec<Alert> = fired.iter().map(|one| alert(one, &names)).collect();
    let new = mark(conn, fired, &alerts).await?;
    let mut messages = Vec::new();
    for place in &new {
        let place = usize::try_from(*place).unwrap_or(usize::MAX);
        if let (Some(one), Some(alert)) = (fired.get(place), alerts.get(place)) {
            put_messages(&mut messages, one, alert, &names);
        }
    }
    let written = send(conn, &messages).await?;
    Ok((changed(new.len()), written))
}

fn alert(one: &Fired<'_>, names: &Names) -> Alert {
    let of = one.of;
    let group = of.group.and_then(|id| Some((id, names.groups.get(&id)?)));
    let user = match of.key.kind {
        LimitKind::User => Some(UserId(of.key.id)),
        LimitKind::Pool | LimitKind::UserCap | LimitKind::Subscription => None,
    };
    Alert {
        threshold: one.threshold,
        limit: one.held.limit,
        spent: of.spent,
        source: one.held.source,
        mode: one.held.mode,
        period: of.period,
        starts_on: of.starts_on,
        ends_on: of.ends_on,
        user: user.map(|id| Named {
            id,
            name: names
                .people
                .get(&id)
                .map(|(name, _)| name.clone())
                .unwrap_or_default(),
        }),
        group: group.map(|(id, (name, _))| Named {
            id,
            name: name.clone(),
        }),
        organization: group.map(|(_, (_, organization))| organization.clone()),
    }
}

/// A message to somebody.
type Message = (UserId, Notice);

/// Who is told: the person; and whoever looks after the budgets of the charged group's organization, and the owners of
/// the site, each once and not the person again.
fn put_messages(messages: &mut Vec<Message>, one: &Fired<'_>, alert: &Alert, names: &Names) {
    let person = alert.user.as_ref().map(|user| user.id);
    let active = |id: &UserId| names.people.get(id).is_some_and(|(_, active)| *active);
    if let Some(person) = person.filter(active) {
        messages.push((person, alert.notice(Audience::User)));
    }
    let organization = alert.organization.as_ref().map(|place| place.id);
    let organization = organization.or(one.of.organization);
    let admins = organization.and_then(|id| names.admins.get(&id));
    let all: BTreeSet<UserId> = admins
        .into_iter()
        .flatten()
        .chain(&names.owners)
        .copied()
        .collect();
    let notice = alert.notice(Audience::Admin);
    let others = all.into_iter().filter(|id| Some(*id) != person);
    messages.extend(others.map(|id| (id, notice.clone())));
}

#[derive(QueryableByName)]
struct PersonRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    username: String,
    #[diesel(sql_type = Bool)]
    active: bool,
}

const PEOPLE: &str = "\
SELECT u.id, u.username, u.status = 'active' AND NOT u.deleted AS active \
FROM unnest($1) AS k (id) JOIN users AS u ON u.id = k.id";

#[derive(QueryableByName)]
struct GroupRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = SqlUuid)]
    organization_id: Uuid,
    #[diesel(sql_type = Text)]
    organization_name: String,
}

const GROUPS: &str = "\
SELECT g.id, g.name, g.organization_id, o.name AS organization_name \
FROM unnest($1) AS k (id) JOIN groups AS g ON g.id = k.id JOIN organizations AS o ON o.id = g.organization_id";

#[derive(QueryableByName)]
struct AdminRow {
    #[diesel(sql_type = Nullable<SqlUuid>)]
    organization_id: Option<Uuid>,
    #[diesel(sql_type = SqlUuid)]
    user_id: Uuid,
}

const ADMINS: &str = "\
SELECT m.organization_id, u.id AS user_id \
FROM unnest($1) AS k (id) JOIN groups AS g ON g.id = k.id \
JOIN organization_members AS m ON m.organization_id = g.organization_id AND $2 = ANY (m.roles) \
JOIN users AS u ON u.id = m.user_id AND u.status = 'active' AND NOT u.deleted";

const OWNERS: &str = "\
SELECT NULL::uuid AS organization_id, u.id AS user_id FROM users AS u \
WHERE $1 = ANY (u.roles) AND u.status = 'active' AND NOT u.deleted";

async fn names(conn: &AsyncPgConnection, fired: &[Fired<'_>]) -> StoreResult<Names> {
    let people = fired
        .iter()
        .filter(|one| one.of.key.kind == LimitKind::User);
    let people: BTreeSet<Uuid> = people.map(|one| one.of.key.id).collect();
    let groups: BTreeSet<Uuid> = fired
        .iter()
        .filter_map(|one| Some(one.of.group?.0))
        .collect();
    let people: Vec<Uuid> = people.into_iter().collect();
    let groups: Vec<Uuid> = groups.into_iter().collect();
    let (people, places, admins, owners) = try_join4(
        rows::<_, PersonRow>(
            conn,
            Cached(sql_query(PEOPLE).bind::<Array<SqlUuid>, _>(people)),
        ),
        rows::<_, GroupRow>(
            conn,
            Cached(sql_query(GROUPS).bind::<Array<SqlUuid>, _>(groups.clone())),
        ),
        rows::<_, AdminRow>(
            conn,
            Cached(
                sql_query(ADMINS)
                    .bind::<Array<SqlUuid>, _>(groups)
                    .bind::<Text, _>(ORGANIZATION_ADMIN),
            ),
        ),
        rows::<_, AdminRow>(conn, Cached(sql_query(OWNERS).bind::<Text, _>(OWNER))),
    )
    .await?;
    let mut names = Names::default();
    for row in people {
        names
            .people
            .insert(row.id.into(), (row.username, row.active));
    }
    for row in places {
        let organization = Named {
            id: row.organization_id.into(),
            name: row.organization_name,
        };
        names.groups.insert(row.id.into(), (row.name, organization));
    }
    for row in admins.into_iter().chain(owners) {
        let told = match row.organization_id {
            Some(id) => names.admins.entry(id.into()).or_default(),
            None => &mut names.owners,
        };
        told.insert(row.user_id.into());
    }
    Ok(names)
}

#[derive(QueryableByName)]
struct PlaceRow {
    #[diesel(sql_type = Integer)]
    place: i32,
}

/// What is marked already is left alone, whoever did it.
const MARK: &str = "\
WITH put AS (\
    INSERT INTO ai_budget_alerts (limit_kind, limit_id, scope_id, period_start, period_end, threshold, \
        limit_micros, spent_micros, group_id, organization_id, data) \
    SELECT a.limit_kind, a.limit_id, a.scope_id, a.period_start, a.period_end, a.threshold, a.limit_micros, \
        a.spent_micros, a.group_id, a.organization_id, a.data \
    FROM jsonb_to_recordset($1) AS a (place integer, limit_kind text, limit_id uuid, scope_id uuid, \
        period_start timestamptz, period_end timestamptz, threshold integer, limit_micros bigint, \
        spent_micros bigint, group_id uuid, organization_id uuid, data jsonb) \
    ORDER BY a.place ON CONFLICT DO NOTHING \
    RETURNING limit_kind, limit_id, scope_id, period_start, threshold) \
SELECT a.place FROM put JOIN jsonb_to_recordset($1) AS a (place integer, limit_kind text, limit_id uuid, \
    scope_id uuid, period_start timestamptz, threshold integer) \
    USING (limit_kind, limit_id, scope_id, period_start, threshold) ORDER BY a.place";

/// Marks them; the places of those that were not marked before.
async fn mark(
    conn: &AsyncPgConnection,
    fired: &[Fired<'_>],
    alerts: &[Alert],
) -> StoreResult<Vec<i32>> {
    let row = |(place, (one, alert)): (usize, (&Fired<'_>, &Alert))| {
        let of = one.of;
        let organization = alert.organization.as_ref().map(|place| place.id);
        json!({
            "place": place,
            "limit_kind": of.key.kind.as_str(),
            "limit_id": of.key.id,
            "scope_id": of.key.scope,
            "period_start": of.span.start,
            "period_end": of.span.end,
            "threshold": one.threshold,
            "limit_micros": one.held.limit.0,
            "spent_micros": of.spent.0,
            "group_id": of.group,
            "organization_id": organization.or(of.organization),
            "data": alert.notice(Audience::Admin).data,
        })
    };
    let all: Vec<Value> = fired.iter().zip(alerts).enumerate().map(row).collect();
    let mark = sql_query(MARK).bind::<Jsonb, _>(Value::Array(all));
    let new: Vec<PlaceRow> = rows(conn, Cached(mark)).await?;
    Ok(new.into_iter().map(|row| row.place).collect())
}

const SEND: &str = "\
INSERT INTO notifications (user_id, template, title, content, data) \
SELECT n.user_id, n.template, n.title, n.content, n.data \
FROM jsonb_to_recordset($1) AS n (place integer, user_id uuid, template text, title text, content text, data jsonb) \
ORDER BY n.place";

/// Beyond so many of somebody's messages the oldest go.
const TRIM: &str = "\
DELETE FROM notifications AS n USING unnest($1) AS u (id) \
CROSS JOIN LATERAL (SELECT k.id FROM notifications AS k WHERE k.user_id = u.id \
    ORDER BY k.id DESC OFFSET $2 LIMIT 1) AS last \
WHERE n.user_id = u.id AND n.id <= last.id";

/// Writes messages; how many.
async fn send(conn: &AsyncPgConnection, messages: &[Message]) -> StoreResult<u64> {
    let row = |(place, (user, notice)): (usize, &Message)| {
        json!({
            "place": place,
            "user_id": user,
            "template": notice.template,
            "title": notice.title,
            "content": notice.content,
            "data": notice.data,
        })
    };
    let all: Vec<Value> = messages.iter().enumerate().map(row).collect();
    let send = sql_query(SEND).bind::<Jsonb, _>(Value::Array(all));
    let written = run(conn, Cached(send)).await?;
    let people: BTreeSet<Uuid> = messages.iter().map(|(user, _)| user.0).collect();
    let people: Vec<Uuid> = people.into_iter().collect();
    let trim = sql_query(TRIM)
        .bind::<Array<SqlUuid>, _>(people)
        .bind::<BigInt, _>(i64::from(KEPT));
    run(conn, Cached(trim)).await?;
    Ok(changed(written))
}
