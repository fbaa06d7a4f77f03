//! The spend ledger after crashes, over month ends, and recounted.

use chrono::Duration;
use db::local::LocalRole;
use model::{
    LeaseId, Micros,
    spend::{
        Account, LedgerDifference, LedgerFigure, LimitKey, NotBounded, Progress, ReserveOutcome,
        SettleEffect,
    },
};
use store::{Store, StoreResult};

use crate::{
    ledger::{
        admit, check_spend, lease, release, request, reserve, settle, settlement, spend, sweep,
    },
    support::{TestDb, World, begin, id, read},
};

#[tokio::test]
async fn a_swept_reservation_is_charged_by_what_is_known() {
    let db = TestDb::new().await;
    let store = db.store().await;
    let world = World::new(&store, None).await;
    let lost = LeaseId(id());
    let check = async |progress: Option<u64>, priced: bool, cost: Option<i64>| {
        let mut asked = request(world.user, lost, 100, 400);
        if !priced {
            asked.worst_case = Err(NotBounded::Unpriced);
            asked.prices = None;
        }
        let asked = admit(&store, &asked).await;
        if let Some(output_tokens) = progress {
            let mut unit = begin(&store).await;
            for output_tokens in [output_tokens, 0] {
                let progress = Progress {
                    id: asked.id,
                    output_tokens,
                };
                unit.reservation_progress(&[progress]).await.unwrap();
            }
            unit.commit().await.unwrap();
        }
        assert_eq!(sweep(&store).await, [LimitKey::user(world.user)]);
        assert_eq!(sweep(&store).await, []);
        let client = db.client(LocalRole::App).await;
        let select = "SELECT cost_micros, estimated AND swept FROM ai_usage_events WHERE id = $1::text::uuid";
        let row = client
            .query_one(select, &[&asked.id.to_string()])
            .await
            .unwrap();
        assert_eq!(row.get::<_, Option<i64>>(0), cost, "{progress:?} {priced}");
        assert!(row.get::<_, bool>(1));
    };
    check(None, true, Some(500)).await;
    check(Some(30), true, Some(130)).await;
    check(Some(9_999), true, Some(500)).await;
    check(None, false, None).await;
    check_spend(&store, world.user, 1_130, 0).await;
}

#[tokio::test]
async fn only_reservations_of_lapsed_leases_are_swept() {
    let db = TestDb::new().await;
    let store = db.store().await;
    let world = World::new(&store, Some(Micros(10_000))).await;
    let (mine, other) = (lease(&store).await, lease(&store).await);
    reserve(&store, &request(world.user, mine, 0, 100)).await;
    reserve(&store, &request(world.user, other, 0, 200)).await;
    assert_eq!(sweep(&store).await, []);

    let renew = async |lease: LeaseId| -> StoreResult<bool> {
        let mut unit = begin(&store).await;
        let renewed = unit.lease_renew(lease, Duration::minutes(1)).await?;
        unit.commit().await?;
        Ok(renewed)
    };
    let mut unit = begin(&store).await;
    assert_eq!(unit.lease_end_others(mine).await.unwrap(), 1);
    unit.commit().await.unwrap();
    assert!(!renew(other).await.unwrap());
    assert!(renew(mine).await.unwrap());
    assert_eq!(sweep(&store).await, [LimitKey::user(world.user)]);
    check_spend(&store, world.user, 200, 100).await;

    db.shift_time("2 minutes").await;
    assert!(!renew(mine).await.unwrap());
    assert_eq!(sweep(&store).await, [LimitKey::user(world.user)]);
    check_spend(&store, world.user, 300, 0).await;
    let mut unit = begin(&store).await;
    let fresh = LeaseId(id());
    assert!(unit.lease_renew(fresh, Duration::minutes(1)).await.unwrap());
    unit.lease_end(fresh).await.unwrap();
    assert!(!unit.lease_renew(fresh, Duration::minutes(1)).await.unwrap());
}

#[tokio::test]
async fn a_true_settlement_after_a_sweep_corrects_it_once() {
    let db = TestDb::new().await;
    let store = db.store().await;
    let world = World::new(&store, Some(Micros(100_000))).await;
    let check = async |truth: Option<i64>, spent: i64, over: i64| {
        let before = spend(&store, world.user).await.spent;
        let asked = admit(&store, &request(world.user, LeaseId(id()), 100, 400)).await;
        sweep(&store).await;
        let settle = async || match truth {
            Some(cost) => settle(&store, &settlement(asked, 50, Some(cost))).await,
            None => release(&store, asked).await,
        };
        let outcome = settle().await;
        assert_eq!(outcome.effect, SettleEffect::Corrected);
        assert_eq!(
            (outcome.freed, outcome.over_hold),
            (vec![LimitKey::user(world.user)], Micros(over))
        );
        assert_eq!(settle().await.effect, SettleEffect::AlreadySettled);
        check_spend(&store, world.user, before.0 + spent, 0).await;
        let client = db.client(LocalRole::App).await;
        let select = "SELECT sum(cost_micros)::bigint, count(*), sum(output_tokens)::bigint \
            FROM ai_usage_events WHERE $1::text::uuid IN (id, corrects)";
        let row = client
            .query_one(select, &[&asked.id.to_string()])
            .await
            .unwrap();
        assert_eq!((row.get::<_, i64>(0), row.get::<_, i64>(1)), (spent, 2));
        assert_eq!(row.get::<_, i64>(2), if truth.is_some() { 50 } else { 0 });
    };
    check(Some(150), 150, 0).await; // Less than the 500 that were charged.
    check(Some(700), 700, 200).await;
    check(Some(500), 500, 0).await;
    check(None, 0, 0).await;
}

#[tokio::test]
async fn a_new_period_counts_from_zero_and_old_reservations_settle_in_their_own() {
    let db = TestDb::new().await;
    let store = db.store().await;
    let world = World::new(&store, Some(Micros(1_000))).await;
    let lease = LeaseId(id());
    let (first, open) = (
        request(world.user, lease, 0, 300),
        request(world.user, lease, 0, 400),
    );
    let (first, open) = (admit(&store, &first).await, admit(&store, &open).await);
    settle(&store, &settlement(first, 300, Some(300))).await;
    check_spend(&store, world.user, 300, 400).await;
    let before = spend(&store, world.user).await.period;

    db.shift_time("32 days").await;
    check_spend(&store, world.user, 0, 0).await;
    let after = spend(&store, world.user).await.period;
    assert!(after.start >= before.end, "{before:?} {after:?}");
    let whole = request(world.user, lease, 0, 1_000);
    assert!(matches!(
        reserve(&store, &whole).await,
        ReserveOutcome::Admitted { .. }
    ));
    assert_eq!(
        settle(&store, &settlement(open, 50, Some(50))).await.effect,
        SettleEffect::Settled
    );
    check_spend(&store, world.user, 0, 1_000).await;
    let client = db.client(LocalRole::App).await;
    let select = "SELECT spent_micros, reserved_micros FROM spend_counters ORDER BY period_start";
    let rows = client.query(select, &[]).await.unwrap();
    let counters: Vec<(i64, i64)> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    assert_eq!(counters, [(350, 0), (0, 1_000)]);
}

#[tokio::test]
async fn a_recount_finds_what_does_not_agree() {
    let db = TestDb::new().await;
    let store = db.store().await;
    let world = World::new(&store, None).await;
    reserve(&store, &request(world.user, LeaseId(id()), 0, 5)).await;
    let client = db.client(LocalRole::App).await;
    client
        .batch_execute("UPDATE spend_counters SET spent_micros = 7")
        .await
        .unwrap();
    let found = read(&store).await.ledger_verify().await.unwrap();
    let key = LimitKey::user(world.user);
    let LedgerFigure::Spent(limit, start) = found[0].figure else {
        panic!("{found:?}")
    };
    let differs = |figure, stored, recounted| LedgerDifference {
        figure,
        stored: Micros(stored),
        recounted: Micros(recounted),
    };
    assert_eq!(limit, key);
    assert_eq!(found, [differs(LedgerFigure::Spent(key, start), 7, 0)]);
    client
        .batch_execute("DELETE FROM spend_counters")
        .await
        .unwrap();
    let found = read(&store).await.ledger_verify().await.unwrap();
    assert_eq!(found, [differs(LedgerFigure::Reserved(key, start), 0, 5)]);
    client
        .batch_execute(
            "INSERT INTO ai_user_daily_spend SELECT limit_id, limit_id, '2026-11-25', 9 FROM bursar_recount()",
        )
        .await
        .unwrap();
    let found = read(&store).await.ledger_verify().await.unwrap();
    let account = Account {
        user_id: world.user,
        group_id: Some(model::GroupId(world.user.0)),
        organization_id: None,
    };
    let day = "2026-11-25".parse().unwrap();
    assert_eq!(found[1], differs(LedgerFigure::Daily(account, day), 9, 0));
    store.ping().await.unwrap();
}
