//! Reading from a portal that behaves, with its pages to the end.

use fakeportal::{Amount, Blocked, Own, Subscription, Way};
use model::{Micros, caps::BlockedCap};
use portal::{Malformation, PortalCaps, PortalError, PortalScope};

use crate::rig::{Rig, cap, namespace};

/// A record, and this many overrides, of one dollar and more.
fn filled(kept: &mut Subscription, count: usize) {
    kept.recorded = true;
    kept.overrides = (0..count)
        .map(|number| {
            Own::new(
                number.to_string(),
                &format!("{}.5", number + 1),
                number % 2 == 0,
            )
        })
        .collect();
}

/// The answer with this page, as it would be without any record of the flat cap.
fn page(nodes: &str, info: &str) -> Way {
    Way::Body(format!(
        r#"{{"data":{{"subscription":{{"budgetControls":{{"subscription":{{"subscriptionName":"A","subscriptionCap":null,"subscriptionCapEnabled":null,"flatUserCap":null,"flatUserCapEnabled":null}},"userBudgetCapOverrides":{{"nodes":[{nodes}],"pageInfo":{info}}}}}}}}}}}"#
    ))
}

fn node(id: &str) -> String {
    format!(r#"{{"entityId":"{id}","cap":1,"capEnabled":true}}"#)
}

fn ids(caps: &PortalCaps) -> Vec<&str> {
    let id = |own: &'_ portal::PortalOverride| own.entity_id.is_some();
    assert!(caps.overrides.iter().all(id));
    let ids = caps
        .overrides
        .iter()
        .filter_map(|own| own.entity_id.as_deref());
    ids.collect()
}

#[tokio::test]
async fn everything_is_read_page_after_page() {
    let check = async |count: usize, page: usize, requests: usize| {
        let rig = Rig::new().await;
        rig.keeps(|kept| filled(kept, count));
        rig.fake.books().page = page;
        let caps = rig.read().await.unwrap();
        assert_eq!(caps.overrides.len(), count);
        for (number, own) in caps.overrides.iter().enumerate() {
            assert_eq!(own.entity_id, Some(number.to_string()));
            let micros = i64::try_from(number).unwrap() * 1_000_000 + 1_500_000;
            assert_eq!(own.cap, cap(micros, number % 2 == 0));
            assert_eq!(own.created_at, "2026-04-01T12:00:00Z".parse().ok());
            assert_eq!(own.updated_at, "2026-04-02T12:00:00Z".parse().ok());
        }
        assert_eq!(rig.fake.count(), requests, "{count} by {page}");
    };
    check(0, 20, 1).await;
    check(1, 20, 1).await;
    check(20, 20, 1).await;
    check(21, 20, 2).await;
    check(200, 20, 10).await;
    check(200, 500, 2).await;
    check(7, 1, 7).await;
}

#[tokio::test]
async fn caps_of_all_people_are_read() {
    let rig = Rig::new().await;
    rig.keeps(|kept| {
        kept.recorded = true;
        kept.cap = Amount::new("1000.25", true);
        kept.flat = Amount::new("25.0", false);
    });
    for scope in [namespace(), PortalScope::Instance] {
        let read = rig.portal.budget_caps(&scope).await.unwrap();
        let read = read.subscription.unwrap();
        assert_eq!(read.name.as_deref(), Some("A-S00012345"));
        assert_eq!(read.subscription, Some(cap(1_000_250_000, true)));
        assert_eq!(read.flat_user, Some(cap(25_000_000, false)));
    }
}

#[tokio::test]
async fn nulls_that_mean_none_are_none() {
    let rig = Rig::new().await;
    for none in [
        r#"{"data":{"subscription":{"budgetControls":null}}}"#,
        r#"{"data":{"subscription":{"budgetControls":{"subscription":null,"userBudgetCapOverrides":null}}}}"#,
        r#"{"data":{"subscription":{"budgetControls":{"subscription":null,"userBudgetCapOverrides":{"nodes":[],"pageInfo":{"hasNextPage":false}}}}},"errors":[]}"#,
    ] {
        rig.fake.next([Way::Body(none.to_owned())]);
        assert_eq!(rig.read().await.unwrap(), PortalCaps::default(), "{none}");
    }
}

#[tokio::test]
async fn the_record_is_read_without_its_pages() {
    let rig = Rig::new().await;
    let record = async || rig.portal.subscription_caps(&namespace()).await.unwrap();
    assert_eq!(record().await, None);
    rig.keeps(|kept| {
        filled(kept, 50);
        kept.flat = Amount::new("3", true);
    });
    let flat = record().await.and_then(|record| record.flat_user);
    assert_eq!(flat, Some(cap(3_000_000, true)));
    assert_eq!(rig.fake.count(), 2);
}

#[tokio::test]
async fn pages_end_by_what_the_portal_says_of_them() {
    let paging = |caps: Result<PortalCaps, PortalError>| {
        let error = caps.unwrap_err();
        assert!(
            matches!(error, PortalError::Malformed(Malformation::Paging)),
            "{error:?}"
        );
    };
    // An empty page is no end when the portal says that there is more.
    let rig = Rig::new().await;
    rig.fake.next([
        page("", r#"{"hasNextPage":true,"endCursor":"a"}"#),
        page(&node("1"), r#"{"hasNextPage":false,"endCursor":"b"}"#),
    ]);
    assert_eq!(ids(&rig.read().await.unwrap()), ["1"]);
    assert!(rig.fake.received()[1].body.contains(r#""after":"a""#));
    // Where it does not say, the cursor does.
    rig.fake.next([
        page(&node("1"), r#"{"endCursor":"a"}"#),
        page(&node("2"), r#"{"hasNextPage":null,"endCursor":"b"}"#),
        page("", r#"{"endCursor":"b"}"#),
    ]);
    assert_eq!(ids(&rig.read().await.unwrap()), ["1", "2"]);
    rig.fake
        .next([page(&node("1"), r#"{"hasNextPage":true,"endCursor":null}"#)]);
    paging(rig.read().await);
    // A portal that leads in circles, and one that never ends.
    rig.fake.next([
        page(&node("1"), r#"{"hasNextPage":true,"endCursor":"a"}"#),
        page(&node("2"), r#"{"hasNextPage":true,"endCursor":"b"}"#),
        page(&node("3"), r#"{"hasNextPage":true,"endCursor":"a"}"#),
    ]);
    paging(rig.read().await);
    rig.fake.always(Way::Circles);
    paging(rig.read().await);
    let rig = Rig::with(|config| config.max_pages = 3).await;
    rig.fake
        .next([Way::MorePages, Way::MorePages, Way::MorePages]);
    paging(rig.read().await);
    let rig = Rig::with(|config| config.max_pages = 3).await;
    rig.keeps(|kept| filled(kept, 100));
    paging(rig.read().await);
    assert_eq!(rig.fake.count(), 3);
}

#[tokio::test]
async fn rows_keep_what_they_have() {
    let rig = Rig::new().await;
    let rows = r#"{"entityId":null,"cap":1e1,"capEnabled":false,"selfManagedInstanceActivationId":17,"createdAt":"yesterday","updatedAt":5},{"entityId":12,"cap":0.10,"capEnabled":true,"selfManagedInstanceActivationId":null,"createdAt":null,"updatedAt":"2026-04-01T14:00:00.5+02:00","more":[1]}"#;
    rig.fake.next([page(rows, r#"{"hasNextPage":false}"#)]);
    let caps = rig.read().await.unwrap();
    let [first, second] = &caps.overrides[..] else {
        panic!("two rows");
    };
    assert_eq!(first.entity_id, None);
    assert_eq!(first.cap, cap(10_000_000, false));
    assert_eq!(first.instance_activation_id.as_deref(), Some("17"));
    assert_eq!((first.created_at, first.updated_at), (None, None));
    assert_eq!(second.entity_id.as_deref(), Some("12"));
    assert_eq!(second.cap, cap(100_000, true));
    assert_eq!(second.instance_activation_id, None);
    assert_eq!(second.created_at, None);
    assert_eq!(second.updated_at, "2026-04-01T12:00:00.5Z".parse().ok());
}

#[tokio::test]
async fn some_peoples_overrides_are_read_by_name() {
    let check = async |asked: Vec<String>, found: usize, requests: usize| {
        let rig = Rig::new().await;
        rig.keeps(|kept| filled(kept, 150));
        rig.fake.books().page = 1_000;
        let read = rig.portal.user_overrides(&namespace(), &asked).await;
        let read = read.unwrap();
        assert_eq!(read.len(), found);
        assert!(
            read.iter()
                .all(|own| asked.contains(own.entity_id.as_ref().unwrap()))
        );
        assert_eq!(rig.fake.count(), requests);
    };
    let people = |range: std::ops::Range<usize>| range.map(|id| id.to_string()).collect();
    check(people(0..0), 0, 0).await;
    check(people(3..5), 2, 1).await;
    check(people(149..160), 1, 1).await;
    check(people(0..150), 150, 2).await;
    // A portal that answers with more than it was asked for.
    let rig = Rig::new().await;
    let rows = [node("1"), node("2")].join(",");
    rig.fake.next([page(&rows, r#"{"hasNextPage":false}"#)]);
    let (scope, asked) = (namespace(), ["2".to_owned()]);
    let read = rig.portal.user_overrides(&scope, &asked);
    let read = read.await.unwrap();
    assert_eq!(read.len(), 1);
    assert_eq!(read[0].entity_id.as_deref(), Some("2"));
    assert_eq!(read[0].cap.amount, Micros::USD);
}

#[tokio::test]
async fn the_stopped_are_told_with_the_cap_that_stops_them() {
    let rig = Rig::new().await;
    let unsaid = Blocked {
        entity_id: "5".to_owned(),
        cap: "null".to_owned(),
    };
    rig.keeps(|kept| {
        kept.blocked = vec![
            Blocked::new("1", "FLAT_USER_CAP"),
            Blocked::new("2", "USER_OVERRIDE_CAP"),
            Blocked::new("3", "SUBSCRIPTION_CAP"),
            Blocked::new("4", "A_NEW_CAP"),
            unsaid.clone(),
        ];
    });
    let asked: Vec<String> = (1..=45).map(|id: u32| id.to_string()).collect();
    let scope = namespace();
    let told = rig.portal.blocked_statuses(&scope, None, &asked);
    let told = told.await.unwrap();
    // Fewer at once than a portal would put on a page.
    assert_eq!(rig.fake.count(), 3);
    assert_eq!(told.len(), 45);
    for (status, id) in told.iter().zip(&asked) {
        let expected = match id.as_str() {
            "1" => (true, Some(BlockedCap::FlatUser)),
            "2" => (true, Some(BlockedCap::UserOverride)),
            "3" => (true, Some(BlockedCap::Subscription)),
            "4" | "5" => (true, None),
            _ => (false, None),
        };
        assert_eq!(&status.entity_id, id);
        assert_eq!((status.blocked, status.cap), expected, "{id}");
    }
    let none = rig.portal.blocked_statuses(&namespace(), None, &[]).await;
    assert_eq!(none.unwrap(), []);
    assert_eq!(rig.fake.count(), 3);
}

#[tokio::test]
async fn who_is_not_known_has_no_status() {
    let rig = Rig::new().await;
    let (scope, asked) = (namespace(), ["7".to_owned()]);
    for unknown in [
        r#"{"data":{"subscription":{"gitlabCreditsUsage":{"blockedStatuses":{"nodes":[]}}}}}"#,
        r#"{"data":{"subscription":{"gitlabCreditsUsage":{"blockedStatuses":{"nodes":[{"entityId":"8","blocked":true,"capType":null}]}}}}}"#,
    ] {
        rig.fake.next([Way::Body(unknown.to_owned())]);
        let told = rig.portal.blocked_statuses(&scope, None, &asked);
        assert_eq!(told.await.unwrap(), [], "{unknown}");
    }
}

#[tokio::test]
async fn who_is_not_stopped_is_stopped_by_no_cap() {
    let rig = Rig::new().await;
    let odd = r#"{"data":{"subscription":{"gitlabCreditsUsage":{"blockedStatuses":{"nodes":[{"entityId":7,"blocked":false,"capType":"FLAT_USER_CAP"}]}}}}}"#;
    rig.fake.next([Way::Body(odd.to_owned())]);
    let (scope, asked) = (namespace(), ["7".to_owned()]);
    let told = rig.portal.blocked_statuses(&scope, None, &asked);
    let [status] = &told.await.unwrap()[..] else {
        panic!("one status");
    };
    assert_eq!((status.blocked, status.cap), (false, None));
}
