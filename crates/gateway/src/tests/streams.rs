//! Streamed answers: byte for byte, settled before their end, whoever leaves.

use std::time::{Duration, Instant};

use fakeprovider::{Fault, Output, Script, UsageStyle};
use futures_util::StreamExt;
use model::{Micros, spend::SettlementBasis};
use serde_json::json;

use super::{
    entrance::TOKEN,
    rig::{Rig, Spoken},
};

#[tokio::test]
async fn a_stream_passes_byte_for_byte_and_is_settled_before_its_end() {
    for dialect in Spoken::ALL {
        let rig = Rig::start(Script::default(), Some(Micros::USD)).await;
        let mut body = dialect.body(Some(50), true);
        if dialect == Spoken::OpenAi {
            body["stream_options"] = json!({"include_usage": true});
        }
        let mut answer = rig.ask(dialect, &body).await.bytes_stream();
        let mut through = Vec::new();
        while let Some(chunk) = answer.next().await {
            through.extend_from_slice(&chunk.unwrap());
            let text = String::from_utf8_lossy(&through).into_owned();
            if ["[DONE]", "response.completed", "message_stop"]
                .iter()
                .any(|end| text.contains(end))
            {
                // The client may stop reading here.
                assert_eq!(rig.ledger.books().settled.len(), 1);
            }
        }
        let settlement = rig.ledger.books().settled[0].clone();
        assert_eq!(
            (settlement.basis, settlement.usage.output),
            (SettlementBasis::Reported, 12)
        );
        assert!(rig.ledger.books().open.is_empty());
        let direct = rig
            .client
            .post(format!("{}{}", rig.fake.base_url(), dialect.direct()));
        let direct = dialect
            .sign(direct.json(&body), &rig.fake.api_key())
            .send()
            .await
            .unwrap();
        let direct = direct.text().await.unwrap();
        // The fake numbers its answers.
        let renumbered = direct.replace("-2", "-1").replace("_2", "_1");
        assert_eq!(
            String::from_utf8(through).unwrap().len(),
            renumbered.len(),
            "{direct}"
        );
    }
}

#[tokio::test]
async fn the_usage_chunk_is_hidden_from_a_client_that_did_not_ask() {
    let script = Script {
        write_bytes: Some(7),
        ..Script::default()
    };
    let rig = Rig::start(script, Some(Micros::USD)).await;
    let text = rig
        .ask(Spoken::OpenAi, &Spoken::OpenAi.body(Some(50), true))
        .await
        .text()
        .await
        .unwrap();
    assert!(!text.contains("\"usage\":{"), "{text}");
    assert!(text.trim_end().ends_with("data: [DONE]"), "{text}");
    let [seen] = rig.fake.requests().try_into().unwrap();
    let sent: serde_json::Value = serde_json::from_slice(&seen.body).unwrap();
    assert_eq!(sent["stream_options"]["include_usage"], true);
    assert_eq!(
        rig.ledger.books().settled[0].basis,
        SettlementBasis::Reported
    );
}

#[tokio::test]
async fn every_way_to_report_usage_is_understood() {
    for usage in [
        UsageStyle::EveryChunk,
        UsageStyle::LastChoice,
        UsageStyle::Normal,
    ] {
        let rig = Rig::start(
            Script {
                usage,
                ..Script::default()
            },
            Some(Micros::USD),
        )
        .await;
        let answer = rig
            .ask(Spoken::OpenAi, &Spoken::OpenAi.body(Some(50), true))
            .await;
        answer.bytes().await.unwrap();
        let settlement = rig.ledger.books().settled[0].clone();
        assert_eq!(
            (settlement.basis, settlement.usage.output),
            (SettlementBasis::Reported, 12)
        );
    }
    for dialect in Spoken::ALL {
        let script = Script {
            usage: UsageStyle::Omitted,
            ..Script::default()
        };
        let rig = Rig::start(script, Some(Micros::USD)).await;
        for stream in [false, true] {
            rig.ask(dialect, &dialect.body(Some(50), stream))
                .await
                .bytes()
                .await
                .unwrap();
            let settlement = rig.ledger.books().settled.last().unwrap().clone();
            assert_eq!(settlement.basis, SettlementBasis::Estimated, "{dialect:?}");
            assert!(settlement.usage.output > 0 && settlement.usage.output <= 50);
        }
    }
}

#[tokio::test]
async fn a_client_that_leaves_is_charged_by_the_whole_answer() {
    for dialect in Spoken::ALL {
        let script = Script {
            output: Output::Tokens(40),
            chunk_delay: Duration::from_millis(5),
            ..Script::default()
        };
        let rig = Rig::start(script, Some(Micros::USD)).await;
        let mut answer = rig.ask(dialect, &dialect.body(Some(50), true)).await;
        assert!(answer.chunk().await.unwrap().is_some());
        drop(answer);
        rig.ledger.until(|books| !books.settled.is_empty()).await;
        let settlement = rig.ledger.books().settled[0].clone();
        assert_eq!(
            (settlement.basis, settlement.usage.output),
            (SettlementBasis::Reported, 40)
        );
    }
}

#[tokio::test]
async fn a_client_that_leaves_before_the_head_is_charged_too() {
    let script = Script {
        first_byte_delay: Duration::from_millis(100),
        ..Script::default()
    };
    let rig = Rig::start(script, Some(Micros::USD)).await;
    for stream in [false, true] {
        let request = rig.request(Spoken::OpenAi, &Spoken::OpenAi.body(Some(50), stream));
        let asking = tokio::spawn(request.send());
        let asked = if stream { 2 } else { 1 };
        rig.fake.wait_for_requests(asked).await;
        asking.abort();
        rig.ledger.until(|books| books.settled.len() == asked).await;
        assert_eq!(
            rig.ledger.books().settled[asked - 1].basis,
            SettlementBasis::Reported
        );
    }
}

#[tokio::test]
async fn a_drain_that_takes_too_long_is_charged_by_what_was_received() {
    let mut config = super::rig::config();
    config.drain_timeout = Duration::from_millis(50);
    let script = Script {
        fault: Fault::HangAfterChunks(3),
        ..Script::default()
    };
    let rig = Rig::with(script, Some(Micros::USD), config).await;
    let mut answer = rig
        .ask(Spoken::OpenAi, &Spoken::OpenAi.body(Some(50), true))
        .await;
    assert!(answer.chunk().await.unwrap().is_some());
    // How far it came is saved while it is open.
    rig.ledger
        .until(|books| books.progress.values().any(|tokens| *tokens > 0))
        .await;
    drop(answer);
    rig.ledger.until(|books| !books.settled.is_empty()).await;
    let settlement = rig.ledger.books().settled[0].clone();
    assert_eq!(settlement.basis, SettlementBasis::Estimated);
    assert!((1..=50).contains(&settlement.usage.output) && settlement.usage.input > 0);
}

#[tokio::test]
async fn a_stream_that_breaks_is_estimated_and_breaks_for_the_client_too() {
    for dialect in Spoken::ALL {
        let script = Script {
            fault: Fault::CutAfterChunks(3),
            ..Script::default()
        };
        let rig = Rig::start(script, Some(Micros::USD)).await;
        let answer = rig.ask(dialect, &dialect.body(Some(50), true)).await;
        assert_eq!(answer.status(), 200);
        assert!(
            answer.bytes().await.is_err(),
            "half an answer must not look like a whole one"
        );
        rig.ledger.until(|books| !books.settled.is_empty()).await;
        let books = rig.ledger.books();
        assert_eq!(books.settled[0].basis, SettlementBasis::Estimated);
        assert!(books.settled[0].usage.total_input() > 0);
        assert!(books.open.is_empty());
    }
}

#[tokio::test]
async fn a_streams_error_event_passes() {
    for dialect in Spoken::ALL {
        let script = Script {
            fault: Fault::ErrorEventAfterChunks(2),
            ..Script::default()
        };
        let rig = Rig::start(script, Some(Micros::USD)).await;
        let answer = rig.ask(dialect, &dialect.body(Some(50), true)).await;
        assert!(answer.text().await.unwrap().contains("error"));
        assert_eq!(
            rig.ledger.books().settled[0].basis,
            SettlementBasis::Estimated
        );
    }
}

#[tokio::test]
async fn a_whole_answer_takes_hardly_longer_than_direct() {
    const MARGIN: Duration = Duration::from_millis(30);
    // A small write before each pause is what delayed acknowledgements stall, by 40 ms each.
    let script = Script {
        output: Output::Tokens(24),
        chunk_delay: Duration::from_millis(1),
        tokens_per_chunk: 1,
        ..Script::default()
    };
    let rig = Rig::start(script, Some(Micros::USD)).await;
    for dialect in Spoken::ALL {
        let body = dialect.body(Some(50), true);
        let direct_url = format!("{}{}", rig.fake.base_url(), dialect.direct());
        let time = async |url: String, key: String| {
            let started = Instant::now();
            let request = dialect.sign(rig.client.post(url).json(&body), &key);
            request.send().await.unwrap().bytes().await.unwrap();
            started.elapsed()
        };
        let (mut direct, mut through) = (Duration::MAX, Duration::MAX);
        // A stall comes every time; a busy machine does not.
        for _ in 0..60 {
            direct = direct.min(time(direct_url.clone(), rig.fake.api_key()).await);
            through = through.min(time(rig.url(dialect.path()), TOKEN.to_owned()).await);
            if through < direct + MARGIN {
                break;
            }
        }
        assert!(through < direct + MARGIN, "{through:?} against {direct:?}");
    }
}
