//! What holds for every operation: who may call it, what surrounds its answer, and what is no operation.

use axum::{
    body::Body,
    http::{Request, StatusCode},
};
use uuid::Uuid;

use crate::world::{GROUP, OWNER, STRANGER, WORKSPACE, World};

/// Method, path and name of every operation of the document, its parameters replaced.
fn operations(parameter: fn(&str) -> String) -> Vec<(String, String, String)> {
    let document = serde_json::to_value(api::openapi()).unwrap();
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let mut path = path.clone();
            while let (Some(from), Some(to)) = (path.find('{'), path.find('}')) {
                let value = parameter(path.get(from + 1..to).unwrap());
                path.replace_range(from..=to, &value);
            }
            let id = operation["operationId"].as_str().unwrap().to_owned();
            path.push_str(query(&id));
            all.push((method.to_uppercase(), path, id));
        }
    }
    assert!(all.len() > 30, "{}", all.len());
    all
}

/// A good body for an operation.
fn body(id: &str) -> &'static str {
    match id {
        "group_budget_upsert" => r#"{"spend_limit_micros": 1}"#,
        "budget_override_upsert" => {
            r#"{"group_id": "00000000-0000-0000-0000-00000000006e", "spend_limit_micros": 1}"#
        }
        "user_password_update" => r#"{"password": "correct horse"}"#,
        "user_roles_update" | "organization_member_roles_update" => r#"{"roles": []}"#,
        "workspace_dormant_update" => r#"{"dormant": true}"#,
        "group_create"
        | "workspace_create"
        | "organization_create"
        | "custom_role_create"
        | "custom_role_update" => r#"{"name": "a"}"#,
        "user_create" => {
            r#"{"email": "a@b", "username": "a", "login_type": "none", "organization_ids": []}"#
        }
        "provider_create" => {
            r#"{"name": "a", "type": "openai", "base_url": "http://a.test/v1", "api_key": "k"}"#
        }
        "authorization_check" => r#"{"checks": {}}"#,
        "idpsync_preview" | "idpsync_organization_preview" => r#"{"claims": {}}"#,
        "workspace_sharing_update" => r#"{"shareable_workspace_owners": "none"}"#,
        "external_usage_create" => {
            r#"{"events": [{"idempotency_key": "k", "user": "olga", "provider": "openai", "model": "m",
                "cost_micros": 1}]}"#
        }
        "external_reservation_create" => {
            r#"{"idempotency_key": "k", "user": "olga", "provider": "openai", "model": "m", "hold_micros": 1}"#
        }
        "external_reservation_update" => r#"{"action": "release"}"#,
        "model_price_upsert" => {
            r#"{"prices": [{"provider": "openai", "model": "m", "input_price": 1, "output_price": 1,
                "cache_read_price": null, "cache_write_price": null}]}"#
        }
        "model_alias_upsert" => {
            r#"{"provider": "openai", "provider_model": "m", "priced_model": "gpt-4o"}"#
        }
        "notification_update" => r#"{"is_read": true}"#,
        "feature_flag_upsert" => r#"{"enabled": false}"#,
        "webhook_create" => r#"{"name": "a", "url": "https://a.test/"}"#,
        "chat_create" => {
            r#"{"organization_id": "00000000-0000-0000-0000-00000000000c",
                "content": [{"type": "text", "text": "Hello"}]}"#
        }
        "chat_sharing_update" => r#"{"enabled": true}"#,
        _ => "{}",
    }
}

/// What an operation needs in its query.
fn query(id: &str) -> &'static str {
    match id {
        "group_member_spend_list" => "?user_ids=00000000-0000-0000-0000-000000000077",
        "organization_group_spend_list" => "?group_ids=00000000-0000-0000-0000-000000000077",
        "model_price_delete" => "?provider=openai&model=m",
        "model_alias_delete" => "?provider=openai&provider_model=m",
        _ => "",
    }
}

fn public(id: &str) -> bool {
    api::PUBLIC_OPERATIONS.contains(&id)
}

#[tokio::test]
async fn nobody_may_call_what_is_not_public() {
    let world = World::new();
    for (method, path, id) in operations(known) {
        let answer = world.ask(None, &method, &path, "{}").await;
        let refused = answer.status == StatusCode::UNAUTHORIZED;
        assert!(refused != public(&id), "{id}: {}", answer.status);
        if refused {
            assert!(
                answer.message().starts_with("You are signed out"),
                "{id}: {}",
                answer.text
            );
        }
    }
}

/// The parameter that names something which exists, where there is any.
fn known(parameter: &str) -> String {
    match parameter {
        "user" => "olga".to_owned(),
        "organization" => "acme".to_owned(),
        "group" => GROUP.to_string(),
        "workspace" => WORKSPACE.to_string(),
        "id" => "0000000001".to_owned(),
        "name" => "openai".to_owned(),
        "feature" => "budget_caps_graphql_api".to_owned(),
        "message" | "queued" => "1".to_owned(),
        "role" => "helper".to_owned(),
        // Nobody has any.
        "reservation" | "webhook" | "delivery" | "notification" | "chat" | "file" => {
            Uuid::from_u128(0x78).to_string()
        }
        other => panic!("what does {other} name?"),
    }
}

#[tokio::test]
async fn nothing_is_found_under_unknown_ids() {
    let world = World::new();
    let unknown = |_: &str| Uuid::from_u128(0x77).to_string();
    for (method, path, id) in operations(unknown) {
        if public(&id) || !path.contains("000000000077") {
            continue;
        }
        let answer = world.ask(Some(OWNER), &method, &path, body(&id)).await;
        assert_eq!(
            answer.status,
            StatusCode::NOT_FOUND,
            "{id}: {}",
            answer.text
        );
        assert_eq!(answer.message(), HIDDEN, "{id}");
    }
}

#[tokio::test]
async fn who_has_no_role_and_no_organization_reaches_nothing_of_others() {
    for (method, path, id) in operations(known) {
        if public(&id) {
            continue;
        }
        let world = World::new();
        let answer = world.ask(Some(STRANGER), &method, &path, body(&id)).await;
        let expected = match id.as_str() {
            // Lists hold what one may see, and everybody may sign out.
            "user_list" | "organization_list" | "group_list" | "provider_list" | "audit_list"
            | "logout" => 200,
            // Everybody may ask what they may do; that it is nothing is the answer.
            "authorization_check" | "scope_list" => 200,
            // Admin mode adds no right; it takes the password, which is missing here, or an identity provider.
            "admin_mode_get" => 200,
            "admin_mode_begin" => 400,
            "admin_mode_end" => 204,
            "oidc_admin_mode" => 403,
            // What there is to be given in the site is no secret.
            "site_role_list" => 200,
            // The deployment's prices are there, and nobody's.
            "model_price_list" | "model_price_upsert" | "model_price_delete"
            | "model_alias_list" | "model_alias_upsert" | "model_alias_delete" => 403,
            // Everybody has an inbox.
            "notification_list" => 200,
            "notification_read_all" => 204,
            // Nobody shares anything with them. A stream is asked for as one.
            "chat_list" | "chat_list_by_workspace" => 200,
            "chat_watch" => 400,
            // Where chats are made and files brought is named in the request.
            "chat_create" => 403,
            "chat_file_create" => 400,
            _ => 404,
        };
        assert_eq!(answer.status.as_u16(), expected, "{id}: {}", answer.text);
        assert!(!answer.text.contains("olga"), "{id}: {}", answer.text);
        assert!(!answer.text.contains("acme"), "{id}: {}", answer.text);
    }
}

#[tokio::test]
async fn what_is_no_operation_is_answered_in_json() {
    let world = World::new();
    let check = async |method: &str, path: &str, status: u16, message: &str| {
        let answer = world.ask(Some(OWNER), method, path, "").await;
        assert_eq!(answer.status.as_u16(), status, "{method} {path}");
        assert_eq!(answer.message(), message, "{method} {path}");
    };
    check("GET", "/api/v2/nothing", 404, "Route not found.").await;
    check("GET", "/nothing", 404, "Route not found.").await;
    check(
        "PATCH",
        "/api/v2/users",
        405,
        "Method not allowed on this route.",
    )
    .await;
    check("POST", "/healthz", 405, "Method not allowed on this route.").await;
    check("GET", "/panic", 500, "An internal server error occurred.").await;
    check("GET", "/api/v2/groups/x", 400, "Invalid UUID \"x\".").await;
    check(
        "GET",
        "/api/v2/users/%ff",
        400,
        "The path must be valid UTF-8.",
    )
    .await;
    check("GET", "/api/v2/users/a%00b", 404, HIDDEN).await;
    check("DELETE", "/api/v2/users/me/keys/a%00b", 404, HIDDEN).await;
    check(
        "PATCH",
        "/api/v2/ai/providers/a%00b",
        400,
        "Request body must be valid JSON.",
    )
    .await;
}

const HIDDEN: &str = "Resource not found or you do not have access to this resource";

#[tokio::test]
async fn bodies_are_bounded() {
    let world = World::new();
    let name = "x".repeat(1024 * 1024);
    let answer = world
        .ask(
            Some(OWNER),
            "POST",
            "/api/v2/organizations",
            &format!(r#"{{"name": "{name}"}}"#),
        )
        .await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(answer.message(), "Request body too large.");
}

#[tokio::test]
async fn every_answer_has_a_fresh_request_id() {
    let world = World::new();
    let mut seen = Vec::new();
    for path in [
        "/healthz",
        "/api/v2/users/me",
        "/nothing",
        "/panic",
        "/healthz",
    ] {
        let theirs = "0190d3a0-b5a0-7c3b-9d2f-3f1d2a3b4c5d";
        let request = Request::builder().uri(path).header("x-request-id", theirs);
        let answer = world.send(request.body(Body::empty()).unwrap()).await;
        let id = answer.headers["x-request-id"].to_str().unwrap().to_owned();
        assert!(Uuid::parse_str(&id).is_ok(), "{path}: {id}");
        assert_ne!(id, theirs, "{path}");
        assert!(!seen.contains(&id), "{path}");
        assert_eq!(
            answer.headers["x-content-type-options"], "nosniff",
            "{path}"
        );
        seen.push(id);
    }
}

#[tokio::test]
async fn answers_stay_out_of_caches() {
    let world = World::new();
    let answer = world.get(Some(OWNER), "/api/v2/users/me").await;
    assert_eq!(answer.headers["cache-control"], "no-store");
}

#[tokio::test]
async fn the_server_tells_about_itself() {
    let world = World::new();
    assert_eq!(
        world.get(None, "/api/v2/buildinfo").await.json()["version"],
        "v0"
    );
    assert_eq!(world.get(None, "/healthz").await.text, "OK");
    assert_eq!(world.get(None, "/metrics").await.text, "bursar_up 1\n");
    let ready = world.get(None, "/readyz").await.json();
    assert_eq!(ready["ready"], true);
    assert_eq!(ready["checks"][0]["name"], "database");
    let document = world.get(None, "/api/v2/openapi.json").await;
    assert_eq!(
        document.json(),
        serde_json::to_value(api::openapi()).unwrap()
    );
}
