//! Whether there is room for what other gateways ask: refused with figures, or extended.

use bursar_sdk::{
    AiBudgetRefusalKind, AiLimitKind, AiReservation, ApiError, Change, PatchAiReservationRequest,
    UpsertGroupAiBudgetRequest,
};
use chrono::{DateTime, Utc};
use serde_json::json;
use testkit::World;

use crate::{
    calls::balanced,
    external_usage::{count, report, spent},
    external_usage_holds::{ada_events, change, extend, hold, release, settle, spend},
    external_usage_rights::asked,
    support::{ask, is, refused, world},
};

/// Checks which limit a refusal tells of, and its amount, what is spent of it and what is reserved.
fn told(
    refusal: &ApiError,
    since: DateTime<Utc>,
    kinds: (AiBudgetRefusalKind, AiLimitKind),
    figures: (i64, i64, i64),
) {
    let budget = refusal.budget.as_ref().unwrap();
    let it = &budget.limit;
    assert_eq!((budget.kind, it.kind), kinds, "{refusal:?}");
    let told = (it.limit_micros, it.spent_micros, it.reserved_micros);
    assert_eq!(told, figures, "{refusal:?}");
    assert!(it.resets_at > since && refusal.message.contains("resets at"));
}

/// Ada with 200,000 of a dollar spent, and a hold.
async fn spent_and_held(micros: i64) -> (World, AiReservation) {
    let world = world().await;
    let owner = &world.cast.owner;
    report(owner, &[spent("spent", "ada", 200_000)])
        .await
        .unwrap();
    let held = hold(owner, "held", micros).await;
    (world, held)
}

#[tokio::test]
async fn what_does_not_fit_is_refused_with_figures_and_forgotten() {
    let (world, held) = spent_and_held(500_000).await;
    let owner = &world.cast.owner;
    let figures = (1_000_000, 200_000, 500_000);
    // It could never fit: 800,000 are not spent.
    let request = asked("new", "ada", 800_001);
    let never = refused(owner.external_reservation_create(&request).await, 402);
    let kinds = (AiBudgetRefusalKind::OverBudget, AiLimitKind::User);
    told(&never, held.created_at, kinds, figures);
    // It fits when the hold is given back.
    let request = asked("new", "ada", 300_001);
    let answer = ask(&world, owner, "POST", "/ai/reservations", &json!(request)).await;
    is(&answer, 429);
    assert_eq!(answer.headers["retry-after"], "2");
    let wait = refused(owner.external_reservation_create(&request).await, 429);
    let kinds = (AiBudgetRefusalKind::RetryLater, AiLimitKind::User);
    told(&wait, held.created_at, kinds, figures);
    // A refusal took no key and left no lease; now there is room.
    let leases = count(&world.database, "server_leases WHERE external").await;
    assert_eq!(leases, 1);
    change(owner, &held, &release()).await.unwrap();
    hold(owner, "new", 800_000).await;
    assert_eq!(spend(&world).await, (200_000, 800_000));
    balanced(&world.database).await;
}

#[tokio::test]
async fn a_hold_that_is_refused_more_holds_what_it_held() {
    let (world, held) = spent_and_held(500_000).await;
    let owner = &world.cast.owner;
    let more = extend(Some(800_001), Some(3_600));
    let never = refused(change(owner, &held, &more).await, 402);
    let kind = never.budget.as_ref().unwrap().kind;
    assert_eq!(kind, AiBudgetRefusalKind::OverBudget);
    let same = owner.external_reservation_get(held.id).await.unwrap();
    assert_eq!(
        (same.hold_micros, same.expires_at),
        (500_000, held.expires_at)
    );
    let other = hold(owner, "other", 100_000).await;
    let more = extend(Some(700_001), None);
    let wait = refused(change(owner, &held, &more).await, 429);
    let kind = wait.budget.as_ref().unwrap().kind;
    assert_eq!(kind, AiBudgetRefusalKind::RetryLater);
    change(owner, &other, &release()).await.unwrap();
    let leases = count(&world.database, "server_leases WHERE external").await;
    assert_eq!(leases, 1);
    assert_eq!(spend(&world).await, (200_000, 500_000));
    balanced(&world.database).await;
}

#[tokio::test]
async fn a_pool_is_told_as_one() {
    let (world, held) = spent_and_held(800_000).await;
    let owner = &world.cast.owner;
    let pool = UpsertGroupAiBudgetRequest {
        spend_limit_micros: 5_000_000,
        pool_limit_micros: Change::Set(1_100_000),
        ..Default::default()
    };
    owner
        .group_budget_upsert(world.cast.group_id, &pool)
        .await
        .unwrap();
    let request = asked("p", "ada", 900_001);
    let refusal = refused(owner.external_reservation_create(&request).await, 402);
    let kinds = (AiBudgetRefusalKind::OverBudget, AiLimitKind::Pool);
    let figures = (1_100_000, 200_000, 800_000);
    told(&refusal, held.created_at, kinds, figures);
    let both = hold(owner, "p", 100_000).await;
    let kinds: Vec<_> = both.limits.iter().map(|limit| limit.kind).collect();
    assert_eq!(kinds, [AiLimitKind::User, AiLimitKind::Pool]);
    balanced(&world.database).await;
}

#[tokio::test]
async fn a_hold_is_extended_in_amount_and_time_and_never_shortened() {
    let world = world().await;
    let owner = &world.cast.owner;
    let held = hold(owner, "a", 100_000).await;
    let check = async |by: PatchAiReservationRequest, micros: i64, later: bool| {
        let before = owner.external_reservation_get(held.id).await.unwrap();
        let after = change(owner, &held, &by).await.unwrap();
        assert_eq!(
            (after.hold_micros, spend(&world).await),
            (micros, (0, micros)),
            "{by:?}"
        );
        assert_eq!(after.expires_at > before.expires_at, later, "{by:?}");
    };
    check(extend(Some(250_000), None), 250_000, false).await;
    check(extend(Some(250_000), None), 250_000, false).await;
    check(extend(Some(100_000), None), 250_000, false).await;
    check(extend(None, Some(5)), 250_000, false).await;
    check(extend(None, Some(900)), 250_000, true).await;
    check(extend(Some(1_000_000), Some(3_600)), 1_000_000, true).await;
    change(owner, &held, &settle(Some(1_000_000)))
        .await
        .unwrap();
    assert_eq!(spend(&world).await, (1_000_000, 0));
    let event = ada_events(&world).await.pop().unwrap();
    assert_eq!((event.hold, event.over_hold), (1_000_000, 0));
    balanced(&world.database).await;
}
