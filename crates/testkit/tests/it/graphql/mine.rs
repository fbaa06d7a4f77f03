//! The caller's own cap.

use serde_json::{Value, json};
use testkit::World;

use super::{
    FLAT, GENERIC, OVERRIDES, SUBSCRIPTION, admin_mode, change, data, error, flat, gql, row, switch,
};
use crate::support::{person, world};

const MINE: &str = "query($path: ID) { myBudgetCap(namespacePath: $path) {
    cap source included used reserved remaining resetsAt blocked blockedBy } }";

/// What the member is told: cap, source, included, remaining, whether blocked, and by what.
async fn mine(world: &World, path: Option<&str>) -> Value {
    let ada = &world.cast.member;
    let answer = gql(world, ada, MINE, json!({"path": path})).await;
    let mine = data(&answer, "myBudgetCap");
    assert_eq!(json!([mine["used"], mine["reserved"]]), json!([0.0, 0.0]));
    assert!(mine["resetsAt"].as_str().unwrap().ends_with('Z'));
    let (cap, source, included) = (&mine["cap"], &mine["source"], &mine["included"]);
    let (left, blocked, by) = (&mine["remaining"], &mine["blocked"], &mine["blockedBy"]);
    json!([cap, source, included, left, blocked, by])
}

#[tokio::test]
async fn everybody_sees_their_own_cap() {
    let world = world().await;
    let owner = &world.cast.owner;
    let acme = async || mine(&world, Some("acme")).await;
    let set = async |query, input: Value| {
        let answer = change(&world, owner, query, input).await;
        assert!(answer.get("errors").is_none(), "{answer}");
    };
    let none = json!([null, null, 0.0, null, false, null]);
    assert_eq!(acme().await, none);
    assert_eq!(mine(&world, None).await, none);
    flat(&world, 10.0, true).await;
    let flat = "FLAT_USER_CAP";
    assert_eq!(acme().await, json!([10.0, flat, 0.0, 10.0, false, null]));
    assert_eq!(mine(&world, None).await, none);
    set(SUBSCRIPTION, json!({"included": 24})).await;
    assert_eq!(acme().await, json!([10.0, flat, 24.0, 24.0, false, null]));
    let zero = json!({"included": 0, "subscriptionCap": 0, "subscriptionCapEnabled": true});
    set(SUBSCRIPTION, zero).await;
    let by = "SUBSCRIPTION_CAP";
    assert_eq!(acme().await, json!([10.0, flat, 0.0, 10.0, true, by]));
    let rows = json!({"overrides": [row(world.cast.member_id, 0.0, true)]});
    set(OVERRIDES, rows).await;
    let own = "USER_OVERRIDE_CAP";
    assert_eq!(acme().await, json!([0.0, own, 0.0, 0.0, true, own]));

    admin_mode(&world).await;
    let input = json!({"namespacePath": null, "flatUserCap": 9, "flatUserCapEnabled": true});
    set(FLAT, input).await;
    let all = mine(&world, None).await;
    assert_eq!(all, json!([9.0, flat, 0.0, 9.0, false, null]));
}

#[tokio::test]
async fn nobody_sees_where_they_do_not_belong_or_while_it_is_off() {
    let world = world().await;
    let stranger = person(&world, "stranger", &[]).await.client;
    for path in ["acme", "nowhere", "acme/sub"] {
        let answer = gql(&world, &stranger, MINE, json!({"path": path})).await;
        assert_eq!(error(&answer), GENERIC);
    }
    switch(&world, Some(world.cast.organization_id), false).await;
    let answer = gql(&world, &world.cast.member, MINE, json!({"path": "acme"})).await;
    assert_eq!(*data(&answer, "myBudgetCap"), Value::Null);
}
