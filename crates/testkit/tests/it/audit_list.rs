//! The audit log's list over HTTP: filters, pages, who sees which lines, and refused writes among them.

use std::{
    cmp::Reverse,
    collections::BTreeSet,
    sync::atomic::{AtomicU32, Ordering},
};

use bursar_sdk::{AuditAction, AuditListQuery, AuditLog, AuditLogResponse, Client};
use chrono::{Duration, SecondsFormat};
use serde_json::json;
use testkit::World;
use uuid::Uuid;

use crate::{
    scenes::{play, play_all, scenes},
    support::{ask, brief, get, is, lines, member, person, refused, site, world},
};

async fn count(caller: &Client, query: AuditListQuery) -> u64 {
    caller.audit_list(&query).await.unwrap().count.unwrap()
}

fn place(lines: &[AuditLog], id: Uuid) -> Option<usize> {
    lines.iter().position(|line| line.id == id)
}

/// All lines that a query admits, by pages of this many lines; `between` happens between each two of them.
async fn walk(
    world: &World,
    caller: &Client,
    query: &str,
    limit: usize,
    between: impl AsyncFn(),
) -> Vec<Uuid> {
    let mut found = Vec::new();
    let mut after = String::new();
    loop {
        let path = format!("/audit?limit={limit}&{query}{after}");
        let answer = get(world, caller, &path).await;
        is(&answer, 200);
        let page: AuditLogResponse = serde_json::from_str(&answer.text).unwrap();
        // What goes on from another page is not counted.
        assert_eq!(page.count.is_some(), after.is_empty(), "{path}");
        found.extend(page.audit_logs.iter().map(|line| line.id));
        let Some(next) = page.next else {
            return found;
        };
        assert_eq!(page.audit_logs.len(), limit, "{path}");
        after = format!("&after={next}");
        between().await;
    }
}

fn all() -> AuditListQuery {
    AuditListQuery {
        limit: Some(1_000),
        ..Default::default()
    }
}

/// Each query with the lines that it admits.
fn queries(world: &World, lines: &[AuditLog]) -> Vec<(String, usize)> {
    let count =
        |wanted: &dyn Fn(&AuditLog) -> bool| lines.iter().filter(|line| wanted(line)).count();
    let created = |line: &AuditLog| line.action == AuditAction::Create;
    let cast = &world.cast;
    let (acme, ada) = (cast.organization_id, cast.member_id);
    let group = cast.group_id.to_string();
    let middle = lines[lines.len() / 2].time;
    let at = middle + Duration::microseconds(1);
    let at = at.to_rfc3339_opts(SecondsFormat::Micros, true);
    let by_ada = count(&|line| line.actor_name == "ada");
    let of_acme = count(&|line| line.organization_id == Some(acme));
    let mine = count(&|line| line.actor_name == "owner" && created(line));
    vec![
        (
            "resource_type=group".into(),
            count(&|line| line.resource_type == "group"),
        ),
        (
            format!("resource_id={group}"),
            count(&|line| line.resource_id == group),
        ),
        ("action=create".into(), count(&created)),
        ("action=delete".into(), 0),
        ("user=ada".into(), by_ada),
        (format!("user_id={ada}"), by_ada),
        ("username=me&action=create".into(), mine),
        ("organization=acme".into(), of_acme),
        (format!("organization_id={acme}"), of_acme),
        (format!("since={at}"), count(&|line| line.time > middle)),
        (format!("until={at}"), count(&|line| line.time <= middle)),
        (format!("since={at}&until={at}"), 0),
        (format!("request_id={acme}"), 0),
        ("resource_type=nothing".into(), 0),
        ("resource_type=%25".into(), 0),
        (format!("user={acme}"), 0),
    ]
}

const BAD_QUERIES: &str = r#"
    400 GET /audit?limit=0 => limit
    400 GET /audit?limit=1001 => limit
    400 GET /audit?limit=-1 => limit
    400 GET /audit?offset=-1 => offset
    400 GET /audit?action=read => action
    400 GET /audit?user=nobody => user
    400 GET /audit?organization=nowhere => organization
    400 GET /audit?request_id=x => request_id
    400 GET /audit?since=x => since
    400 GET /audit?since=1700000000 => since
    400 GET /audit?until=-262143-01-01T00:00:00Z => until
    200 GET /audit?after=
    400 GET /audit?after=x => after
    400 GET /audit?after=<ada> => after
    400 GET /audit?after=1790000000123456 => after
    400 GET /audit?after=1790000000123456.<ada> => after
    400 GET /audit?after=-99999999999999999.00000000000000000000000000000007 => after
    400 GET /audit?after=9223372036854775807.00000000000000000000000000000007 => after
    400 GET /audit?after=1790000000123456.00000000000000000000000000000007%20 => after
    400 GET /audit?after=1790000000123456.00000000000000000000000000000007&offset=0 => offset
    400 GET /audit?after=x&limit=0&action=create => after limit
    200 GET /audit?after=1790000000123456.00000000000000000000000000000007
    200 GET /audit?after=0.00000000000000000000000000000000&limit=1000
    400 GET /audit?resource_type=%00&resource_id=%00 => resource_type resource_id
    200 GET /audit?limit=1000
    200 GET /audit?limit=1&offset=4294967295
"#;

#[tokio::test]
async fn lines_are_narrowed_and_paged() {
    let world = world().await;
    let owner = &world.cast.owner;
    let whole = owner.audit_list(&all()).await.unwrap();
    let lines = &whole.audit_logs;
    assert_eq!(u64::try_from(lines.len()).ok(), whole.count);
    assert_eq!((whole.next, whole.count_cap), (None, 10_000));
    assert!(lines.is_sorted_by_key(|line| Reverse((line.time, line.id))));
    for (query, expected) in queries(&world, lines) {
        let answer = get(&world, owner, &format!("/audit?limit=1&{query}")).await;
        is(&answer, 200);
        assert_eq!(answer.json()["count"], json!(expected), "{query}");
        let found = walk(&world, owner, &query, 3, async || {}).await;
        let distinct: BTreeSet<_> = found.iter().collect();
        assert_eq!(
            (found.len(), distinct.len()),
            (expected, expected),
            "{query}"
        );
        assert!(found.is_sorted_by_key(|id| place(lines, *id)), "{query}");
    }
    play_all(&world, owner, &[], BAD_QUERIES).await;
    // The pages together are the whole, each line once.
    let mut seen = BTreeSet::new();
    for offset in (0..lines.len()).step_by(7) {
        let query = AuditListQuery {
            limit: Some(7),
            offset: Some(u32::try_from(offset).unwrap()),
            ..Default::default()
        };
        let page = owner.audit_list(&query).await.unwrap();
        assert_eq!(page.count, whole.count);
        seen.extend(page.audit_logs.into_iter().map(|line| line.id));
    }
    assert_eq!(seen, lines.iter().map(|line| line.id).collect());
    let page = owner.audit_list(&AuditListQuery::default()).await.unwrap();
    assert_eq!(page.audit_logs.len(), lines.len().min(25));
}

#[tokio::test]
async fn a_walk_meets_each_line_once_while_others_are_added() {
    let world = world().await;
    let owner = &world.cast.owner;
    let rename = async |name: &str| {
        let body = json!({"display_name": name});
        is(
            &ask(&world, owner, "PATCH", "/organizations/acme", &body).await,
            200,
        );
    };
    for limit in [1, 4] {
        let before = owner.audit_list(&all()).await.unwrap().audit_logs;
        let round = AtomicU32::new(0);
        // Between the pages, and by others at the same time.
        let others = async {
            for number in 0..40 {
                rename(&format!("other {limit} {number}")).await;
            }
        };
        let between = async || {
            let number = round.fetch_add(1, Ordering::Relaxed);
            rename(&format!("between {limit} {number}")).await;
        };
        let ((), found) = tokio::join!(others, walk(&world, owner, "", limit, between));
        assert!(round.load(Ordering::Relaxed) > 2);
        let distinct: BTreeSet<_> = found.iter().copied().collect();
        assert_eq!(distinct.len(), found.len());
        // The first page may hold lines that came after `before` was read; from there on only older ones follow.
        let of_before: Vec<_> = found
            .into_iter()
            .filter(|id| place(&before, *id).is_some())
            .collect();
        assert_eq!(
            of_before,
            before.iter().map(|line| line.id).collect::<Vec<_>>()
        );
    }
}

#[tokio::test]
async fn lines_are_seen_by_who_may() {
    let world = world().await;
    let acme = world.cast.organization_id;
    for role in ["organization-admin", "organization-auditor"] {
        let caller = member(&world, role, &[role]).await.client;
        let found = caller.audit_list(&all()).await.unwrap();
        let own = |line: &AuditLog| line.organization_id == Some(acme);
        assert!(
            found.count > Some(0) && found.audit_logs.iter().all(own),
            "{role}"
        );
        let main = world.cast.owner.organization_get("main").await.unwrap().id;
        let there = AuditListQuery {
            organization: Some(main.to_string()),
            ..Default::default()
        };
        assert_eq!(count(&caller, there).await, 0, "{role}");
        is(&get(&world, &caller, "/audit?organization=main").await, 400);
    }
    let keeper = member(&world, "keeper", &["organization-user-admin"])
        .await
        .client;
    let stranger = person(&world, "stranger", &[]).await.client;
    let manager = site(&world, "user-admin").await.client;
    for caller in [&world.cast.member, &keeper, &stranger, &manager] {
        for query in ["", "?user=me", "?limit=1000"] {
            let seen = get(&world, caller, &format!("/audit{query}")).await;
            assert_eq!(
                seen.json(),
                json!({
                    "audit_logs": [], "count": 0, "count_cap": 10_000, "next": null,
                })
            );
        }
    }
    let auditor = site(&world, "auditor").await.client;
    assert_eq!(
        count(&auditor, all()).await,
        count(&world.cast.owner, all()).await
    );
    refused(world.server.nobody().audit_list(&all()).await, 401);
}

const REFUSED_MEMBER: &str = r#"
    404 PUT /groups/<group>/ai/budget {"spend_limit_micros": 1} => write group
    404 DELETE /groups/<group>/ai/budget => delete group
    404 POST /organizations {"name": "mine"} => create organization
    404 DELETE /ai/providers/openai => delete ai_provider
    404 GET /users/owner =>
    400 PUT /groups/<group>/ai/budget {"spend_limit_micros": -1} =>
    404 DELETE /ai/providers/nothing =>
    404 DELETE /groups/<ada> =>
"#;

const REFUSED_ADMIN: &str = r#"
    404 PUT /users/ada/roles {"roles": ["owner"]} => write assign_role
    404 PUT /users/ada/status/suspend => write user
    403 PUT /organizations/acme/members/ada/roles {"roles": ["nonsense"]} => write assign_org_role
    400 PATCH /groups/<acme> {"name": "x"} =>
"#;

async fn records(world: &World, name: &str, caller: &Client, text: &str) {
    for scene in scenes(world, &[], text) {
        let answer = play(world, caller, &scene).await;
        let found = lines(world, answer.request_id()).await;
        let expected = match scene.expected.as_str() {
            "" => Vec::new(),
            what => vec![format!("{what} {}", scene.path)],
        };
        assert_eq!(
            found.iter().map(brief).collect::<Vec<_>>(),
            expected,
            "{}",
            scene.line
        );
        for line in found {
            assert_eq!(
                (line.status_code, line.actor_name.as_str()),
                (scene.status, name)
            );
            assert_eq!(line.user.unwrap().username, name);
            assert!(line.diff.is_empty() && line.description.contains("unsuccessfully"));
        }
    }
}

#[tokio::test]
async fn refused_writes_are_recorded_and_refused_reads_are_not() {
    let world = world().await;
    let boss = member(&world, "boss", &["organization-admin"]).await.client;
    let ada = &world.cast.member;
    records(&world, "ada", ada, REFUSED_MEMBER).await;
    records(&world, "boss", &boss, REFUSED_ADMIN).await;
    let nobody = world.server.nobody();
    records(
        &world,
        "nobody",
        nobody,
        "401 DELETE /ai/providers/openai =>",
    )
    .await;
    // Who was refused does not see the line, nor does the organization's admin.
    assert_eq!(count(ada, all()).await, 0);
    let of_ada = AuditListQuery {
        user: Some(world.cast.member_id.to_string()),
        ..all()
    };
    assert_eq!(count(&boss, of_ada).await, 0);
}
