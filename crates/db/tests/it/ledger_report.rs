//! What was spent elsewhere: charged to whom it belongs, never refused, marked where it passes a limit.

use db::Database;
use model::{
    Micros, ProviderId, UserId,
    metering::TokenUsage,
    spend::{
        CredentialKind, LedgerAnswer, LedgerOp, LimitKind, Reported, ReserveOutcome,
        SettlementBasis, UsageReport,
    },
};
use uuid::Uuid;

use crate::{
    ledger::{admit, batch, check_spend, lease, request, reserve, settle, settlement, spend},
    ledger_pools::Pooled,
    support::{TestDb, World, id},
};

pub(crate) fn report(user: UserId, cost: Option<i64>) -> LedgerOp {
    LedgerOp::Report(Box::new(UsageReport {
        user_id: user,
        api_key_id: "9876543210".to_owned(),
        provider_id: ProviderId(Uuid::nil()),
        provider_name: "elsewhere".to_owned(),
        model: "gpt-4o".to_owned(),
        client: Some("codex".to_owned()),
        credential_kind: CredentialKind::Byok,
        usage: TokenUsage {
            input: 7,
            output: 9,
            ..TokenUsage::default()
        },
        basis: SettlementBasis::Reported,
        cost: cost.map(Micros),
        prices: None,
        response_model: None,
        provider_response_id: Some("resp-1".to_owned()),
    }))
}

pub(crate) async fn reported(store: &Database, op: LedgerOp) -> Reported {
    match batch(store, &[op]).await.answers.remove(0) {
        LedgerAnswer::Reported(reported) => reported,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_passes_a_limit_is_charged_and_marked() {
    let it = Pooled::new(1_000, 1_500).await;
    let (store, [ann, bob]) = (&it.store, it.people);
    let lease = lease(store).await;
    let held = admit(store, &request(bob, lease, 0, 300)).await;
    let mut marks = Vec::new();
    for (user, cost, passed) in [
        (ann, Some(800), None),
        (ann, Some(201), Some(LimitKind::User)),
        (ann, None, None),
        (ann, Some(0), None),
        // The pool beside what Bob holds.
        (bob, Some(199), None),
        (bob, Some(1), Some(LimitKind::Pool)),
    ] {
        let told = reported(store, report(user, cost)).await;
        assert_eq!((told.passed, told.cost), (passed, cost.map(Micros)));
        assert_eq!(told.account.user_id, user);
        assert_eq!(told.account.group_id, Some(it.group()));
        assert_eq!(told.organization_id, Some(it.organization));
        let over = passed.and(cost).unwrap_or(0);
        marks.push((told.id.0, cost, 0, over));
        assert_eq!(spend(store, user).await.group_id, Some(it.group()));
    }
    check_spend(store, ann, 1_001, 0).await;
    check_spend(store, bob, 200, 300).await;
    assert_eq!(it.pool().await, (1_201, 300));
    let events =
        "SELECT id, cost_micros, hold_micros, over_hold_micros FROM ai_usage_events ORDER BY id";
    let rows = it.owner.query(events, &[]).await.unwrap();
    let mut found: Vec<(Uuid, Option<i64>, i64, i64)> = rows
        .iter()
        .map(|row| (row.get(0), row.get(1), row.get(2), row.get(3)))
        .collect();
    found.sort_unstable();
    marks.sort_unstable();
    assert_eq!(found, marks);
    settle(store, &settlement(held, 1, Some(300))).await;
    assert_eq!(it.pool().await, (1_501, 0));
    let next = reserve(store, &request(ann, lease, 0, 16)).await;
    assert!(matches!(next, ReserveOutcome::Refused(_)), "{next:?}");
}

#[tokio::test]
async fn a_report_counts_before_the_requests_of_its_batch() {
    let db = TestDb::new().await;
    let store = db.store().await;
    let world = World::new(&store, Some(Micros(1_000))).await;
    let lease = lease(&store).await;
    let asked = LedgerOp::Reserve(Box::new(request(world.user, lease, 0, 500)));
    let ops = [
        asked,
        report(world.user, Some(300)),
        report(world.user, Some(300)),
    ];
    let answers = batch(&store, &ops).await.answers;
    let LedgerAnswer::Reserved(outcome) = &answers[0] else {
        panic!("{answers:?}")
    };
    let ReserveOutcome::Admitted { hold, lowered, .. } = **outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!((hold, lowered), (Micros(400), true));
    check_spend(&store, world.user, 600, 400).await;
}

#[tokio::test]
async fn events_say_which_program_asked_and_whose_key_it_was() {
    let db = TestDb::new().await;
    let store = db.store().await;
    let world = World::new(&store, None).await;
    let lease = lease(&store).await;
    let by = |kind, client: Option<&str>| model::spend::ReserveRequest {
        client: client.map(str::to_owned),
        credential_kind: kind,
        ..request(world.user, lease, 0, 10)
    };
    let told = reported(&store, report(world.user, Some(1))).await;
    let told_of_nobody = reported(&store, report(UserId(id()), Some(1))).await;
    assert_eq!(told_of_nobody.organization_id, None);
    let mut expected = vec![
        (told.id.0, Some("codex".to_owned()), "byok".to_owned()),
        (
            told_of_nobody.id.0,
            Some("codex".to_owned()),
            "byok".to_owned(),
        ),
    ];
    for (kind, client) in [
        (CredentialKind::Centralized, Some("zed")),
        (CredentialKind::Byok, None),
    ] {
        let held = admit(&store, &by(kind, client)).await;
        settle(&store, &settlement(held, 1, Some(1))).await;
        expected.push((held.id.0, client.map(str::to_owned), kind.to_string()));
    }
    let app = db.client(db::local::LocalRole::App).await;
    let events = "SELECT id, client, credential_kind FROM ai_usage_events";
    let rows = app.query(events, &[]).await.unwrap();
    let mut found: Vec<(Uuid, Option<String>, String)> = rows
        .iter()
        .map(|row| (row.get(0), row.get(1), row.get(2)))
        .collect();
    found.sort_unstable();
    expected.sort_unstable();
    assert_eq!(found, expected);
}
