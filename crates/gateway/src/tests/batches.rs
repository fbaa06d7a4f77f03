//! Group commit: what comes while a batch is in flight goes together, and trouble stays with whose it is.

use std::time::Duration;

use dbauthz::{Authorized, fake::FakeStore};
use futures_util::future::join_all;
use model::{
    LeaseId, ProviderId, ReservationId, UserId, WaiterId,
    admission::Patience,
    spend::{Account, CredentialKind, NotBounded, Release, ReserveOutcome, ReserveRequest},
};
use store::StoreError;
use uuid::Uuid;

use crate::{Ledger, StoreLedger};

fn person(number: u128) -> UserId {
    UserId(Uuid::from_u128(number))
}

fn request(user_id: UserId) -> ReserveRequest {
    ReserveRequest {
        waiter: WaiterId(Uuid::nil()),
        lease_id: LeaseId(Uuid::nil()),
        user_id,
        api_key_id: String::new(),
        provider_id: ProviderId(Uuid::nil()),
        provider_name: String::new(),
        model: String::new(),
        client: None,
        credential_kind: CredentialKind::Centralized,
        input_bound_tokens: 0,
        worst_case: Err(NotBounded::Unpriced),
        prices: None,
        patience: Patience::Arrived,
        waiting_since: None,
        gives_up_at: chrono::DateTime::UNIX_EPOCH,
    }
}

/// One batch in flight.
fn ledger() -> (FakeStore, StoreLedger) {
    let store = FakeStore::default();
    store.ledger().admits = true;
    let authorized = Authorized::new(std::sync::Arc::new(store.clone()));
    let ledger = StoreLedger::with_batches_in_flight(&authorized, 1);
    (store, ledger)
}

/// Waits until this holds of what the store was asked.
async fn until(store: &FakeStore, holds: impl Fn(&FakeStore) -> bool) {
    let wait = async {
        while !holds(store) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), wait)
        .await
        .expect("it never holds");
}

#[tokio::test]
async fn what_comes_at_once_goes_in_one_batch_and_one_hint() {
    let (store, ledger) = ledger();
    let requests: Vec<_> = (0..300).map(|number| request(person(number % 7))).collect();
    let outcomes = join_all(requests.iter().map(|request| ledger.reserve(request))).await;
    for (request, outcome) in requests.iter().zip(outcomes) {
        let ReserveOutcome::Admitted { account, .. } = outcome.unwrap() else {
            panic!("not admitted")
        };
        assert_eq!(account.user_id, request.user_id);
    }
    let sizes: Vec<_> = store.ledger().batches.iter().map(Vec::len).collect();
    assert_eq!(sizes, [256, 44]);
    until(&store, |store| store.calls().contains(&"spend_notify")).await;
    let hints = store
        .calls()
        .iter()
        .filter(|call| **call == "spend_notify")
        .count();
    assert!(hints <= 2, "{hints}");
}

#[tokio::test]
async fn one_persons_trouble_is_nobody_elses() {
    let (store, ledger) = ledger();
    store.ledger().fails_for.insert(person(3));
    let requests: Vec<_> = (0..20).map(|number| request(person(number % 5))).collect();
    let outcomes = join_all(requests.iter().map(|request| ledger.reserve(request))).await;
    for (request, outcome) in requests.iter().zip(outcomes) {
        let troubled = request.user_id == person(3);
        match outcome {
            Ok(ReserveOutcome::Admitted { .. }) => assert!(!troubled),
            Err(failure) => assert!(troubled && failure.unsure.is_none(), "{failure:?}"),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(store.ledger().open.len(), 16);
    // Whoever shared a batch with the trouble was tried in a lane of their own.
    for batch in &store.ledger().batches {
        let shared = batch.iter().any(|user| *user != batch[0]);
        assert!(!shared || !batch.contains(&person(3)), "{batch:?}");
    }
    // The trouble is over, and so are the lanes.
    store.ledger().fails_for.clear();
    store.ledger().batches.clear();
    join_all(requests.iter().map(|request| ledger.reserve(request))).await;
    assert_eq!(store.ledger().batches.len(), 1);
}

#[tokio::test]
async fn what_may_have_been_made_is_named_when_the_answer_is_lost() {
    let (store, ledger) = ledger();
    store.ledger().lost_commits = 1;
    let failure = ledger.reserve(&request(person(1))).await.unwrap_err();
    assert!(matches!(failure.error, StoreError::Unavailable(_)));
    let release = failure.unsure.unwrap();
    assert_eq!(release.account.user_id, person(1));
    assert!(store.ledger().open.contains(&release.id));
    ledger.release(release).await.unwrap();
    assert!(store.ledger().open.is_empty());
    store.ledger().lost_commits = 1;
    let unknown = Release {
        id: ReservationId(Uuid::max()),
        account: Account {
            user_id: person(1),
            group_id: None,
            organization_id: None,
        },
    };
    assert!(ledger.release(unknown).await.is_err());
}

#[tokio::test]
async fn whoever_leaves_before_the_answer_leaves_nothing_reserved() {
    let (store, ledger) = ledger();
    let check = async |lost_commits: usize| {
        store.ledger().batches.clear();
        store.ledger().lost_commits = lost_commits;
        let asked = request(person(1));
        let left = {
            let mut asking = Box::pin(ledger.reserve(&asked));
            futures_util::poll!(&mut asking).is_pending()
        };
        assert!(left);
        until(&store, |store| store.ledger().batches.len() >= 2).await;
        until(&store, |store| store.ledger().open.is_empty()).await;
    };
    check(0).await;
    // The answer to the commit, or to the release, did not come either.
    check(1).await;
    check(2).await;
}
