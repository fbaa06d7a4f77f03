//! A portal that misbehaves: the caps are an error with a code, everything else stands, and nothing is null without a word.

use fakeportal::{Operation, Place, Way};
use serde_json::{Value, json};

use super::{SELDOM, Stage, coded, codes};
use crate::graphql::gql;

/// Something that is nobody's business but the portal's.
const INSIDE: &str = "PG::ConnectionBad at 10.1.2.3";

/// Each way to fail, to whichever operation it happens, and the code that it is told by.
fn ways() -> Vec<(Way, &'static str)> {
    let error = |place| Way::Errors(place, INSIDE.to_owned());
    let mut ways = vec![
        (error(Place::Data), "PORTAL_MALFORMED"),
        (error(Place::DataText), "PORTAL_MALFORMED"),
        (error(Place::Top), "PORTAL_MALFORMED"),
        (Way::Null, "PORTAL_MALFORMED"),
        // It does not know the subscription, or does not show it.
        (
            Way::Body(r#"{"data":{"subscription":null}}"#.to_owned()),
            "PORTAL_MALFORMED",
        ),
        (Way::Body(r#"{"data":null}"#.to_owned()), "PORTAL_MALFORMED"),
        (Way::Body("[]".to_owned()), "PORTAL_MALFORMED"),
        (Way::garbage(), "PORTAL_MALFORMED"),
        (Way::Body(String::new()), "PORTAL_MALFORMED"),
        (Way::Endless, "PORTAL_MALFORMED"),
        (Way::Announced(64 * 1024 * 1024), "PORTAL_MALFORMED"),
        (Way::Reset, "PORTAL_UNREACHABLE"),
        (Way::Cut, "PORTAL_UNREACHABLE"),
    ];
    let statuses = [
        301, 307, 400, 401, 403, 404, 408, 418, 422, 429, 500, 502, 503, 504,
    ];
    ways.extend(statuses.map(|status| (Way::status(status), "PORTAL_REFUSED")));
    ways
}

impl Stage {
    /// Asks for everything while the portal cannot be read, and sees that only the caps are missing.
    async fn check_unread(&self, code: &str, how: &str) {
        self.stale().await;
        let answer = self.all().await;
        let expected = coded("subscriptionUsage.budgetCaps", code);
        assert_eq!(codes(&answer), expected, "{how}: {answer}");
        let usage = &answer["data"]["subscriptionUsage"];
        assert_eq!(usage["budgetCaps"], Value::Null, "{how}");
        assert_eq!(usage["enabled"], true, "{how}");
        let ada = json!({"username": "ada", "usage": {"creditsUsed": 0.0}});
        assert_eq!(usage["usersUsage"]["users"]["nodes"][0], ada, "{how}");
        assert!(answer["data"]["currentPath"]["score"].is_number(), "{how}");
        assert!(!answer.to_string().contains("PG::"), "{answer}");
    }

    /// The portal is well again, and so is everything; it has no more failures to count. After a write nobody takes it for
    /// failing.
    async fn recover(&self) {
        self.portal.fake.behave();
        self.set_flat(7.0).await;
        self.stale().await;
        self.caps().await;
    }
}

/// Cases 22 and 34.
#[tokio::test]
async fn a_read_that_fails_is_told_where_the_caps_would_be() {
    let stage = Stage::new(SELDOM).await;
    stage.set_flat(7.0).await;
    for (way, code) in ways() {
        let how = format!("{way:?}");
        stage.portal.fake.always_of(Operation::BudgetCaps, way);
        stage.check_unread(code, &how).await;
        stage.recover().await;
    }
    stage
        .portal
        .fake
        .always_of(Operation::BudgetCaps, Way::Circles);
    stage.check_unread("PORTAL_MALFORMED", "circles").await;
    stage.recover().await;
    for amount in ["0.0000001", "-1", "\"7\"", "null"] {
        stage.keeps(|kept| amount.clone_into(&mut kept.flat.amount));
        stage.check_unread("PORTAL_MALFORMED", amount).await;
        stage.recover().await;
    }
    // What was read last holds all along.
    stage.portal.fake.always(Way::Null);
    stage.check_unread("PORTAL_MALFORMED", "null").await;
    assert_eq!(stage.ask().await.0, 200);
    stage.recover().await;
}

#[tokio::test]
async fn ones_own_cap_is_no_guess_either() {
    let stage = Stage::new(SELDOM).await;
    stage.set_flat(7.0).await;
    stage.stale().await;
    stage
        .portal
        .fake
        .always_of(Operation::BudgetCaps, Way::status(500));
    let query = "{ myBudgetCap(namespacePath: \"acme\") { cap } queryComplexity { score } }";
    let answer = gql(&stage.world, &stage.world.cast.member, query, json!({})).await;
    assert_eq!(codes(&answer), coded("myBudgetCap", "PORTAL_REFUSED"));
    assert_eq!(answer["data"]["myBudgetCap"], Value::Null);
    assert!(answer["data"]["queryComplexity"]["score"].is_number());
}

/// Case 34.
#[tokio::test]
async fn a_write_that_fails_is_told() {
    let stage = Stage::new(SELDOM).await;
    let ada = stage.world.cast.member_id;
    stage.set_flat(7.0).await;
    for (way, code) in ways() {
        // One alone, and then a good read, which is not counted.
        let how = format!("{way:?}");
        stage.portal.fake.next_of(Operation::FlatCap, [way.clone()]);
        stage.portal.fake.next_of(Operation::Overrides, [way]);
        let flat = stage.set_flat(8.0).await;
        assert_eq!(
            codes(&flat),
            coded("upsertFlatUserCap", code),
            "{how}: {flat}"
        );
        let own = stage.set_own(ada, 9.0).await;
        let expected = coded("upsertUserBudgetCapOverrides", code);
        assert_eq!(codes(&own), expected, "{how}: {own}");
        for answer in [flat, own] {
            assert!(
                answer["data"]
                    .as_object()
                    .unwrap()
                    .values()
                    .all(Value::is_null)
            );
            assert!(!answer.to_string().contains("PG::"), "{answer}");
        }
    }
}

/// It takes as long as the client waits, so all of it is at once.
#[tokio::test]
async fn silence_is_told_in_time() {
    let read = async |way: Way| {
        let stage = Stage::new(SELDOM).await;
        stage.portal.fake.always_of(Operation::BudgetCaps, way);
        stage.check_unread("PORTAL_TIMED_OUT", "silence").await;
    };
    let write = async || {
        let stage = Stage::new(SELDOM).await;
        stage.portal.fake.next([Way::Never]);
        let answer = stage.set_flat(8.0).await;
        assert_eq!(
            codes(&answer),
            coded("upsertFlatUserCap", "PORTAL_TIMED_OUT")
        );
    };
    tokio::join!(read(Way::Never), read(Way::Half), write());
}

/// A portal that keeps failing is left alone, and that is told too.
#[tokio::test]
async fn a_portal_that_is_left_alone_is_told() {
    let stage = Stage::new(SELDOM).await;
    stage.portal.fake.always(Way::Reset);
    stage
        .check_unread("PORTAL_UNREACHABLE", "three times")
        .await;
    let fake = &stage.portal.fake;
    let first = fake.count();
    // What was found out a moment ago is told without asking.
    let again = async || {
        stage.check_unread("PORTAL_UNREACHABLE", "five times").await;
        fake.count() > first
    };
    stage.until(again, "another read").await;
    let before = fake.count();
    let left_alone = async || {
        let expected = coded("subscriptionUsage.budgetCaps", "PORTAL_BREAKER_OPEN");
        codes(&stage.all().await) == expected
    };
    stage.until(left_alone, "a portal that is left alone").await;
    let answer = stage.set_flat(8.0).await;
    assert_eq!(
        codes(&answer),
        coded("upsertFlatUserCap", "PORTAL_BREAKER_OPEN")
    );
    assert_eq!(stage.portal.fake.count(), before);
}
