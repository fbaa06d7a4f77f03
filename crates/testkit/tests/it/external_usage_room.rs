//! Whether there is room for what other gateways ask: refused with figures, or extended.

use bursar_sdk::{
    AiBudgetRefusalKind, AiCapSource, AiLimitKind, AiLimitState, AiReservation, ApiError, Change,
    PatchAiReservationRequest, UpsertGroupAiBudgetRequest,
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
async fn a_cap_is_told_with_whose_it_is_and_what_remains_to_the_person() {
    let (world, _) = spent_and_held(50_000).await;
    let (owner, place) = (&world.cast.owner, world.cast.organization_id);
    let caps = format!(
        "SET bursar.actor_name = 'test'; INSERT INTO subscription_budget_caps (scope_id, organization_id, \
            flat_user_cap_micros, flat_user_cap_enabled, subscription_cap_micros, subscription_cap_enabled, \
            included_micros) VALUES ('{place}', '{place}', 700000, true, 100000, true, 300000)"
    );
    let database = world.database.owner().await.unwrap();
    database.batch_execute(&caps).await.unwrap();
    let held = hold(owner, "one", 1).await;
    let told_of = |one: &AiLimitState| {
        let cap = one.cap.map(|cap| (cap.source, cap.cap_micros));
        (one.kind, cap, one.spent_micros, one.remaining_micros)
    };
    let caps = [
        // Of the person's million.
        (AiLimitKind::User, None, 200_000, 749_999),
        (
            AiLimitKind::UserCap,
            Some((AiCapSource::FlatUser, 700_000)),
            200_000,
            449_999,
        ),
        // What is included is not spent yet, and nothing counts under the cap of all.
        (
            AiLimitKind::SubscriptionCap,
            Some((AiCapSource::Subscription, 100_000)),
            0,
            149_999,
        ),
    ];
    let limits: Vec<_> = held.limits.iter().map(told_of).collect();
    assert_eq!(limits, caps);
    for limit in &held.limits[1..] {
        let cap = limit.cap.unwrap();
        assert_eq!(
            (cap.organization_id, cap.included_micros),
            (Some(place), 300_000)
        );
    }
    for (kind, micros, status) in [
        (AiBudgetRefusalKind::RetryLater, 150_000, 429),
        (AiBudgetRefusalKind::OverBudget, 200_001, 402),
    ] {
        let request = asked("more", "ada", micros);
        let refusal = refused(owner.external_reservation_create(&request).await, status);
        let kinds = (kind, AiLimitKind::SubscriptionCap);
        told(&refusal, held.created_at, kinds, (100_000, 0, 0));
        let text = &refusal.message;
        assert!(text.contains("$0.10 beyond $0.30"), "{text}");
        assert!(!text.contains("spent"), "{text}");
    }
    hold(owner, "more", 149_999).await;
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
