//! What is read: caps, pages of people's own, dates, and the flag.

use bursar_sdk::CreateUserRequest;
use serde_json::{Value, json};
use testkit::World;
use uuid::Uuid;

use super::{CAPS, OVERRIDES, SUBSCRIPTION, change, data, error, flat, gid, gql, row, switch};
use crate::support::{member, world};

const PAGE: &str =
    "query($ids: [UserID!], $first: Int, $after: String, $last: Int, $before: String) {
    subscriptionUsage(namespacePath: \"acme\") { budgetCaps {
        userOverrides(userIds: $ids, first: $first, after: $after, last: $last, before: $before) {
            nodes { userId } edges { cursor node { cap } } count
            pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } } } }";

/// A page of people's own caps, as its arguments ask for it.
async fn page(world: &World, arguments: Value) -> Value {
    let answer = gql(world, &world.cast.owner, PAGE, arguments).await;
    data(&answer, "subscriptionUsage")["budgetCaps"]["userOverrides"].clone()
}

/// Makes so many members, each with an own cap.
async fn capped(world: &World, count: usize) -> Vec<Uuid> {
    let owner = &world.cast.owner;
    let mut people = Vec::new();
    for number in 0..count {
        let name = format!("p{number}");
        let user = CreateUserRequest {
            email: format!("{name}@example.com"),
            username: name,
            name: String::new(),
            password: None,
            login_type: Some(bursar_sdk::LoginType::None),
            organization_ids: vec![world.cast.organization_id],
        };
        people.push(owner.user_create(&user).await.unwrap().id);
    }
    people.sort();
    flat(world, 10.0, true).await;
    let rows: Vec<Value> = people.iter().map(|user| row(*user, 1.0, true)).collect();
    let answer = change(world, owner, OVERRIDES, json!({"overrides": rows})).await;
    let made = data(&answer, "upsertUserBudgetCapOverrides")["userOverrides"].as_array();
    assert_eq!(made.map(Vec::len), Some(count));
    people
}

/// Cases 1 and 2.
#[tokio::test]
async fn caps_are_null_until_they_are_set() {
    let world = world().await;
    let owner = &world.cast.owner;
    let read = async || {
        let answer = gql(&world, owner, CAPS, json!({"path": "acme"})).await;
        data(&answer, "subscriptionUsage")["budgetCaps"].clone()
    };
    let none = json!({
        "subscriptionCap": null, "subscriptionCapEnabled": null, "flatUserCap": null,
        "flatUserCapEnabled": null, "included": null,
        "userOverrides": {"nodes": [], "count": 0,
            "pageInfo": {"hasNextPage": false, "hasPreviousPage": false}},
    });
    assert_eq!(read().await, none);
    flat(&world, 12.5, true).await;
    let input = json!({"subscriptionCap": 99.999_999, "subscriptionCapEnabled": false});
    data(
        &change(&world, owner, SUBSCRIPTION, input).await,
        "upsertSubscriptionCap",
    );
    let mut all = none;
    all["subscriptionCap"] = json!(99.999_999);
    all["subscriptionCapEnabled"] = json!(false);
    all["flatUserCap"] = json!(12.5);
    all["flatUserCapEnabled"] = json!(true);
    all["included"] = json!(0.0);
    assert_eq!(read().await, all);
}

/// Case 11.
#[tokio::test]
async fn caps_are_not_shown_while_the_feature_is_off() {
    let world = world().await;
    let (owner, acme) = (&world.cast.owner, world.cast.organization_id);
    let read = async |path: &str| {
        let answer = gql(&world, owner, CAPS, json!({"path": path})).await;
        let usage = data(&answer, "subscriptionUsage").clone();
        assert_eq!(usage["enabled"], true);
        usage["budgetCaps"].is_null()
    };
    switch(&world, None, false).await;
    assert!(read("acme").await);
    switch(&world, Some(acme), true).await;
    assert!(!read("acme").await && read("default").await);
    switch(&world, Some(acme), false).await;
    switch(&world, None, true).await;
    assert!(read("acme").await && !read("default").await);
}

/// Cases 13, 14 and 16, backwards too, and people who are asked for.
#[tokio::test]
async fn own_caps_come_in_pages_by_the_peoples_ids() {
    let world = world().await;
    let people = capped(&world, 25).await;
    let of = |page: &Value| -> Vec<Value> {
        let nodes = page["nodes"].as_array().unwrap().iter();
        nodes.map(|node| node["userId"].clone()).collect()
    };
    let ids = |people: &[Uuid]| -> Vec<Value> { people.iter().map(|id| json!(gid(*id))).collect() };
    let check = async |arguments: Value, people: &[Uuid], previous: bool, next: bool| {
        let page = page(&world, arguments.clone()).await;
        assert_eq!(of(&page), ids(people), "{arguments}");
        let info = &page["pageInfo"];
        let found = (&info["hasPreviousPage"], &info["hasNextPage"]);
        assert_eq!(found, (&json!(previous), &json!(next)), "{arguments}");
        let edges = page["edges"].as_array().unwrap();
        let cursor = |edge: Option<&Value>| edge.map_or(Value::Null, |edge| edge["cursor"].clone());
        assert_eq!(cursor(edges.first()), info["startCursor"]);
        assert_eq!(cursor(edges.last()), info["endCursor"]);
        page
    };
    check(json!({"first": 100}), &people, false, false).await;
    check(json!({}), &people[..20], false, true).await;
    let one = check(json!({"first": 2}), &people[..2], false, true).await;
    assert_eq!(one["count"], 25);
    let after = &one["pageInfo"]["endCursor"];
    let two = check(
        json!({"first": 2, "after": after}),
        &people[2..4],
        true,
        true,
    )
    .await;
    let after = &two["pageInfo"]["endCursor"];
    check(
        json!({"first": 100, "after": after}),
        &people[4..],
        true,
        false,
    )
    .await;
    let before = &two["pageInfo"]["startCursor"];
    check(
        json!({"last": 1, "before": before}),
        &people[1..2],
        true,
        true,
    )
    .await;
    check(json!({"last": 2}), &people[23..], true, false).await;
    let three = ids(&people[3..6]);
    let some = check(
        json!({"ids": three, "first": 2}),
        &people[3..5],
        false,
        true,
    )
    .await;
    assert_eq!(some["count"], 3);
    check(json!({"ids": []}), &[], false, false).await;
    let ada = gid(world.cast.member_id);
    check(
        json!({"ids": [ada, "gid://gitlab/User/1"]}),
        &[],
        false,
        false,
    )
    .await;
}

/// Cases 20 and 23, and arguments of pages.
#[tokio::test]
async fn arguments_that_cannot_be_are_refused() {
    let world = world().await;
    let owner = &world.cast.owner;
    for (arguments, message) in [
        (json!({"ids": ["abc"]}), "\"abc\" is not a valid Global ID"),
        (
            json!({"ids": ["gid://gitlab/Project/1"]}),
            "\"gid://gitlab/Project/1\" does not represent an instance of User",
        ),
        (
            json!({"first": -1}),
            "first must be greater than or equal to 0",
        ),
        (
            json!({"first": 1, "last": 1}),
            "first and last cannot be given together",
        ),
        (json!({"after": "x"}), "\"x\" is not a valid cursor"),
    ] {
        let answer = gql(&world, owner, PAGE, arguments).await;
        assert_eq!(error(&answer), message);
    }
    let dates = "query($start: ISO8601Date, $end: ISO8601Date) {
        subscriptionUsage(namespacePath: \"nowhere\", startDate: $start, endDate: $end) { enabled } }";
    for (start, end, message) in [
        (
            "2026-02-02",
            "2026-02-01",
            "end_date must be after or equal to start_date",
        ),
        (
            "2025-01-01",
            "2026-02-01",
            "Date range cannot exceed 1 year",
        ),
    ] {
        // Also for who may not know of the organization, or whether it exists.
        for caller in [owner, &world.cast.member] {
            let answer = gql(&world, caller, dates, json!({"start": start, "end": end})).await;
            assert_eq!(error(&answer), message);
        }
    }
    let answer = gql(&world, owner, dates, json!({"start": "today"})).await;
    assert!(answer.get("data").is_none(), "{answer}");
}

/// Case 17.
#[tokio::test]
async fn somebody_who_left_keeps_a_cap_until_the_account_is_gone() {
    let world = world().await;
    let owner = &world.cast.owner;
    let bob = member(&world, "bob", &[]).await;
    flat(&world, 10.0, true).await;
    let rows = json!({"overrides": [row(bob.id, 7.0, true)]});
    data(
        &change(&world, owner, OVERRIDES, rows).await,
        "upsertUserBudgetCapOverrides",
    );
    let acme = world.cast.organization_id;
    owner
        .organization_member_delete(acme, bob.id)
        .await
        .unwrap();
    let query =
        "{ subscriptionUsage(namespacePath: \"acme\") { budgetCaps { userOverrides { nodes {
        user { username } userId cap } } } } }";
    let answer = gql(&world, owner, query, json!({})).await;
    let nodes = &data(&answer, "subscriptionUsage")["budgetCaps"]["userOverrides"]["nodes"];
    let left = json!([{"user": {"username": "bob"}, "userId": gid(bob.id), "cap": 7.0}]);
    assert_eq!(*nodes, left);
    // With the account, the cap is gone.
    owner.user_delete(bob.id).await.unwrap();
    let answer = gql(&world, owner, query, json!({})).await;
    let nodes = &data(&answer, "subscriptionUsage")["budgetCaps"]["userOverrides"]["nodes"];
    assert_eq!(*nodes, json!([]));
}
