//! Plain answers: forwarded, charged exactly, with no key on the wrong side.

use fakeprovider::{Fault, Script};
use model::{Clock, Micros, metering::TokenUsage, prices::ProviderKind, spend::SettlementBasis};

use super::{
    entrance::TOKEN,
    rig::{Rig, Spoken, json, prices},
};

#[tokio::test]
async fn a_plain_answer_is_charged_by_the_providers_own_figures() {
    for dialect in Spoken::ALL {
        let script = Script {
            cached_tokens: 3,
            ..Script::default()
        };
        let rig = Rig::start(script, Some(Micros::USD)).await;
        let response = rig.ask(dialect, &dialect.body(Some(50), false)).await;
        assert_eq!(response.status(), 200);
        assert!(response.content_length().is_some());
        let body = json(response).await;
        let books = rig.ledger.books();
        let [settlement] = books.settled.as_slice() else {
            panic!("{books:?}")
        };
        assert_eq!(settlement.basis, SettlementBasis::Reported);
        let TokenUsage {
            output, cache_read, ..
        } = settlement.usage;
        assert_eq!((output, cache_read), (12, 3));
        let kind = match dialect {
            Spoken::OpenAi | Spoken::Responses => ProviderKind::OpenAi,
            Spoken::Anthropic => ProviderKind::Anthropic,
        };
        let price = prices()
            .lookup(kind, dialect.model(), model::SystemClock.now())
            .unwrap();
        assert_eq!(
            settlement.cost,
            Some(price.cost(&settlement.usage).unwrap())
        );
        assert_eq!(
            settlement.prices,
            Some(price.snapshot(settlement.usage.total_input()))
        );
        assert_eq!(
            settlement.provider_response_id.as_deref(),
            body["id"].as_str()
        );
        assert_eq!(settlement.response_model.as_deref(), body["model"].as_str());
        assert!(books.open.is_empty());
        assert_eq!(Some(books.spent), settlement.cost);
    }
}

#[tokio::test]
async fn no_key_reaches_the_wrong_side() {
    for dialect in Spoken::ALL {
        for fault in [
            Fault::None,
            Fault::Status {
                status: 401,
                retry_after: None,
            },
        ] {
            let rig = Rig::start(
                Script {
                    fault,
                    ..Script::default()
                },
                None,
            )
            .await;
            let request = rig.request(dialect, &dialect.body(None, false));
            let request = request
                .header("cookie", format!("bursar_session={TOKEN}"))
                .header("bursar-session-token", TOKEN)
                .header("openai-organization", "org-of-the-client");
            let response = request.send().await.unwrap();
            let headers = format!("{:?}", response.headers());
            let body = response.text().await.unwrap();
            assert!(!headers.contains(&rig.fake.api_key()), "{headers}");
            assert!(!body.contains(&rig.fake.api_key()), "{body}");
            let [seen] = rig.fake.requests().try_into().unwrap();
            let seen = format!("{:?} {:?}", seen.headers, seen.body);
            assert!(seen.contains(&rig.fake.api_key()), "{seen}");
            for secret in [TOKEN, "cookie", "org-of-the-client"] {
                assert!(!seen.contains(secret), "{seen}");
            }
        }
    }
}

#[tokio::test]
async fn a_cap_is_set_where_a_limit_applies_and_the_body_is_untouched_elsewhere() {
    for dialect in Spoken::ALL {
        let check = async |limit, cap: Option<u64>, expected: Option<u64>| {
            let rig = Rig::start(Script::default(), limit).await;
            let body = dialect.body(cap, false);
            assert_eq!(rig.ask(dialect, &body).await.status(), 200);
            let [seen] = rig.fake.requests().try_into().unwrap();
            let sent: serde_json::Value = serde_json::from_slice(&seen.body).unwrap();
            assert_eq!(
                sent.get(dialect.cap_field())
                    .and_then(serde_json::Value::as_u64),
                expected
            );
            if limit.is_none() {
                assert_eq!(seen.body, serde_json::to_vec(&body).unwrap());
            }
        };
        if dialect == Spoken::OpenAi {
            // Anthropic's own rule: a request without a cap is wrong.
            check(None, None, None).await;
        }
        check(None, Some(77), Some(77)).await;
        check(Some(Micros(10 * Micros::USD.0)), None, Some(8_192)).await;
        check(Some(Micros::USD), Some(77), Some(77)).await;
    }
}

#[tokio::test]
async fn lists_and_counts_pass_whatever_the_budget() {
    let rig = Rig::start(Script::default(), Some(Micros::ZERO)).await;
    let get = |path: &str| rig.client.get(rig.alias(path)).bearer_auth(TOKEN);
    let models = get("openai/v1/models").send().await.unwrap();
    assert_eq!(models.status(), 200);
    assert_eq!(json(models).await["object"], "list");
    let models = get("anthropic/v1/models").header("anthropic-version", "2023-06-01");
    assert!(
        json(models.send().await.unwrap())
            .await
            .get("has_more")
            .is_some()
    );
    let count = rig
        .client
        .post(rig.alias("anthropic/v1/messages/count_tokens?beta=true"));
    let count = Spoken::Anthropic
        .sign(count, TOKEN)
        .json(&Spoken::Anthropic.body(None, false));
    let count = count.send().await.unwrap();
    assert_eq!(count.status(), 200);
    assert!(json(count).await["input_tokens"].is_u64());
    assert_eq!(rig.ledger.books().attempts, 0);
}

#[tokio::test]
async fn what_the_provider_reports_above_the_hold_is_charged_as_it_is() {
    let script = Script {
        extra_prompt_tokens: 1_000_000,
        ..Script::default()
    };
    let rig = Rig::start(script, Some(Micros::USD)).await;
    let answer = rig
        .ask(Spoken::OpenAi, &Spoken::OpenAi.body(Some(20), false))
        .await;
    assert_eq!(answer.status(), 200);
    let books = rig.ledger.books();
    assert_eq!(
        (books.settled[0].basis, books.over_reports),
        (SettlementBasis::Reported, 1)
    );
    assert!(books.spent > Micros::USD);
}

#[tokio::test]
async fn a_model_without_a_price_is_counted_where_no_limit_applies() {
    let rig = Rig::start(Script::default(), None).await;
    let mut body = Spoken::OpenAi.body(Some(20), false);
    body["model"] = "nobody-knows-this-model".into();
    assert_eq!(rig.ask(Spoken::OpenAi, &body).await.status(), 200);
    let books = rig.ledger.books();
    assert_eq!(
        (books.settled[0].cost, books.settled[0].usage.output),
        (None, 12)
    );
}
