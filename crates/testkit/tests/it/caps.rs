//! What a budget does to a request: blocked, refused for want of a price, or its output cap lowered.

use bursar_sdk::{AiProviderType, UpsertGroupAiBudgetRequest};
use fakeprovider::{Output, Script};
use model::Micros;
use serde_json::{Value, json};
use testkit::{ServerOptions, World};

use crate::{
    calls::{
        Spoken, add_provider, ask, ask_unlimited, body_of, call, event, events, metric, settled,
        url,
    },
    support::world,
};

#[tokio::test]
async fn a_budget_of_zero_blocks_what_costs_and_nothing_else() {
    let world = World::new(Script::default(), Micros(0)).await.unwrap();
    let (member, member_token) = (&world.cast.member, world.cast.member_token.expose());
    for spoken in Spoken::BOTH {
        let answer = ask(&world, spoken, &spoken.body(1, false)).await;
        assert_eq!(answer.status(), 403);
        assert_eq!(answer.headers()["x-should-retry"], "false");
        let body = body_of(answer).await;
        let message = body["error"]["message"].as_str().unwrap();
        for part in ["$0.00", "builders", "resets at 20"] {
            assert!(message.contains(part), "{message}");
        }
        match spoken {
            Spoken::OpenAi => {
                assert_eq!(body["error"]["code"], "insufficient_quota");
                assert_eq!(body["error"]["type"], "insufficient_quota");
            }
            Spoken::Anthropic => assert_eq!(spoken.error_type(&body), "permission_error"),
        }
    }
    for path in ["openai/v1/models", "anthropic/v1/models"] {
        let list = world
            .http
            .get(url(&world.server, path))
            .header("x-api-key", member_token);
        assert_eq!(list.send().await.unwrap().status(), 200);
    }
    let counted = call(
        &world,
        &world.cast.member_token,
        "anthropic/v1/messages/count_tokens",
        &Spoken::Anthropic.body(1, false),
    );
    let counted = body_of(counted.send().await.unwrap()).await;
    assert!(counted["input_tokens"].as_u64().unwrap() > 0);
    assert_eq!(world.spend(member).await.unwrap(), (0, 0));
    assert_eq!(world.fake.requests().len(), 3);
}

#[tokio::test]
async fn a_model_without_a_price_is_refused_under_a_limit_and_counted_without_one() {
    let world = world().await;
    let body =
        json!({"model": "house-brew-7b", "messages": [{"role": "user", "content": "Hello"}]});
    let answer = ask(&world, Spoken::OpenAi, &body).await;
    assert_eq!(answer.status(), 403);
    assert_eq!(answer.headers()["x-should-retry"], "false");
    let refusal = body_of(answer).await;
    let message = refusal["error"]["message"].as_str().unwrap();
    assert!(
        message.contains("`house-brew-7b` has no price"),
        "{message}"
    );
    assert!(message.contains("`--model-prices-file`"), "{message}");
    assert!(world.fake.requests().is_empty());

    let before = metric(
        &world,
        "bursar_cost_control_unpriced_token_usage_records_total",
    )
    .await;
    let answer = ask_unlimited(&world, Spoken::OpenAi.path(), &body).await;
    assert_eq!(answer.status(), 200);
    settled(&world.database).await;
    assert!(
        metric(
            &world,
            "bursar_cost_control_unpriced_token_usage_records_total"
        )
        .await
            > before
    );
    let owner = world.cast.owner.user_get("me").await.unwrap();
    let event = &events(&world.database, owner.id).await[0];
    assert_eq!((event.cost, event.estimated), (None, false));
    assert!(event.tokens[0] > 0 && event.tokens[3] == 12, "{event:?}");
}

#[tokio::test]
async fn a_price_of_ones_own_counts_and_makes_a_model_usable_under_a_limit() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("prices.json");
    let prices = json!({"models": [
        {"model": "house-brew-7b", "prices": [{"prices": {"input_mtok": "3", "output_mtok": "9.5"}}]},
    ]});
    std::fs::write(&file, prices.to_string()).unwrap();
    let options = ServerOptions {
        model_prices_file: Some(file),
        ..Default::default()
    };
    let script = Script {
        output: Output::Tokens(1_000),
        ..Script::default()
    };
    let world = World::with_options(script, Micros::USD, &options)
        .await
        .unwrap();
    let local = world.fake.openai_base_url();
    add_provider(&world, "local", AiProviderType::OpenAiCompatible, &local).await;
    let body = json!({"model": "house-brew-7b", "max_completion_tokens": 2_000,
        "messages": [{"role": "user", "content": "Hello"}]});
    let request = call(
        &world,
        &world.cast.member_token,
        "local/v1/chat/completions",
        &body,
    );
    assert_eq!(request.send().await.unwrap().status(), 200);
    let event = event(&world).await;
    assert_eq!(event.cost, Some(event.tokens[0] * 3 + 9_500));
    // This type of provider knows the older field only.
    let sent: Value = serde_json::from_slice(&world.fake.requests()[0].body).unwrap();
    assert_eq!(
        (&sent["max_tokens"], &sent["max_completion_tokens"]),
        (&json!(2_000), &Value::Null)
    );
}

/// A world whose member has this much left before every request.
struct Left(World);

impl Left {
    /// Lets the member spend so much more than was spent.
    async fn limit(&self, micros: i64) {
        let world = &self.0;
        let (spent, _) = world.spend(&world.cast.member).await.unwrap();
        let budget = UpsertGroupAiBudgetRequest {
            spend_limit_micros: spent + micros,
            ..Default::default()
        };
        let (owner, group) = (&world.cast.owner, world.cast.group_id);
        owner.group_budget_upsert(group, &budget).await.unwrap();
    }

    /// Sends a request that must be lowered; the cap that was told, and the body that was forwarded.
    async fn lowered(&self, path: &str, body: &Value) -> (u64, Value) {
        let world = &self.0;
        self.limit(20_000).await;
        let request = call(world, &world.cast.member_token, path, body);
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        let told = answer.headers()["x-bursar-output-cap"].to_str().unwrap();
        let told = told.parse().unwrap();
        answer.bytes().await.unwrap();
        settled(&world.database).await;
        let sent = world.fake.requests().pop().unwrap().body;
        (told, serde_json::from_slice(&sent).unwrap())
    }
}

#[tokio::test]
async fn a_lowered_cap_is_told_and_forwarded_and_thinking_is_never_cut() {
    let script = Script {
        output: Output::FillCap,
        ..Script::default()
    };
    let left = Left(World::new(script, Micros(20_000)).await.unwrap());
    let local = left.0.fake.openai_base_url();
    add_provider(&left.0, "local", AiProviderType::OpenAiCompatible, &local).await;
    let check = async |path: &str, mut body: Value, field: &str, least: u64, most: u64| {
        body["messages"] = json!([{"role": "user", "content": "Hello"}]);
        let (told, sent) = left.lowered(path, &body).await;
        assert!((least..=most).contains(&told), "{told} for {body}");
        let mut fields = sent.as_object().unwrap().clone();
        assert_eq!(fields.remove(field), Some(json!(told)), "{sent}");
        assert!(
            !fields.keys().any(|name| name.starts_with("max_")),
            "{sent}"
        );
        assert_eq!(sent["thinking"], body["thinking"]);
    };
    let (chat, compatible) = ("openai/v1/chat/completions", "local/v1/chat/completions");
    let messages = "anthropic/v1/messages";
    // 20,000 micros are 2,000 tokens of the one model's answer and 1,333 of the other's.
    let plain = json!({"model": "gpt-4o"});
    check(chat, plain, "max_completion_tokens", 1_900, 2_000).await;
    let old = json!({"model": "gpt-4o", "max_tokens": 5_000});
    check(chat, old.clone(), "max_completion_tokens", 1_900, 2_000).await;
    check(compatible, old, "max_tokens", 1_900, 2_000).await;
    let new = json!({"model": "gpt-4o", "max_completion_tokens": 5_000});
    check(compatible, new, "max_tokens", 1_900, 2_000).await;
    let claude = json!({"model": "claude-sonnet-4-5", "max_tokens": 5_000});
    check(messages, claude.clone(), "max_tokens", 1_200, 1_333).await;

    // A thinking budget that fits is kept whole; one that does not is refused, never cut.
    let thinking = |budget: u64| {
        let mut body = claude.clone();
        body["thinking"] = json!({"type": "enabled", "budget_tokens": budget});
        body
    };
    check(messages, thinking(1_024), "max_tokens", 1_025, 1_333).await;
    left.limit(20_000).await;
    let mut body = thinking(2_048);
    body["messages"] = json!([{"role": "user", "content": "Hello"}]);
    let refused = ask(&left.0, Spoken::Anthropic, &body).await;
    assert_eq!(refused.status(), 403);
}
