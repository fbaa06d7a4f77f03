//! Group budgets and spend over HTTP: limits and their words, who may, what is left.

use bursar_sdk::{
    AiLimitSource, Client, CreateTokenRequest, GroupAiBudget, UpsertGroupAiBudgetRequest,
};
use chrono::{DateTime, Datelike, Timelike, Utc};
use fakeprovider::{Output, Script};
use futures_util::future::join_all;
use model::Micros;
use serde_json::{Value, json};
use testkit::World;
use uuid::Uuid;

use crate::support::{ask, ask_text, get, is, lines, member, person, refused, roles, site, world};

const HIDDEN: &str = "Resource not found or you do not have access to this resource";

fn limit(micros: i64) -> UpsertGroupAiBudgetRequest {
    UpsertGroupAiBudgetRequest {
        spend_limit_micros: micros,
        ..Default::default()
    }
}

#[tokio::test]
async fn a_budget_is_set_read_set_again_and_removed() {
    let world = world().await;
    let (owner, acme) = (&world.cast.owner, world.cast.organization_id);
    let path = format!("/groups/{acme}/ai/budget");
    is(&get(&world, owner, &path).await, 404);
    let body = json!({"spend_limit_micros": 5_000_000, "currency": "EUR"});
    let set = ask(&world, owner, "PUT", &path, &body).await;
    is(&set, 200);
    let keys = set.json();
    let mut keys: Vec<_> = keys.as_object().unwrap().keys().collect();
    keys.sort();
    assert_eq!(
        keys,
        [
            "created_at",
            "group_id",
            "mode",
            "pool_limit_micros",
            "pool_period",
            "pool_time_zone",
            "spend_limit_micros",
            "updated_at"
        ]
    );
    let first: GroupAiBudget = serde_json::from_value(set.json()).unwrap();
    assert_eq!(
        (first.group_id, first.spend_limit_micros),
        (acme, 5_000_000)
    );
    assert_eq!(owner.group_budget_get(acme).await.unwrap(), first);

    world.database.shift_clock("1 hour").await.unwrap();
    let second = owner.group_budget_upsert(acme, &limit(0)).await.unwrap();
    assert_eq!(
        (second.created_at, second.spend_limit_micros),
        (first.created_at, 0)
    );
    assert!(second.updated_at > first.updated_at);
    assert_eq!(owner.group_budget_get(acme).await.unwrap(), second);

    let removed = ask(&world, owner, "DELETE", &path, &Value::Null).await;
    assert_eq!((removed.status, removed.text.as_str()), (204, ""));
    let again = ask(&world, owner, "DELETE", &path, &Value::Null).await;
    assert_eq!((again.status, again.message().as_str()), (404, HIDDEN));
    assert_eq!(get(&world, owner, &path).await.message(), HIDDEN);
    // One line for each change, none for what was not there.
    assert_eq!(lines(&world, removed.request_id()).await.len(), 1);
    assert_eq!(lines(&world, again.request_id()).await, []);

    // With the group goes its budget.
    let builders = world.cast.group_id;
    owner.group_delete(builders).await.unwrap();
    refused(owner.group_budget_get(builders).await, 404);
    let sql = "SELECT count(*) FROM group_ai_budgets";
    let left: i64 = world
        .database
        .owner()
        .await
        .unwrap()
        .query_one(sql, &[])
        .await
        .unwrap()
        .get(0);
    assert_eq!(left, 0);
}

/// Bodies and what is said of them: the field that is wrong, `much` for more than the greatest limit, `json`.
const BODIES: &str = r#"
    {"spend_limit_micros": 0}
    {"spend_limit_micros": 1000000000000}
    {"spend_limit_micros": 1000000000001} => much
    {"spend_limit_micros": 9223372036854775807} => much
    {"spend_limit_micros": 9223372036854775808} => spend_limit_micros
    {"spend_limit_micros": 18446744073709551616} => spend_limit_micros
    {"spend_limit_micros": -1} => spend_limit_micros
    {"spend_limit_micros": -9223372036854775808} => spend_limit_micros
    {"spend_limit_micros": 1.5} => spend_limit_micros
    {"spend_limit_micros": 1e3} => spend_limit_micros
    {"spend_limit_micros": 1e999} => spend_limit_micros
    {"spend_limit_micros": "5"} => spend_limit_micros
    {"spend_limit_micros": null} => spend_limit_micros
    {"spend_limit_micros": {}} => spend_limit_micros
    {"spend_limit_micros": 1, "spend_limit_micros": 2} => .
    {} => spend_limit_micros
    [] => .
    { => json
    spend_limit_micros=5 => json
    {"spend_limit_micros": 5} {} => json
    {"spend_limit_micros": NaN} => json
"#;

#[tokio::test]
async fn limits_are_bounded_and_the_refusals_say_how() {
    let world = world().await;
    let (owner, group) = (&world.cast.owner, world.cast.group_id);
    let path = format!("/groups/{group}/ai/budget");
    for line in BODIES
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
    {
        let (body, expected) = line.split_once(" => ").unwrap_or((line, ""));
        let answer = ask_text(&world, owner, "PUT", &path, body.to_owned()).await;
        if expected.is_empty() {
            is(&answer, 200);
            continue;
        }
        let (message, fields) = match expected {
            "json" => ("Request body must be valid JSON.", vec![]),
            "much" => ("Invalid AI spend limit.", vec!["spend_limit_micros"]),
            field => ("Validation failed.", vec![field]),
        };
        is(&answer, 400);
        assert_eq!(answer.message(), message, "{line}");
        assert_eq!(answer.fields(), fields, "{line}");
        if expected == "much" {
            let detail = &answer.json()["validations"][0]["detail"];
            assert_eq!(detail, "Must not exceed 1000000000000.");
        }
    }
    is(&ask_text(&world, owner, "PUT", &path, "").await, 400);
    // The last that was good is the one that holds.
    let kept = owner.group_budget_get(group).await.unwrap();
    assert_eq!(kept.spend_limit_micros, 1_000_000_000_000);
}

/// Who reads, writes and removes: everybody of the story with the statuses.
async fn people(world: &World) -> Vec<(&'static str, Client, [u16; 3])> {
    let owner = &world.cast.owner;
    let main = owner.organization_get("default").await.unwrap().id;
    let stranger = person(world, "stranger", &[main]).await;
    let foreign = person(world, "foreign", &[main]).await;
    let admin = roles(&["organization-admin"]);
    let made = owner.organization_member_roles_update(main, foreign.id, &admin);
    made.await.unwrap();
    let in_acme = async |name: &str, roles: &[&str]| member(world, name, roles).await.client;
    let on_site = async |role: &str| site(world, role).await.client;
    let (reads, writes, hidden) = ([200, 404, 404], [200, 200, 204], [404; 3]);
    vec![
        ("its member", world.cast.member.clone(), reads),
        ("another member", in_acme("other", &[]).await, reads),
        (
            "the organization's auditor",
            in_acme("reader", &["organization-auditor"]).await,
            reads,
        ),
        ("the auditor", on_site("auditor").await, reads),
        ("a stranger", stranger.client, hidden),
        ("an admin elsewhere", foreign.client, hidden),
        ("nobody", owner.without_token(), [401; 3]),
        (
            "the organization's admin",
            in_acme("boss", &["organization-admin"]).await,
            writes,
        ),
        (
            "its user admin",
            in_acme("keeper", &["organization-user-admin"]).await,
            writes,
        ),
        ("the user admin", on_site("user-admin").await, writes),
        ("the owner", owner.clone(), writes),
    ]
}

#[tokio::test]
async fn budgets_are_read_and_written_by_who_may_and_hidden_from_others() {
    let world = world().await;
    let owner = &world.cast.owner;
    let acts = |group: Uuid| {
        let path = format!("/groups/{group}/ai/budget");
        let (nothing, six) = (Value::Null, json!({"spend_limit_micros": 6}));
        [
            ("GET", path.clone(), nothing.clone()),
            ("PUT", path.clone(), six),
            ("DELETE", path, nothing),
        ]
    };
    for (who, caller, statuses) in people(&world).await {
        for group in [world.cast.group_id, world.cast.organization_id] {
            owner.group_budget_upsert(group, &limit(5)).await.unwrap();
            for ((method, path, body), status) in acts(group).into_iter().zip(statuses) {
                let answer = ask(&world, &caller, method, &path, &body).await;
                assert_eq!(answer.status, status, "{who} {method}: {}", answer.text);
                if status == 404 {
                    assert_eq!(answer.message(), HIDDEN, "{who} {method}");
                }
            }
        }
    }
    // A group that does not exist looks like one that is hidden.
    for (method, path, body) in acts(Uuid::from_u128(9)) {
        let answer = ask(&world, owner, method, &path, &body).await;
        assert_eq!((answer.status, answer.message().as_str()), (404, HIDDEN));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn budgets_set_at_once_follow_one_another() {
    let world = world().await;
    let owner = &world.cast.owner;
    let group = world.cast.organization_id;
    let path = format!("/groups/{group}/ai/budget");
    let puts = (1..=20).map(|micros| {
        let (world, path) = (&world, &path);
        async move {
            let body = json!({"spend_limit_micros": micros});
            let answer = ask(world, owner, "PUT", path, &body).await;
            is(&answer, 200);
            let line = lines(world, answer.request_id()).await.remove(0);
            let value = line.diff["spend_limit_micros"].clone();
            (value.old.as_i64(), value.new.as_i64().unwrap())
        }
    });
    // The audit log tells one story: each change begins where another ended.
    let mut steps: std::collections::HashMap<_, _> = join_all(puts).await.into_iter().collect();
    assert_eq!(steps.len(), 20);
    let mut last = None;
    while let Some(next) = steps.remove(&last) {
        last = Some(next);
    }
    assert!(steps.is_empty(), "{steps:?}");
    assert_eq!(
        Some(
            owner
                .group_budget_get(group)
                .await
                .unwrap()
                .spend_limit_micros
        ),
        last
    );
    let removals =
        join_all((0..8).map(|_| ask(&world, owner, "DELETE", &path, &Value::Null))).await;
    let mut statuses: Vec<u16> = removals.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!((statuses[0], &statuses[1..]), (204, &[404; 7][..]));
}

async fn month_of(world: &World) -> (DateTime<Utc>, DateTime<Utc>) {
    let spend = world.cast.member.spend_get("me").await.unwrap();
    (spend.period_start, spend.period_end)
}

#[tokio::test]
async fn spend_is_told_with_the_limit_the_rest_and_the_month() {
    let script = Script {
        output: Output::Tokens(100),
        ..Script::default()
    };
    let world = World::new(script, Micros::USD).await.unwrap();
    let ada = &world.cast.member;
    let fresh = get(&world, ada, "/users/me/ai/spend").await.json();
    assert_eq!(
        fresh["effective_budget"],
        json!({"spend_limit_micros": 1_000_000, "limit_source": "group", "mode": "enforce"})
    );
    assert_eq!(
        (&fresh["user_id"], &fresh["effective_group_id"]),
        (&json!(world.cast.member_id), &json!(world.cast.group_id))
    );
    let body = testkit::world::chat_request("gpt-4o");
    let answer = world
        .chat(&world.server, &world.cast.member_token, &body)
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    let spend = ada.spend_get("me").await.unwrap();
    let spent = spend.current_spend_micros;
    // A hundred tokens of output at ten dollars a million, and some of input.
    assert!(spent > 1_000 && spent < 2_000, "{spent}");
    assert_eq!(
        (spend.reserved_micros, spend.remaining_micros),
        (0, Some(1_000_000 - spent))
    );
    assert_eq!(
        spend.effective_budget.unwrap().limit_source,
        AiLimitSource::Group
    );

    // The month is one of UTC, from its first instant to the next one's.
    let (start, end) = month_of(&world).await;
    assert_eq!(
        (start.day(), end.day(), start.num_seconds_from_midnight()),
        (1, 1, 0)
    );
    assert!(end - start >= chrono::Duration::days(28) && end - start <= chrono::Duration::days(31));
    world.server.stop().await.unwrap();
}

#[tokio::test]
async fn spend_follows_the_person_from_budget_to_budget_and_from_month_to_month() {
    let world = World::new(Script::default(), Micros::USD).await.unwrap();
    let (owner, ada) = (&world.cast.owner, &world.cast.member);
    let (group, acme) = (world.cast.group_id, world.cast.organization_id);
    let body = testkit::world::chat_request("gpt-4o");
    let answer = world
        .chat(&world.server, &world.cast.member_token, &body)
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    let spent = ada.spend_get("me").await.unwrap().current_spend_micros;
    assert!(spent > 0);

    // Whichever group is charged, the person's spend counts.
    owner
        .group_budget_upsert(acme, &limit(2_000_000))
        .await
        .unwrap();
    let higher = ada.spend_get("me").await.unwrap();
    assert_eq!(
        (higher.effective_group_id, higher.current_spend_micros),
        (Some(acme), spent)
    );
    assert_eq!(higher.remaining_micros, Some(2_000_000 - spent));
    owner.group_budget_upsert(acme, &limit(0)).await.unwrap();
    owner.group_budget_upsert(group, &limit(5)).await.unwrap();
    assert_eq!(ada.spend_get("me").await.unwrap().remaining_micros, Some(0));
    owner.group_budget_delete(acme).await.unwrap();
    owner.group_budget_delete(group).await.unwrap();
    let free = get(&world, ada, "/users/me/ai/spend").await.json();
    assert_eq!(
        (&free["effective_budget"], &free["remaining_micros"]),
        (&Value::Null, &Value::Null)
    );

    let (_, end) = month_of(&world).await;
    let year = CreateTokenRequest {
        lifetime: 365 * 24 * 3600 * 1_000_000_000,
        ..Default::default()
    };
    let year = owner.api_key_create("me", &year).await.unwrap().key;
    world.database.shift_clock("32 days").await.unwrap();
    let next = owner.with_token(year).spend_get("ada").await.unwrap();
    assert_eq!(next.current_spend_micros, 0);
    assert!(next.period_start >= end);
}

#[tokio::test]
async fn spend_is_read_by_oneself_and_by_who_may_read_the_person() {
    let world = world().await;
    let id = world.cast.member_id.to_string();
    let stranger = person(&world, "stranger", &[]).await.client;
    let rows = [
        ("ada", world.cast.member.clone(), 200),
        ("the owner", world.cast.owner.clone(), 200),
        ("the auditor", site(&world, "auditor").await.client, 200),
        (
            "the user admin",
            site(&world, "user-admin").await.client,
            200,
        ),
        (
            "a colleague",
            member(&world, "colleague", &[]).await.client,
            404,
        ),
        ("a stranger", stranger.clone(), 404),
        ("nobody", world.cast.owner.without_token(), 401),
    ];
    for (who, caller, status) in rows {
        for user in ["ada", "ADA", &id] {
            let answer = get(&world, &caller, &format!("/users/{user}/ai/spend")).await;
            assert_eq!(answer.status, status, "{who}: {}", answer.text);
        }
    }
    for unknown in ["nobody", "%00", "0190d3a0-b5a0-7c3b-9d2f-3f1d2a3b4c5d"] {
        let answer = get(
            &world,
            &world.cast.owner,
            &format!("/users/{unknown}/ai/spend"),
        )
        .await;
        assert_eq!((answer.status, answer.message().as_str()), (404, HIDDEN));
    }
    // Without an organization there is no group to charge.
    let spend = stranger.spend_get("me").await.unwrap();
    assert_eq!(
        (
            spend.effective_group_id,
            spend.effective_budget,
            spend.current_spend_micros
        ),
        (None, None, 0)
    );
}
