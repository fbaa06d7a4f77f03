//! Who reports spend and asks for room, for whom, and with which token.

use bursar_sdk::{
    AiReservationAction, Change, Client, CreateAiReservationRequest, CreateOrganizationRequest,
    CreateTokenRequest, PatchAiReservationRequest,
};
use serde_json::{Value, json};
use testkit::{ServerOptions, World};
use uuid::Uuid;

use crate::{
    calls::balanced,
    external_usage::{HIDDEN, count, report, spent},
    roles::made,
    support::{Person, ask, get, is, member, person, refused, roles, site, world},
};

const SCOPE: &str = "ai_usage_event:create";

pub(crate) fn asked(key: &str, user: &str, micros: i64) -> CreateAiReservationRequest {
    CreateAiReservationRequest {
        idempotency_key: key.to_owned(),
        user: user.to_owned(),
        provider: "openai".to_owned(),
        model: "gpt-4o".to_owned(),
        hold_micros: micros,
        ..Default::default()
    }
}

fn release() -> PatchAiReservationRequest {
    PatchAiReservationRequest {
        action: AiReservationAction::Release,
        cost_micros: Change::Keep,
        ..Default::default()
    }
}

/// The same person with a token of these scopes only.
async fn narrowed(world: &World, person: Uuid, scopes: &[&str]) -> Client {
    let owner = &world.cast.owner;
    let token = CreateTokenRequest {
        scopes: scopes.iter().map(ToString::to_string).collect(),
        ..Default::default()
    };
    owner.with_token(owner.api_key_create(person, &token).await.unwrap().key)
}

/// A service account that reports the usage of acme, by a role of acme's own.
async fn reporter(world: &World) -> Person {
    made(world, "usage-reporter", &[SCOPE], &[]).await;
    member(world, "robot", &["usage-reporter"]).await
}

/// A reporter learns nothing of somebody whose usage is not its organization's: they look as if nobody were there,
/// alone and among others, and nothing of the report is recorded.
async fn hidden(world: &World, robot: &Client, other: &str) {
    let before = count(&world.database, "ai_external_usage").await;
    let events = [spent("x", "ada", 1), spent("y", other, 1)];
    let refusal = refused(report(robot, &events).await, 404);
    assert_eq!(refusal.message, HIDDEN, "{other}");
    let named: Vec<_> = refusal
        .validations
        .iter()
        .map(|one| one.field.as_str())
        .collect();
    assert_eq!(named, ["events[1].user"], "{other}");
    let request = asked("z", other, 1);
    let refusal = refused(robot.external_reservation_create(&request).await, 404);
    assert_eq!(refusal.message, HIDDEN, "{other}");
    assert_eq!(refusal.validations[0].field, "user", "{other}");
    let after = count(&world.database, "ai_external_usage").await;
    assert_eq!(after, before, "{other}");
}

#[tokio::test]
async fn a_service_account_with_a_role_and_a_token_of_one_scope_reports_for_its_organization() {
    let world = world().await;
    let robot = reporter(&world).await;
    let robot = narrowed(&world, robot.id, &[SCOPE]).await;
    let owner = &world.cast.owner;
    let main = owner.organization_get("default").await.unwrap().id;
    person(&world, "elsewhere", &[main]).await;
    person(&world, "nowhere", &[]).await;

    let reported = report(&robot, &[spent("a", "ada", 5), spent("b", "robot", 1)])
        .await
        .unwrap();
    assert_eq!(reported[0].effective_group_id, Some(world.cast.group_id));
    let held = robot
        .external_reservation_create(&asked("c", "ada", 9))
        .await
        .unwrap();
    assert_eq!(
        robot.external_reservation_get(held.id).await.unwrap().id,
        held.id
    );
    robot
        .external_reservation_update(held.id, &release())
        .await
        .unwrap();
    // It reads nobody and nothing else.
    is(&get(&world, &robot, "/users/ada").await, 404);
    is(&get(&world, &robot, "/users/ada/ai/spend").await, 404);

    // Who is charged elsewhere, who is in no organization and who is not there look alike.
    let unknown = Uuid::from_u128(5).to_string();
    for other in ["elsewhere", "nowhere", "owner", "nobody", "-", &unknown] {
        hidden(&world, &robot, other).await;
    }
    assert_eq!(world.spend(&world.cast.member).await.unwrap(), (5, 0));

    // The group that is charged decides: with an override that charges a group elsewhere, it is elsewhere's usage.
    owner
        .organization_member_create(main, world.cast.member_id)
        .await
        .unwrap();
    let elsewhere = bursar_sdk::UpsertUserAiBudgetOverrideRequest {
        group_id: main,
        spend_limit_micros: 100,
        mode: None,
        expires_at: None,
    };
    owner
        .budget_override_upsert("ada", &elsewhere)
        .await
        .unwrap();
    refused(report(&robot, &[spent("d", "ada", 5)]).await, 404);
    // What was charged to acme before is told again.
    report(&robot, &[spent("a", "ada", 5)]).await.unwrap();
    balanced(&world.database).await;
}

/// Whether somebody reports and holds for ada, and reads a hold of somebody else's.
async fn check(world: &World, who: &str, caller: &Client, hold: Uuid, writes: bool, reads: bool) {
    let status = |allowed: bool, status: u16| if allowed { status } else { 404 };
    let key = format!("{who}-{writes}").replace(' ', "-");
    let named =
        json!({"idempotency_key": key, "user": "ada", "provider": "openai", "model": "gpt-4o"});
    let with = |more: Value| {
        let mut all = named.clone();
        all.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        all
    };
    let usage = json!({"events": [with(json!({"cost_micros": 0}))]});
    let held = with(json!({"idempotency_key": format!("{key}-hold"), "hold_micros": 1}));
    let path = format!("/ai/reservations/{hold}");
    let rows = [
        ("POST", "/ai/usage", usage, status(writes, 200)),
        ("POST", "/ai/reservations", held, status(writes, 201)),
        ("GET", &path, Value::Null, status(reads, 200)),
        // Not even who may read it closes what is somebody else's.
        ("PATCH", &path, json!({"action": "release"}), 404),
    ];
    for (method, path, body, status) in rows {
        let answer = ask(world, caller, method, path, &body).await;
        assert_eq!(
            answer.status, status,
            "{who} {method} {path}: {}",
            answer.text
        );
        if status == 404 {
            assert_eq!(answer.message(), HIDDEN, "{who} {method}");
        }
    }
}

/// The role of somebody in acme, whether they report, and whether they read what others hold.
const IN_ACME: &[(&str, bool, bool)] = &[
    // Another reporter.
    ("usage-reporter", true, false),
    ("usage-reader", false, true),
    ("organization-admin", false, false),
    ("organization-auditor", false, false),
];

/// Roles in the site that neither report nor read what others hold.
const IN_SITE: &[&str] = &["auditor", "user-admin"];

/// The scopes of a token of the owner's, whether it reports, and whether it reads what others hold.
const TOKENS: &[(&[&str], bool, bool)] = &[
    (&[SCOPE], true, false),
    (&["ai_usage_event:*"], true, true),
    (&["ai_usage_event:read"], false, true),
    (
        &["user:read", "group:read", "ai_budget:update"],
        false,
        false,
    ),
    (&["all"], true, true),
];

/// A reporter of acme, and the id of what it holds for ada.
async fn held(world: &World) -> (Person, Uuid) {
    let robot = reporter(world).await;
    let request = asked("held", "ada", 9);
    let hold = robot.client.external_reservation_create(&request).await;
    (robot, hold.unwrap().id)
}

/// The admin of another organization.
async fn foreign_admin(world: &World) -> Client {
    let owner = &world.cast.owner;
    let beta = CreateOrganizationRequest {
        name: "beta".to_owned(),
        ..Default::default()
    };
    let beta = owner.organization_create(&beta).await.unwrap().id;
    let foreign = person(world, "foreign", &[beta]).await;
    let admin = roles(&["organization-admin"]);
    owner
        .organization_member_roles_update(beta, foreign.id, &admin)
        .await
        .unwrap();
    foreign.client
}

#[tokio::test]
async fn the_role_matrix_of_external_usage() {
    let world = world().await;
    let owner = &world.cast.owner;
    let (_, hold) = held(&world).await;
    made(&world, "usage-reader", &["ai_usage_event:read"], &[]).await;
    for (role, writes, reads) in IN_ACME {
        let caller = member(&world, &format!("in-{role}"), &[role]).await.client;
        check(&world, role, &caller, hold, *writes, *reads).await;
    }
    for role in IN_SITE {
        let caller = site(&world, role).await.client;
        check(&world, role, &caller, hold, false, false).await;
    }
    let stranger = person(&world, "stranger", &[]).await.client;
    let others = [
        ("owner", owner, true),
        ("ada", &world.cast.member, false),
        ("foreign", &foreign_admin(&world).await, false),
        ("stranger", &stranger, false),
    ];
    for (who, caller, all) in others {
        check(&world, who, caller, hold, all, all).await;
    }
    let nobody = owner.without_token();
    let body = json!({"events": []});
    is(&ask(&world, &nobody, "POST", "/ai/usage", &body).await, 401);
    balanced(&world.database).await;
}

#[tokio::test]
async fn the_right_is_the_roles_narrowed_by_the_tokens_scopes() {
    let world = world().await;
    let (_, hold) = held(&world).await;
    let owner = world.cast.owner.user_get("me").await.unwrap().id;
    for (scopes, writes, reads) in TOKENS {
        let caller = narrowed(&world, owner, scopes).await;
        check(&world, &scopes.join("+"), &caller, hold, *writes, *reads).await;
    }
    balanced(&world.database).await;
}

#[tokio::test]
async fn who_loses_the_role_loses_what_it_was_reporting_and_settles_no_more() {
    let world = world().await;
    let (robot, hold) = held(&world).await;
    let (owner, acme) = (&world.cast.owner, world.cast.organization_id);
    robot.client.external_reservation_get(hold).await.unwrap();
    owner
        .organization_member_roles_update(acme, robot.id, &roles(&[]))
        .await
        .unwrap();
    let robot = robot.client;
    refused(robot.external_reservation_get(hold).await, 404);
    let released = robot.external_reservation_update(hold, &release()).await;
    refused(released, 404);
    refused(report(&robot, &[spent("more", "ada", 1)]).await, 404);
    balanced(&world.database).await;
}

#[tokio::test]
async fn refused_reports_are_recorded_and_successful_ones_are_the_ledgers() {
    let world = world().await;
    let ada = &world.cast.member;
    let body = json!({"events": [{
        "idempotency_key": "k", "user": "ada", "provider": "openai", "model": "gpt-4o", "cost_micros": 1,
    }]});
    let answer = ask(&world, ada, "POST", "/ai/usage", &body).await;
    is(&answer, 404);
    let lines = crate::support::lines(&world, answer.request_id()).await;
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert_eq!(lines[0].resource_type, "ai_usage_event");
    let answer = ask(&world, &world.cast.owner, "POST", "/ai/usage", &body).await;
    is(&answer, 200);
    assert!(
        crate::support::lines(&world, answer.request_id())
            .await
            .is_empty()
    );
}

#[tokio::test]
async fn without_the_feature_there_are_no_reports() {
    let options = ServerOptions {
        aibridge: false,
        ..Default::default()
    };
    let world = world().await;
    let server = testkit::TestServer::start(&world.database, &options)
        .await
        .unwrap();
    let owner = server.as_caller(&world.cast.owner);
    refused(report(&owner, &[spent("a", "ada", 1)]).await, 403);
    refused(
        owner
            .external_reservation_create(&asked("a", "ada", 1))
            .await,
        403,
    );
    let unknown = Uuid::from_u128(7);
    refused(owner.external_reservation_get(unknown).await, 403);
    refused(
        owner.external_reservation_update(unknown, &release()).await,
        403,
    );
}
