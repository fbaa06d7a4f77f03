//! Callers whose access ends while their request is under way.

use std::{sync::atomic::Ordering, time::Duration};

use fakeprovider::{Fault, Output, Script};
use model::{Micros, spend::SettlementBasis};

use super::{
    entrance::TOKEN,
    rig::{Rig, Spoken, json},
};

/// An answer that comes slowly.
fn slow() -> Script {
    Script {
        output: Output::Tokens(40),
        chunk_delay: Duration::from_millis(20),
        ..Script::default()
    }
}

#[tokio::test]
async fn a_stream_ends_with_an_error_and_is_charged_by_the_whole_answer() {
    for dialect in Spoken::ALL {
        let rig = Rig::start(slow(), Some(Micros::USD)).await;
        let mut answer = rig.ask(dialect, &dialect.body(Some(50), true)).await;
        let mut text = answer.chunk().await.unwrap().unwrap().to_vec();
        rig.presence.ended.send_replace(true);
        while let Some(chunk) = answer.chunk().await.unwrap() {
            text.extend_from_slice(&chunk);
        }
        let text = String::from_utf8(text).unwrap();
        let last = text.trim_end().rsplit("\n\n").next().unwrap();
        let name = last.starts_with("event: error\ndata: {");
        assert!(name || last.starts_with("data: {\"error\":"), "{last}");
        assert!(last.contains("Your access has ended"), "{last}");
        assert!(rig.ledger.books().settled.is_empty(), "it was cut at once");
        rig.ledger.until(|books| !books.settled.is_empty()).await;
        let settlement = rig.ledger.books().settled[0].clone();
        let charged = (settlement.basis, settlement.usage.output);
        assert_eq!(charged, (SettlementBasis::Reported, 40), "{dialect:?}");
    }
}

#[tokio::test]
async fn before_its_head_an_answer_is_refused_and_charged_all_the_same() {
    for stream in [false, true] {
        let script = Script {
            first_byte_delay: Duration::from_millis(300),
            ..Script::default()
        };
        let rig = Rig::start(script, Some(Micros::USD)).await;
        let body = Spoken::Anthropic.body(Some(50), stream);
        let asking = tokio::spawn(rig.request(Spoken::Anthropic, &body).send());
        rig.fake.wait_for_requests(1).await;
        rig.presence.ended.send_replace(true);
        let answer = asking.await.unwrap().unwrap();
        assert_eq!(answer.status(), 401);
        assert!(rig.ledger.books().settled.is_empty(), "it was cut at once");
        let answer = json(answer).await;
        assert_eq!(answer["error"]["type"], "authentication_error");
        rig.ledger.until(|books| !books.settled.is_empty()).await;
        let settlement = rig.ledger.books().settled[0].clone();
        assert_eq!(settlement.basis, SettlementBasis::Reported);
    }
}

#[tokio::test]
async fn what_costs_nothing_ends_too() {
    let script = Script {
        fault: Fault::Hang,
        ..Script::default()
    };
    let rig = Rig::start(script, None).await;
    let request = rig
        .client
        .get(rig.url("openai/v1/models"))
        .bearer_auth(TOKEN);
    let asking = tokio::spawn(request.send());
    rig.fake.wait_for_requests(1).await;
    rig.presence.ended.send_replace(true);
    assert_eq!(asking.await.unwrap().unwrap().status(), 401);
}

/// Whoever waited is asked about once more; whoever did not was asked a moment ago.
#[tokio::test]
async fn a_waiter_is_judged_again_before_its_request_is_sent() {
    let script = Script {
        first_byte_delay: Duration::from_millis(150),
        output: Output::FillCap,
        ..Script::default()
    };
    // Room for one at a time, money for several.
    let rig = Rig::start(script, Some(Micros(1_700))).await;
    rig.presence.refused.store(true, Ordering::Relaxed);
    let body = Spoken::OpenAi.body(Some(100), false);
    let first = rig.ask(Spoken::OpenAi, &body);
    let second = async {
        rig.fake.wait_for_requests(1).await;
        rig.ask(Spoken::OpenAi, &Spoken::OpenAi.body(Some(60), false))
            .await
    };
    let (first, second) = tokio::join!(first, second);
    assert_eq!(
        (first.status().as_u16(), second.status().as_u16()),
        (200, 401)
    );
    let answer = json(second).await;
    assert_eq!(answer["error"]["code"], "invalid_api_key");
    let books = rig.ledger.books();
    assert_eq!((books.settled.len(), books.released.len()), (1, 1));
    assert!(books.open.is_empty());
    drop(books);
    assert_eq!(
        rig.fake.requests().len(),
        1,
        "nothing was asked for the second"
    );
}
