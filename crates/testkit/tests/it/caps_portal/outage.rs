//! A portal that is gone: what was read last holds for ten minutes, and then what was chosen for that.

use fakeportal::{Amount, Way};
use model::caps::CapFailure;
use serde_json::json;

use super::{OFTEN, Stage};
use crate::{
    external_usage_holds::{change, extend, hold, settle},
    external_usage_rights::asked,
    support::refused,
};

impl Stage {
    /// Lets the last good reads lie further back.
    async fn age(&self, minutes: u32) {
        self.sql(&format!(
            "UPDATE budget_cap_mirrors SET read_at = read_at - interval '{minutes} minutes'"
        ))
        .await;
    }

    /// A deployment under a flat cap, whose portal has gone.
    async fn left(failure: CapFailure, flat: &str, gone: Way) -> Self {
        let stage = Self::with(OFTEN, |options| {
            options.caps_place.as_mut().unwrap().caps_portal_failure = failure;
        });
        let stage = stage.await;
        stage.keeps(|kept| {
            kept.recorded = true;
            kept.flat = Amount::new(flat, true);
        });
        stage.reread().await;
        stage.portal.fake.always(gone);
        stage
    }
}

#[tokio::test]
async fn what_was_read_last_holds_and_after_ten_minutes_nothing_is_let_through() {
    let stage = Stage::left(CapFailure::Closed, "50", Way::Reset).await;
    let fake = &stage.portal.fake;
    let before = fake.count();
    stage
        .until(async || fake.count() > before, "a failed read")
        .await;
    assert_eq!(stage.ask().await.0, 200);
    stage.age(9).await;
    assert_eq!(stage.ask().await.0, 200);
    stage.age(2).await;
    assert_eq!(stage.ask().await, (503, json!("caps_unavailable")));
    // Other servers know as little.
    let other = stage.replica().await;
    assert_eq!(stage.ask_at(&other).await, (503, json!("caps_unavailable")));
    other.stop().await.unwrap();
    // The portal comes back.
    fake.behave();
    stage.until_served(true).await;
    stage.keeps(|kept| kept.flat = Amount::new("0", true));
    stage.until_served(false).await;
}

#[tokio::test]
async fn a_refusal_holds_too_until_nobody_knows() {
    let stage = Stage::left(CapFailure::Open, "0", Way::status(404)).await;
    assert_eq!(stage.ask().await.0, 403);
    stage.age(9).await;
    assert_eq!(stage.ask().await.0, 403);
    stage.age(2).await;
    assert_eq!(stage.ask().await.0, 200);
    // It was counted all the same.
    let counted =
        "SELECT count(*) FROM spend_counters WHERE limit_kind = 'user_cap' AND spent_micros > 0";
    stage
        .until(async || stage.number(counted).await == 1, "the charge")
        .await;
    stage.portal.fake.behave();
    stage.until_served(false).await;
}

/// What was admitted before goes on as it would have; nothing new is.
#[tokio::test]
async fn room_of_other_gateways_is_as_little_known() {
    let stage = Stage::left(CapFailure::Closed, "50", Way::Reset).await;
    let owner = stage.owner();
    let before = hold(owner, "before", 1_000).await;
    stage.age(11).await;
    let another = asked("after", "ada", 1);
    let refusal = refused(owner.external_reservation_create(&another).await, 503);
    assert_eq!(refusal.detail.as_deref(), Some("caps_unavailable"));
    let more = change(owner, &before, &extend(Some(2_000), None)).await;
    more.unwrap();
    // The cap that was read last still holds for what it asks.
    let too_much = change(owner, &before, &extend(Some(60_000_000), None)).await;
    assert!(too_much.is_err(), "{too_much:?}");
    change(owner, &before, &settle(Some(1_500))).await.unwrap();
}

/// A new deployment, or one that was just switched over, has read nothing yet.
#[tokio::test]
async fn what_was_never_read_is_not_known() {
    let stage = Stage::left(CapFailure::Closed, "50", Way::Reset).await;
    stage
        .sql("UPDATE budget_cap_mirrors SET read_at = NULL, read_version = NULL")
        .await;
    assert_eq!(stage.ask().await, (503, json!("caps_unavailable")));
    stage.sql("DELETE FROM budget_cap_mirrors").await;
    assert_eq!(stage.ask().await, (503, json!("caps_unavailable")));
}

/// What a portal answers of a subscription that it does not know is no news of its caps: the last ones hold, and then
/// nothing is let through.
#[tokio::test]
async fn an_organization_that_the_portal_does_not_know_is_refused() {
    let stage = Stage::left(CapFailure::Closed, "0", Way::Well).await;
    let acme = stage.world.cast.organization_id.to_string();
    stage.portal.fake.books().forget(&acme);
    let before = stage.reads();
    stage
        .until(async || stage.reads() > before + 1, "reads in vain")
        .await;
    assert_eq!(stage.ask().await.0, 403);
    stage.age(11).await;
    // All others are read as ever.
    let read =
        "SELECT count(*) FROM budget_cap_mirrors WHERE read_at > now() - interval '5 minutes'";
    stage
        .until(async || stage.number(read).await == 2, "the others")
        .await;
    assert_eq!(stage.ask().await, (503, json!("caps_unavailable")));
    stage.keeps(|kept| {
        kept.recorded = true;
        kept.flat = Amount::new("50", true);
    });
    stage.until_served(true).await;
}
