//! The burst: a budget worth exactly ten calls, fifty requests at once, an upstream that takes 300 ms. Nine or ten
//! are served each time (the last may not fit by its worst case), the others are refused, and the spend is
//! never one micro past the limit.

use std::time::Duration;

use anyhow::ensure;
use fakeprovider::{Output, Script};
use model::Micros;
use serde_json::{Value, json};
use testkit::{ServerOptions, TestServer, World};

/// What one answer of the fake provider has, caps permitting.
const OUTPUT_TOKENS: u64 = 1_000;
const MODEL: &str = "gpt-4o";
/// gpt-4o: 2.50 USD per million tokens of input, 10 USD of output.
const INPUT_MICROS_PER_MILLION: i64 = 2_500_000;
const OUTPUT_MICROS_PER_MILLION: i64 = 10_000_000;

#[derive(Clone, Copy)]
struct Burst {
    servers: usize,
    cap: Option<u64>,
    tools: bool,
}

fn request(burst: Burst) -> Value {
    let mut body = json!({
        "model": MODEL,
        "messages": [
            {"role": "system", "content": "You are brief.".repeat(if burst.tools { 60 } else { 1 })},
            {"role": "user", "content": "Hello"},
        ],
    });
    if let Some(cap) = burst.cap {
        body["max_completion_tokens"] = json!(cap);
    }
    if burst.tools {
        body["tools"] = json!([{"type": "function", "function": {
            "name": "look_up", "description": "Looks something up. ".repeat(40),
            "parameters": {"type": "object", "properties": {"what": {"type": "string"}}},
        }}]);
    }
    body
}

async fn world(budget: Micros) -> World {
    let script = Script {
        first_byte_delay: Duration::from_millis(300),
        output: Output::Tokens(OUTPUT_TOKENS),
        ..Script::default()
    };
    let options = ServerOptions {
        admission_wait: Duration::from_secs(30),
        ..Default::default()
    };
    World::with_options(script, budget, &options).await.unwrap()
}

/// What one call costs, found out by making it as the owner, who has no limit.
async fn cost_of_one(world: &World, body: &Value) -> i64 {
    let token = world.cast.owner.token().unwrap();
    let answer = world.chat(&world.server, token, body).await.unwrap();
    assert_eq!(answer.status(), 200);
    let usage = answer.json::<Value>().await.unwrap()["usage"].clone();
    let cost = |key: &str, price: i64| usage[key].as_i64().unwrap() * price / 1_000_000;
    let by_hand = cost("prompt_tokens", INPUT_MICROS_PER_MILLION)
        + cost("completion_tokens", OUTPUT_MICROS_PER_MILLION);
    assert_eq!(world.spend(&world.cast.owner).await.unwrap(), (by_hand, 0));
    by_hand
}

async fn check(burst: Burst) {
    let world = world(Micros::USD).await;
    let mut servers = Vec::new();
    for _ in 1..burst.servers {
        let options = ServerOptions {
            admission_wait: Duration::from_secs(30),
            ..Default::default()
        };
        servers.push(TestServer::start(&world.database, &options).await.unwrap());
    }
    let body = request(burst);
    let limit = 10 * cost_of_one(&world, &body).await;
    let budget = bursar_sdk::UpsertGroupAiBudgetRequest {
        spend_limit_micros: limit,
        ..Default::default()
    };
    world
        .cast
        .owner
        .group_budget_upsert(world.cast.group_id, &budget)
        .await
        .unwrap();
    let all: Vec<&TestServer> = servers.iter().chain([&world.server]).collect();
    let calls = (0..50).map(|number| {
        let server = all[number % all.len()];
        call(&world, server, &body)
    });
    let answers = futures_util::future::join_all(calls).await;
    let served = answers
        .iter()
        .filter(|status| status.as_ref().unwrap() == &200)
        .count();
    let refused = answers
        .iter()
        .filter(|status| status.as_ref().unwrap() == &403)
        .count();
    assert!(served == 9 || served == 10, "{served} were served");
    assert_eq!(served + refused, 50);
    let (spent, reserved) = world.spend(&world.cast.member).await.unwrap();
    assert!(spent <= limit, "{spent} of {limit}");
    assert_eq!(reserved, 0);
    assert_eq!(spent, events_sum(&world).await);
    for server in servers {
        server.stop().await.unwrap();
    }
    world.server.stop().await.unwrap();
}

async fn call(world: &World, server: &TestServer, body: &Value) -> anyhow::Result<u16> {
    let answer = world.chat(server, &world.cast.member_token, body).await?;
    let status = answer.status().as_u16();
    let answer: Value = answer.json().await?;
    if status == 403 {
        ensure!(answer["error"]["code"] == "insufficient_quota", "{answer}");
    }
    Ok(status)
}

async fn events_sum(world: &World) -> i64 {
    let sql =
        "SELECT coalesce(sum(cost_micros), 0)::bigint FROM ai_usage_events WHERE user_id = $1";
    let owner = world.database.owner().await.unwrap();
    owner
        .query_one(sql, &[&world.cast.member_id])
        .await
        .unwrap()
        .get(0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_a_cap_on_one_server() {
    check(Burst {
        servers: 1,
        cap: Some(OUTPUT_TOKENS),
        tools: false,
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_a_cap_on_two_servers() {
    check(Burst {
        servers: 2,
        cap: Some(OUTPUT_TOKENS),
        tools: false,
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_cap_on_one_server() {
    check(Burst {
        servers: 1,
        cap: None,
        tools: false,
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_cap_on_two_servers() {
    check(Burst {
        servers: 2,
        cap: None,
        tools: false,
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_tools_and_a_system_prompt_on_one_server() {
    check(Burst {
        servers: 1,
        cap: Some(OUTPUT_TOKENS),
        tools: true,
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_tools_and_a_system_prompt_on_two_servers() {
    check(Burst {
        servers: 2,
        cap: None,
        tools: true,
    })
    .await;
}
