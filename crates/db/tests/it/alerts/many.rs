//! Alerts with many servers and many people, and with servers that die.

use model::{
    Change, Micros,
    alerts::AlertPass,
    budgets::{BudgetMode, GroupBudgetUpsert},
    spend::{LedgerOp, LockWait},
};

use super::{Office, members, pass};
use crate::{
    ledger::{admit, lease, request, settlement},
    support::{begin, new_user, read},
};

#[tokio::test]
async fn a_server_that_dies_half_way_loses_nothing() {
    let it = Office::new().await;
    it.spends(it.ada, 500).await;
    let mut unit = begin(&it.store).await;
    let first = unit.alerts_evaluate(100).await.unwrap();
    assert_eq!((first.alerts, first.notices), (1, 3));
    // While one looks another does not.
    let mut other = begin(&it.store).await;
    assert_eq!(
        other.alerts_evaluate(100).await.unwrap(),
        AlertPass::default()
    );
    drop(other);
    drop(unit);
    let mut again = AlertPass::default();
    for _ in 0..500 {
        again = pass(&it.store).await;
        if again.checks > 0 {
            break;
        }
        tokio::task::yield_now().await; // The first one's transaction is being rolled back.
    }
    assert_eq!((again.alerts, again.notices), (1, 3));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_servers_tell_each_threshold_once_while_people_spend() {
    const PEOPLE: i64 = 12;
    let it = Office::new().await;
    let pool = GroupBudgetUpsert {
        pool_limit: Change::Set(Micros(PEOPLE * 1_000)),
        mode: Some(BudgetMode::Observe),
        ..members(1_000)
    };
    it.limit(pool).await;
    let mut people = Vec::new();
    let mut unit = begin(&it.store).await;
    for number in 0..PEOPLE {
        let new = new_user(&format!("p{number}"), &[it.acme]);
        people.push(new.id);
        unit.user_create(&new).await.unwrap();
    }
    unit.commit().await.unwrap();
    let lease = lease(&it.store).await;
    let spending = people.iter().map(|user| async {
        for _ in 0..12 {
            let held = admit(&it.store, &request(*user, lease, 0, 0)).await;
            let settled = LedgerOp::Settle(Box::new(settlement(held, 1, Some(100))));
            let mut unit = begin(&it.store).await;
            unit.ledger_batch(&[settled], LockWait::Long).await.unwrap();
            unit.commit().await.unwrap();
        }
    });
    let done = tokio::sync::watch::channel(false);
    let looking = || async {
        let done = done.1.clone();
        loop {
            let last = *done.borrow();
            pass(&it.store).await;
            if last {
                break;
            }
            tokio::task::yield_now().await;
        }
    };
    let spending = async {
        futures_util::future::join_all(spending).await;
        done.0.send(true).unwrap();
    };
    tokio::join!(spending, looking(), looking(), looking());
    it.evaluate().await;
    each_was_told_once(&it, PEOPLE).await;
}

/// Three thresholds of each person and of the pool, to each whom they concern.
async fn each_was_told_once(it: &Office, people: i64) {
    let sql =
        "SELECT count(*), count(DISTINCT (limit_kind, limit_id, threshold)) FROM ai_budget_alerts";
    let row = it.owner.query_one(sql, &[]).await.unwrap();
    let expected = (people + 1) * 3;
    assert_eq!(
        (row.get::<_, i64>(0), row.get::<_, i64>(1)),
        (expected, expected)
    );
    let sql = "SELECT u.username, count(*) FROM notifications AS n JOIN users AS u ON u.id = n.user_id \
        WHERE u.username IN ('boss', 'olga', 'p0') GROUP BY 1 ORDER BY 1";
    let rows = it.owner.query(sql, &[]).await.unwrap();
    let counts: Vec<(String, i64)> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    let told = |name: &str, count| (name.to_owned(), count);
    assert_eq!(
        counts,
        [
            told("boss", expected),
            told("olga", expected),
            told("p0", 3)
        ]
    );
    let left = "SELECT count(*) FROM ai_alert_checks WHERE due_at <= bursar_now()";
    assert_eq!(
        it.owner
            .query_one(left, &[])
            .await
            .unwrap()
            .get::<_, i64>(0),
        0
    );
    assert_eq!(read(&it.store).await.ledger_verify().await.unwrap(), []);
}

#[tokio::test]
async fn everybody_is_looked_at_in_parts() {
    let it = Office::new().await;
    // More than are checked at a time, each with some spend, and a half of it over a threshold.
    it.owner
        .batch_execute(
            "INSERT INTO users (id, email, username, login_type) \
                 SELECT gen_random_uuid(), 'u' || n || '@example.com', 'u' || n, 'none' \
                 FROM generate_series(1, 6000) AS n; \
             INSERT INTO organization_members (organization_id, user_id) \
                 SELECT o.id, u.id FROM organizations AS o, users AS u WHERE o.name = 'acme' AND u.username ~ '^u[0-9]'; \
             INSERT INTO spend_counters (limit_kind, limit_id, period_start, spent_micros, reserved_micros, alert_at_micros) \
                 SELECT 'user', u.id, p.period_start, 600, 0, 9223372036854775807 FROM users AS u \
                 CROSS JOIN bursar_period(bursar_now(), 'month', 'UTC') AS p WHERE u.username ~ '^u[0-9]'; \
             DELETE FROM ai_alert_checks; \
             UPDATE ai_budget_settings SET alert_thresholds = '{60}'",
        )
        .await
        .unwrap();
    let mut sum = 0;
    while read(&it.store).await.alerts_due().await.unwrap() {
        let mut unit = begin(&it.store).await;
        sum += unit.alerts_evaluate(2_000).await.unwrap().alerts;
        unit.commit().await.unwrap();
    }
    assert_eq!(sum, 6_000);
    // An inbox keeps the newest of them.
    let kept = "SELECT count(*) FROM notifications AS n JOIN users AS u ON u.id = n.user_id WHERE u.username = 'olga'";
    let kept: i64 = it.owner.query_one(kept, &[]).await.unwrap().get(0);
    assert_eq!(kept, i64::from(model::notifications::KEPT));
}

#[tokio::test]
async fn old_messages_are_removed() {
    let it = Office::new().await;
    it.spends(it.ada, 500).await;
    it.evaluate().await;
    let prune = async || {
        let mut unit = begin(&it.store).await;
        let removed = unit.notification_prune(2).await.unwrap();
        unit.commit().await.unwrap();
        removed
    };
    it.db.shift_time("89 days").await;
    assert_eq!(prune().await, 0);
    it.db.shift_time("91 days").await;
    assert_eq!((prune().await, prune().await, prune().await), (2, 1, 0));
}
