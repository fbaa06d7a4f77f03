//! The deployment over HTTP: probes, version, unknown paths and methods, and the feature that may be off.

use std::time::Duration;

use bursar::demo::first_owner;
use bursar_sdk::{HealthReport, UpsertGroupAiBudgetRequest};
use serde_json::Value;
use testkit::{ServerOptions, TestDatabase, TestServer};
use uuid::Uuid;

use crate::support::{ask, get, is, refused, request, send, world};

#[tokio::test]
async fn probes_and_the_version_are_for_everybody() {
    let world = world().await;
    let nobody = world.server.nobody();
    assert_eq!(nobody.healthz().await.unwrap(), "OK");
    let ready = nobody.readyz().await.unwrap();
    assert!(
        ready.ready
            && ready
                .checks
                .iter()
                .all(|check| check.ready && check.detail.is_empty())
    );
    assert!(
        ready.checks.iter().any(|check| check.name == "database"),
        "{ready:?}"
    );
    assert!(!nobody.build_info().await.unwrap().version.is_empty());
    let metrics = send(request(&world, "GET", "/metrics")).await;
    is(&metrics, 200);
    assert!(
        metrics.headers["content-type"]
            .to_str()
            .unwrap()
            .starts_with("text/plain")
    );
    assert!(metrics.text.contains("bursar_http_requests_total"));
    // Paths are told as routes: no name of anybody is a label.
    get(&world, &world.cast.owner, "/users/ada").await;
    let metrics = nobody.metrics().await.unwrap();
    assert!(metrics.contains("/api/v2/users/{user}") && !metrics.contains("users/ada"));
}

#[tokio::test]
async fn without_the_database_the_probes_say_so_and_nothing_is_a_failure_of_the_server() {
    let world = world().await;
    let owner = &world.cast.owner;
    world.database.take_away().await.unwrap();
    let ready = world
        .http
        .get(world.server.url() + "/readyz")
        .send()
        .await
        .unwrap();
    assert_eq!(ready.status(), 503);
    let report: HealthReport = ready.json().await.unwrap();
    let database = report
        .checks
        .iter()
        .find(|check| check.name == "database")
        .unwrap();
    assert!(!report.ready && !database.ready && !database.detail.is_empty());
    // Alive it is, and who asks for something is told to come again.
    assert_eq!(world.server.nobody().healthz().await.unwrap(), "OK");
    for (method, path) in [
        ("GET", "/users/me"),
        ("GET", "/users/first"),
        ("DELETE", "/users/ada"),
    ] {
        let answer = ask(&world, owner, method, path, &Value::Null).await;
        assert_eq!(answer.status, 503, "{path}: {}", answer.text);
    }
    world.database.bring_back().await.unwrap();
    for _ in 0..100 {
        if world
            .server
            .nobody()
            .readyz()
            .await
            .is_ok_and(|report| report.ready)
        {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    is(&get(&world, owner, "/users/me").await, 200);
}

#[tokio::test]
async fn unknown_paths_and_methods_are_refused_in_json() {
    let world = world().await;
    let rows = [
        ("GET", "/", 404),
        ("GET", "/api/v2", 404),
        ("GET", "/api/v2/", 404),
        ("GET", "/api/v2/nothing", 404),
        ("GET", "/api/v2/users/", 404),
        ("GET", "/api/v2//users", 404),
        ("GET", "/API/V2/users", 404),
        ("GET", "/api/v1/users", 404),
        ("GET", "/api/v2/users/me/keys", 404),
        ("GET", "/metrics/x", 404),
        ("GET", "/api/v2/users/login", 405),
        ("PATCH", "/api/v2/users", 405),
        ("DELETE", "/api/v2/users/first", 405),
        ("PUT", "/api/v2/buildinfo", 405),
        ("POST", "/healthz", 405),
        ("TRACE", "/api/v2/users", 405),
        ("BREW", "/api/v2/users", 405),
        ("CONNECT", "/api/v2/users", 405),
    ];
    for (method, path, status) in rows {
        if method == "CONNECT" {
            continue;
        }
        let answer = send(request(&world, method, path)).await;
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.text);
        assert_eq!(
            answer.headers.contains_key("allow"),
            status == 405,
            "{method} {path}"
        );
    }
    // A client's own id is not taken for the request's.
    let id = Uuid::from_u128(7).to_string();
    let answer = send(request(&world, "GET", "/api/v2/nothing").header("x-request-id", id)).await;
    assert_ne!(answer.request_id(), Uuid::from_u128(7));
    assert_eq!(answer.headers["x-content-type-options"], "nosniff");
    let me = get(&world, &world.cast.owner, "/users/me").await;
    assert_eq!(me.headers["cache-control"], "no-store");
}

#[tokio::test]
async fn the_feature_can_be_off_and_says_its_name() {
    let database = TestDatabase::create().await.unwrap();
    let options = ServerOptions {
        aibridge: false,
        ..Default::default()
    };
    let server = TestServer::start(&database, &options).await.unwrap();
    let owner = first_owner(server.nobody()).await.unwrap();
    let group = owner.organization_get("default").await.unwrap().id;
    let limit = UpsertGroupAiBudgetRequest {
        spend_limit_micros: 1,
        ..Default::default()
    };
    let refusals = [
        refused(owner.group_budget_get(group).await, 403),
        refused(owner.group_budget_upsert(group, &limit).await, 403),
        refused(owner.group_budget_delete(group).await, 403),
        refused(owner.group_budget_get(Uuid::nil()).await, 403),
        refused(owner.spend_get("me").await, 403),
    ];
    for refusal in refusals {
        assert!(refusal.message.contains("`aibridge`"), "{refusal:?}");
    }
    // Who is not signed in learns nothing, and the rest goes on.
    refused(server.nobody().group_budget_get(group).await, 401);
    owner.group_get(group).await.unwrap();
    assert!(server.nobody().readyz().await.unwrap().ready);
    server.stop().await.unwrap();
}

#[tokio::test]
async fn the_document_describes_this_server() {
    let world = world().await;
    let document = world.server.nobody().openapi_document().await.unwrap();
    let golden = include_str!("../../../../docs/generated/openapi.json");
    assert_eq!(document, serde_json::from_str::<Value>(golden).unwrap());
}
