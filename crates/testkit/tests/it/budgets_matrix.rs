//! Who may do what with budgets, overrides, settings and spend: every route, tried by everybody.

use bursar_sdk::{
    AllowListTarget, Client, CreateOrganizationRequest, CreateTokenRequest, CustomRoleRequest,
    PatchGroupRequest, Permission, UpsertGroupAiBudgetRequest, UpsertUserAiBudgetOverrideRequest,
};
use bursar_sdk::{GroupAiBudget, UserAiBudgetOverride};
use serde_json::{Value, json};
use testkit::{ServerOptions, TestDatabase, TestServer, World};
use uuid::Uuid;

use crate::support::{ask, get, is, member, person, refused, roles, site, world};

const HIDDEN: &str = "Resource not found or you do not have access to this resource";

/// The statuses of GET, PUT and DELETE of a group's budget; of GET, PUT and DELETE of the override of Ada, who is
/// in the group; of GET and PATCH of the settings; and of GET of Ada's spend.
const MATRIX: &str = "
    owner                        | 200 200 204 | 200 200 204 | 200 200 | 200
    user-admin                   | 200 200 204 | 200 200 204 | 404 404 | 200
    auditor                      | 200 404 404 | 200 404 404 | 200 404 | 200
    organization-admin           | 200 200 204 | 200 404 404 | 404 404 | 200
    organization-user-admin      | 200 200 204 | 200 404 404 | 404 404 | 200
    organization-auditor         | 200 404 404 | 404 404 404 | 404 404 | 404
    budget-keeper                | 200 200 204 | 404 200 204 | 404 404 | 404
    ada                          | 200 404 404 | 200 404 404 | 404 404 | 200
    of-the-group                 | 200 404 404 | 404 404 404 | 404 404 | 404
    of-the-organization          | 200 404 404 | 404 404 404 | 404 404 | 404
    organization-admin-elsewhere | 404 404 404 | 200 404 404 | 404 404 | 200
    budget-keeper-elsewhere      | 404 404 404 | 404 404 404 | 404 404 | 404
    stranger                     | 404 404 404 | 404 404 404 | 404 404 | 404
    suspended                    | 401 401 401 | 401 401 401 | 401 401 | 401
    nobody                       | 401 401 401 | 401 401 401 | 401 401 | 401
    token ai_budget:update                  | 404 200 204 | 404 200 204 | 404 404 | 404
    token ai_budget:*                       | 404 200 204 | 404 200 204 | 404 404 | 404
    token ai_budget:read                    | 404 404 404 | 404 404 404 | 404 404 | 404
    token user:read                         | 404 404 404 | 200 404 404 | 404 404 | 200
    token user:read group:read              | 200 404 404 | 200 404 404 | 404 404 | 200
    token user:update                       | 404 404 404 | 404 404 404 | 404 404 | 404
    token group:update                      | 404 200 204 | 404 404 404 | 404 404 | 404
    token user:update group:update          | 404 200 204 | 404 200 204 | 404 404 | 404
    token deployment_config:*               | 404 404 404 | 404 404 404 | 200 200 | 404
    token ai_provider:use                   | 404 404 404 | 404 404 404 | 404 404 | 404
    token all only user                     | 404 404 404 | 200 404 404 | 404 404 | 200
    token all only group                    | 200 200 204 | 404 404 404 | 404 404 | 404
    token all only user group               | 200 200 204 | 200 200 204 | 404 404 | 200
";

/// Everybody but those who are in the cast.
struct People {
    world: World,
    beta: Uuid,
}

impl People {
    async fn new() -> Self {
        let world = world().await;
        let owner = &world.cast.owner;
        let beta = CreateOrganizationRequest {
            name: "beta".to_owned(),
            ..Default::default()
        };
        let beta = owner.organization_create(&beta).await.unwrap().id;
        for organization in [world.cast.organization_id, beta] {
            let update = Permission {
                negate: false,
                resource_type: "ai_budget".to_owned(),
                action: "update".to_owned(),
            };
            let keeper = CustomRoleRequest {
                name: "budget-keeper".to_owned(),
                display_name: String::new(),
                site_permissions: Vec::new(),
                organization_permissions: vec![update],
                user_permissions: Vec::new(),
                organization_member_permissions: Vec::new(),
            };
            owner
                .custom_role_create(organization, &keeper)
                .await
                .unwrap();
        }
        Self { world, beta }
    }

    async fn caller(&self, who: &str) -> Client {
        let (world, owner) = (&self.world, &self.world.cast.owner);
        if let Some(limits) = who.strip_prefix("token ") {
            return self.token(limits).await;
        }
        if let Some(role) = who.strip_suffix("-elsewhere") {
            let made = person(world, who, &[self.beta]).await;
            let role = roles(&[role]);
            let given = owner.organization_member_roles_update(self.beta, made.id, &role);
            given.await.unwrap();
            return made.client;
        }
        match who {
            "owner" => owner.clone(),
            "nobody" => owner.without_token(),
            "ada" => world.cast.member.clone(),
            "user-admin" | "auditor" => site(world, who).await.client,
            "of-the-organization" => member(world, who, &[]).await.client,
            "of-the-group" => {
                let made = member(world, who, &[]).await;
                let join = PatchGroupRequest {
                    add_users: vec![made.id],
                    ..Default::default()
                };
                owner
                    .group_update(world.cast.group_id, &join)
                    .await
                    .unwrap();
                made.client
            }
            "stranger" => person(world, who, &[]).await.client,
            "suspended" => {
                let made = person(world, who, &[world.cast.organization_id]).await;
                let role = roles(&["user-admin"]);
                owner.user_roles_update(made.id, &role).await.unwrap();
                owner.user_suspend(made.id).await.unwrap();
                made.client
            }
            role => member(world, role, &[role]).await.client,
        }
    }

    /// A token of the owner's: `SCOPE… [only TYPE…]`, where the types stand for Ada and the cast's groups.
    async fn token(&self, limits: &str) -> Client {
        let cast = &self.world.cast;
        let (scopes, only) = limits.split_once(" only ").unwrap_or((limits, ""));
        let target = |kind: &str, id: Uuid| AllowListTarget {
            kind: kind.to_owned(),
            id: id.to_string(),
        };
        let only: Vec<_> = only
            .split_whitespace()
            .flat_map(|kind| match kind {
                "user" => vec![target(kind, cast.member_id)],
                _ => vec![
                    target(kind, cast.group_id),
                    target(kind, cast.organization_id),
                ],
            })
            .collect();
        let token = CreateTokenRequest {
            scopes: scopes.split_whitespace().map(str::to_owned).collect(),
            allow_list: (!only.is_empty()).then_some(only),
            ..Default::default()
        };
        let made = cast.owner.api_key_create("me", &token).await.unwrap();
        cast.owner.with_token(made.key)
    }

    /// Sets what the routes are tried on.
    async fn reset(&self, group: Uuid) -> (GroupAiBudget, UserAiBudgetOverride) {
        let owner = &self.world.cast.owner;
        let budget = UpsertGroupAiBudgetRequest {
            spend_limit_micros: 5,
            ..Default::default()
        };
        let charged = UpsertUserAiBudgetOverrideRequest {
            group_id: group,
            spend_limit_micros: 5,
            mode: None,
            expires_at: None,
        };
        (
            owner.group_budget_upsert(group, &budget).await.unwrap(),
            owner.budget_override_upsert("ada", &charged).await.unwrap(),
        )
    }

    /// One request, its status, and that a refusal is one word for word and changes nothing.
    async fn check(&self, who: &str, caller: &Client, (method, path, body): &Route, status: u16) {
        let owner = &self.world.cast.owner;
        let group = self.world.cast.group_id;
        let state = async || {
            let budgets =
                [group, self.world.cast.organization_id].map(|id| owner.group_budget_get(id));
            let [one, other] = budgets;
            (
                one.await.ok(),
                other.await.ok(),
                owner.budget_override_get("ada").await.ok(),
                owner.budget_settings_get().await.unwrap(),
            )
        };
        let writes = *method != "GET" && status >= 400;
        let before = if writes { Some(state().await) } else { None };
        let answer = ask(&self.world, caller, method, path, body).await;
        assert_eq!(
            answer.status, status,
            "{who} {method} {path}: {}",
            answer.text
        );
        if status == 404 {
            assert_eq!(answer.message(), HIDDEN, "{who} {method} {path}");
        }
        if let Some(before) = before {
            assert_eq!(state().await, before, "{who} {method} {path}");
        }
    }
}

type Route = (&'static str, String, Value);

/// The nine routes in the order of the matrix, the override's at one of its two addresses.
fn routes(group: Uuid, user: &str, address: &str) -> [Route; 9] {
    let budget = format!("/groups/{group}/ai/budget");
    let charged = format!("/users/{user}/{address}");
    let settings = "/ai/budget-settings".to_owned();
    let nothing = || Value::Null;
    [
        ("GET", budget.clone(), nothing()),
        ("PUT", budget.clone(), json!({"spend_limit_micros": 6})),
        ("DELETE", budget, nothing()),
        ("GET", charged.clone(), nothing()),
        (
            "PUT",
            charged.clone(),
            json!({"group_id": group, "spend_limit_micros": 6}),
        ),
        ("DELETE", charged, nothing()),
        ("GET", settings.clone(), nothing()),
        ("PATCH", settings, json!({"policy": "highest"})),
        ("GET", format!("/users/{user}/ai/spend"), nothing()),
    ]
}

fn statuses(columns: &str) -> Vec<u16> {
    let words = columns.split_whitespace().filter(|word| *word != "|");
    words.map(|word| word.parse().unwrap()).collect()
}

#[tokio::test]
async fn every_route_answers_everybody_as_the_matrix_says() {
    let people = People::new().await;
    let cast = &people.world.cast;
    for line in MATRIX
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
    {
        let (who, columns) = line.split_once(" | ").unwrap();
        let who = who.trim();
        let expected = statuses(columns);
        let caller = people.caller(who).await;
        for (group, address) in [
            (cast.group_id, "ai/budget"),
            (cast.organization_id, "ai/budget/override"),
        ] {
            people.reset(group).await;
            let routes = routes(group, "ada", address);
            assert_eq!(expected.len(), routes.len(), "{line}");
            for (route, status) in routes.iter().zip(&expected) {
                people.check(who, &caller, route, *status).await;
            }
        }
        // What does not exist looks like what is hidden.
        people.reset(cast.group_id).await;
        let known = if expected[0] == 401 { 401 } else { 404 };
        for route in routes(Uuid::from_u128(9), "nobody", "ai/budget") {
            if !route.1.contains("settings") {
                people.check(who, &caller, &route, known).await;
            }
        }
    }
}

#[tokio::test]
async fn whoever_sees_a_person_elsewhere_sees_no_budgets_and_pools_of_other_organizations() {
    let people = People::new().await;
    let (world, owner) = (&people.world, &people.world.cast.owner);
    let group = world.cast.group_id;
    let pool = json!({"spend_limit_micros": 5, "pool_limit_micros": 70});
    let path = format!("/groups/{group}/ai/budget");
    is(&ask(world, owner, "PUT", &path, &pool).await, 200);
    for (who, sees) in [
        ("owner", true),
        ("ada", true),
        ("auditor", true),
        ("user-admin", true),
        ("organization-admin", true),
        ("organization-admin-elsewhere", false),
        ("token user:read", false),
    ] {
        let caller = people.caller(who).await;
        let spend = get(world, &caller, "/users/ada/ai/spend").await.json();
        let budget = json!({"spend_limit_micros": 5, "limit_source": "group", "mode": "enforce"});
        assert_eq!(spend["effective_budget"], budget, "{who}");
        let pool = spend["pool"]["pool_limit_micros"].as_i64();
        assert_eq!(pool, sees.then_some(70), "{who}: {spend}");
        let reasons = spend["why"].as_array().unwrap().len();
        assert_eq!(reasons, usize::from(sees), "{who}: {spend}");
    }
}

#[tokio::test]
async fn a_keeper_of_budgets_reaches_the_organizations_own_people_and_groups_only() {
    let people = People::new().await;
    let (world, owner) = (&people.world, &people.world.cast.owner);
    let (group, acme) = (world.cast.group_id, world.cast.organization_id);
    let keeper = people.caller("budget-keeper").await;
    let elsewhere = people.caller("budget-keeper-elsewhere").await;
    person(world, "outsider", &[people.beta]).await;
    let both = person(world, "both", &[acme, people.beta]).await;
    let put = async |caller: &Client, user: &str, group: Uuid, status: u16| {
        let body = json!({"group_id": group, "spend_limit_micros": 6});
        let answer = ask(
            world,
            caller,
            "PUT",
            &format!("/users/{user}/ai/budget"),
            &body,
        )
        .await;
        assert_eq!(answer.status, status, "{user}: {}", answer.text);
    };
    put(&keeper, "both", acme, 200).await;
    // It is of acme: the other keeper neither replaces nor removes it.
    put(&elsewhere, "both", people.beta, 404).await;
    let path = format!("/users/{}/ai/budget", both.id);
    is(
        &ask(world, &elsewhere, "DELETE", &path, &Value::Null).await,
        404,
    );
    is(
        &ask(world, &keeper, "DELETE", &path, &Value::Null).await,
        204,
    );
    put(&elsewhere, "both", people.beta, 200).await;
    put(&keeper, "both", acme, 404).await;
    // Whoever is not in the organization is unknown; whoever is, but not in the group, is told so.
    put(&keeper, "outsider", group, 404).await;
    put(&keeper, "nobody", group, 404).await;
    owner.budget_override_delete("both").await.unwrap();
    put(&keeper, "both", group, 400).await;
    // A suspended person's override can be set: it holds when the person is back.
    owner.user_suspend("ada").await.unwrap();
    put(&keeper, "ada", group, 200).await;
    owner.user_activate("ada").await.unwrap();
    assert_eq!(
        owner
            .budget_override_get("ada")
            .await
            .unwrap()
            .spend_limit_micros,
        6
    );
}

#[tokio::test]
async fn without_the_feature_every_route_says_so() {
    let database = TestDatabase::create().await.unwrap();
    let options = ServerOptions {
        aibridge: false,
        ..Default::default()
    };
    let server = TestServer::start(&database, &options).await.unwrap();
    let owner = bursar::demo::first_owner(server.nobody()).await.unwrap();
    let group = owner.organization_get("default").await.unwrap().id;
    let budget = UpsertGroupAiBudgetRequest::default();
    let charged = UpsertUserAiBudgetOverrideRequest {
        group_id: group,
        spend_limit_micros: 5,
        mode: None,
        expires_at: None,
    };
    for caller in [owner.clone(), server.nobody().clone()] {
        let status = if caller.token().is_some() { 403 } else { 401 };
        let settings = bursar_sdk::UpdateAiBudgetSettingsRequest::default();
        for refusal in [
            refused(caller.group_budget_get(group).await, status),
            refused(caller.group_budget_upsert(group, &budget).await, status),
            refused(caller.group_budget_delete(group).await, status),
            refused(caller.budget_override_get("me").await, status),
            refused(caller.budget_override_upsert("me", &charged).await, status),
            refused(caller.budget_override_delete("me").await, status),
            refused(caller.budget_settings_get().await, status),
            refused(caller.budget_settings_update(&settings).await, status),
            refused(caller.spend_get("me").await, status),
        ] {
            let named = refusal.message.contains("`aibridge`");
            assert_eq!(named, status == 403, "{refusal:?}");
        }
    }
    server.stop().await.unwrap();
}
