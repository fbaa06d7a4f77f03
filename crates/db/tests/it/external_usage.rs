//! What other gateways report and hold: keys taken once, holds with leases of their own, all in the ledger's unit.

use chrono::Duration;
use db::{Database, local::LocalRole};
use model::{
    LeaseId, Micros, ProviderId, ReservationId, UserId,
    admission::Patience,
    external_usage::{
        Closing, ExternalCall, ExternalContent, ExternalCost, ExternalRecord, HoldUpdate,
        IdempotencyKey, NewExternal, PersonRef, TakenExternal,
    },
    metering::TokenUsage,
    spend::{
        Account, CredentialKind, LedgerAnswer, LedgerOp, LockWait, ReserveOutcome, SettlementBasis,
        UsageReport,
    },
};
use store::{StoreError, WriteUnit};

use crate::{
    ledger::{check_spend, request, spend, sweep},
    support::{TestDb, World, begin, id, new_user, read},
};

fn key(text: &str) -> IdempotencyKey {
    text.parse().unwrap()
}

fn call() -> ExternalCall {
    ExternalCall {
        provider: "openai".to_owned(),
        model: "gpt-4o".to_owned(),
        client: None,
        credential_kind: CredentialKind::Byok,
    }
}

fn new(name: &str, user: UserId, cost: i64) -> NewExternal {
    NewExternal {
        key: key(name),
        person: "ada".to_owned(),
        user_id: user,
        content: ExternalContent::Usage {
            call: call(),
            cost: ExternalCost {
                cost: Some(Micros(cost)),
                ..ExternalCost::default()
            },
            occurred_at: "2020-01-01T00:00:00.123456789Z".parse().ok(),
        },
    }
}

fn hold(name: &str, user: UserId, amount: i64) -> NewExternal {
    NewExternal {
        content: ExternalContent::Reservation {
            call: call(),
            hold: Micros(amount),
            lifetime_s: 60,
        },
        ..new(name, user, 0)
    }
}

fn report(user_id: UserId, cost: i64) -> LedgerOp {
    LedgerOp::Report(Box::new(UsageReport {
        user_id,
        api_key_id: "0123456789".to_owned(),
        provider_id: ProviderId(id()),
        provider_name: "openai".to_owned(),
        model: "gpt-4o".to_owned(),
        client: None,
        credential_kind: CredentialKind::Byok,
        usage: TokenUsage::default(),
        basis: SettlementBasis::Reported,
        cost: Some(Micros(cost)),
        prices: None,
        response_model: None,
        provider_response_id: None,
    }))
}

fn taken(name: &str, id: ReservationId, world: &World) -> TakenExternal {
    TakenExternal {
        key: key(name),
        id,
        group_id: Some(world.organization.everyone()),
        organization_id: Some(world.organization),
    }
}

/// Takes the keys, and charges them.
async fn record(
    unit: &mut dyn WriteUnit,
    reporter: UserId,
    world: &World,
    names: &[&str],
) -> usize {
    let wanted: Vec<_> = names.iter().map(|name| new(name, world.user, 1)).collect();
    let free = unit.external_usage_create(reporter, &wanted).await.unwrap();
    let ops: Vec<_> = free.iter().map(|_| report(world.user, 1)).collect();
    let batch = unit.ledger_batch(&ops, LockWait::Long).await.unwrap();
    let made = batch.answers.into_iter().map(|answer| match answer {
        LedgerAnswer::Reported(reported) => reported.id,
        other => panic!("{other:?}"),
    });
    let rows = free.iter().zip(made);
    let rows: Vec<_> = rows
        .map(|(key, id)| taken(key.as_str(), id, world))
        .collect();
    unit.external_usage_record(reporter, &rows).await.unwrap();
    free.len()
}

/// Asks for a hold that is admitted.
async fn admitted(store: &Database, reporter: UserId, world: &World, amount: i64) -> ReservationId {
    let lease = LeaseId(id());
    let mut unit = begin(store).await;
    let new = hold("hold", world.user, amount);
    let lives = Duration::minutes(1);
    let free = unit.external_reservation_create(reporter, &new, Micros(amount), lease, lives);
    assert!(free.await.unwrap());
    let mut asked = request(world.user, lease, amount, 0);
    (asked.prices, asked.patience) = (None, Patience::Expired);
    let op = LedgerOp::Reserve(Box::new(asked));
    let answer = unit.ledger_batch(&[op], LockWait::Long).await.unwrap();
    let LedgerAnswer::Reserved(outcome) = &answer.answers[0] else {
        panic!("{answer:?}");
    };
    let ReserveOutcome::Admitted { id, .. } = **outcome else {
        panic!("{outcome:?}");
    };
    let row = taken("hold", id, world);
    unit.external_usage_record(reporter, &[row]).await.unwrap();
    unit.commit().await.unwrap();
    id
}

async fn found(store: &Database, id: ReservationId) -> Option<ExternalRecord> {
    read(store)
        .await
        .external_reservation_get(id)
        .await
        .unwrap()
}

async fn update(
    store: &Database,
    id: ReservationId,
    update: &HoldUpdate,
) -> Result<(), StoreError> {
    let mut unit = begin(store).await;
    unit.external_reservation_lock(id).await?;
    unit.external_reservation_update(id, update).await?;
    unit.commit().await
}

#[tokio::test]
async fn keys_are_taken_once_by_each_reporter_and_read_back_as_they_were_sent() {
    let db = TestDb::new().await;
    let store = db.store().await;
    let world = World::new(&store, None).await;
    let (reporter, other) = (UserId(id()), UserId(id()));
    let check = async |reporter, names: &[&str], free: usize| {
        let mut unit = begin(&store).await;
        assert_eq!(record(&mut *unit, reporter, &world, names).await, free);
        unit.commit().await.unwrap();
    };
    check(reporter, &["b", "a"], 2).await;
    check(reporter, &["c", "a", "b"], 1).await;
    check(reporter, &["a"], 0).await;
    check(other, &["a"], 1).await;
    let keys = [key("a"), key("x")];
    let records = read(&store)
        .await
        .external_usage_get(reporter, &keys)
        .await
        .unwrap();
    assert_eq!(records.len(), 1);
    let sent = new("a", world.user, 1);
    assert_eq!(
        (&records[0].content, &records[0].person),
        (&sent.content, &sent.person)
    );
    assert_eq!(records[0].organization_id, Some(world.organization));
    assert_eq!(records[0].hold, None);
    assert!(records[0].repeats("ada", None, &sent.content));
    assert!(records[0].repeats("another name", Some(world.user), &sent.content));
    assert!(!records[0].repeats("another name", None, &sent.content));
    assert!(!records[0].repeats("ada", None, &new("a", world.user, 2).content));
    // What happened already is no hold.
    assert_eq!(found(&store, records[0].id).await, None);
    check_spend(&store, world.user, 4, 0).await;
}

#[tokio::test]
async fn a_dropped_unit_leaves_no_key_no_hold_and_no_charge() {
    let db = TestDb::new().await;
    let store = db.store().await;
    let world = World::new(&store, None).await;
    let reporter = UserId(id());
    let mut unit = begin(&store).await;
    assert_eq!(record(&mut *unit, reporter, &world, &["a", "b"]).await, 2);
    let waiting = async {
        let mut unit = begin(&store).await;
        let free = record(&mut *unit, reporter, &world, &["b", "c"]).await;
        unit.commit().await.unwrap();
        free
    };
    // Who wants the same key waits for what becomes of it.
    let dropping = async {
        let client = db.client(LocalRole::Superuser).await;
        let waits = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
        while client.query_one(waits, &[]).await.unwrap().get::<_, i64>(0) == 0 {
            tokio::task::yield_now().await;
        }
        drop(unit);
    };
    let (free, ()) = tokio::join!(waiting, dropping);
    assert_eq!(free, 2);
    let lease = LeaseId(id());
    let mut unit = begin(&store).await;
    let new = hold("hold", world.user, 5);
    let made =
        unit.external_reservation_create(reporter, &new, Micros(5), lease, Duration::minutes(1));
    assert!(made.await.unwrap());
    drop(unit);
    let keys = [key("a"), key("hold")];
    assert_eq!(
        read(&store)
            .await
            .external_usage_get(reporter, &keys)
            .await
            .unwrap(),
        []
    );
    check_spend(&store, world.user, 2, 0).await;
}

#[tokio::test]
async fn a_hold_lives_by_its_own_lease_and_is_charged_whole_when_that_ends() {
    let db = TestDb::new().await;
    let store = db.store().await;
    let world = World::new(&store, Some(Micros(1_000))).await;
    let reporter = UserId(id());
    let held = admitted(&store, reporter, &world, 300).await;
    // A server that is alone on its database ends the leases of other servers, and only those.
    let mut unit = begin(&store).await;
    unit.lease_end_others(LeaseId(id())).await.unwrap();
    unit.commit().await.unwrap();
    assert_eq!(sweep(&store).await, []);
    check_spend(&store, world.user, 0, 300).await;
    let before = found(&store, held).await.unwrap().hold.unwrap();
    let longer = HoldUpdate::Extended {
        hold: Micros(300),
        lifetime: Some(Duration::minutes(10)),
    };
    update(&store, held, &longer).await.unwrap();
    let shorter = HoldUpdate::Extended {
        hold: Micros(300),
        lifetime: Some(Duration::seconds(1)),
    };
    update(&store, held, &shorter).await.unwrap();
    let after = found(&store, held).await.unwrap().hold.unwrap();
    assert!(after.expires_at > before.expires_at + Duration::minutes(8) && !after.expired);
    db.shift_time("5 minutes").await;
    assert_eq!(sweep(&store).await, []);
    db.shift_time("11 minutes").await;
    assert!(found(&store, held).await.unwrap().hold.unwrap().expired);
    assert_ne!(sweep(&store).await, []);
    check_spend(&store, world.user, 300, 0).await;
    let close = HoldUpdate::Closed {
        how: Closing::Release,
        over_hold: Micros::ZERO,
        corrected: true,
    };
    update(&store, held, &close).await.unwrap();
    let closed = found(&store, held).await.unwrap().hold.unwrap();
    assert!(!closed.expired && closed.closed.unwrap().corrected);
    // It is closed once, and its lease is gone.
    assert!(matches!(
        update(&store, held, &close).await,
        Err(StoreError::NotFound)
    ));
    assert!(matches!(
        update(&store, held, &longer).await,
        Err(StoreError::NotFound)
    ));
    let client = db.client(LocalRole::App).await;
    let leases = "SELECT count(*) FROM server_leases WHERE external";
    assert_eq!(
        client
            .query_one(leases, &[])
            .await
            .unwrap()
            .get::<_, i64>(0),
        0
    );
    let removed = client.execute("DELETE FROM ai_external_usage", &[]).await;
    assert!(removed.is_err(), "what is known is never removed");
}

#[tokio::test]
async fn people_are_found_by_id_and_name_with_whom_they_are_charged_to() {
    let db = TestDb::new().await;
    let store = db.store().await;
    let world = World::new(&store, Some(Micros(1))).await;
    let (bob, gone) = (
        new_user("bob", &[]),
        new_user("gone", &[world.organization]),
    );
    let mut unit = begin(&store).await;
    unit.user_create(&bob).await.unwrap();
    unit.user_create(&gone).await.unwrap();
    unit.user_delete(gone.id).await.unwrap();
    unit.commit().await.unwrap();
    let named = |name: &str| PersonRef::Name(name.parse().unwrap());
    let wanted = [
        named("ADA"),
        PersonRef::Id(bob.id),
        named("gone"),
        PersonRef::Id(gone.id),
        named("nobody"),
        PersonRef::Id(world.user),
    ];
    let found = read(&store)
        .await
        .external_usage_persons(&wanted)
        .await
        .unwrap();
    let short: Vec<_> = found
        .iter()
        .map(|one| one.map(|one| (one.user_id, one.organization_id, one.active)))
        .collect();
    let ada = Some((world.user, Some(world.organization), true));
    assert_eq!(
        short,
        [ada, Some((bob.id, None, true)), None, None, None, ada]
    );
    assert_eq!(
        read(&store)
            .await
            .external_usage_persons(&[])
            .await
            .unwrap(),
        []
    );
    let account = Account {
        user_id: world.user,
        group_id: Some(world.organization.everyone()),
        organization_id: None,
    };
    assert_eq!(spend(&store, world.user).await.group_id, account.group_id);
}
