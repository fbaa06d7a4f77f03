//! Administrators who set budgets, overrides, settings and memberships at once, while people spend.

use bursar_sdk::Client;
use fakeprovider::Script;
use futures_util::future::{BoxFuture, join_all};
use model::Micros;
use serde_json::{Value, json};
use testkit::World;

use crate::{
    calls::settled,
    support::{ask, member},
};

/// Asks for one thing after the other; nobody is told to come back.
async fn repeat(
    world: &World,
    caller: &Client,
    times: usize,
    steps: &[(&str, String, Value)],
    allowed: &[u16],
) {
    for at in 0..times {
        let (method, path, body) = &steps[at % steps.len()];
        let answer = ask(world, caller, method, path, body).await;
        assert!(
            allowed.contains(&answer.status),
            "{method} {path} {body}: {answer:?}"
        );
    }
}

async fn chat(world: &World, caller: &Client, times: usize) {
    let token = caller.token().unwrap();
    for _ in 0..times {
        let body = testkit::world::chat_request("gpt-4o");
        let answer = world.chat(&world.server, token, &body).await.unwrap();
        assert_eq!(answer.status(), 200);
        answer.bytes().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_administrators_do_at_once_everybody_is_served_and_the_ledger_balances() {
    let world = World::new(Script::default(), Micros(900_000_000))
        .await
        .unwrap();
    let (owner, ada) = (&world.cast.owner, &world.cast.member);
    let (group, acme) = (world.cast.group_id, world.cast.organization_id);
    let colleague = member(&world, "colleague", &[]).await.client;
    let charged = |group| json!({"group_id": group, "spend_limit_micros": 900_000_000});
    let over = "/users/ada/ai/budget".to_owned();
    let overrides = [
        ("PUT", over.clone(), charged(group)),
        ("PUT", over.clone(), charged(acme)),
        ("DELETE", over, Value::Null),
    ];
    let budget = |group, pool: Value, period: Value, zone: Value| {
        let body = json!({
            "spend_limit_micros": 900_000_000, "pool_limit_micros": pool,
            "pool_period": period, "pool_time_zone": zone,
        });
        ("PUT", format!("/groups/{group}/ai/budget"), body)
    };
    let budgets = |group| {
        [
            budget(group, json!(900_000_000), Value::Null, Value::Null),
            budget(group, json!(900_000_000), json!("day"), Value::Null),
            budget(group, Value::Null, json!("week"), json!("Asia/Kathmandu")),
            budget(group, json!(900_000_000), json!("week"), Value::Null),
            ("DELETE", format!("/groups/{group}/ai/budget"), Value::Null),
        ]
    };
    let patch = |body| ("PATCH", "/ai/budget-settings".to_owned(), body);
    let settings = [
        patch(json!({"period": "day", "policy": "sum"})),
        patch(json!({"period": "week", "time_zone": "America/St_Johns"})),
        patch(json!({"period": "month", "time_zone": "UTC", "policy": "lowest"})),
    ];
    let members = |body| ("PATCH", format!("/groups/{group}"), body);
    let memberships = [
        members(json!({"remove_users": [world.cast.member_id]})),
        members(json!({"add_users": [world.cast.member_id]})),
    ];
    let (of_group, of_everyone) = (budgets(group), budgets(acme));
    let tasks: [BoxFuture<'_, ()>; 10] = [
        // 400 while Ada is not in the group.
        Box::pin(repeat(&world, owner, 30, &overrides, &[200, 204, 400, 404])),
        Box::pin(repeat(&world, owner, 30, &overrides, &[200, 204, 400, 404])),
        Box::pin(repeat(&world, owner, 40, &of_group, &[200, 204, 404])),
        Box::pin(repeat(&world, owner, 40, &of_group[1..], &[200, 204, 404])),
        Box::pin(repeat(&world, owner, 40, &of_everyone, &[200, 204, 404])),
        Box::pin(repeat(&world, owner, 45, &settings, &[200])),
        Box::pin(repeat(&world, owner, 45, &settings[1..], &[200])),
        Box::pin(repeat(&world, owner, 20, &memberships, &[200])),
        Box::pin(chat(&world, ada, 40)),
        Box::pin(chat(&world, &colleague, 40)),
    ];
    join_all(tasks).await;
    // Pools that were removed in the middle left figures that are nobody's: now both have one.
    repeat(&world, owner, 1, &of_group, &[200]).await;
    repeat(&world, owner, 1, &of_everyone, &[200]).await;
    settled(&world.database).await;
    for who in [ada, &colleague] {
        let spend = who.spend_get("me").await.unwrap();
        assert!(spend.current_spend_micros > 0, "{spend:?}");
    }
}
