//! What is set here is set at the portal, which keeps it and has the last word.

use bursar::cli;
use fakeportal::{Amount, Operation, Place, Way};
use serde_json::{Value, json};
use testkit::{ServerOptions, TestPortal};

use super::{OFTEN, SELDOM, Stage, coded, codes};
use crate::{
    graphql::{DELETE, FLAT, OVERRIDES, SUBSCRIPTION, admin_mode, change, data, gid, gql, row},
    support::{brief, lines, person},
};

const BOTH: [(&str, &str); 2] = [
    ("upsertFlatUserCap", FLAT),
    ("upsertUserBudgetCapOverrides", OVERRIDES),
];

impl Stage {
    /// Sets something, and what of it is answered.
    async fn write(&self, operation: &str) -> Value {
        if operation == "upsertFlatUserCap" {
            return self.set_flat(0.0).await;
        }
        self.set_own(self.world.cast.member_id, 0.0).await
    }
}

/// The servers read the portal too seldom for that: it is the write itself that holds.
#[tokio::test]
async fn what_is_set_is_kept_by_the_portal_and_holds_at_once_on_every_server() {
    let stage = Stage::new(SELDOM).await;
    let other = stage.replica().await;
    let ada = stage.world.cast.member_id;
    assert_eq!(stage.ask_at(&other).await.0, 200);

    let answer = stage.set_flat(0.0).await;
    let expected = json!({"flatUserCap": 0.0, "flatUserCapEnabled": true, "errors": [], "errorDetails": [],
        "clientMutationId": null});
    assert_eq!(*data(&answer, "upsertFlatUserCap"), expected);
    assert_eq!(stage.flat(), Amount::new("0", true));
    assert_eq!(stage.ask_at(&other).await.0, 403);

    let answer = stage.set_own(ada, 12.5).await;
    let rows = &data(&answer, "upsertUserBudgetCapOverrides")["userOverrides"];
    let found = (
        &rows[0]["userId"],
        &rows[0]["user"]["username"],
        &rows[0]["cap"],
    );
    assert_eq!(found, (&json!(gid(ada)), &json!("ada"), &json!(12.5)));
    let kept = stage.keeps(|kept| kept.overrides.clone());
    assert_eq!(kept.len(), 1);
    let found = (kept[0].entity_id.clone(), &*kept[0].cap, kept[0].enabled);
    assert_eq!(found, (ada.to_string(), "12.5", true));
    assert_eq!(stage.ask_at(&other).await.0, 200);
    assert_eq!(stage.writes(), 2);

    // What is read afterwards changes nothing.
    let caps = stage.caps().await;
    assert_eq!(
        (&caps["flatUserCap"], &caps["userOverrides"]["count"]),
        (&json!(0.0), &json!(1))
    );
    stage.reread().await;
    assert_eq!(stage.caps().await["flatUserCap"], 0.0);
    other.stop().await.unwrap();
}

/// The audit log names the person who set it, not the mirror.
#[tokio::test]
async fn whoever_sets_caps_is_named() {
    let stage = Stage::new(SELDOM).await;
    let input =
        json!({"in": {"namespacePath": "acme", "flatUserCap": 5, "flatUserCapEnabled": true}});
    let request = crate::support::request(&stage.world, "POST", "/api/graphql")
        .json(&json!({"query": FLAT, "variables": input}))
        .bearer_auth(stage.owner().token().unwrap().expose());
    let answer = crate::support::send(request).await;
    data(&answer.json(), "upsertFlatUserCap");
    stage.reread().await;
    let found = lines(&stage.world, answer.request_id()).await;
    let briefs: Vec<String> = found.iter().map(brief).collect();
    assert_eq!(briefs.len(), 1, "{briefs:?}");
    assert!(briefs[0].starts_with("create budget_cap"), "{briefs:?}");
    let mirror =
        "SELECT count(*) FROM audit_logs WHERE resource_type = 'budget_cap' AND user_id IS NULL";
    assert_eq!(stage.number(mirror).await, 0);
}

/// Case 49.
#[tokio::test]
async fn own_caps_of_the_deployment_are_set_for_its_instance() {
    let stage = Stage::new(SELDOM).await;
    admin_mode(&stage.world).await;
    let stranger = person(&stage.world, "stranger", &[]).await.id;
    for (query, more) in [
        (FLAT, json!({"flatUserCap": 1, "flatUserCapEnabled": false})),
        (OVERRIDES, json!({"overrides": [row(stranger, 3.0, true)]})),
    ] {
        let answer = gql(&stage.world, stage.owner(), query, json!({"in": more})).await;
        assert!(answer.get("errors").is_none(), "{answer}");
    }
    let asked = stage.portal.fake.received();
    let of = |operation| asked.iter().find(|one| one.operation == Some(operation));
    let input = |operation| of(operation).unwrap().variables()["input"].clone();
    let flat =
        json!({"licenseKey": TestPortal::licence(), "flatUserCap": 1, "flatUserCapEnabled": false});
    assert_eq!(input(Operation::FlatCap), flat);
    let own = json!({"licenseKey": TestPortal::licence(), "uniqueInstanceId": "unique-1",
        "overrides": [{"entityId": stranger.to_string(), "capAmount": 3, "enabled": true}]});
    assert_eq!(input(Operation::Overrides), own);
}

/// Case 43, and everything else that the portal may say: word for word, and nothing changes here.
#[tokio::test]
async fn what_the_portal_rejects_is_told_in_its_words() {
    let stage = Stage::new(SELDOM).await;
    let rejected = |answer: &Value, operation: &str, text: &str| {
        let payload = data(answer, operation);
        assert_eq!(payload["errors"], json!([text]));
        assert_eq!(payload["errorDetails"][0]["code"], "PORTAL_REJECTED");
        assert!(payload["flatUserCap"].is_null() && payload["userOverrides"].is_null());
    };
    let ada = stage.world.cast.member_id;
    let answer = stage.set_own(ada, 1.0).await;
    let text = "Subscription budget cap not found";
    rejected(&answer, "upsertUserBudgetCapOverrides", text);
    stage.set_flat(3.0).await;
    for text in ["Cap must be greater than or equal to 0", " ü <b>\n"] {
        for (name, _) in BOTH {
            stage
                .portal
                .fake
                .next([Way::Errors(Place::Payload, text.to_owned())]);
            rejected(&stage.write(name).await, name, text);
        }
    }
    let caps = stage.caps().await;
    assert_eq!(
        (&caps["flatUserCap"], &caps["userOverrides"]["count"]),
        (&json!(3.0), &json!(0))
    );
    assert_eq!(stage.ask().await.0, 200);
}

#[tokio::test]
async fn own_caps_may_make_the_record_on_the_way() {
    let stage = Stage::with(SELDOM, |options: &mut ServerOptions| {
        let mut caps = cli::ServerOptions::with_defaults().unwrap().caps;
        caps.implicit_flat_cap = true;
        options.caps = Some(caps);
    });
    let stage = stage.await;
    let answer = stage.set_own(stage.world.cast.member_id, 0.0).await;
    let payload = data(&answer, "upsertUserBudgetCapOverrides");
    assert_eq!(payload["errors"], json!([]), "{answer}");
    assert_eq!(stage.flat(), Amount::new("0", false));
    assert_eq!(stage.keeps(|kept| kept.overrides.len()), 1);
    assert_eq!(stage.ask().await.0, 403);
    let caps = stage.caps().await;
    assert_eq!(caps["flatUserCapEnabled"], false);
}

#[tokio::test]
async fn what_is_the_portals_alone_is_not_set_here() {
    let stage = Stage::new(SELDOM).await;
    let owner = stage.owner();
    let ada = gid(stage.world.cast.member_id);
    let subscription = json!({"subscriptionCap": 1, "subscriptionCapEnabled": true});
    let answer = change(&stage.world, owner, SUBSCRIPTION, subscription).await;
    let told = json!(["Set at the customers portal"]);
    assert_eq!(data(&answer, "upsertSubscriptionCap")["errors"], told);
    let answer = change(&stage.world, owner, DELETE, json!({"userIds": [ada]})).await;
    assert_eq!(
        data(&answer, "deleteUserBudgetCapOverrides")["errors"],
        told
    );
    assert_eq!(stage.writes(), 0);
}

/// Whether a write was done that got no answer is found out before the caller is told: the next request is decided by
/// what is true.
#[tokio::test]
async fn after_an_unknown_outcome_the_truth_is_read() {
    for (way, done, code) in [
        (Way::DoneReset, true, "PORTAL_UNREACHABLE"),
        (Way::Cut, true, "PORTAL_UNREACHABLE"),
        (Way::status(502), true, "PORTAL_REFUSED"),
        (Way::Reset, false, "PORTAL_UNREACHABLE"),
        (Way::garbage(), false, "PORTAL_MALFORMED"),
        (Way::Null, false, "PORTAL_MALFORMED"),
    ] {
        let stage = Stage::new(SELDOM).await;
        stage.set_flat(50.0).await;
        for (name, _) in BOTH {
            stage.portal.fake.next([way.clone()]);
            let answer = stage.write(name).await;
            assert_eq!(codes(&answer), coded(name, code), "{way:?} {answer}");
            assert_eq!(answer["data"][name], Value::Null);
            let status = if done { 403 } else { 200 };
            assert_eq!(stage.ask().await.0, status, "{way:?} {name}");
            // So that the next is seen by itself.
            stage.set_flat(50.0).await;
        }
        let overrides = stage.keeps(|kept| kept.overrides.len());
        assert_eq!(overrides, usize::from(done), "{way:?}");
    }
}

/// When the portal cannot be read either, the servers find out as soon as they can.
#[tokio::test]
async fn a_truth_that_cannot_be_read_is_read_later() {
    let stage = Stage::new(OFTEN).await;
    stage.set_flat(50.0).await;
    stage.portal.fake.next([Way::DoneReset]);
    stage
        .portal
        .fake
        .always_of(Operation::BudgetCaps, Way::status(404));
    let answer = stage.set_flat(0.0).await;
    assert_eq!(
        codes(&answer),
        coded("upsertFlatUserCap", "PORTAL_UNREACHABLE")
    );
    assert_eq!(stage.ask().await.0, 200);
    stage.portal.fake.behave();
    stage.until_served(false).await;
}
