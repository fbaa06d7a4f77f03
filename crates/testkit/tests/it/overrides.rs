//! Overrides over HTTP: the role matrix, what the audit log says, tokens, and options at the start.

use bursar_sdk::{
    AiBudgetPeriod, AiBudgetPolicy, Client, CreateTokenRequest, UpsertUserAiBudgetOverrideRequest,
};
use fakeprovider::Script;
use futures_util::future::join_all;
use model::{
    Micros,
    budgets::{BudgetPeriod, BudgetPolicy, BudgetSettingsUpdate},
};
use serde_json::{Value, json};
use testkit::{ServerOptions, TestServer, World};
use uuid::Uuid;

use crate::support::{ask, brief, is, lines, member, person, roles, site, world};

const HIDDEN: &str = "Resource not found or you do not have access to this resource";

fn charged_to(group: Uuid) -> UpsertUserAiBudgetOverrideRequest {
    UpsertUserAiBudgetOverrideRequest {
        group_id: group,
        spend_limit_micros: 5,
        mode: None,
        expires_at: None,
    }
}

/// Everybody of the matrix, with whether they read and whether they write.
async fn people(world: &World) -> Vec<(&'static str, Client, bool, bool)> {
    let owner = &world.cast.owner;
    let main = owner.organization_get("default").await.unwrap().id;
    let foreign = person(world, "foreign", &[main]).await;
    let admin = roles(&["organization-admin"]);
    let made = owner.organization_member_roles_update(main, foreign.id, &admin);
    made.await.unwrap();
    let in_acme = async |name: &str, role: &str| member(world, name, &[role]).await.client;
    vec![
        ("Owner", owner.clone(), true, true),
        (
            "UserAdmin",
            site(world, "user-admin").await.client,
            true,
            true,
        ),
        (
            "OrgAdmin",
            in_acme("boss", "organization-admin").await,
            true,
            false,
        ),
        (
            "OrgUserAdmin",
            in_acme("keeper", "organization-user-admin").await,
            true,
            false,
        ),
        ("the user", world.cast.member.clone(), true, false),
        (
            "an auditor",
            site(world, "auditor").await.client,
            true,
            false,
        ),
        (
            "OrgAuditor",
            in_acme("reader", "organization-auditor").await,
            false,
            false,
        ),
        (
            "a colleague",
            member(world, "colleague", &[]).await.client,
            false,
            false,
        ),
        (
            "a stranger",
            person(world, "stranger", &[]).await.client,
            false,
            false,
        ),
        ("OrgAdmin elsewhere", foreign.client, true, false),
    ]
}

#[tokio::test]
async fn the_role_matrix_of_overrides() {
    let world = world().await;
    let owner = &world.cast.owner;
    let people = people(&world).await;
    for address in ["ai/budget", "ai/budget/override"] {
        let path = format!("/users/ada/{address}");
        for group in [world.cast.group_id, world.cast.organization_id] {
            for (who, caller, reads, writes) in &people {
                owner
                    .budget_override_upsert("ada", &charged_to(group))
                    .await
                    .unwrap();
                let body = json!({"group_id": group, "spend_limit_micros": 6});
                let status = |allowed: bool, status: u16| if allowed { status } else { 404 };
                let rows = [
                    ("GET", Value::Null, status(*reads, 200)),
                    ("PUT", body, status(*writes, 200)),
                    ("DELETE", Value::Null, status(*writes, 204)),
                    // Without an override there is nothing to tell apart.
                    ("DELETE", Value::Null, 404),
                ];
                for (method, body, status) in rows {
                    let answer = ask(&world, caller, method, &path, &body).await;
                    assert_eq!(answer.status, status, "{who} {method}: {}", answer.text);
                    if status == 404 {
                        assert_eq!(answer.message(), HIDDEN, "{who} {method}");
                    }
                }
            }
        }
        let nobody = ask(&world, &owner.without_token(), "GET", &path, &Value::Null).await;
        is(&nobody, 401);
    }
}

#[tokio::test]
async fn each_change_is_one_line_and_none_is_none() {
    let world = world().await;
    let (owner, group) = (&world.cast.owner, world.cast.group_id);
    let path = "/users/ada/ai/budget";
    let put = |micros: i64, group: Uuid| json!({"group_id": group, "spend_limit_micros": micros});
    let check = async |method: &str, path: &str, body: Value, status: u16, expected: &[&str]| {
        let answer = ask(&world, owner, method, path, &body).await;
        is(&answer, status);
        let lines = lines(&world, answer.request_id()).await;
        let briefs: Vec<String> = lines.iter().map(brief).collect();
        assert_eq!(briefs, expected, "{method} {path} {body}");
        lines
    };
    let acme = world.cast.organization_id;
    check("PUT", path, put(5, group), 200, &["create ai_budget ada"]).await;
    check("PUT", path, put(5, group), 200, &[]).await;
    let lines = check("PUT", path, put(6, acme), 200, &["write ai_budget ada"]).await;
    let diff = &lines[0].diff;
    assert_eq!(diff["spend_limit_micros"].old, 5);
    assert_eq!(diff["spend_limit_micros"].new, 6);
    assert_eq!(diff["group_id"].old, json!(group));
    assert_eq!(diff["group_id"].new, json!(acme));
    assert_eq!(lines[0].organization_id, Some(acme));
    // What is wrong, missing or refused changes nothing.
    let unknown = Uuid::from_u128(9);
    check("PUT", path, put(7, unknown), 404, &[]).await;
    check("DELETE", path, Value::Null, 204, &["delete ai_budget ada"]).await;
    check("DELETE", path, Value::Null, 404, &[]).await;
    // With the membership goes the override, by a trigger, and is recorded.
    check("PUT", path, put(5, group), 200, &["create ai_budget ada"]).await;
    let groups = format!("/groups/{group}");
    let leave = json!({"remove_users": [world.cast.member_id]});
    let gone = check(
        "PATCH",
        &groups,
        leave,
        200,
        &["delete group_member ada", "delete ai_budget ada"],
    );
    let gone = gone.await;
    assert_eq!(gone[1].diff["spend_limit_micros"].old, 5);
    let settings = json!({"policy": "lowest"});
    let changed = ["write deployment_config ai_budget"];
    check(
        "PATCH",
        "/ai/budget-settings",
        settings.clone(),
        200,
        &changed,
    )
    .await;
    check("PATCH", "/ai/budget-settings", settings, 200, &[]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_many_removals_wins() {
    let world = world().await;
    let owner = &world.cast.owner;
    let budget = charged_to(world.cast.group_id);
    owner.budget_override_upsert("ada", &budget).await.unwrap();
    let path = "/users/ada/ai/budget";
    let removals = (0..8).map(|_| ask(&world, owner, "DELETE", path, &Value::Null));
    let mut statuses: Vec<u16> = join_all(removals)
        .await
        .iter()
        .map(|answer| answer.status)
        .collect();
    statuses.sort_unstable();
    assert_eq!((statuses[0], &statuses[1..]), (204, &[404; 7][..]));
}

#[tokio::test]
async fn a_token_for_budgets_sets_budgets_and_nothing_else() {
    let world = world().await;
    let owner = &world.cast.owner;
    let token = CreateTokenRequest {
        scopes: vec!["ai_budget:update".to_owned()],
        ..Default::default()
    };
    let token = owner.api_key_create("me", &token).await.unwrap().key;
    let keeper = owner.with_token(token);
    let group = world.cast.group_id;
    let budget = charged_to(group);
    let set = keeper.budget_override_upsert(world.cast.member_id, &budget);
    assert_eq!(set.await.unwrap().group_id, group);
    let budget = json!({"spend_limit_micros": 6});
    let path = format!("/groups/{group}/ai/budget");
    is(&ask(&world, &keeper, "PUT", &path, &budget).await, 200);
    keeper.budget_override_delete("ada").await.unwrap();
    let rename = json!({"display_name": "x"});
    let path = format!("/groups/{group}");
    is(&ask(&world, &keeper, "PATCH", &path, &rename).await, 404);
    is(
        &ask(&world, &keeper, "GET", "/users/ada", &Value::Null).await,
        404,
    );
    // It does not tell who is outside of the group's organization.
    person(&world, "stranger", &[]).await;
    for user in ["stranger", "nobody"] {
        let path = format!("/users/{user}/ai/budget");
        let body = json!({"group_id": group, "spend_limit_micros": 6});
        let answer = ask(&world, &keeper, "PUT", &path, &body).await;
        assert_eq!((answer.status, answer.message().as_str()), (404, HIDDEN));
    }
}

#[tokio::test]
async fn options_are_written_for_all_servers_at_the_start() {
    let options = ServerOptions {
        budgets: BudgetSettingsUpdate {
            policy: Some(BudgetPolicy::Sum),
            time_zone: Some("europe/berlin".to_owned()),
            ..BudgetSettingsUpdate::default()
        },
        ..ServerOptions::default()
    };
    let world = World::with_options(Script::default(), Micros::USD, &options)
        .await
        .unwrap();
    let settings = world.cast.owner.budget_settings_get().await.unwrap();
    assert_eq!(
        (
            settings.policy,
            settings.period,
            settings.time_zone.as_str()
        ),
        (AiBudgetPolicy::Sum, AiBudgetPeriod::Month, "Europe/Berlin")
    );
    // Another server says less and something else: what it does not say stays.
    let other = ServerOptions {
        budgets: BudgetSettingsUpdate {
            period: Some(BudgetPeriod::Week),
            ..BudgetSettingsUpdate::default()
        },
        ..ServerOptions::default()
    };
    let second = TestServer::start(&world.database, &other).await.unwrap();
    let seen = second
        .as_caller(&world.cast.owner)
        .budget_settings_get()
        .await
        .unwrap();
    assert_eq!(
        (seen.policy, seen.period, seen.time_zone.as_str()),
        (AiBudgetPolicy::Sum, AiBudgetPeriod::Week, "Europe/Berlin")
    );
    assert_eq!(world.cast.owner.budget_settings_get().await.unwrap(), seen);
    second.stop().await.unwrap();

    let nowhere = ServerOptions {
        budgets: BudgetSettingsUpdate {
            time_zone: Some("Mars/Olympus".to_owned()),
            ..BudgetSettingsUpdate::default()
        },
        ..ServerOptions::default()
    };
    let refused = TestServer::start(&world.database, &nowhere)
        .await
        .unwrap_err();
    assert!(
        refused.to_string().contains("`Mars/Olympus`"),
        "{refused:?}"
    );
}
