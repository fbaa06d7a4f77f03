//! Pools: the limit of a group's total beside each member's, and counting anew when a pool or a period changes.

use db::{Database, local::LocalRole};
use model::{
    GroupId, Micros, OrganizationId, UserId,
    admission::Patience,
    spend::{LedgerOp, LimitKey, LimitKind, LockWait, ReserveOutcome, ReserveRequest},
};
use tokio_postgres::Client;

use crate::{
    ledger::{admit, batch, close, lease, request, reserve, settle, settlement, spend, sweep},
    support::{TestDb, World, begin, new_user, read},
};

/// Two people in one organization, each with a limit, and a pool.
pub(crate) struct Pooled {
    pub(crate) db: TestDb,
    pub(crate) store: Database,
    pub(crate) organization: OrganizationId,
    pub(crate) people: [UserId; 2],
    pub(crate) owner: Client,
}

impl Pooled {
    pub(crate) async fn new(limit: i64, pool: i64) -> Self {
        let db = TestDb::new().await;
        let store = db.store().await;
        let world = World::new(&store, Some(Micros(limit))).await;
        let bob = new_user("bob", &[world.organization]);
        let mut unit = begin(&store).await;
        unit.user_create(&bob).await.unwrap();
        unit.commit().await.unwrap();
        let owner = db.client(LocalRole::Owner).await;
        owner
            .batch_execute("SET bursar.actor_name = 'test'")
            .await
            .unwrap();
        let pooled = Self {
            store,
            organization: world.organization,
            people: [world.user, bob.id],
            owner,
            db,
        };
        pooled.set(&format!("pool_limit_micros = {pool}")).await;
        pooled
    }

    pub(crate) async fn set(&self, what: &str) {
        let update = format!("UPDATE group_ai_budgets SET {what}");
        self.owner.batch_execute(&update).await.unwrap();
    }

    pub(crate) fn group(&self) -> GroupId {
        self.organization.everyone()
    }

    pub(crate) fn key(&self) -> LimitKey {
        LimitKey::pool(self.group())
    }

    /// What is spent and held in the pool, of a ledger that balances.
    pub(crate) async fn pool(&self) -> (i64, i64) {
        let pool = spend(&self.store, self.people[0]).await.pool.unwrap();
        assert_eq!(pool.group_id, self.group());
        (pool.spent.0, pool.reserved.0)
    }
}

#[tokio::test]
async fn a_pool_limits_what_its_members_spend_together() {
    let it = Pooled::new(1_000, 1_500).await;
    let (store, [ann, bob]) = (&it.store, it.people);
    let lease = lease(store).await;
    let first = admit(store, &request(ann, lease, 0, 900)).await;
    assert_eq!(it.pool().await, (0, 900));
    // Bob has room of his own, but not in the pool.
    let asked = request(bob, lease, 0, 800);
    let ReserveOutcome::Wait { limits, state } = reserve(store, &asked).await else {
        panic!("not told to wait")
    };
    assert_eq!(
        (limits, state.blocked_by),
        (vec![it.key()], Some(LimitKind::Pool))
    );
    assert_eq!((state.spent, state.reserved), (Micros(0), Micros(0)));
    // Ann's settlement frees room in the pool, and says that somebody waits there.
    let (_, wake) = close(
        store,
        LedgerOp::Settle(Box::new(settlement(first, 600, Some(600)))),
    )
    .await;
    assert_eq!(wake, [it.key()]);
    let second = admit(store, &asked).await;
    assert_eq!(it.pool().await, (600, 800));
    settle(store, &settlement(second, 900, Some(900))).await; // An over-report.
    assert_eq!(it.pool().await, (1_500, 0));
    let ReserveOutcome::Refused(state) = reserve(store, &request(ann, lease, 0, 100)).await else {
        panic!("not refused")
    };
    assert_eq!(
        (state.blocked_by, state.spent),
        (Some(LimitKind::Pool), Micros(600))
    );
    it.set("mode = 'observe'").await;
    admit(store, &request(ann, lease, 0, 5_000)).await;
    assert_eq!(it.pool().await, (1_500, 5_000));
}

#[tokio::test]
async fn who_waits_at_two_limits_leaves_the_one_that_is_free() {
    let it = Pooled::new(1_000, 1_500).await;
    let (store, [ann, bob]) = (&it.store, it.people);
    let lease = lease(store).await;
    let own = admit(store, &request(ann, lease, 0, 900)).await;
    let other = admit(store, &request(bob, lease, 0, 500)).await;
    let asked = request(ann, lease, 0, 400);
    let waits = async || match reserve(store, &asked).await {
        ReserveOutcome::Wait { limits, .. } => limits,
        other => panic!("{other:?}"),
    };
    assert_eq!(waits().await, [LimitKey::user(ann), it.key()]);
    settle(store, &settlement(other, 0, Some(0))).await;
    assert_eq!(waits().await, [LimitKey::user(ann)]);
    let heads = "SELECT limit_kind FROM spend_counters WHERE head_id IS NOT NULL";
    let heads = it.owner.query(heads, &[]).await.unwrap();
    assert_eq!(heads.len(), 1);
    assert_eq!(heads[0].get::<_, String>(0), "user");
    settle(store, &settlement(own, 100, Some(100))).await;
    admit(store, &asked).await;
}

#[tokio::test]
async fn a_batch_counts_each_of_its_steps_in_every_limit() {
    let it = Pooled::new(1_000, 1_500).await;
    let (store, people) = (&it.store, it.people);
    let lease = lease(store).await;
    let held = admit(store, &request(people[0], lease, 0, 1_000)).await;
    // What the settlement frees is there for the others of its batch, whose order is theirs.
    let mut ops: Vec<LedgerOp> = (0..6)
        .map(|number| LedgerOp::Reserve(Box::new(request(people[number % 2], lease, 0, 400))))
        .collect();
    let settled = LedgerOp::Settle(Box::new(settlement(held, 100, Some(100))));
    ops.extend([settled.clone(), settled]);
    let batch = batch(store, &ops).await;
    let admitted: Vec<bool> = batch
        .answers
        .iter()
        .map(|answer| format!("{answer:?}").contains("Admitted"))
        .collect();
    assert_eq!(
        admitted,
        [true, true, true, false, false, false, false, false]
    );
    let text = format!("{:?}", &batch.answers[6..]);
    assert!(
        text.contains("effect: Settled") && text.contains("AlreadySettled"),
        "{text}"
    );
    assert_eq!(it.pool().await, (100, 1_200));
}

#[tokio::test]
async fn a_pool_that_begins_or_changes_counts_what_was_spent_before() {
    let it = Pooled::new(10_000, 10_000).await;
    let (store, [ann, bob]) = (&it.store, it.people);
    it.set("pool_limit_micros = NULL").await;
    let lease = lease(store).await;
    let held = admit(store, &request(ann, lease, 0, 500)).await;
    settle(store, &settlement(held, 300, Some(300))).await;
    admit(store, &request(bob, lease, 0, 700)).await;
    assert_eq!(spend(store, ann).await.pool, None);
    it.set("pool_limit_micros = 5000").await;
    assert_eq!(it.pool().await, (300, 700));
    // Another period, in which all of that lies too; then one of its own that does not follow the deployment's.
    it.set("pool_period = 'quarter', pool_time_zone = 'America/Havana'")
        .await;
    assert_eq!(it.pool().await, (300, 700));
    it.db.shift_time("200 days").await;
    assert_eq!(it.pool().await, (0, 0));
    assert_eq!(sweep(store).await.len(), 2);
    assert_eq!(it.pool().await, (0, 0));
    let all = "SELECT sum(spent_micros)::bigint FROM spend_counters WHERE limit_kind = 'pool'";
    let all = it.owner.query_one(all, &[]).await.unwrap();
    assert_eq!(all.get::<_, i64>(0), 1_000);
}

#[tokio::test]
async fn a_period_that_changes_counts_everything_anew() {
    let it = Pooled::new(10_000, 10_000).await;
    let (store, [ann, bob]) = (&it.store, it.people);
    let lease = lease(store).await;
    let held = admit(store, &request(ann, lease, 0, 500)).await;
    settle(store, &settlement(held, 300, Some(300))).await;
    it.db.shift_time("40 days").await;
    let open = admit(store, &request(ann, lease, 0, 200)).await;
    admit(store, &request(bob, lease, 0, 100)).await;
    let figures = async || {
        let state = spend(store, ann).await;
        let pool = state.pool.unwrap();
        (
            state.spent.0,
            state.reserved.0,
            pool.spent.0,
            pool.reserved.0,
        )
    };
    assert_eq!(figures().await, (0, 200, 0, 300));
    for (period, zone) in [
        ("day", "Pacific/Apia"),
        ("week", "UTC"),
        ("month", "Asia/Kathmandu"),
    ] {
        let change =
            format!("UPDATE ai_budget_settings SET period = '{period}', time_zone = '{zone}'");
        it.owner.batch_execute(&change).await.unwrap();
        assert_eq!(figures().await, (0, 200, 0, 300), "{period} {zone}");
    }
    settle(store, &settlement(open, 50, Some(50))).await;
    assert_eq!(figures().await, (50, 0, 50, 100));
    let refused = "UPDATE ai_budget_settings SET time_zone = 'Middle/Earth'";
    assert!(it.owner.batch_execute(refused).await.is_err());
}

/// Whoever counts anew waits for the batches that run, and they for it.
#[tokio::test]
async fn nobody_spends_while_it_is_counted_anew() {
    let it = Pooled::new(10_000, 10_000).await;
    let (store, [ann, _]) = (&it.store, it.people);
    let lease = lease(store).await;
    let asked = request(ann, lease, 0, 500);
    let mut unit = begin(store).await;
    let op = LedgerOp::Reserve(Box::new(ReserveRequest {
        patience: Patience::Arrived,
        ..asked.clone()
    }));
    unit.ledger_batch(&[op], LockWait::Brief).await.unwrap();
    let change = it
        .owner
        .batch_execute("UPDATE ai_budget_settings SET period = 'week'");
    let mut change = std::pin::pin!(change);
    let waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted \
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    let watcher = it.db.client(LocalRole::Owner).await;
    loop {
        tokio::select! {
            biased;
            done = &mut change => panic!("it did not wait: {done:?}"),
            row = watcher.query_one(waiting, &[]) => {
                if row.unwrap().get::<_, i64>(0) == 1 {
                    break;
                }
            }
        }
    }
    unit.commit().await.unwrap();
    change.await.unwrap();
    assert_eq!(it.pool().await, (0, 500));
    assert_eq!(read(store).await.ledger_verify().await.unwrap(), []);
}
