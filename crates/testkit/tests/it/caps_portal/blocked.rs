//! Who is stopped: by the ledger here, or by what the portal says of those whom the ledger lets go on.

use fakeportal::{Blocked, Operation, Way};
use serde_json::{Value, json};

use super::{SELDOM, Stage, codes};
use crate::{graphql::gql, support::member};

const STATUSES: &str = "{ subscriptionUsage(namespacePath: \"acme\") { usersUsage { users { nodes {
    username usage { creditsUsed } blockedStatus { blocked capType } } } } } }";

impl Stage {
    /// The answer, and what it says of each person but the owner, by username.
    async fn statuses(&self) -> (Value, Vec<(String, Value)>) {
        let answer = gql(&self.world, self.owner(), STATUSES, json!({})).await;
        let nodes = &answer["data"]["subscriptionUsage"]["usersUsage"]["users"]["nodes"];
        let told = |node: &Value| {
            assert!(node["usage"]["creditsUsed"].is_number(), "{node}");
            let name = node["username"].as_str().unwrap().to_owned();
            (name, node["blockedStatus"].clone())
        };
        let mut told: Vec<_> = nodes.as_array().unwrap().iter().map(told).collect();
        told.retain(|(name, _)| name != "owner");
        (answer, told)
    }
}

/// Case 70 too.
#[tokio::test]
async fn the_portal_says_who_is_stopped_beside_those_whom_the_ledger_stops() {
    let stage = Stage::new(SELDOM).await;
    let mut ids = vec![stage.world.cast.member_id];
    for name in ["bert", "carl", "dora", "emil"] {
        ids.push(member(&stage.world, name, &[]).await.id);
    }
    stage.set_flat(50.0).await;
    stage.set_own(ids[4], 0.0).await;
    assert_eq!(stage.portal.fake.count_of(Operation::BlockedStatuses), 0);
    stage.keeps(|kept| {
        kept.blocked = vec![
            Blocked::new(ids[0], "FLAT_USER_CAP"),
            Blocked::new(ids[1], "SUBSCRIPTION_CAP"),
            Blocked::new(ids[2], "A_NEW_CAP"),
        ];
        kept.left_out.insert(ids[3].to_string());
    });
    let (answer, told) = stage.statuses().await;
    let status = |name: &str, blocked: bool, cap: Value| {
        (name.to_owned(), json!({"blocked": blocked, "capType": cap}))
    };
    let expected = vec![
        status("ada", true, json!("FLAT_USER_CAP")),
        status("bert", true, json!("SUBSCRIPTION_CAP")),
        status("carl", true, Value::Null),
        ("dora".to_owned(), Value::Null),
        status("emil", true, json!("USER_OVERRIDE_CAP")),
    ];
    assert_eq!(told, expected, "{answer}");
    let errors = codes(&answer);
    assert_eq!(errors.len(), 1, "{answer}");
    assert_eq!(errors[0].1, "PORTAL_MALFORMED");
    assert!(errors[0].0.ends_with("blockedStatus"), "{answer}");
    // One question for the page, of whom the ledger lets go on.
    let asked = stage.portal.fake.received();
    let asked = asked
        .iter()
        .filter(|one| one.operation == Some(Operation::BlockedStatuses));
    let asked: Vec<Value> = asked
        .map(|one| one.variables()["entityIds"].clone())
        .collect();
    assert_eq!(asked.len(), 1);
    assert!(
        !asked[0].to_string().contains(&ids[4].to_string()),
        "{asked:?}"
    );

    // The ledger's word does not need the portal's.
    stage
        .portal
        .fake
        .always_of(Operation::BlockedStatuses, Way::status(403));
    let (answer, told) = stage.statuses().await;
    for (name, status) in told {
        assert_eq!(status.is_null(), name != "emil", "{answer}");
    }
    assert!(
        codes(&answer)
            .iter()
            .all(|(path, code)| { path.ends_with("blockedStatus") && code == "PORTAL_REFUSED" })
    );
    assert!(codes(&answer).len() >= 4, "{answer}");
}
