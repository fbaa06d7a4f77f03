//! When something breaks: the provider, the database, the server itself.

use std::time::Duration;

use fakeprovider::{Fault, Script};
use model::{Micros, spend::SettlementBasis};

use super::rig::{Rig, Spoken, config};

#[tokio::test]
async fn a_providers_error_passes_unchanged_and_costs_nothing() {
    for dialect in Spoken::ALL {
        for status in [400, 404, 429, 500, 529] {
            let fault = Fault::Status {
                status,
                retry_after: Some(7),
            };
            let rig = Rig::start(
                Script {
                    fault,
                    ..Script::default()
                },
                Some(Micros::USD),
            )
            .await;
            let body = dialect.body(Some(50), true);
            let through = rig.ask(dialect, &body).await;
            assert_eq!(through.status().as_u16(), status);
            assert_eq!(through.headers()["retry-after"], "7");
            let books_open = rig.ledger.books().open.len();
            assert_eq!((books_open, rig.ledger.books().released.len()), (0, 1));
            let direct = rig
                .client
                .post(format!("{}{}", rig.fake.base_url(), dialect.direct()));
            let direct = dialect
                .sign(direct.json(&body), &rig.fake.api_key())
                .send()
                .await
                .unwrap();
            let (through, direct) = (through.text().await.unwrap(), direct.text().await.unwrap());
            assert_eq!(through.len(), direct.len(), "{through} {direct}");
            assert_eq!(rig.ledger.books().spent, Micros::ZERO);
        }
    }
}

#[tokio::test]
async fn a_provider_that_cannot_be_reached_costs_nothing() {
    let mut rig = Rig::start(Script::default(), Some(Micros::USD)).await;
    rig.stop_provider().await;
    let answer = rig
        .ask(Spoken::OpenAi, &Spoken::OpenAi.body(Some(50), false))
        .await;
    assert_eq!(answer.status(), 502);
    let books = rig.ledger.books();
    assert_eq!((books.open.len(), books.released.len()), (0, 1));
}

#[tokio::test]
async fn a_request_that_may_have_been_written_is_charged_with_its_input_bound() {
    let mut config = config();
    config.header_timeout = Duration::from_millis(80);
    let check = async |fault, status: u16| {
        let script = Script {
            fault,
            ..Script::default()
        };
        let rig = Rig::with(script, Some(Micros::USD), config.clone()).await;
        let answer = rig
            .ask(Spoken::OpenAi, &Spoken::OpenAi.body(Some(50), false))
            .await;
        assert_eq!(answer.status().as_u16(), status);
        let books = rig.ledger.books();
        let [settlement] = books.settled.as_slice() else {
            panic!("{books:?}")
        };
        assert_eq!(settlement.basis, SettlementBasis::Estimated);
        assert!(
            settlement.usage.input > 0 && settlement.usage.output <= 50,
            "{settlement:?}"
        );
        assert!(books.open.is_empty() && books.spent > Micros::ZERO);
    };
    check(Fault::Hang, 504).await;
    check(Fault::CutAfterChunks(0), 502).await;
    check(Fault::CutAfterChunks(1), 502).await;
}

#[tokio::test]
async fn a_settlement_is_tried_until_the_database_is_back() {
    for dialect in Spoken::ALL {
        let mut config = config();
        config.settle_patience = Duration::from_millis(20);
        let rig = Rig::with(Script::default(), Some(Micros::USD), config).await;
        rig.ledger.books().close_failures = 3;
        // The answer ends all the same.
        let answer = rig.ask(dialect, &dialect.body(Some(50), true)).await;
        answer.bytes().await.unwrap();
        assert_eq!(rig.ledger.books().open.len(), 1);
        rig.ledger.until(|books| !books.settled.is_empty()).await;
        let books = rig.ledger.books();
        assert_eq!(
            (books.open.len(), books.settled[0].basis),
            (0, SettlementBasis::Reported)
        );
    }
}

#[tokio::test]
async fn a_shutdown_lets_requests_finish_and_ends_the_lease() {
    let script = Script {
        first_byte_delay: Duration::from_millis(80),
        ..Script::default()
    };
    let rig = Rig::start(script, Some(Micros::USD)).await;
    let asking = tokio::spawn(
        rig.request(Spoken::OpenAi, &Spoken::OpenAi.body(Some(50), false))
            .send(),
    );
    rig.fake.wait_for_requests(1).await;
    rig.gateway.shutdown(Duration::from_secs(20)).await;
    assert_eq!(asking.await.unwrap().unwrap().status(), 200);
    let books = rig.ledger.books();
    assert_eq!(books.settled[0].basis, SettlementBasis::Reported);
    assert!(books.live_leases.is_empty() && books.open.is_empty());
}

#[tokio::test]
async fn a_shutdown_whose_time_is_up_charges_what_is_known() {
    let script = Script {
        fault: Fault::HangAfterChunks(3),
        ..Script::default()
    };
    let rig = Rig::start(script, Some(Micros::USD)).await;
    let mut answer = rig
        .ask(Spoken::OpenAi, &Spoken::OpenAi.body(Some(50), true))
        .await;
    assert!(answer.chunk().await.unwrap().is_some());
    rig.gateway.shutdown(Duration::from_millis(20)).await;
    let books = rig.ledger.books();
    assert_eq!(books.settled[0].basis, SettlementBasis::Estimated);
    assert!(books.live_leases.is_empty() && books.open.is_empty());
}

#[tokio::test]
async fn a_panic_leaks_no_reservation() {
    use crate::held::{Bill, Held};

    let rig = Rig::start(Script::default(), Some(Micros::USD)).await;
    let inner = rig.gateway.inner.clone();
    let lease = inner.leases.current().await.unwrap();
    let check = async |written: bool| {
        let id = model::ReservationId(uuid::Uuid::from_u128(u128::from(written) + 1));
        rig.ledger.books().open.insert(id, Micros(500));
        let bill = Bill {
            id,
            account: super::fakes::ACCOUNT,
            price: None,
            unpriced: None,
            input_tokens: 10,
            output_tokens: 5,
            web_searches: 0,
            ceiling: Some(Micros(500)),
        };
        let mut held = Held::new(inner.settler.clone(), lease.clone(), bill);
        let task = tokio::spawn(async move {
            if written {
                held.written();
                held.note(3);
            }
            panic!("as a bug would");
        });
        assert!(task.await.is_err());
        rig.ledger.until(|books| books.open.is_empty()).await;
    };
    check(false).await;
    assert_eq!(rig.ledger.books().released.len(), 1);
    check(true).await;
    let usage = rig.ledger.books().settled[0].usage;
    assert_eq!((usage.input, usage.output), (10, 3));
}

#[tokio::test]
async fn a_reservation_whose_answer_was_lost_is_undone() {
    let rig = Rig::start(Script::default(), Some(Micros::USD)).await;
    rig.ledger.books().lose_answer = true;
    let answer = rig
        .ask(Spoken::OpenAi, &Spoken::OpenAi.body(Some(50), false))
        .await;
    assert_eq!(answer.status(), 503);
    assert!(
        !answer.text().await.unwrap().contains("broke"),
        "nothing internal is told"
    );
    rig.ledger.until(|books| books.released.len() == 1).await;
    let books = rig.ledger.books();
    assert!(books.open.is_empty() && books.settled.is_empty());
    assert_eq!(rig.fake.requests().len(), 0);
}

#[tokio::test]
async fn a_lease_that_lapsed_is_replaced() {
    let rig = Rig::start(Script::default(), Some(Micros::USD)).await;
    let leases = &rig.gateway.inner.leases;
    let first = leases.current().await.unwrap();
    leases.renew().await.unwrap();
    assert_eq!(leases.current().await.unwrap().id, first.id);
    rig.ledger.books().lapse = true;
    leases.renew().await.unwrap();
    let second = leases.current().await.unwrap();
    assert_ne!(second.id, first.id);
    assert_eq!(
        rig.ledger
            .books()
            .live_leases
            .iter()
            .copied()
            .collect::<Vec<_>>(),
        [second.id]
    );
}

#[tokio::test]
async fn what_cannot_be_settled_is_left_to_a_sweep_once_the_others_are_done() {
    let rig = Rig::start(Script::default(), Some(Micros::USD)).await;
    let leases = &rig.gateway.inner.leases;
    // Another request under the same lease, which is not done yet.
    let other = leases.current().await.unwrap();
    rig.ledger.books().close_bugs = 5;
    let answer = rig
        .ask(Spoken::OpenAi, &Spoken::OpenAi.body(Some(50), false))
        .await;
    assert_eq!(answer.status(), 200);
    rig.ledger.until(|books| books.close_bugs == 0).await;
    rig.gateway.inner.tasks.close();
    rig.gateway.inner.tasks.wait().await;
    // New requests get a new lease; the old one lives on for the other.
    leases.renew().await.unwrap();
    let next = leases.current().await.unwrap();
    assert_ne!(next.id, other.id);
    assert!(rig.ledger.books().live_leases.contains(&other.id));
    let old = other.id;
    drop(other);
    leases.renew().await.unwrap();
    let live: Vec<_> = rig.ledger.books().live_leases.iter().copied().collect();
    assert_eq!(
        (live.contains(&old), live.contains(&next.id)),
        (false, true)
    );
}
