//! What requests are charged by: prices that were set count from the next request on, at every server, and for no
//! earlier one.

use std::time::Duration;

use bursar_sdk::{
    AiModelPriceTier, AiProviderType, AuditListQuery, UpsertAiModelAliasRequest, UpsertAiModelPrice,
};
use fakeprovider::{Gate, Output, Prompt, Script};
use model::{Clock, Micros, SystemClock};
use serde_json::{Value, json};
use testkit::{ServerOptions, TestServer, World};

use crate::{
    calls::{Spoken, ask, ask_unlimited, body_of, events, settled, until},
    prices::{priced, prices, which},
    support::{refused, world},
};

/// A thousand tokens and an answer of a hundred.
fn thousand() -> Script {
    Script {
        prompt: Prompt::Fixed(1_000),
        output: Output::Tokens(100),
        ..Script::default()
    }
}

/// A request long enough for a thousand tokens, so that the provider reports no more than was held.
fn question(model: &str) -> Value {
    json!({
        "model": model, "max_tokens": 200,
        "messages": [{"role": "user", "content": "Hello ".repeat(200)}],
    })
}

/// What was written down of a request: its cost, the model that it was priced as and where the prices came from.
type Charged = (Option<i64>, Option<String>, Option<String>);

async fn charges(world: &World) -> Vec<Charged> {
    settled(&world.database).await;
    let sql = "SELECT e.cost_micros, e.priced_model, s.prices ->> 'source' FROM ai_usage_events AS e \
        LEFT JOIN ai_price_snapshots AS s ON s.id = e.price_id ORDER BY e.created_at, e.id";
    let owner = world.database.owner().await.unwrap();
    let rows = owner.query(sql, &[]).await.unwrap();
    rows.iter()
        .map(|row| (row.get(0), row.get(1), row.get(2)))
        .collect()
}

/// The member asks a server for an answer; what it was charged.
async fn charged(world: &World, server: &TestServer, model: &str) -> Charged {
    let before = charges(world).await.len();
    let answer = world
        .chat(server, &world.cast.member_token, &question(model))
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    answer.bytes().await.unwrap();
    let all = charges(world).await;
    assert_eq!(all.len(), before + 1);
    all.last().unwrap().clone()
}

fn by(cost: i64, model: &str, source: &str) -> Charged {
    (Some(cost), Some(model.to_owned()), Some(source.to_owned()))
}

fn alias(name: &str, model: &str) -> UpsertAiModelAliasRequest {
    UpsertAiModelAliasRequest {
        provider: AiProviderType::OpenAi,
        provider_model: name.to_owned(),
        priced_model: model.to_owned(),
    }
}

/// With the reference's case 55: what was charged before stays.
#[tokio::test]
async fn a_price_counts_from_the_next_request_on_at_every_server() {
    let world = World::new(thousand(), Micros(10_000_000)).await.unwrap();
    let other = TestServer::start(&world.database, &ServerOptions::default())
        .await
        .unwrap();
    let built_in = by(2_500 + 1_000, "gpt-4o", "file");
    for server in [&world.server, &other] {
        assert_eq!(charged(&world, server, "gpt-4o").await, built_in);
    }
    let owner = &world.cast.owner;
    for (input, output) in [(1_000_000, 2_000_000), (4_000_000, 0)] {
        owner
            .model_price_upsert(&prices(&[priced("gpt-4o", input, output)]))
            .await
            .unwrap();
        let cost = input / 1_000 + output / 10_000;
        for server in [&other, &world.server] {
            let expected = by(cost, "gpt-4o", "custom");
            assert_eq!(charged(&world, server, "gpt-4o").await, expected);
        }
    }
    // The other server may be asked as well.
    other
        .as_caller(owner)
        .model_price_delete(&which("gpt-4o", None))
        .await
        .unwrap();
    for server in [&world.server, &other] {
        assert_eq!(charged(&world, server, "gpt-4o").await, built_in);
    }
    let costs: Vec<_> = charges(&world)
        .await
        .into_iter()
        .map(|(cost, ..)| cost.unwrap())
        .collect();
    assert_eq!(
        costs,
        [3_500, 3_500, 1_200, 1_200, 4_000, 4_000, 3_500, 3_500]
    );
    let spent = world.spend(&world.cast.member).await.unwrap();
    assert_eq!(spent, (costs.iter().sum(), 0));
}

/// The reference's case 104: a restart brings the book again, and a custom price stays what counts.
#[tokio::test]
async fn a_restart_leaves_custom_prices_in_force_also_over_a_file() {
    let world = World::new(thousand(), Micros(10_000_000)).await.unwrap();
    let owner = &world.cast.owner;
    owner
        .model_price_upsert(&prices(&[priced("gpt-4o", 1_000_000, 0)]))
        .await
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("prices.json");
    let text = r#"{"models": [
        {"provider": "openai", "model": "gpt-4o", "prices": [{"prices": {"input_mtok": "9"}}]},
        {"provider": "openai", "model": "gpt-4o-mini", "prices": [{"prices": {"input_mtok": "8", "output_mtok": "0"}}]}
    ]}"#;
    std::fs::write(&file, text).unwrap();
    let options = ServerOptions {
        model_prices_file: Some(file),
        ..ServerOptions::default()
    };
    let again = TestServer::start(&world.database, &options).await.unwrap();
    let custom = charged(&world, &again, "gpt-4o").await;
    assert_eq!(custom, by(1_000, "gpt-4o", "custom"));
    let of_the_file = charged(&world, &again, "gpt-4o-mini").await;
    assert_eq!(of_the_file, by(8_000, "gpt-4o-mini", "operator_file"));
}

/// The reference's case 53, and what makes an end of it.
#[tokio::test]
async fn a_model_without_a_price_is_priced_by_the_api_or_by_an_alias() {
    let world = World::new(thousand(), Micros(10_000_000)).await.unwrap();
    let owner = &world.cast.owner;
    let refusal = ask(&world, Spoken::OpenAi, &question("prod-chat")).await;
    assert_eq!(refusal.status(), 403);
    let message = body_of(refusal).await["error"]["message"].to_string();
    assert!(
        message.contains("`POST /api/v2/ai/model-prices`"),
        "{message}"
    );
    let answer = ask_unlimited(&world, Spoken::OpenAi.path(), &question("prod-chat")).await;
    assert_eq!(answer.status(), 200);
    answer.bytes().await.unwrap();
    assert_eq!(charges(&world).await, [(None, None, None)]);

    let now = async || charged(&world, &world.server, "prod-chat").await;
    owner
        .model_alias_upsert(&alias("prod-*", "gpt-4o"))
        .await
        .unwrap();
    assert_eq!(now().await, by(3_500, "gpt-4o", "file"));
    owner
        .model_price_upsert(&prices(&[priced("gpt-4o", 1_000_000, 0)]))
        .await
        .unwrap();
    assert_eq!(now().await, by(1_000, "gpt-4o", "custom"));
    owner
        .model_alias_upsert(&alias("prod-chat", "gpt-4o-mini"))
        .await
        .unwrap();
    assert_eq!(now().await, by(150 + 60, "gpt-4o-mini", "file"));
    owner
        .model_price_upsert(&prices(&[priced("prod-chat", 0, 0)]))
        .await
        .unwrap();
    assert_eq!(now().await, by(0, "prod-chat", "custom"));
    // What the request named and what the provider calls itself stand beside it.
    let owner = world.database.owner().await.unwrap();
    let sql = "SELECT DISTINCT model || ' ' || response_model FROM ai_usage_events";
    let rows = owner.query(sql, &[]).await.unwrap();
    let names: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    assert_eq!(names, ["prod-chat prod-chat"]);
}

#[tokio::test]
async fn a_price_with_a_date_counts_from_then_on() {
    let world = World::new(thousand(), Micros(10_000_000)).await.unwrap();
    let owner = &world.cast.owner;
    let dated = |input, from| UpsertAiModelPrice {
        effective_from: Some(from),
        ..priced("gpt-4o", input, 0)
    };
    let day = Duration::from_secs(86_400);
    let rows = [
        dated(1_000_000, SystemClock.now() - day),
        dated(9_000_000, SystemClock.now() + day),
    ];
    owner.model_price_upsert(&prices(&rows)).await.unwrap();
    let now = async || charged(&world, &world.server, "gpt-4o").await;
    assert_eq!(now().await, by(1_000, "gpt-4o", "custom"));
    let soon = SystemClock.now() + Duration::from_secs(3);
    owner
        .model_price_upsert(&prices(&[dated(2_000_000, soon)]))
        .await
        .unwrap();
    until("the new price", || async {
        let asked = SystemClock.now();
        let cost = now().await.0.unwrap();
        let answered = SystemClock.now();
        assert!(
            cost == 1_000 && asked < soon || cost == 2_000 && answered >= soon,
            "{cost}"
        );
        cost == 2_000
    })
    .await;
}

#[tokio::test]
async fn a_request_is_settled_by_the_prices_that_it_was_admitted_with() {
    let gate = Gate::default();
    let script = Script {
        gate: Some(gate.clone()),
        ..thousand()
    };
    let world = World::new(script, Micros(10_000_000)).await.unwrap();
    let owner = &world.cast.owner;
    owner
        .model_price_upsert(&prices(&[priced("gpt-4o", 1_000_000, 0)]))
        .await
        .unwrap();
    let body = question("gpt-4o");
    let change = async {
        world.fake.wait_for_requests(1).await;
        owner
            .model_price_upsert(&prices(&[priced("gpt-4o", 7_000_000, 0)]))
            .await
            .unwrap();
        gate.open();
    };
    let (answer, ()) = tokio::join!(ask(&world, Spoken::OpenAi, &body), change);
    assert_eq!(answer.status(), 200);
    answer.bytes().await.unwrap();
    assert_eq!(charges(&world).await, [by(1_000, "gpt-4o", "custom")]);
}

/// A model of our own, all of whose prices are set, some of them dearer from 200,000 tokens on.
fn house_claude() -> UpsertAiModelPrice {
    UpsertAiModelPrice {
        input_price: Some(1_000_000),
        output_price: Some(10_000_000),
        cache_read_price: Some(100_000),
        cache_write_price: Some(2_000_000),
        cache_write_1h_price: Some(3_000_000),
        context_window: Some(1_000_000),
        tiers: vec![AiModelPriceTier {
            starts_at: 200_000,
            input_price: Some(2_000_000),
            cache_write_1h_price: Some(6_000_000),
            ..AiModelPriceTier::default()
        }],
        ..UpsertAiModelPrice::new(AiProviderType::Anthropic, "house-claude")
    }
}

/// Writes to caches of five minutes and of an hour, reads, and the tiers of a long prompt, of the book and of our own.
#[tokio::test]
async fn caches_and_long_prompts_have_their_own_prices() {
    let world = World::new(Script::default(), Micros(1_000_000_000))
        .await
        .unwrap();
    world
        .cast
        .owner
        .model_price_upsert(&prices(&[house_claude()]))
        .await
        .unwrap();
    let mut expected = Vec::new();
    // Of the prompt 20,000 tokens are read, 30,000 written for five minutes and 20,000 for an hour; 100 are answered.
    for (model, prompt, cost) in [
        ("claude-haiku-5-5", 90_000, 2_000 + 200 + 3_750 + 4_000 + 50),
        (
            "claude-haiku-5-5",
            250_000,
            90_000 + 1_000 + 18_750 + 20_000 + 250,
        ),
        (
            "house-claude",
            90_000,
            20_000 + 2_000 + 60_000 + 60_000 + 1_000,
        ),
        (
            "house-claude",
            250_000,
            360_000 + 2_000 + 60_000 + 120_000 + 1_000,
        ),
    ] {
        world.fake.set_script(Script {
            prompt: Prompt::Fixed(prompt),
            cached_tokens: 20_000,
            cache_write_tokens: 50_000,
            long_cache_write_tokens: 20_000,
            output: Output::Tokens(100),
            ..Script::default()
        });
        for stream in [false, true] {
            let mut body = Spoken::Anthropic.body(200, stream);
            body["model"] = json!(model);
            body["messages"][0]["content"] = json!("x".repeat(260_000));
            let answer = ask(&world, Spoken::Anthropic, &body).await;
            assert_eq!(answer.status(), 200, "{model} {prompt}");
            answer.bytes().await.unwrap();
            settled(&world.database).await;
            expected.push(Some(cost));
        }
    }
    let events = events(&world.database, world.cast.member_id).await;
    let costs: Vec<_> = events.iter().map(|event| event.cost).collect();
    assert_eq!(costs, expected);
    assert!(
        events
            .iter()
            .all(|event| event.over_hold == 0 && !event.estimated),
        "{events:?}"
    );
}

#[tokio::test]
async fn who_changed_a_price_is_in_the_audit_log() {
    let world = world().await;
    let owner = &world.cast.owner;
    owner
        .model_price_upsert(&prices(&[priced("m", 1, 2)]))
        .await
        .unwrap();
    owner
        .model_price_upsert(&prices(&[priced("m", 1, 5)]))
        .await
        .unwrap();
    owner.model_price_delete(&which("m", None)).await.unwrap();
    refused(
        world
            .cast
            .member
            .model_price_delete(&which("m", None))
            .await,
        403,
    );
    let query = AuditListQuery {
        resource_type: Some("ai_model_price".to_owned()),
        ..AuditListQuery::default()
    };
    let found = owner.audit_list(&query).await.unwrap().audit_logs;
    let lines: Vec<_> = found.iter().rev().map(crate::support::brief).collect();
    assert_eq!(
        lines,
        [
            "create ai_model_price m",
            "write ai_model_price m",
            "delete ai_model_price m",
            "delete ai_model_price /ai/model-prices",
        ]
    );
    let changed = &found[2].diff["output_price"];
    assert_eq!((&changed.old, &changed.new), (&json!(2), &json!(5)));
    let who = |line: &bursar_sdk::AuditLog| line.user.as_ref().unwrap().username.clone();
    let who: Vec<_> = found.iter().map(who).collect();
    assert_eq!(who, ["ada", "owner", "owner", "owner"]);
}
