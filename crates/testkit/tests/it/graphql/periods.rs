//! Caps over the end of a month: what was spent begins anew, what was set stays; by the test cases of the reference.

use std::time::Duration;

use fakeprovider::{Gate, Script};
use model::Micros;
use serde_json::{Value, json};
use testkit::{ServerOptions, World};

use super::{CAPS, SUBSCRIPTION, change, data, flat, gql};
use crate::{
    calls::{Spoken, ask, call, settled},
    external_usage::{report, spent},
};

const MINE: &str = "{ myBudgetCap(namespacePath: \"acme\") { cap used reserved remaining resetsAt blocked blockedBy } }";

/// A world without other limits, where leases live on while the clock is elsewhere.
async fn still() -> World {
    let options = ServerOptions {
        lease: Duration::from_secs(3_600),
        ..Default::default()
    };
    let world = World::with_options(Script::default(), Micros::USD, &options);
    let world = world.await.unwrap();
    let (owner, group) = (&world.cast.owner, world.cast.group_id);
    owner.group_budget_delete(group).await.unwrap();
    world
}

/// Sets the clock to some seconds after an instant, or before it.
async fn clock(world: &World, instant: &str, seconds: i64) {
    let ahead = format!(
        "SELECT (extract(epoch FROM '{instant}'::timestamptz) * 1000000)::bigint + {seconds} * 1000000 \
            - (extract(epoch FROM now()) * 1000000)::bigint"
    );
    let owner = world.database.owner().await.unwrap();
    let ahead: i64 = owner.query_one(&ahead, &[]).await.unwrap().get(0);
    let interval = format!("{ahead} microseconds");
    world.database.shift_clock(&interval).await.unwrap();
}

async fn mine(world: &World) -> Value {
    let answer = gql(world, &world.cast.member, MINE, json!({})).await;
    data(&answer, "myBudgetCap").clone()
}

async fn asked(world: &World) -> u16 {
    let answer = ask(world, Spoken::OpenAi, &Spoken::OpenAi.body(10, false)).await;
    let status = answer.status().as_u16();
    answer.bytes().await.unwrap();
    settled(&world.database).await;
    status
}

/// Case 67: months of 31, 28, 29 and 30 days, in UTC.
#[tokio::test]
async fn the_first_instant_of_a_month_begins_anew_and_the_last_one_does_not() {
    let world = still().await;
    let owner = &world.cast.owner;
    flat(&world, 1.0, true).await;
    let all = json!({"subscriptionCap": 5, "subscriptionCapEnabled": true, "included": 0.5});
    data(
        &change(&world, owner, SUBSCRIPTION, all).await,
        "upsertSubscriptionCap",
    );
    let caps = async || gql(&world, owner, CAPS, json!({"path": "acme"})).await;
    for (starts, ends) in [
        ("2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"),
        ("2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z"),
        ("2024-02-01T00:00:00Z", "2024-03-01T00:00:00Z"),
        ("2026-06-01T00:00:00Z", "2026-07-01T00:00:00Z"),
    ] {
        clock(&world, starts, 0).await;
        let (before, _) = world.spend(&world.cast.member).await.unwrap();
        let one = spent(starts, "ada", 1_000_000 - before);
        report(owner, &[one]).await.unwrap();
        let told = mine(&world).await;
        let resets: chrono::DateTime<chrono::Utc> = ends.parse().unwrap();
        let found: chrono::DateTime<chrono::Utc> =
            told["resetsAt"].as_str().unwrap().parse().unwrap();
        assert_eq!((found, &told["used"]), (resets, &json!(1.0)), "{told}");
        // Far less than these seconds pass until it has answered.
        clock(&world, ends, -30).await;
        let set = caps().await;
        assert_eq!(asked(&world).await, 403, "before {ends}");
        assert_eq!(mine(&world).await["blockedBy"], "FLAT_USER_CAP");

        clock(&world, ends, 0).await;
        let told = mine(&world).await;
        let brief = json!([told["cap"], told["used"], told["blocked"]]);
        assert_eq!(brief, json!([1.0, 0.0, false]), "{told}");
        assert_eq!(caps().await, set, "after {ends}");
        assert_eq!(asked(&world).await, 200, "after {ends}");
    }
}

/// Case 74: an answer that ends in the new month, and is settled there, is charged to the old one.
#[tokio::test]
async fn what_began_in_the_old_month_counts_nothing_in_the_new_one() {
    let world = still().await;
    flat(&world, 1.0, true).await;
    let ends = "2026-06-01T00:00:00Z";
    clock(&world, ends, -60).await;
    let gate = Gate::default();
    world.fake.change(|script| script.gate = Some(gate.clone()));
    let body = Spoken::OpenAi.body(1_000, false);
    let request = call(
        &world,
        &world.cast.member_token,
        Spoken::OpenAi.path(),
        &body,
    );
    let late = tokio::spawn(async move { request.send().await.unwrap() });
    world.fake.wait_for_requests(1).await;
    assert!(mine(&world).await["reserved"].as_f64().unwrap() > 0.0);

    clock(&world, ends, 0).await;
    let nothing = json!([0.0, 0.0, 1.0]);
    let brief = |told: Value| json!([told["used"], told["reserved"], told["remaining"]]);
    assert_eq!(brief(mine(&world).await), nothing);
    gate.open();
    let answer = late.await.unwrap();
    assert_eq!(answer.status(), 200);
    answer.bytes().await.unwrap();
    settled(&world.database).await;
    assert_eq!(brief(mine(&world).await), nothing);

    clock(&world, ends, -60).await;
    let told = mine(&world).await;
    assert!(told["used"].as_f64().unwrap() > 0.0, "{told}");
    assert_eq!(told["reserved"], 0.0);
}
