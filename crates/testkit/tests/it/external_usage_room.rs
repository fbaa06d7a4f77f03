//! Whether there is room for what other gateways ask: refused with figures, or extended.

use bursar_sdk::{
    AiBudgetRefusalKind, AiLimitKind, ApiError, Change, PatchAiReservationRequest,
    UpsertGroupAiBudgetRequest,
};
use serde_json::json;

use crate::{
    external_usage::{balanced, count, report, spent},
    external_usage_holds::{ada_events, change, extend, hold, release, settle, spend},
    external_usage_rights::asked,
    support::{ask, is, refused, world},
};

#[tokio::test]
async fn what_does_not_fit_is_refused_with_figures_and_forgotten() {
    let world = world().await;
    let owner = &world.cast.owner;
    report(owner, &[spent("spent", "ada", 200_000)])
        .await
        .unwrap();
    let held = hold(owner, "held", 500_000).await;
    let check = |refusal: &ApiError, kind, limit: AiLimitKind, all, spent, reserved| {
        let budget = refusal.budget.as_ref().unwrap();
        let it = &budget.limit;
        assert_eq!((budget.kind, it.kind), (kind, limit), "{refusal:?}");
        let figures = (it.limit_micros, it.spent_micros, it.reserved_micros);
        assert_eq!(figures, (all, spent, reserved), "{refusal:?}");
        assert!(it.resets_at > held.created_at && refusal.message.contains("resets at"));
    };
    let (over, later) = (
        AiBudgetRefusalKind::OverBudget,
        AiBudgetRefusalKind::RetryLater,
    );
    // It could never fit: 800,000 are not spent.
    let never = refused(
        owner
            .external_reservation_create(&asked("new", "ada", 800_001))
            .await,
        402,
    );
    check(&never, over, AiLimitKind::User, 1_000_000, 200_000, 500_000);
    // It fits when the hold is given back.
    let answer = ask(
        &world,
        owner,
        "POST",
        "/ai/reservations",
        &json!(asked("new", "ada", 300_001)),
    )
    .await;
    is(&answer, 429);
    assert_eq!(answer.headers["retry-after"], "2");
    let wait = refused(
        owner
            .external_reservation_create(&asked("new", "ada", 300_001))
            .await,
        429,
    );
    check(&wait, later, AiLimitKind::User, 1_000_000, 200_000, 500_000);
    // More for what is held: the same, and it holds what it held.
    let never = refused(
        change(owner, &held, &extend(Some(800_001), Some(3_600))).await,
        402,
    );
    assert_eq!(never.budget.as_ref().unwrap().kind, over);
    let same = owner.external_reservation_get(held.id).await.unwrap();
    assert_eq!(
        (same.hold_micros, same.expires_at),
        (500_000, held.expires_at)
    );
    let other = hold(owner, "other", 100_000).await;
    let wait = refused(
        change(owner, &held, &extend(Some(700_001), None)).await,
        429,
    );
    assert_eq!(wait.budget.as_ref().unwrap().kind, later);
    change(owner, &other, &release()).await.unwrap();
    // A refusal took no key and left no lease; now there is room.
    assert_eq!(
        count(&world.database, "server_leases WHERE external").await,
        1
    );
    change(owner, &held, &release()).await.unwrap();
    hold(owner, "new", 800_000).await;
    assert_eq!(spend(&world).await, (200_000, 800_000));
    // A pool is told as one.
    let pool = UpsertGroupAiBudgetRequest {
        spend_limit_micros: 5_000_000,
        pool_limit_micros: Change::Set(1_100_000),
        ..Default::default()
    };
    owner
        .group_budget_upsert(world.cast.group_id, &pool)
        .await
        .unwrap();
    let refusal = refused(
        owner
            .external_reservation_create(&asked("p", "ada", 900_001))
            .await,
        402,
    );
    check(
        &refusal,
        over,
        AiLimitKind::Pool,
        1_100_000,
        200_000,
        800_000,
    );
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
