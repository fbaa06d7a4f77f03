//! The usage of each person, and who is stopped by which cap.

use serde_json::{Value, json};
use testkit::{World, chat_request};

use super::{
    GENERIC, OVERRIDES, SUBSCRIPTION, admin_mode, change, data, error, flat, gid, gql, row,
};
use crate::support::{member, world};

const USERS: &str = "query($path: ID, $first: Int, $after: String) {
    subscriptionUsage(namespacePath: $path) { creditsUsed overage { isAllowed creditsUsed } usersUsage {
        users(first: $first, after: $after) { count pageInfo { hasNextPage endCursor } nodes {
            id username name avatarUrl usage { totalCredits creditsUsed overageCreditsUsed }
            blockedStatus { blocked capType } } } } } }";

/// What is said of somebody in the cast's organization.
async fn about(world: &World, username: &str) -> Value {
    let answer = gql(world, &world.cast.owner, USERS, json!({"path": "acme"})).await;
    let users = &data(&answer, "subscriptionUsage")["usersUsage"]["users"];
    let found = users["nodes"].as_array().unwrap().iter();
    let mut found = found.filter(|node| node["username"] == username);
    found.next().unwrap().clone()
}

/// Case 70, and which cap is named.
#[tokio::test]
async fn who_is_stopped_is_told_with_the_first_cap_that_does_it() {
    let world = world().await;
    let owner = &world.cast.owner;
    let ada = world.cast.member_id;
    let check = async |blocked: bool, cap: Value| {
        let found = about(&world, "ada").await;
        let expected = json!({"blocked": blocked, "capType": cap});
        assert_eq!(found["blockedStatus"], expected);
        assert_eq!(found["id"], gid(ada));
    };
    check(false, Value::Null).await;
    flat(&world, 0.0, true).await;
    check(true, json!("FLAT_USER_CAP")).await;
    let set = async |cap: f64, enabled: bool| {
        let rows = json!({"overrides": [row(ada, cap, enabled)]});
        data(
            &change(&world, owner, OVERRIDES, rows).await,
            "upsertUserBudgetCapOverrides",
        );
    };
    set(5.0, true).await;
    check(false, Value::Null).await;
    set(0.0, true).await;
    check(true, json!("USER_OVERRIDE_CAP")).await;
    // One that is disabled exempts.
    set(0.0, false).await;
    check(false, Value::Null).await;
    let zero = json!({"subscriptionCap": 0, "subscriptionCapEnabled": true});
    data(
        &change(&world, owner, SUBSCRIPTION, zero).await,
        "upsertSubscriptionCap",
    );
    check(true, json!("SUBSCRIPTION_CAP")).await;
    let included = json!({"included": 1});
    data(
        &change(&world, owner, SUBSCRIPTION, included).await,
        "upsertSubscriptionCap",
    );
    check(false, Value::Null).await;
}

#[tokio::test]
async fn what_was_spent_is_told_to_the_last_decimal() {
    let world = world().await;
    let owner = &world.cast.owner;
    let included = json!({"subscriptionCap": 10, "subscriptionCapEnabled": true, "included": 0});
    data(
        &change(&world, owner, SUBSCRIPTION, included).await,
        "upsertSubscriptionCap",
    );
    let token = &world.cast.member_token;
    let answer = world
        .chat(&world.server, token, &chat_request("gpt-4o"))
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    answer.bytes().await.unwrap();
    let mut spent = world.spend(&world.cast.member).await.unwrap();
    for _ in 0..1_000 {
        if spent.1 == 0 {
            break;
        }
        tokio::task::yield_now().await;
        spent = world.spend(&world.cast.member).await.unwrap();
    }
    let (micros, 0) = spent else {
        panic!("{spent:?}");
    };
    assert!(micros > 0);
    let dollars: f64 = model::Micros(micros).decimal_dollars().parse().unwrap();
    let found = about(&world, "ada").await;
    let expected =
        json!({"totalCredits": 0.0, "creditsUsed": dollars, "overageCreditsUsed": dollars});
    assert_eq!(found["usage"], expected);
    let answer = gql(&world, owner, USERS, json!({"path": "acme"})).await;
    let usage = data(&answer, "subscriptionUsage");
    assert_eq!(usage["creditsUsed"], dollars);
    assert_eq!(
        usage["overage"],
        json!({"isAllowed": true, "creditsUsed": dollars})
    );
}

#[tokio::test]
async fn people_come_in_pages_by_username() {
    let world = world().await;
    for name in ["carl", "bert"] {
        member(&world, name, &[]).await;
    }
    admin_mode(&world).await;
    for (path, all) in [
        (Some("acme"), vec!["ada", "bert", "carl"]),
        (None, vec!["ada", "bert", "carl", "owner"]),
    ] {
        let mut found = Vec::new();
        let mut after = Value::Null;
        loop {
            let arguments = json!({"path": path, "first": 2, "after": after});
            let answer = gql(&world, &world.cast.owner, USERS, arguments).await;
            let users = &data(&answer, "subscriptionUsage")["usersUsage"]["users"];
            let nodes = users["nodes"].as_array().unwrap();
            found.extend(
                nodes
                    .iter()
                    .map(|node| node["username"].as_str().unwrap().to_owned()),
            );
            if users["pageInfo"]["hasNextPage"] == false {
                assert!(users["count"].as_u64() >= u64::try_from(all.len()).ok());
                break;
            }
            after = users["pageInfo"]["endCursor"].clone();
        }
        found.retain(|name| all.contains(&name.as_str()));
        assert_eq!(found, all);
    }
    let answer = gql(&world, &world.cast.member, USERS, json!({"path": "acme"})).await;
    assert_eq!(error(&answer), GENERIC);
}
