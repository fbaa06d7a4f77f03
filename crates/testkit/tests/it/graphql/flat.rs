//! The flat cap and the subscription's.

use serde_json::{Value, json};

use super::{CAPS, FLAT, GENERIC, SUBSCRIPTION, change, code, data, error, gql, post, switch};
use crate::support::{member, person, world};

/// Cases 25, 26, 35 and 37, and how exact money is.
#[tokio::test]
async fn a_flat_cap_is_set_and_read_as_it_was_given() {
    let world = world().await;
    let owner = &world.cast.owner;
    let check = async |cap: Value, enabled: bool| {
        let input =
            json!({"flatUserCap": cap, "flatUserCapEnabled": enabled, "clientMutationId": "it"});
        let answer = change(&world, owner, FLAT, input).await;
        let set = data(&answer, "upsertFlatUserCap");
        assert_eq!(set["flatUserCap"].as_f64(), cap.as_f64(), "{set}");
        assert_eq!(set["flatUserCapEnabled"], enabled);
        assert_eq!(
            (&set["errors"], &set["errorDetails"]),
            (&json!([]), &json!([]))
        );
        assert_eq!(set["clientMutationId"], "it");
        let read = gql(&world, owner, CAPS, json!({"path": "ACME"})).await;
        let caps = &data(&read, "subscriptionUsage")["budgetCaps"];
        assert_eq!(caps["flatUserCap"].as_f64(), cap.as_f64());
        assert_eq!(caps["flatUserCapEnabled"], enabled);
        assert_eq!(caps["subscriptionCap"], Value::Null);
    };
    for cap in [
        json!(25),
        json!(0),
        json!(0.1),
        json!(4.35),
        json!(0.000_001),
        json!(1e9),
    ] {
        check(cap, true).await;
    }
    check(json!(50), true).await;
    check(json!(50), false).await;

    let body = json!({"query": "mutation { upsertFlatUserCap(input: { namespacePath: \"acme\",
        flatUserCap: 25, flatUserCapEnabled: true }) { flatUserCap } }"});
    let answer = post(&world, Some(owner), &body).await;
    assert!(
        answer.text.contains("\"flatUserCap\":25.0"),
        "{}",
        answer.text
    );
}

#[tokio::test]
async fn an_amount_that_cannot_be_is_refused_before_anything_else() {
    let world = world().await;
    let stranger = person(&world, "stranger", &[]).await.client;
    let negative = "flatUserCap must be greater than or equal to 0";
    let fine = "flatUserCap must have at most six decimals";
    let great = "flatUserCap must be less than or equal to 1000000000";
    let rows = [
        (json!(-10), negative),
        (json!(-0.01), negative),
        (json!(0.000_000_1), fine),
        (json!(1.234_567_8), fine),
        (json!(1e10), great),
    ];
    for caller in [&world.cast.owner, &stranger] {
        for (cap, message) in &rows {
            let input = json!({"flatUserCap": cap, "flatUserCapEnabled": true});
            let answer = change(&world, caller, FLAT, input).await;
            assert_eq!(error(&answer), *message);
            assert_eq!(code(&answer), "INVALID_ARGUMENT");
            assert_eq!(answer["data"]["upsertFlatUserCap"], Value::Null);
        }
    }
    let input = json!({"flatUserCapEnabled": true});
    let answer = change(&world, &world.cast.owner, FLAT, input).await;
    assert!(answer.get("data").is_none(), "{answer}");
    error(&answer);
}

/// Case 32.
#[tokio::test]
async fn nothing_is_set_while_the_feature_is_off() {
    let world = world().await;
    let (owner, acme) = (&world.cast.owner, world.cast.organization_id);
    let set = async || {
        let input = json!({"flatUserCap": 1, "flatUserCapEnabled": true});
        change(&world, owner, FLAT, input).await
    };
    let off = "budget_caps_graphql_api feature flag is disabled";
    switch(&world, Some(acme), false).await;
    let answer = set().await;
    assert_eq!((error(&answer), code(&answer)), (off, "FEATURE_DISABLED"));
    // Whoever may not set caps is told nothing of the switch.
    let ada = &world.cast.member;
    let input = json!({"flatUserCap": 1, "flatUserCapEnabled": true});
    assert_eq!(error(&change(&world, ada, FLAT, input).await), GENERIC);

    switch(&world, None, false).await;
    switch(&world, Some(acme), true).await;
    data(&set().await, "upsertFlatUserCap");
    switch(&world, Some(acme), false).await;
    assert_eq!(error(&set().await), off);
}

#[tokio::test]
async fn the_subscriptions_cap_is_set_in_parts() {
    let world = world().await;
    let boss = member(&world, "boss", &["organization-admin"]).await.client;
    let check = async |input: Value, expected: Value| {
        let answer = change(&world, &boss, SUBSCRIPTION, input).await;
        let set = data(&answer, "upsertSubscriptionCap");
        let found = json!([
            set["subscriptionCap"],
            set["subscriptionCapEnabled"],
            set["included"]
        ]);
        assert_eq!(found, expected);
    };
    check(json!({"included": 24}), json!([null, null, 24.0])).await;
    let both = json!({"subscriptionCap": 100.5, "subscriptionCapEnabled": true});
    check(both, json!([100.5, true, 24.0])).await;
    check(json!({"included": 0}), json!([100.5, true, 0.0])).await;
    for (input, message) in [
        (
            json!({"subscriptionCap": 1}),
            "subscriptionCap and subscriptionCapEnabled must be given together",
        ),
        (json!({}), "subscriptionCap or included must be given"),
        (
            json!({"included": -1}),
            "included must be greater than or equal to 0",
        ),
    ] {
        let answer = change(&world, &boss, SUBSCRIPTION, input).await;
        assert_eq!(error(&answer), message);
    }
}
