//! A batch that waits for its locks decides by what holds when it has them.

use db::local::LocalRole;
use model::{
    Micros, UserId,
    spend::{LedgerAnswer, LedgerOp, LockWait, ReserveOutcome},
};
use store::{Store, StoreError, StoreResult};
use tokio_postgres::Client;

use crate::{
    ledger::{admit, lease, request},
    ledger_pools::Pooled,
    support::{begin, context},
};

/// Longer than what was read of budgets is taken for new.
const LONG: &str = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
    AND wait_event_type = 'Lock' AND clock_timestamp() - query_start > interval '200 milliseconds'";

/// Waits until the ledger has waited for a lock for long.
pub(crate) async fn until_somebody_has_waited(client: &Client) {
    let waits = async || -> i64 { client.query_one(LONG, &[]).await.unwrap().get(0) };
    let began = std::time::Instant::now();
    while waits().await == 0 {
        assert!(began.elapsed().as_secs() < 20, "nobody waits");
    }
}

/// What becomes of a request of 100 that waits for its counter while `change` is made.
async fn asked_while(it: &Pooled, change: &str) -> StoreResult<ReserveOutcome> {
    let lease = lease(&it.store).await;
    let user: UserId = it.people[0];
    admit(&it.store, &request(user, lease, 0, 100)).await;
    let mut locker = it.db.client(LocalRole::Owner).await;
    let held = locker.transaction().await.unwrap();
    held.batch_execute("SELECT FROM spend_counters WHERE limit_kind = 'user' FOR UPDATE")
        .await
        .unwrap();
    let asked = LedgerOp::Reserve(Box::new(request(user, lease, 0, 100)));
    let store = it.store.clone();
    let waiting = tokio::spawn(async move {
        let mut unit = store.begin_batch(&context()).await.unwrap();
        let mut batch = unit.ledger_batch(&[asked], LockWait::Long).await?;
        unit.commit().await?;
        match batch.answers.remove(0) {
            LedgerAnswer::Reserved(outcome) => Ok(*outcome),
            other => panic!("{other:?}"),
        }
    });
    until_somebody_has_waited(&it.db.client(LocalRole::App).await).await;
    it.owner.batch_execute(change).await.unwrap();
    held.commit().await.unwrap();
    waiting.await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_limit_that_is_lowered_meanwhile_holds() {
    let it = Pooled::new(1_000, 10_000).await;
    let lower = "UPDATE group_ai_budgets SET spend_limit_micros = 150";
    let outcome = asked_while(&it, lower).await.unwrap();
    let ReserveOutcome::Wait { state, .. } = &outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(state.budget.unwrap().spend_limit, Micros(150));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pool_that_is_made_smaller_meanwhile_holds() {
    let it = Pooled::new(1_000, 10_000).await;
    let lower = "UPDATE group_ai_budgets SET pool_limit_micros = 150";
    let outcome = asked_while(&it, lower).await.unwrap();
    let ReserveOutcome::Wait { state, .. } = &outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(state.pool.unwrap().limit, Micros(150));
}

/// Each statement has an instant of its own: the first one is the batch's, those after it are of the next day.
#[tokio::test]
async fn a_pool_whose_day_ends_between_two_statements_is_charged_on_the_first() {
    let it = Pooled::new(1_000, 10_000).await;
    it.set("pool_period = 'day'").await;
    let lease = lease(&it.store).await;
    it.owner
        .batch_execute(
            "CREATE SEQUENCE asked;
            GRANT USAGE ON SEQUENCE asked TO PUBLIC;
            CREATE OR REPLACE FUNCTION bursar_now() RETURNS timestamptz LANGUAGE plpgsql VOLATILE AS $$
            BEGIN
                RETURN date_trunc('day', statement_timestamp(), 'UTC') + interval '1 day'
                    + CASE WHEN nextval('public.asked') = 1 THEN interval '-1 ms' ELSE interval '1 second' END;
            END $$",
        )
        .await
        .unwrap();
    let asked = LedgerOp::Reserve(Box::new(request(it.people[0], lease, 0, 100)));
    // One that is not begun anew for want of a counter.
    let mut unit = begin(&it.store).await;
    unit.ledger_batch(&[asked], LockWait::Long).await.unwrap();
    unit.commit().await.unwrap();
    let held = "SELECT reserved_micros FROM spend_counters WHERE limit_kind = 'pool' \
        AND period_start = date_trunc('day', statement_timestamp(), 'UTC')";
    let held = it.owner.query_one(held, &[]).await.unwrap();
    assert_eq!(held.get::<_, i64>(0), 100);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_charged_elsewhere_meanwhile_is_asked_for_again() {
    let it = Pooled::new(1_000, 10_000).await;
    let move_away = "DELETE FROM organization_members";
    let failed = asked_while(&it, move_away).await.unwrap_err();
    assert!(matches!(failed, StoreError::Unavailable(_)), "{failed:?}");
    let pool = it.owner.query_one(
        "SELECT reserved_micros FROM spend_counters WHERE limit_kind = 'pool'",
        &[],
    );
    assert_eq!(
        pool.await.unwrap().get::<_, i64>(0),
        100,
        "nothing of it was done"
    );
}
