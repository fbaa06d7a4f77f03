//! The caller's own cap.

use serde_json::{Value, json};

use super::{
    FLAT, GENERIC, OVERRIDES, SUBSCRIPTION, admin_mode, change, data, error, flat, gql, row, switch,
};
use crate::support::{person, world};

const MINE: &str = "query($path: ID) { myBudgetCap(namespacePath: $path) {
    cap source included used reserved remaining resetsAt blocked blockedBy } }";

#[tokio::test]
async fn everybody_sees_their_own_cap() {
    let world = world().await;
    let (owner, ada) = (&world.cast.owner, &world.cast.member);
    let check = async |path: Option<&str>, expected: [Value; 6]| {
        let answer = gql(&world, ada, MINE, json!({"path": path})).await;
        let mine = data(&answer, "myBudgetCap");
        let names = [
            "cap",
            "source",
            "included",
            "remaining",
            "blocked",
            "blockedBy",
        ];
        let found = names.map(|name| mine[name].clone());
        assert_eq!(found, expected, "{path:?}");
        assert_eq!(
            (&mine["used"], &mine["reserved"]),
            (&json!(0.0), &json!(0.0))
        );
        assert!(mine["resetsAt"].as_str().unwrap().ends_with('Z'));
    };
    let none = || {
        [
            json!(null),
            json!(null),
            json!(0.0),
            json!(null),
            json!(false),
            json!(null),
        ]
    };
    check(Some("acme"), none()).await;
    check(None, none()).await;
    flat(&world, 10.0, true).await;
    let flat = |blocked: bool, included: f64, left: f64, by: Value| {
        [
            json!(10.0),
            json!("FLAT_USER_CAP"),
            json!(included),
            json!(left),
            json!(blocked),
            by,
        ]
    };
    check(Some("acme"), flat(false, 0.0, 10.0, Value::Null)).await;
    check(None, none()).await;
    let input = json!({"included": 24});
    data(
        &change(&world, owner, SUBSCRIPTION, input).await,
        "upsertSubscriptionCap",
    );
    check(Some("acme"), flat(false, 24.0, 24.0, Value::Null)).await;
    let input = json!({"included": 0, "subscriptionCap": 0, "subscriptionCapEnabled": true});
    data(
        &change(&world, owner, SUBSCRIPTION, input).await,
        "upsertSubscriptionCap",
    );
    check(
        Some("acme"),
        flat(true, 0.0, 10.0, json!("SUBSCRIPTION_CAP")),
    )
    .await;
    let rows = json!({"overrides": [row(world.cast.member_id, 0.0, true)]});
    data(
        &change(&world, owner, OVERRIDES, rows).await,
        "upsertUserBudgetCapOverrides",
    );
    let own = [
        json!(0.0),
        json!("USER_OVERRIDE_CAP"),
        json!(0.0),
        json!(0.0),
        json!(true),
        json!("USER_OVERRIDE_CAP"),
    ];
    check(Some("acme"), own).await;

    admin_mode(&world).await;
    let input = json!({"namespacePath": null, "flatUserCap": 10, "flatUserCapEnabled": true});
    data(
        &change(&world, owner, FLAT, input).await,
        "upsertFlatUserCap",
    );
    check(None, flat(false, 0.0, 10.0, Value::Null)).await;
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
