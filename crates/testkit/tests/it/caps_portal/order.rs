//! Whoever may not, or asks for what cannot be, is told so before the portal hears of anything.

use bursar_sdk::CreateTokenRequest;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{ALL, SELDOM, Stage};
use crate::{
    graphql::{DELETE, FLAT, GENERIC, OVERRIDES, change, error, gid, gql, post, row, switch},
    support::{member, person},
};

const MINE: &str = "{ myBudgetCap(namespacePath: \"acme\") { cap } }";

fn flat(amount: f64) -> Value {
    json!({"flatUserCap": amount, "flatUserCapEnabled": true})
}

/// Cases 28 and 38 with what they say of the upstream system: it is not called.
#[tokio::test]
async fn the_portal_hears_nothing_from_whoever_may_not() {
    let stage = Stage::new(SELDOM).await;
    let world = &stage.world;
    let ada = world.cast.member_id;
    let stranger = person(world, "stranger", &[]).await.client;
    let auditor = member(world, "auditor", &["organization-auditor"]).await;
    let reading = CreateTokenRequest {
        scopes: vec!["budget_cap:read".to_owned(), "organization:read".to_owned()],
        ..CreateTokenRequest::default()
    };
    let reading = stage.owner().api_key_create("me", &reading).await.unwrap();
    let reading = stage.owner().with_token(reading.key);
    stage.stale().await;
    let before = stage.portal.fake.count();
    for caller in [&world.cast.member, &stranger, &auditor.client, &reading] {
        for (query, input) in [
            (FLAT, flat(1.0)),
            (OVERRIDES, json!({"overrides": [row(ada, 1.0, true)]})),
            (DELETE, json!({"userIds": [gid(ada)]})),
        ] {
            let answer = change(world, caller, query, input).await;
            assert_eq!(error(&answer), GENERIC);
        }
    }
    for caller in [&world.cast.member, &stranger] {
        let answer = gql(world, caller, ALL, json!({"path": "acme"})).await;
        assert_eq!(error(&answer), GENERIC);
    }
    let answer = gql(world, &stranger, MINE, json!({})).await;
    assert_eq!(error(&answer), GENERIC);
    let input = json!({"namespacePath": "acme", "flatUserCap": 1, "flatUserCapEnabled": true});
    let body = json!({"query": FLAT, "variables": {"in": input}});
    let nobody = post(world, None, &body).await;
    assert_eq!(nobody.json()["data"]["upsertFlatUserCap"], Value::Null);
    assert_eq!(stage.portal.fake.count(), before);
}

/// Cases 26, 29, 46, 47, 50 and 53, likewise.
#[tokio::test]
async fn the_portal_hears_nothing_of_what_cannot_be() {
    let stage = Stage::new(SELDOM).await;
    let world = &stage.world;
    let (ada, stranger) = (
        world.cast.member_id,
        person(world, "stranger", &[]).await.id,
    );
    stage.stale().await;
    let before = stage.portal.fake.count();
    let many: Vec<Value> = (0..201)
        .map(|n| row(Uuid::from_u128(n), 1.0, true))
        .collect();
    let own = |rows: Vec<Value>| (OVERRIDES, json!({"overrides": rows}));
    let mut elsewhere = flat(1.0);
    elsewhere["namespacePath"] = json!("nowhere");
    let unknown = row(Uuid::from_u128(9), 1.0, true);
    for ((query, input), message) in [
        ((FLAT, flat(-0.01)), "greater than or equal to 0"),
        ((FLAT, flat(0.000_000_1)), "decimal"),
        ((FLAT, elsewhere), GENERIC),
        (own(many), "Cannot upsert more than 200 overrides at once"),
        (
            own(vec![row(ada, -1.0, true)]),
            "greater than or equal to 0",
        ),
        (own(vec![row(ada, 1.0, true), unknown]), "Users not found: "),
        (
            own(vec![row(ada, 1.0, true), row(stranger, 1.0, true)]),
            "Users are not part of the namespace: ",
        ),
        (
            own(vec![row(ada, 1.0, true), row(ada, 2.0, true)]),
            "name the same user",
        ),
    ] {
        let answer = change(world, stage.owner(), query, input).await;
        assert!(error(&answer).contains(message), "{answer}");
    }
    assert_eq!(stage.portal.fake.count(), before);
}

/// Cases 11 and 32, likewise.
#[tokio::test]
async fn the_portal_hears_nothing_while_the_feature_is_off() {
    let stage = Stage::new(SELDOM).await;
    let world = &stage.world;
    stage.stale().await;
    let before = stage.portal.fake.count();
    switch(world, Some(world.cast.organization_id), false).await;
    let own = json!({"overrides": [row(world.cast.member_id, 1.0, true)]});
    for (query, input) in [(FLAT, flat(1.0)), (OVERRIDES, own)] {
        let answer = change(world, stage.owner(), query, input).await;
        assert_eq!(
            error(&answer),
            "budget_caps_graphql_api feature flag is disabled"
        );
    }
    assert_eq!(stage.caps().await, Value::Null);
    let answer = gql(world, &world.cast.member, MINE, json!({})).await;
    assert_eq!(answer, json!({"data": {"myBudgetCap": null}}));
    assert_eq!(stage.portal.fake.count(), before);
}
