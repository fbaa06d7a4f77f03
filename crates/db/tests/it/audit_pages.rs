//! Pages of a long audit log: each line once, counted no further than is worth it, found by indexes.

use std::collections::BTreeSet;

use db::{Database, local::LocalRole};
use model::{
    AuditId, PageRequest,
    audit::{AUDIT_COUNT_CAP, AuditCursor, AuditFilter, AuditPage},
};
use rbac::Visibility;
use uuid::Uuid;

use crate::support::{TestDb, read};

/// Lines as nobody could write them through the store: `$1` of them, `$2` of each at the same time.
const MANY: &str = "\
INSERT INTO audit_logs (id, time, action, resource_type, resource_id, resource_target, organization_id, user_id, \
    actor_name, diff, status_code) \
SELECT gen_random_uuid(), timestamptz '2026-01-01' + (i / $2::bigint) * interval '1 second', \
    CASE WHEN i % 50 = 0 THEN 'delete' ELSE 'write' END, \
    CASE WHEN i % 90 = 0 THEN 'ai_budget' ELSE 'api_key' END, md5((i % 500)::text), 'x', \
    md5('organization' || (i % 30)::text)::uuid, md5('person' || (i % 200)::text)::uuid, 'someone', '{}', 200 \
FROM generate_series(1, $1::bigint) AS i";

async fn many(db: &TestDb, lines: i64, together: i64) {
    let client = db.client(LocalRole::Superuser).await;
    client.execute(MANY, &[&lines, &together]).await.unwrap();
    client.batch_execute("ANALYZE audit_logs").await.unwrap();
}

async fn page(store: &Database, after: Option<AuditCursor>, limit: u32) -> AuditPage {
    let filter = AuditFilter {
        after,
        ..AuditFilter::default()
    };
    let page = PageRequest { limit, offset: 0 };
    let mut unit = read(store).await;
    let found = unit.audit_list(&filter, page, &Visibility::All).await;
    found.unwrap()
}

#[tokio::test]
async fn lines_of_one_instant_are_each_met_once() {
    let db = TestDb::new().await;
    let store = db.store().await;
    many(&db, 300, 100).await;
    for limit in [1, 7, 99, 100, 300, 301] {
        let mut seen: Vec<AuditId> = Vec::new();
        let mut found = page(&store, None, limit).await;
        assert_eq!(found.count, Some(300));
        loop {
            seen.extend(found.items.iter().map(|line| line.id));
            let Some(next) = found.next else { break };
            assert_eq!(Some(next), found.items.last().map(AuditCursor::from));
            found = page(&store, Some(next), limit).await;
            assert_eq!(found.count, None);
            assert!(!found.items.is_empty());
        }
        let distinct: BTreeSet<Uuid> = seen.iter().map(|id| id.0).collect();
        assert_eq!((seen.len(), distinct.len()), (300, 300), "{limit}");
    }
}

#[tokio::test]
async fn a_line_that_is_gone_is_a_place_all_the_same() {
    let db = TestDb::new().await;
    let store = db.store().await;
    many(&db, 20, 3).await;
    let first = page(&store, None, 5).await;
    let rest = page(&store, first.next, 100).await;
    let client = db.client(LocalRole::Superuser).await;
    client
        .execute(
            "DELETE FROM audit_logs WHERE id = $1",
            &[&first.next.unwrap().id.0],
        )
        .await
        .unwrap();
    assert_eq!(page(&store, first.next, 100).await, rest);
    assert_eq!(rest.items.len(), 15);
}

#[tokio::test]
async fn no_list_is_counted_to_the_end_of_a_long_log() {
    let db = TestDb::new().await;
    let store = db.store().await;
    let lines = i64::try_from(AUDIT_COUNT_CAP).unwrap() + 500;
    many(&db, lines, 10).await;
    let check = async |filter: AuditFilter, expected: u64| {
        let page = PageRequest {
            limit: 3,
            offset: 4,
        };
        let mut unit = read(&store).await;
        let found = unit.audit_list(&filter, page, &Visibility::All).await;
        let found = found.unwrap();
        assert_eq!((found.items.len(), found.count), (3, Some(expected)));
    };
    check(AuditFilter::default(), AUDIT_COUNT_CAP + 1).await;
    let rare = AuditFilter {
        resource_type: Some("ai_budget".to_owned()),
        ..AuditFilter::default()
    };
    check(rare, u64::try_from(lines / 90).unwrap()).await;
}

/// Each filter, alone and from a place on, with the index that must find its page.
const PLANS: &[(&str, &str)] = &[
    ("TRUE", "audit_logs_time_idx"),
    ("time < '2026-01-02'", "audit_logs_time_idx"),
    (
        "resource_type = 'ai_budget'",
        "audit_logs_resource_type_idx",
    ),
    ("resource_id = md5('7')", "audit_logs_resource_id_idx"),
    ("action = 'delete'", "audit_logs_action_idx"),
    ("user_id = md5('person7')::uuid", "audit_logs_user_id_idx"),
    (
        "organization_id = md5('organization7')::uuid",
        "audit_logs_organization_id_idx",
    ),
];

#[tokio::test]
async fn a_page_of_any_filter_is_read_by_an_index_in_its_order() {
    let db = TestDb::new().await;
    let store = db.store().await;
    many(&db, 60_000, 10).await;
    let place = page(&store, None, 1).await.next.unwrap();
    let client = db.client(LocalRole::Superuser).await;
    // Whichever is the cheapest while the log is short: what counts is that none has to sort.
    client
        .batch_execute(
            "SET enable_seqscan = off; SET enable_bitmapscan = off; SET enable_sort = off",
        )
        .await
        .unwrap();
    for (filter, index) in PLANS {
        let after = format!(
            "(time, id) < (to_timestamp(0) + interval '{} us', '{}')",
            place.time.timestamp_micros(),
            place.id
        );
        for filter in [(*filter).to_owned(), format!("{filter} AND {after}")] {
            let explain = format!(
                "EXPLAIN SELECT * FROM audit_logs WHERE {filter} ORDER BY time DESC, id DESC LIMIT 26"
            );
            let plan: Vec<String> = client
                .query(&explain, &[])
                .await
                .unwrap()
                .iter()
                .map(|row| row.get(0))
                .collect();
            let plan = plan.join("\n");
            assert!(
                plan.contains(index) && !plan.contains("Sort"),
                "{filter}\n{plan}"
            );
        }
    }
}
