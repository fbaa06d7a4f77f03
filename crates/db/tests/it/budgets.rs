//! Budgets with pools, and settings: what is set, left alone and removed.

use db::local::LocalRole;
use model::{
    Change, Micros,
    budgets::{
        BudgetMode, BudgetPeriod, BudgetPolicy, BudgetSettingsUpdate, EveryoneBudget,
        GroupBudgetUpsert,
    },
};
use store::StoreError;

use crate::{
    overrides::{Team, lines},
    support::{TestDb, begin, read},
};

#[tokio::test]
async fn a_budget_keeps_what_is_not_named_and_is_left_alone_when_equal() {
    let db = TestDb::new().await;
    let store = db.store().await;
    let Team { team, .. } = Team::new(&store).await;
    let set = async |budget: GroupBudgetUpsert| {
        let mut unit = begin(&store).await;
        let set = unit.group_budget_upsert(team, &budget).await.unwrap();
        unit.commit().await.unwrap();
        set
    };
    let first = set(GroupBudgetUpsert::limit(Micros(5))).await;
    assert_eq!((first.mode, first.pool_limit), (BudgetMode::Enforce, None));
    db.shift_time("1 hour").await;
    assert_eq!(set(GroupBudgetUpsert::limit(Micros(5))).await, first);
    let pool = GroupBudgetUpsert {
        mode: Some(BudgetMode::Observe),
        pool_limit: Change::Set(Micros(9)),
        pool_period: Change::Set(BudgetPeriod::Week),
        pool_time_zone: Change::Set("europe/berlin".to_owned()),
        ..GroupBudgetUpsert::limit(Micros(5))
    };
    let second = set(pool.clone()).await;
    assert_eq!(second.mode, BudgetMode::Observe);
    assert_eq!(second.pool_limit, Some(Micros(9)));
    assert_eq!(second.pool_period, Some(BudgetPeriod::Week));
    assert_eq!(second.pool_time_zone.as_deref(), Some("Europe/Berlin"));
    assert!(second.updated_at > first.updated_at && second.created_at == first.created_at);
    assert_eq!(set(pool).await, second);
    let third = set(GroupBudgetUpsert::limit(Micros(6))).await;
    assert_eq!(
        (third.mode, third.pool_limit),
        (second.mode, second.pool_limit)
    );
    let without = GroupBudgetUpsert {
        pool_limit: Change::Remove,
        pool_period: Change::Remove,
        pool_time_zone: Change::Remove,
        ..GroupBudgetUpsert::limit(Micros(6))
    };
    let fourth = set(without).await;
    assert_eq!((fourth.pool_limit, fourth.pool_period), (None, None));
    assert_eq!(lines(&store).await.len(), 4);

    let mut unit = begin(&store).await;
    let nowhere = GroupBudgetUpsert {
        pool_time_zone: Change::Set("Europe/Atlantis".to_owned()),
        ..GroupBudgetUpsert::default()
    };
    let error = unit.group_budget_upsert(team, &nowhere).await.unwrap_err();
    assert!(
        matches!(&error, StoreError::Violated(name) if name == "group_ai_budgets_pool_time_zone_check"),
        "{error:?}"
    );
}

#[tokio::test]
async fn settings_change_as_named_and_only_zones_of_the_world_are_taken() {
    let db = TestDb::new().await;
    let store = db.store().await;
    let before = read(&store).await.budget_settings_get().await.unwrap();
    assert_eq!(
        (before.policy, before.everyone, before.period),
        Default::default()
    );
    assert_eq!(before.time_zone, "UTC");
    let change = async |update: BudgetSettingsUpdate| {
        let mut unit = begin(&store).await;
        let changed = unit.budget_settings_update(&update).await;
        unit.commit().await.unwrap();
        changed
    };
    assert_eq!(
        change(BudgetSettingsUpdate::default()).await.unwrap(),
        before
    );
    let policy = BudgetSettingsUpdate {
        policy: Some(BudgetPolicy::Sum),
        everyone: Some(EveryoneBudget::Default),
        ..BudgetSettingsUpdate::default()
    };
    let changed = change(policy).await.unwrap();
    assert_eq!(
        (changed.policy, changed.everyone),
        (BudgetPolicy::Sum, EveryoneBudget::Default)
    );
    let period = BudgetSettingsUpdate {
        period: Some(BudgetPeriod::Day),
        time_zone: Some("asia/kathmandu".to_owned()),
        ..BudgetSettingsUpdate::default()
    };
    let changed = change(period).await.unwrap();
    assert_eq!(
        (changed.policy, changed.period, changed.time_zone.as_str()),
        (BudgetPolicy::Sum, BudgetPeriod::Day, "Asia/Kathmandu")
    );
    for nowhere in [
        "",
        "Mars/Olympus",
        "UTC+3",
        "EST5EDT4,M3.2.0,M11.1.0",
        "posix/UTC",
        "UTC\0",
        " UTC",
        "İstanbul",
        "localtime",
        "LOCALTIME",
        "posixrules",
        "Factory",
        &"Europe/Berlin".repeat(9_000),
    ] {
        let mut unit = begin(&store).await;
        let update = BudgetSettingsUpdate {
            time_zone: Some(nowhere.to_owned()),
            ..BudgetSettingsUpdate::default()
        };
        let error = unit.budget_settings_update(&update).await.unwrap_err();
        assert!(
            matches!(&error, StoreError::Violated(name) if name == "ai_budget_settings_time_zone_check"),
            "{nowhere}: {error:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pool_that_changes_waits_for_the_ledger_before_it_locks_its_budget() {
    let db = TestDb::new().await;
    let store = db.store().await;
    let Team { team, .. } = Team::new(&store).await;
    let pool = |micros: i64| GroupBudgetUpsert {
        pool_limit: Change::Set(Micros(micros)),
        pool_period: Change::Set(if micros % 2 == 0 {
            BudgetPeriod::Day
        } else {
            BudgetPeriod::Week
        }),
        ..GroupBudgetUpsert::limit(Micros(micros))
    };
    let mut unit = begin(&store).await;
    unit.group_budget_upsert(team, &pool(1)).await.unwrap();
    unit.commit().await.unwrap();

    // Whoever changes the deployment's period holds the ledger, and changes budgets then.
    let client = db.client(LocalRole::Owner).await;
    let hold = "BEGIN; SELECT bursar_lock_ledger()";
    client.batch_execute(hold).await.unwrap();
    let waiting = tokio::spawn({
        let store = store.clone();
        async move {
            let mut unit = begin(&store).await;
            unit.group_budget_upsert(team, &pool(2)).await.unwrap();
            unit.commit().await.unwrap();
        }
    });
    let watch = db.client(LocalRole::Owner).await;
    for _ in 0..2_000 {
        let sql = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted \
            AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
        let waiters: i64 = watch.query_one(sql, &[]).await.unwrap().get(0);
        if waiters > 0 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    assert!(!waiting.is_finished());
    let change = "SELECT FROM group_ai_budgets FOR UPDATE NOWAIT; COMMIT";
    client.batch_execute(change).await.unwrap();
    waiting.await.unwrap();
    let found = read(&store).await.group_budget_get(team).await.unwrap();
    assert_eq!(found.unwrap().spend_limit, Micros(2));

    // What is no change of the pool does not stop the ledger.
    client.batch_execute(hold).await.unwrap();
    for budget in [pool(2), GroupBudgetUpsert::limit(Micros(3))] {
        let mut unit = begin(&store).await;
        unit.group_budget_upsert(team, &budget).await.unwrap();
        unit.commit().await.unwrap();
    }
    client.batch_execute("COMMIT").await.unwrap();
}
