//! The spend ledger, step by step.

use chrono::{DateTime, Duration, Utc};
use db::{Database, local::LocalRole};
use model::{
    LeaseId, Micros, ProviderId, ReservationId, UserId, WaiterId,
    admission::{Patience, WorstCase},
    budgets::{GroupBudgetUpsert, LimitSource},
    metering::{PriceSnapshot, PriceSource, TokenUsage, UnitPrices},
    spend::{
        Account, CredentialKind, LedgerAnswer, LedgerBatch, LedgerOp, LimitKey, LockWait,
        NotBounded, Release, ReserveOutcome, ReserveRequest, SettleEffect, SettleOutcome,
        Settlement, SettlementBasis, SpendState,
    },
};

use crate::support::{TestDb, World, begin, context, id, new_group, new_organization, read};
use store::Store;

/// A request whose input costs `input` and each of up to `cap` output tokens one micro.
pub(crate) fn request(user: UserId, lease: LeaseId, input: i64, cap: u64) -> ReserveRequest {
    let worst = WorstCase {
        input_cost: Micros(input),
        output_price: 1_000_000,
        choices: 1,
        cap,
        floor: cap.min(16),
        fees: Micros::ZERO,
    };
    ReserveRequest {
        waiter: WaiterId(id()),
        lease_id: lease,
        user_id: user,
        api_key_id: "0123456789".to_owned(),
        provider_id: ProviderId(id()),
        provider_name: "fake".to_owned(),
        model: "gpt-4o".to_owned(),
        client: Some("openai-python".to_owned()),
        credential_kind: CredentialKind::Centralized,
        input_bound_tokens: 100,
        worst_case: Ok(worst),
        prices: Some(prices()),
        patience: Patience::Arrived,
        waiting_since: None,
        gives_up_at: DateTime::<Utc>::MAX_UTC - Duration::days(100_000 * 365),
    }
}

fn prices() -> PriceSnapshot {
    PriceSnapshot {
        provider: "openai".to_owned(),
        model: "gpt-4o-2024-08-06".to_owned(),
        source: PriceSource::File,
        effective_from: None,
        tier_start: 0,
        prices: UnitPrices {
            output: Some(1_000_000),
            ..UnitPrices::default()
        },
    }
}

/// A reservation, as whoever made it knows it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Held {
    pub(crate) id: ReservationId,
    pub(crate) account: Account,
}

pub(crate) fn settlement(held: Held, output: u64, cost: Option<i64>) -> Settlement {
    Settlement {
        id: held.id,
        account: held.account,
        usage: TokenUsage {
            input: 10,
            output,
            ..TokenUsage::default()
        },
        basis: SettlementBasis::Reported,
        cost: cost.map(Micros),
        prices: cost.map(|_| prices()),
        response_model: Some("gpt-4o-2024-08-06".to_owned()),
        provider_response_id: Some("chatcmpl-1".to_owned()),
    }
}

pub(crate) async fn lease(store: &Database) -> LeaseId {
    let lease = LeaseId(id());
    let mut unit = begin(store).await;
    assert!(unit.lease_renew(lease, Duration::minutes(1)).await.unwrap());
    unit.commit().await.unwrap();
    lease
}

/// Takes steps in one batch, in a transaction of its own, as a gateway does.
pub(crate) async fn batch(store: &Database, ops: &[LedgerOp]) -> LedgerBatch {
    let mut unit = store.begin_batch(&context()).await.unwrap();
    let batch = unit.ledger_batch(ops, LockWait::Long).await.unwrap();
    unit.commit().await.unwrap();
    assert_eq!(batch.answers.len(), ops.len());
    batch
}

pub(crate) async fn reserve(store: &Database, request: &ReserveRequest) -> ReserveOutcome {
    let mut batch = batch(store, &[LedgerOp::Reserve(Box::new(request.clone()))]).await;
    match batch.answers.remove(0) {
        LedgerAnswer::Reserved(outcome) => *outcome,
        other => panic!("{other:?}"),
    }
}

/// The reservation, if it was made.
pub(crate) fn held(outcome: &ReserveOutcome) -> Option<Held> {
    match outcome {
        ReserveOutcome::Admitted { id, account, .. } => Some(Held {
            id: *id,
            account: *account,
        }),
        _ => None,
    }
}

/// Reserves what must be admitted.
pub(crate) async fn admit(store: &Database, request: &ReserveRequest) -> Held {
    let outcome = reserve(store, request).await;
    held(&outcome).unwrap_or_else(|| panic!("{outcome:?}"))
}

/// Closes, and says where somebody waits for what came free.
pub(crate) async fn close(store: &Database, op: LedgerOp) -> (SettleOutcome, Vec<LimitKey>) {
    let mut batch = batch(store, &[op]).await;
    match batch.answers.remove(0) {
        LedgerAnswer::Closed(outcome) => (outcome, batch.wake),
        other => panic!("{other:?}"),
    }
}

pub(crate) async fn settle(store: &Database, what: &Settlement) -> SettleOutcome {
    close(store, LedgerOp::Settle(Box::new(what.clone())))
        .await
        .0
}

pub(crate) async fn release(store: &Database, held: Held) -> SettleOutcome {
    let Held { id, account } = held;
    close(store, LedgerOp::Release(Release { id, account }))
        .await
        .0
}

pub(crate) async fn sweep(store: &Database) -> Vec<LimitKey> {
    let mut unit = begin(store).await;
    let freed = unit.reservation_sweep(100).await.unwrap();
    unit.commit().await.unwrap();
    freed
}

pub(crate) async fn spend(store: &Database, user: UserId) -> SpendState {
    let mut unit = read(store).await;
    assert_eq!(
        unit.ledger_verify().await.unwrap(),
        [],
        "the ledger does not balance"
    );
    unit.spend_get(user).await.unwrap().state
}

/// Checks what is spent and held, and that the ledger balances.
pub(crate) async fn check_spend(store: &Database, user: UserId, spent: i64, reserved: i64) {
    let state = spend(store, user).await;
    assert_eq!(
        (state.spent, state.reserved),
        (Micros(spent), Micros(reserved))
    );
}

#[tokio::test]
async fn a_reservation_holds_and_a_settlement_charges() {
    let db = TestDb::new().await;
    let store = db.store().await;
    let world = World::new(&store, Some(Micros(1_000))).await;
    let lease = lease(&store).await;
    check_spend(&store, world.user, 0, 0).await;

    let asked = request(world.user, lease, 100, 400);
    let ReserveOutcome::Admitted {
        id,
        account,
        hold,
        cap,
        lowered,
        state,
    } = reserve(&store, &asked).await
    else {
        panic!("not admitted");
    };
    let asked = Held { id, account };
    assert_eq!(
        (account.user_id, account.group_id),
        (world.user, state.group_id)
    );
    assert_eq!(
        id.instant().timestamp_millis(),
        state.now.timestamp_millis()
    );
    assert_eq!((hold, cap, lowered), (Micros(500), Some(400), false));
    let budget = state.budget.unwrap();
    assert_eq!(
        (budget.spend_limit, budget.source),
        (Micros(1_000), LimitSource::Group)
    );
    assert_eq!(state.group_id, Some(world.organization.everyone()));
    assert_eq!(state.organization_id, Some(world.organization));
    assert_eq!(state.reserved, Micros::ZERO);
    assert!(state.period.start <= state.now && state.now < state.period.end);
    check_spend(&store, world.user, 0, 500).await;

    let settled = LedgerOp::Settle(Box::new(settlement(asked, 50, Some(150))));
    let (outcome, wake) = close(&store, settled).await;
    assert_eq!(outcome.effect, SettleEffect::Settled);
    assert_eq!(
        (outcome.freed, wake, outcome.over_hold),
        (vec![LimitKey::user(world.user)], vec![], Micros(0))
    );
    check_spend(&store, world.user, 150, 0).await;
    let again = settle(&store, &settlement(asked, 50, Some(150))).await;
    assert_eq!(again.effect, SettleEffect::AlreadySettled);
    assert_eq!(
        release(&store, asked).await.effect,
        SettleEffect::AlreadySettled
    );

    let asked = admit(&store, &request(world.user, lease, 100, 400)).await;
    assert_eq!(release(&store, asked).await.effect, SettleEffect::Released);
    assert_eq!(release(&store, asked).await.effect, SettleEffect::Unknown);
    assert_eq!(
        settle(&store, &settlement(asked, 1, Some(1))).await.effect,
        SettleEffect::Unknown
    );
    check_spend(&store, world.user, 150, 0).await;
}

#[tokio::test]
async fn a_cost_above_its_hold_is_charged_whole_and_marked() {
    let db = TestDb::new().await;
    let store = db.store().await;
    let world = World::new(&store, Some(Micros(1_000))).await;
    let lease = lease(&store).await;
    let asked = admit(&store, &request(world.user, lease, 0, 400)).await;
    let outcome = settle(&store, &settlement(asked, 1_500, Some(1_500))).await;
    assert_eq!(
        (outcome.effect, outcome.over_hold),
        (SettleEffect::Settled, Micros(1_100))
    );
    check_spend(&store, world.user, 1_500, 0).await;
    let client = db.client(LocalRole::App).await;
    let row = client
        .query_one(
            "SELECT id, over_hold_micros, output_tokens, priced_model FROM ai_usage_events",
            &[],
        )
        .await
        .unwrap();
    assert_eq!((row.get::<_, i64>(1), row.get::<_, i64>(2)), (1_100, 1_500));
    assert_eq!(row.get::<_, String>(3), "gpt-4o-2024-08-06");
    let next = request(world.user, lease, 0, 16);
    assert!(matches!(
        reserve(&store, &next).await,
        ReserveOutcome::Refused(_)
    ));
}

#[tokio::test]
async fn without_a_limit_everything_is_admitted_and_still_durable() {
    let db = TestDb::new().await;
    let store = db.store().await;
    let world = World::new(&store, None).await;
    let lease = lease(&store).await;
    let bounded = request(world.user, lease, 100, 400);
    let unpriced = ReserveRequest {
        worst_case: Err(NotBounded::Unpriced),
        prices: None,
        ..request(world.user, lease, 0, 0)
    };
    let mut made = Vec::new();
    for (asked, held) in [(&bounded, 500), (&unpriced, 0)] {
        let ReserveOutcome::Admitted {
            id,
            account,
            hold,
            cap,
            lowered,
            state,
        } = reserve(&store, asked).await
        else {
            panic!("not admitted")
        };
        assert_eq!(
            (hold, cap, lowered, state.budget),
            (Micros(held), None, false, None)
        );
        assert_eq!(state.group_id, Some(world.organization.everyone()));
        made.push(Held { id, account });
    }
    check_spend(&store, world.user, 0, 500).await;
    let outcome = settle(&store, &settlement(made[1], 5, None)).await;
    assert_eq!(
        (outcome.effect, outcome.over_hold),
        (SettleEffect::Settled, Micros::ZERO)
    );
    check_spend(&store, world.user, 0, 500).await;

    let mut unit = begin(&store).await;
    unit.group_budget_upsert(
        world.organization.everyone(),
        &GroupBudgetUpsert::limit(Micros(1_000)),
    )
    .await
    .unwrap();
    unit.commit().await.unwrap();
    let again = ReserveRequest {
        waiter: WaiterId(id()),
        ..unpriced
    };
    let outcome = reserve(&store, &again).await;
    assert!(
        matches!(outcome, ReserveOutcome::NotBounded(NotBounded::Unpriced, _)),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn a_person_without_an_organization_spends_for_no_group() {
    let db = TestDb::new().await;
    let store = db.store().await;
    let state = spend(&store, UserId(id())).await;
    assert_eq!(
        (state.budget, state.group_id, state.organization_id),
        (None, None, None)
    );
    let asked = admit(&store, &request(UserId(id()), lease(&store).await, 1, 1)).await;
    settle(&store, &settlement(asked, 1, Some(2))).await;
    check_spend(&store, asked.account.user_id, 2, 0).await;
}

#[tokio::test]
async fn the_highest_budget_of_a_living_organization_holds() {
    let db = TestDb::new().await;
    let store = db.store().await;
    let world = World::new(&store, Some(Micros(100))).await;
    let (beta, team) = (
        new_organization("beta"),
        new_group("team", world.organization),
    );
    let mut unit = begin(&store).await;
    unit.organization_create(&beta).await.unwrap();
    unit.organization_member_create(beta.id, world.user, &[])
        .await
        .unwrap();
    unit.group_budget_upsert(beta.id.everyone(), &GroupBudgetUpsert::limit(Micros(900)))
        .await
        .unwrap();
    unit.group_create(&team).await.unwrap();
    unit.group_budget_upsert(team.id, &GroupBudgetUpsert::limit(Micros(500)))
        .await
        .unwrap();
    unit.commit().await.unwrap();
    let limit = async || spend(&store, world.user).await.budget.unwrap().spend_limit;
    assert_eq!(limit().await, Micros(900));
    let mut unit = begin(&store).await;
    unit.organization_delete(beta.id).await.unwrap();
    unit.commit().await.unwrap();
    assert_eq!(limit().await, Micros(100));
    let mut unit = begin(&store).await;
    let join = model::groups::GroupUpdate {
        add_users: vec![world.user],
        ..Default::default()
    };
    unit.group_update(team.id, &join).await.unwrap();
    unit.commit().await.unwrap();
    assert_eq!(limit().await, Micros(500));
}
