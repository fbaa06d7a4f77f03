//! The figures at `/metrics` of a running server, and that the guide for operators tells every one.

use std::{collections::BTreeSet, fs, path::Path};

use bursar_sdk::UpsertGroupAiBudgetRequest;
use serde_json::json;
use testkit::{ServerOptions, TestServer, World, world::chat_request};
use uuid::Uuid;

use crate::{
    calls::{metric, until},
    support::{ask, is, world},
};

const BLOCKED: &str = "bursar_cost_control_blocked_requests_total";
const BLOCKED_USERS: &str = "bursar_cost_control_blocked_users";
const UNPRICED: &str = "bursar_cost_control_unpriced_token_usage_records_total";
const ENFORCEMENT: &str = "bursar_cost_control_enforcement_duration_seconds";

async fn limit(world: &World, group: Uuid, micros: i64) {
    let budget = UpsertGroupAiBudgetRequest {
        spend_limit_micros: micros,
        ..Default::default()
    };
    let owner = &world.cast.owner;
    owner.group_budget_upsert(group, &budget).await.unwrap();
}

async fn chat(world: &World, model: &str) -> u16 {
    let body = chat_request(model);
    let token = &world.cast.member_token;
    let answer = world.chat(&world.server, token, &body).await.unwrap();
    let status = answer.status().as_u16();
    answer.bytes().await.unwrap();
    status
}

fn of_group(name: &str, group: Uuid) -> String {
    format!("{name}{{group_id=\"{group}\"}}")
}

#[tokio::test]
async fn whom_limits_block_is_counted_by_the_group_that_is_charged() {
    let world = world().await;
    let group = world.cast.group_id;
    let blocked = of_group(BLOCKED, group);
    let enforced = |outcome: &str| format!("{ENFORCEMENT}_count{{outcome=\"{outcome}\"}}");
    let allowed = metric(&world, &enforced("allowed")).await;
    assert_eq!(chat(&world, "gpt-4o").await, 200);
    assert!(metric(&world, &enforced("allowed")).await >= allowed + 1.0);
    assert_eq!(metric(&world, &blocked).await, 0.0);
    limit(&world, group, 0).await;
    let before = metric(&world, &enforced("blocked")).await;
    for times in [1.0, 2.0] {
        assert!(chat(&world, "gpt-4o").await >= 400);
        assert_eq!(metric(&world, &blocked).await, times);
    }
    assert!(metric(&world, &enforced("blocked")).await >= before + 2.0);
    let text = world.server.nobody().metrics().await.unwrap();
    for bound in [
        "0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "+Inf",
    ] {
        let bucket = format!("{ENFORCEMENT}_bucket{{outcome=\"blocked\",le=\"{bound}\"}}");
        assert!(text.contains(&bucket), "{bucket}");
    }
}

#[tokio::test]
async fn people_who_can_spend_nothing_are_counted_at_the_start_of_a_server() {
    let world = world().await;
    let (group, acme) = (world.cast.group_id, world.cast.organization_id);
    // Of those in the organization one is blocked by an override and one by the group; two are not. Who is suspended
    // asks for nothing.
    for name in ["bea", "cleo", "dora"] {
        crate::support::member(&world, name, &[]).await;
    }
    limit(&world, group, 0).await;
    for (user, micros) in [("bea", 0), ("cleo", 5), ("dora", 0)] {
        let body = json!({"group_id": acme, "spend_limit_micros": micros});
        let path = format!("/users/{user}/ai/budget");
        is(
            &ask(&world, &world.cast.owner, "PUT", &path, &body).await,
            200,
        );
    }
    world.cast.owner.user_suspend("dora").await.unwrap();
    let options = ServerOptions::default();
    let other = TestServer::start(&world.database, &options).await.unwrap();
    for of in [group, acme] {
        let name = of_group(BLOCKED_USERS, of);
        let name = &name;
        until("the count of blocked people", || async {
            metric(&world, name).await == 1.0
        })
        .await;
    }
    other.stop().await.unwrap();
}

#[tokio::test]
async fn usage_without_a_price_is_counted_by_provider_and_model() {
    let world = world().await;
    let group = world.cast.group_id;
    world.cast.owner.group_budget_delete(group).await.unwrap();
    let model = format!("unheard-of-{}", Uuid::from_u128(5).simple());
    let labels = format!("provider=\"openai\",provider_type=\"openai\",model=\"{model}\"");
    let name = format!("{UNPRICED}{{{labels}}}");
    for times in [1.0, 2.0] {
        assert_eq!(chat(&world, &model).await, 200);
        let name = &name;
        until("the count of unpriced usage", || async {
            metric(&world, name).await >= times
        })
        .await;
        assert_eq!(metric(&world, name).await, times);
    }
}

/// The names of metrics in the sources below a folder: texts that begin with `bursar_`, in files that count.
fn names(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            names(&path, found);
            continue;
        }
        let text = fs::read_to_string(&path).unwrap_or_default();
        let counts = ["counter!(", "gauge!(", "histogram!("];
        if path.extension().is_some_and(|end| end == "rs")
            && counts.iter().any(|one| text.contains(one))
        {
            let texts = text.split('"').skip(1).step_by(2);
            let name = |text: &&str| {
                let letters = text.chars().all(|c| c.is_ascii_lowercase() || c == '_');
                text.starts_with("bursar_") && letters && !text.ends_with('_')
            };
            found.extend(texts.filter(name).map(ToOwned::to_owned));
        }
    }
}

#[test]
fn the_guide_tells_every_metric_and_no_other() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut counted = BTreeSet::new();
    for part in [
        "api", "auth", "bursar", "chat", "dbauthz", "gateway", "notifier", "web",
    ] {
        let folder = root.join("crates").join(part).join("src");
        if folder.is_dir() {
            names(&folder, &mut counted);
        }
    }
    let guide = fs::read_to_string(root.join("docs/guides/operating.md")).unwrap();
    let rows = guide
        .lines()
        .filter_map(|line| line.strip_prefix("| `bursar_"));
    let told: BTreeSet<String> = rows
        .map(|row| format!("bursar_{}", row.split('`').next().unwrap()))
        .collect();
    assert!(counted.len() > 20, "{counted:?}");
    assert_eq!(told, counted);
}
