//! Room that other gateways ask for: held, settled, released, extended, refused, expired and corrected.

use std::time::Duration;

use bursar_sdk::{
    AiLimitKind, AiReservation, AiReservationAction, AiReservationStatus, AiTokenCounts, Change,
    Client, CreateAiReservationRequest, PatchAiReservationRequest, UpsertGroupAiBudgetRequest,
    client::Error,
};
use fakeprovider::Script;
use model::Micros;
use serde_json::{Value, json};
use testkit::{ServerOptions, World};

use crate::{
    calls::{Event, balanced, events, until},
    external_usage::{count, report, spent},
    external_usage_rights::asked,
    support::{ask, get, is, refused, world},
};

pub(crate) fn settle(micros: Option<i64>) -> PatchAiReservationRequest {
    PatchAiReservationRequest {
        action: AiReservationAction::Settle,
        cost_micros: micros.map_or(Change::Remove, Change::Set),
        ..Default::default()
    }
}

pub(crate) fn release() -> PatchAiReservationRequest {
    PatchAiReservationRequest {
        action: AiReservationAction::Release,
        ..Default::default()
    }
}

pub(crate) fn extend(micros: Option<i64>, seconds: Option<i64>) -> PatchAiReservationRequest {
    PatchAiReservationRequest {
        action: AiReservationAction::Extend,
        hold_micros: micros,
        expires_in_s: seconds,
        ..Default::default()
    }
}

pub(crate) async fn hold(by: &Client, key: &str, micros: i64) -> AiReservation {
    by.external_reservation_create(&asked(key, "ada", micros))
        .await
        .unwrap()
}

pub(crate) async fn change(
    by: &Client,
    hold: &AiReservation,
    change: &PatchAiReservationRequest,
) -> Result<AiReservation, Error> {
    by.external_reservation_update(hold.id, change).await
}

pub(crate) async fn spend(world: &World) -> (i64, i64) {
    world.spend(&world.cast.member).await.unwrap()
}

pub(crate) async fn ada_events(world: &World) -> Vec<Event> {
    events(&world.database, world.cast.member_id).await
}

/// A good request with some fields others; the fields that are told to be wrong.
const WRONG: &[(&str, &str, &[&str])] = &[
    ("POST", r#"{"hold_micros": 0}"#, &["hold_micros"]),
    ("POST", r#"{"hold_micros": -5}"#, &["hold_micros"]),
    ("POST", r#"{"hold_micros": 1000000001}"#, &["hold_micros"]),
    ("POST", r#"{"hold_micros": null}"#, &["hold_micros"]),
    ("POST", r#"{"expires_in_s": 0}"#, &["expires_in_s"]),
    ("POST", r#"{"expires_in_s": 3601}"#, &["expires_in_s"]),
    (
        "POST",
        r#"{"idempotency_key": "ä", "user": ""}"#,
        &["idempotency_key", "user"],
    ),
    (
        "POST",
        r#"{"provider": "", "model": "", "client": "a\nb"}"#,
        &["provider", "model", "client"],
    ),
    ("PATCH", r#"{"action": "pay"}"#, &["action"]),
    ("PATCH", r#"{"action": "settle"}"#, &["cost_micros"]),
    (
        "PATCH",
        r#"{"action": "settle", "cost_micros": -1}"#,
        &["cost_micros"],
    ),
    (
        "PATCH",
        r#"{"action": "settle", "cost_micros": 1, "hold_micros": 2}"#,
        &["hold_micros"],
    ),
    (
        "PATCH",
        r#"{"action": "settle", "cost_micros": 1, "tokens": {"reasoning": 1}}"#,
        &["tokens.reasoning"],
    ),
    (
        "PATCH",
        r#"{"action": "release", "cost_micros": null}"#,
        &["cost_micros"],
    ),
    (
        "PATCH",
        r#"{"action": "release", "expires_in_s": 5}"#,
        &["expires_in_s"],
    ),
    ("PATCH", r#"{"action": "extend"}"#, &["hold_micros"]),
    (
        "PATCH",
        r#"{"action": "extend", "hold_micros": 0}"#,
        &["hold_micros"],
    ),
    (
        "PATCH",
        r#"{"action": "extend", "expires_in_s": 4000}"#,
        &["expires_in_s"],
    ),
    (
        "PATCH",
        r#"{"action": "extend", "hold_micros": 9, "response_model": "m"}"#,
        &["response_model"],
    ),
    ("PATCH", "{}", &["action"]),
];

#[tokio::test]
async fn what_is_wrong_with_a_request_is_told_and_changes_nothing() {
    let world = world().await;
    let owner = &world.cast.owner;
    let held = hold(owner, "held", 10).await;
    for (method, text, fields) in WRONG {
        let text: Value = serde_json::from_str(text).unwrap();
        let mut body = text.clone();
        let mut path = format!("/ai/reservations/{}", held.id);
        if *method == "POST" {
            path = "/ai/reservations".to_owned();
            body = json!(asked("wrong", "ada", 1));
            body.as_object_mut()
                .unwrap()
                .extend(text.as_object().unwrap().clone());
        }
        let answer = ask(&world, owner, method, &path, &body).await;
        is(&answer, 400);
        assert_eq!(answer.fields(), *fields, "{method} {text}");
    }
    assert_eq!(
        owner
            .external_reservation_get(held.id)
            .await
            .unwrap()
            .status,
        AiReservationStatus::Open
    );
    assert_eq!(
        (
            spend(&world).await,
            count(&world.database, "ai_external_usage").await
        ),
        ((0, 10), 1)
    );
    is(&get(&world, owner, "/ai/reservations/x").await, 400);
    let usage = report(owner, &[spent("u", "ada", 1)]).await.unwrap();
    // What was only reported is no hold.
    is(
        &get(&world, owner, &format!("/ai/reservations/{}", usage[0].id)).await,
        404,
    );
}

/// Holds 400,000 for a minute, is told how much is left, and holds nothing more with the same key.
async fn told(world: &World, request: &CreateAiReservationRequest) -> AiReservation {
    let owner = &world.cast.owner;
    let first = ask(world, owner, "POST", "/ai/reservations", &json!(request)).await;
    is(&first, 201);
    let held: AiReservation = serde_json::from_value(first.json()).unwrap();
    assert_eq!(
        (held.status, held.hold_micros),
        (AiReservationStatus::Open, 400_000)
    );
    assert_eq!(
        held.expires_at - held.created_at,
        chrono::Duration::seconds(60)
    );
    let limit = &held.limits[0];
    let figures = (
        limit.limit_micros,
        limit.spent_micros,
        limit.reserved_micros,
        limit.remaining_micros,
    );
    assert_eq!((held.limits.len(), limit.kind), (1, AiLimitKind::User));
    assert_eq!(figures, (1_000_000, 0, 400_000, 600_000));
    // Again it is the same hold.
    let again = ask(world, owner, "POST", "/ai/reservations", &json!(request)).await;
    is(&again, 200);
    assert_eq!(again.json()["id"], first.json()["id"]);
    assert_eq!(spend(world).await, (0, 400_000));
    for other in [asked("a", "ada", 400_001), asked("a", "owner", 400_000)] {
        refused(owner.external_reservation_create(&other).await, 409);
    }
    refused(report(owner, &[spent("a", "ada", 1)]).await, 409);
    held
}

#[tokio::test]
async fn a_hold_is_told_with_its_limits_and_settled_once() {
    let world = world().await;
    let owner = &world.cast.owner;
    let request = CreateAiReservationRequest {
        expires_in_s: Some(60),
        client: Some("a-program".to_owned()),
        ..asked("a", "ada", 400_000)
    };
    let held = told(&world, &request).await;
    let cost = PatchAiReservationRequest {
        tokens: Some(AiTokenCounts {
            input: 5,
            output: 7,
            ..Default::default()
        }),
        ..settle(Some(150_000))
    };
    let settled = change(owner, &held, &cost).await.unwrap();
    assert_eq!(
        (settled.status, settled.cost_micros),
        (AiReservationStatus::Settled, Some(150_000))
    );
    assert_eq!((settled.over_hold_micros, settled.corrected), (0, false));
    assert_eq!(spend(&world).await, (150_000, 0));
    // The same again changes nothing; anything else is refused.
    assert_eq!(change(owner, &held, &cost).await.unwrap(), settled);
    for other in [
        settle(Some(150_000)),
        settle(Some(1)),
        settle(None),
        release(),
        extend(Some(900_000), None),
    ] {
        let refusal = refused(change(owner, &held, &other).await, 409);
        assert!(refusal.message.contains("settled before"), "{refusal:?}");
    }
    let event = ada_events(&world).await.pop().unwrap();
    assert_eq!(
        (event.cost, event.hold, event.tokens[0]),
        (Some(150_000), 400_000, 5)
    );
    assert!(!event.estimated && !event.swept);
    // Asked again with the same key it stays what it is.
    let known = owner.external_reservation_create(&request).await.unwrap();
    assert_eq!(known.status, AiReservationStatus::Settled);
    assert_eq!(
        count(&world.database, "server_leases WHERE external").await,
        0
    );
    balanced(&world.database).await;
}

#[tokio::test]
async fn a_release_gives_back_and_what_passes_the_hold_is_marked() {
    let world = world().await;
    let owner = &world.cast.owner;
    let free = hold(owner, "free", 300_000).await;
    let released = change(owner, &free, &release()).await.unwrap();
    assert_eq!(
        (released.status, released.cost_micros),
        (AiReservationStatus::Released, None)
    );
    assert_eq!(change(owner, &free, &release()).await.unwrap(), released);
    let refusal = refused(change(owner, &free, &settle(Some(0))).await, 409);
    assert!(refusal.message.contains("released before"), "{refusal:?}");
    assert_eq!(spend(&world).await, (0, 0));

    // Not even a cost beyond the limit is refused.
    let dear = hold(owner, "dear", 300_000).await;
    let settled = change(owner, &dear, &settle(Some(1_500_000)))
        .await
        .unwrap();
    assert_eq!(settled.over_hold_micros, 1_200_000);
    assert_eq!(spend(&world).await, (1_500_000, 0));
    let event = ada_events(&world).await.pop().unwrap();
    assert_eq!((event.hold, event.over_hold), (300_000, 1_200_000));
    // And one that is not known charges nothing.
    limit(&world, 2_000_000).await;
    let unknown = hold(owner, "unknown", 100_000).await;
    let settled = change(owner, &unknown, &settle(None)).await.unwrap();
    assert_eq!(
        (settled.status, settled.cost_micros),
        (AiReservationStatus::Settled, None)
    );
    assert_eq!(
        change(owner, &unknown, &settle(None)).await.unwrap(),
        settled
    );
    assert_eq!(spend(&world).await, (1_500_000, 0));
    balanced(&world.database).await;
}

/// Lets ada, and the group together, spend so much.
pub(crate) async fn limit(world: &World, micros: i64) {
    let budget = UpsertGroupAiBudgetRequest {
        spend_limit_micros: micros,
        ..Default::default()
    };
    world
        .cast
        .owner
        .group_budget_upsert(world.cast.group_id, &budget)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_hold_that_nobody_closes_is_charged_whole_and_corrected_by_the_truth() {
    let options = ServerOptions {
        lease: Duration::from_secs(1),
        ..Default::default()
    };
    let world = World::with_options(Script::default(), Micros::USD, &options)
        .await
        .unwrap();
    let owner = &world.cast.owner;
    let short = |key: &str| CreateAiReservationRequest {
        expires_in_s: Some(1),
        ..asked(key, "ada", 100_000)
    };
    let mut holds = Vec::new();
    for key in ["settled", "released", "left"] {
        holds.push(
            owner
                .external_reservation_create(&short(key))
                .await
                .unwrap(),
        );
    }
    let long = hold(owner, "long", 50_000).await;
    until("the sweep", || async {
        spend(&world).await == (300_000, 50_000)
    })
    .await;
    for hold in &holds {
        let seen = owner.external_reservation_get(hold.id).await.unwrap();
        assert_eq!(
            (seen.status, seen.cost_micros),
            (AiReservationStatus::Expired, None)
        );
        let refusal = refused(change(owner, hold, &extend(None, Some(60))).await, 409);
        assert!(refusal.message.contains("expired"), "{refusal:?}");
    }
    assert!(
        ada_events(&world)
            .await
            .iter()
            .all(|event| event.swept && event.estimated)
    );
    let settled = change(owner, &holds[0], &settle(Some(130_000)))
        .await
        .unwrap();
    assert_eq!(
        (settled.status, settled.corrected),
        (AiReservationStatus::Settled, true)
    );
    assert_eq!(settled.over_hold_micros, 30_000);
    assert_eq!(
        change(owner, &holds[0], &settle(Some(130_000)))
            .await
            .unwrap(),
        settled
    );
    refused(change(owner, &holds[0], &settle(Some(1))).await, 409);
    let released = change(owner, &holds[1], &release()).await.unwrap();
    assert_eq!(
        (released.status, released.corrected),
        (AiReservationStatus::Released, true)
    );
    assert_eq!(spend(&world).await, (230_000, 50_000));
    change(owner, &long, &settle(Some(50_000))).await.unwrap();
    let corrections = ada_events(&world).await;
    let corrections = corrections.iter().filter(|event| event.corrects.is_some());
    let mut costs: Vec<_> = corrections.map(|event| event.cost).collect();
    costs.sort_unstable();
    assert_eq!(costs, [Some(-100_000), Some(30_000)]);
    balanced(&world.database).await;
}
