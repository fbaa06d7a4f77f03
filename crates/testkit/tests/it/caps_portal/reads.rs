//! What the portal keeps is read through, and holds here.

use fakeportal::{Amount, Operation, Own};
use serde_json::{Value, json};
use testkit::TestPortal;
use uuid::Uuid;

use super::{OFTEN, SELDOM, Stage, coded, codes};
use crate::{
    graphql::{CAPS, admin_mode, data, gid, gql},
    support::member,
};

#[tokio::test]
async fn caps_of_the_portal_are_told_as_it_keeps_them() {
    let stage = Stage::new(SELDOM).await;
    let ada = stage.world.cast.member_id;
    let none = stage.caps().await;
    assert_eq!(none["flatUserCap"], Value::Null);
    assert_eq!(none["userOverrides"]["count"], 0);
    stage.keeps(|kept| {
        kept.recorded = true;
        kept.cap = Amount::new("1000.25", true);
        kept.flat = Amount::new("25.5", false);
        kept.overrides = vec![
            Own::new(ada, "0.000001", true),
            // Nobody here: the portal may know people of other systems.
            Own::new(Uuid::from_u128(7), "1", true),
            Own::new("12345", "1", true),
        ];
    });
    stage.reread().await;
    let caps = json!({
        "subscriptionCap": 1000.25, "subscriptionCapEnabled": true, "flatUserCap": 25.5,
        "flatUserCapEnabled": false, "included": 0.0,
        "userOverrides": {"count": 1, "nodes": [{"userId": gid(ada), "cap": 0.000_001, "capEnabled": true,
            "createdAt": "2026-04-01T12:00:00Z", "updatedAt": "2026-04-02T12:00:00Z"}]},
    });
    assert_eq!(stage.caps().await, caps);
    // What is gone there is gone here.
    stage.keeps(|kept| kept.overrides.clear());
    stage.reread().await;
    assert_eq!(stage.caps().await["userOverrides"]["count"], 0);
    stage.keeps(|kept| kept.recorded = false);
    stage.reread().await;
    // The record stays for what is not the portal's.
    let mut gone = none;
    gone["included"] = json!(0.0);
    assert_eq!(stage.caps().await, gone);
}

#[tokio::test]
async fn every_page_of_the_portal_is_read() {
    let stage = Stage::new(SELDOM).await;
    let mut people = Vec::new();
    for number in 0..5 {
        people.push(member(&stage.world, &format!("p{number}"), &[]).await.id);
    }
    stage.portal.fake.books().page = 2;
    stage.keeps(|kept| {
        kept.recorded = true;
        let own = |(user, n): (&Uuid, usize)| Own::new(*user, &n.to_string(), true);
        kept.overrides = people.iter().zip(1..).map(own).collect();
    });
    let before = stage.reads();
    stage.reread().await;
    assert_eq!(stage.reads() - before, 3);
    assert_eq!(stage.caps().await["userOverrides"]["count"], 5);
}

/// Nobody asks for the caps here: it is the servers that look.
#[tokio::test]
async fn a_change_at_the_portal_holds_within_the_refresh() {
    let stage = Stage::new(OFTEN).await;
    stage.until_served(true).await;
    for (amount, served) in [("0", false), ("50", true), ("0.0", false)] {
        stage.keeps(|kept| {
            kept.recorded = true;
            kept.flat = Amount::new(amount, true);
        });
        stage.until_served(served).await;
    }
    stage.keeps(|kept| kept.flat.enabled = "false".to_owned());
    stage.until_served(true).await;
}

/// Case 19: whatever a document asks of caps, the portal is read once; and not at all while what was read is fresh.
#[tokio::test]
async fn a_document_reads_the_portal_once_at_most() {
    let stage = Stage::new(SELDOM).await;
    let before = stage.reads();
    stage.caps().await;
    assert_eq!(stage.reads(), before);
    stage.stale().await;
    let query = format!(
        "{{ subscriptionUsage(namespacePath: \"acme\") {{ budgetCaps {{ flatUserCap
            all: userOverrides {{ count }} some: userOverrides(userIds: [\"{}\"]) {{ count }} }} }}
        myBudgetCap(namespacePath: \"acme\") {{ cap }} }}",
        gid(stage.world.cast.member_id)
    );
    let answer = gql(&stage.world, stage.owner(), &query, json!({})).await;
    data(&answer, "subscriptionUsage");
    assert_eq!(stage.reads(), before + 1);
}

#[tokio::test]
async fn the_deployment_is_asked_for_by_its_licence() {
    let stage = Stage::new(SELDOM).await;
    admin_mode(&stage.world).await;
    {
        let mut books = stage.portal.fake.books();
        let kept = books.licence(TestPortal::licence());
        kept.recorded = true;
        kept.flat = Amount::new("0", true);
    }
    stage.reread().await;
    let answer = gql(&stage.world, stage.owner(), CAPS, json!({"path": null})).await;
    let caps = &data(&answer, "subscriptionUsage")["budgetCaps"];
    assert_eq!(caps["flatUserCap"], 0.0);
    assert_eq!(stage.ask().await.0, 403);
    // The organization has none of its own.
    assert_eq!(stage.caps().await["flatUserCap"], Value::Null);
    for asked in stage.portal.fake.received() {
        let variables = asked.variables();
        assert_eq!(asked.operation, Some(Operation::BudgetCaps));
        let (namespace, key) = (&variables["namespaceId"], &variables["licenseKey"]);
        assert_ne!(namespace.is_null(), key.is_null(), "{variables}");
        if !key.is_null() {
            assert_eq!(key, TestPortal::licence());
        }
    }
}

/// Without credentials for a subscription there are no caps, whatever its tables say; all others hold.
#[tokio::test]
async fn what_nobody_can_ask_for_is_told_and_holds_nothing() {
    for instance in [true, false] {
        let stage = Stage::with(SELDOM, |options| {
            let place = options.caps_place.as_mut().unwrap();
            if instance {
                place.caps_portal_licence_file = None;
                place.caps_portal_instance_id = None;
                place.caps_portal_unique_instance_id = None;
            } else {
                place.caps_portal_admin_email = None;
                place.caps_portal_admin_token_file = None;
            }
        });
        let stage = stage.await;
        admin_mode(&stage.world).await;
        let (scope, organization) = if instance {
            (Uuid::nil().to_string(), "NULL".to_owned())
        } else {
            let acme = stage.world.cast.organization_id;
            (acme.to_string(), format!("'{acme}'"))
        };
        stage
            .sql(&format!(
                "SET bursar.actor_name = 'test'; INSERT INTO subscription_budget_caps
                    (scope_id, organization_id, flat_user_cap_micros, flat_user_cap_enabled)
                VALUES ('{scope}', {organization}, 0, true)"
            ))
            .await;
        let path = if instance { Value::Null } else { json!("acme") };
        let answer = gql(
            &stage.world,
            stage.owner(),
            super::ALL,
            json!({"path": path}),
        )
        .await;
        let expected = coded("subscriptionUsage.budgetCaps", "PORTAL_NO_CREDENTIALS");
        assert_eq!(codes(&answer), expected, "{answer}");
        let usage = &answer["data"]["subscriptionUsage"];
        assert_eq!(usage["budgetCaps"], Value::Null);
        assert!(usage["usersUsage"]["users"]["nodes"][0].is_object());
        assert_eq!(stage.ask().await.0, 200);
        let input = json!({"namespacePath": path, "flatUserCap": 1, "flatUserCapEnabled": true});
        let answer = gql(
            &stage.world,
            stage.owner(),
            crate::graphql::FLAT,
            json!({"in": input}),
        )
        .await;
        let expected = coded("upsertFlatUserCap", "PORTAL_NO_CREDENTIALS");
        assert_eq!(codes(&answer), expected, "{answer}");
        assert_eq!(stage.writes(), 0);
    }
}
