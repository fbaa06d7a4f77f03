//! What is peculiar to the Responses API; all else is in the other tests, which speak it too.

use fakeprovider::{Output, Script};
use model::{Clock, Micros, spend::SettlementBasis};
use serde_json::{Value, json};

use super::{
    fakes::USER,
    rig::{Rig, Spoken, json, prices},
};

/// A question with more fields.
fn body(more: &Value) -> Value {
    let mut body = Spoken::Responses.body(None, false);
    body.as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    body
}

#[tokio::test]
async fn what_cannot_be_metered_is_refused_whether_or_not_a_limit_applies() {
    for limit in [None, Some(Micros::USD)] {
        let rig = Rig::start(Script::default(), limit).await;
        for (more, word) in [
            (json!({"background": true}), "`background`"),
            (json!({"prompt": {"id": "pmpt_1"}}), "`prompt`"),
            (json!({"tools": [{"type": "file_search"}]}), "`file_search`"),
            (
                json!({"tools": [{"type": "image_generation"}]}),
                "`image_generation`",
            ),
        ] {
            let answer = rig.ask(Spoken::Responses, &body(&more)).await;
            assert_eq!(answer.status(), 400, "{more}");
            let error = json(answer).await;
            assert_eq!(error["error"]["type"], "invalid_request_error");
            let message = error["error"]["message"].as_str().unwrap();
            assert!(
                message.contains(word) && message.contains("cannot be metered"),
                "{message}"
            );
        }
        assert_eq!(rig.ledger.books().attempts, 0);
        assert_eq!(rig.fake.requests().len(), 0);
    }
}

#[tokio::test]
async fn what_cannot_be_bounded_is_refused_under_a_limit_only() {
    for (limit, status) in [(None, 200), (Some(Micros::USD), 403)] {
        let rig = Rig::start(Script::default(), limit).await;
        for more in [
            json!({"tools": [{"type": "web_search"}]}),
            json!({"tools": [{"type": "mcp", "server_label": "a", "server_url": "https://a"}]}),
            json!({"service_tier": "priority"}),
        ] {
            let answer = rig.ask(Spoken::Responses, &body(&more)).await;
            assert_eq!(answer.status().as_u16(), status, "{more}");
        }
    }
}

#[tokio::test]
async fn what_the_provider_keeps_is_held_as_a_whole_context_window() {
    let price = prices()
        .lookup(
            model::prices::ProviderKind::OpenAi,
            Spoken::Responses.model(),
            model::SystemClock.now(),
        )
        .unwrap();
    let window = price.context_window().unwrap();
    // Less than the window costs, much more than the question.
    let limit = Micros(i64::try_from(window * 2).unwrap());
    let rig = Rig::start(Script::default(), Some(limit)).await;
    rig.stored.put("resp_1", USER);
    rig.stored.put("msg_1", USER);
    let with = |more: Value| body(&more);
    let ask = async |body: Value| rig.ask(Spoken::Responses, &body).await.status().as_u16();
    let capped = json!({"max_output_tokens": 20});
    assert_eq!(ask(with(capped)).await, 200);
    for more in [
        json!({"max_output_tokens": 20, "previous_response_id": "resp_1"}),
        json!({"max_output_tokens": 20, "input": [{"type": "item_reference", "id": "msg_1"}]}),
    ] {
        assert_eq!(ask(with(more)).await, 403);
    }
}

#[tokio::test]
async fn searches_within_a_number_are_held_and_each_reads_the_prompt_again() {
    let rig = Rig::start(Script::default(), Some(Micros(50_000_000))).await;
    let search = |calls: u64| {
        body(&json!({
            "tools": [{"type": "web_search"}], "max_tool_calls": calls, "max_output_tokens": 20,
        }))
    };
    let ask = async |calls| {
        let answer = rig.ask(Spoken::Responses, &search(calls)).await;
        answer.status().as_u16()
    };
    assert_eq!(ask(3).await, 200);
    // A window of this model is worth 0.32 dollars, so two hundred of them are more than there is.
    assert_eq!(ask(200).await, 403);
}

#[tokio::test]
async fn a_lowered_cap_goes_into_the_one_field_and_an_incomplete_answer_is_charged() {
    let script = Script {
        output: Output::FillCap,
        ..Script::default()
    };
    for stream in [false, true] {
        let rig = Rig::start(script.clone(), Some(Micros(1_500))).await;
        let mut body = Spoken::Responses.body(Some(5_000), stream);
        body["max_tool_calls"] = 3.into();
        let answer = rig.ask(Spoken::Responses, &body).await;
        assert_eq!(answer.status(), 200);
        let cap: u64 = answer.headers()["x-bursar-output-cap"]
            .to_str()
            .unwrap()
            .parse()
            .unwrap();
        let text = answer.text().await.unwrap();
        assert!(text.contains("incomplete"), "{text}");
        let [seen] = rig.fake.requests().try_into().unwrap();
        let sent: Value = serde_json::from_slice(&seen.body).unwrap();
        assert_eq!(sent["max_output_tokens"], cap);
        assert!(
            sent.get("max_completion_tokens").is_none() && sent.get("stream_options").is_none()
        );
        let books = rig.ledger.books();
        assert_eq!(books.settled[0].basis, SettlementBasis::Reported);
        assert_eq!(books.settled[0].usage.output, cap);
        assert!(books.spent <= Micros(1_500) && books.open.is_empty());
    }
}

#[tokio::test]
async fn cached_written_and_reasoning_tokens_are_told_apart() {
    let script = Script {
        prompt: fakeprovider::Prompt::Fixed(100),
        cached_tokens: 60,
        cache_write_tokens: 30,
        reasoning_tokens: 5,
        ..Script::default()
    };
    let rig = Rig::start(script, Some(Micros::USD)).await;
    for stream in [false, true] {
        let body = Spoken::Responses.body(Some(50), stream);
        rig.ask(Spoken::Responses, &body)
            .await
            .bytes()
            .await
            .unwrap();
    }
    let books = rig.ledger.books();
    for settlement in &books.settled {
        let usage = settlement.usage;
        assert_eq!(
            (usage.input, usage.cache_read, usage.cache_write_5m),
            (10, 60, 30)
        );
        assert_eq!((usage.output, usage.reasoning), (12, 5));
        let id = settlement.provider_response_id.as_deref();
        assert!(id.is_some_and(|id| id.starts_with("resp-")), "{id:?}");
    }
    assert_eq!(books.settled.len(), 2);
}
