//! Every operation of the OpenAPI document: as nobody, as a user without roles, with ids of nothing, and its
//! answers against the document.

mod bodies;
mod schema;

use bursar_sdk::{ChatFileCreateQuery, ChatMessageListQuery, Client, client::Upload};
use serde_json::{Value, json};
use testkit::World;
use uuid::Uuid;

pub(crate) use bodies::body;
use schema::valid;

use crate::support::{ask, get, is, person, world};

/// An operation of the document.
#[derive(Debug, Clone)]
pub(crate) struct Operation {
    pub(crate) id: String,
    pub(crate) method: String,
    /// What follows `/api/v2`; at the root, what follows the host.
    pub(crate) path: String,
    pub(crate) description: Value,
}

impl Operation {
    fn public(&self) -> bool {
        self.description["security"]
            .as_array()
            .is_some_and(Vec::is_empty)
    }

    pub(crate) fn has_body(&self) -> bool {
        self.description.get("requestBody").is_some()
    }

    fn at_root(&self) -> bool {
        matches!(self.id.as_str(), "healthz" | "readyz" | "metrics")
    }
}

pub(crate) fn document() -> Value {
    serde_json::from_str(include_str!("../../../../../docs/generated/openapi.json")).unwrap()
}

pub(crate) fn operations(document: &Value) -> Vec<Operation> {
    let paths = document["paths"].as_object().unwrap().iter();
    let of = |(path, methods): (&String, &Value)| {
        let path = path.strip_prefix("/api/v2").unwrap_or(path).to_owned();
        let operation = move |(method, description): (&String, &Value)| Operation {
            id: description["operationId"].as_str().unwrap().to_owned(),
            method: method.to_uppercase(),
            path: path.clone(),
            description: description.clone(),
        };
        methods
            .as_object()
            .unwrap()
            .iter()
            .map(operation)
            .collect::<Vec<_>>()
    };
    paths.flat_map(of).collect()
}

/// The path with its parameters filled in by a function of their names.
pub(crate) fn filled(path: &str, value: impl Fn(&str) -> String) -> String {
    let mut parts = path.split('{');
    let mut filled = parts.next().unwrap().to_owned();
    for part in parts {
        let (name, rest) = part.split_once('}').unwrap();
        filled += &value(name);
        filled += rest;
    }
    filled
}

/// The things of the cast.
pub(crate) async fn real(world: &World) -> impl Fn(&str) -> String + use<> {
    let key = world
        .cast
        .owner
        .api_key_list("ada")
        .await
        .unwrap()
        .remove(0)
        .id;
    let (group, organization) = (world.cast.group_id, world.cast.organization_id);
    let plans = json!({"name": "plans", "owner": "ada"});
    let path = "/organizations/acme/workspaces";
    let plans = ask(world, &world.cast.owner, "POST", path, &plans).await;
    let workspace = plans.json()["id"].as_str().unwrap().to_owned();
    let held = json!({
        "idempotency_key": "held", "user": "ada", "provider": "openai", "model": "gpt-4o", "hold_micros": 1,
    });
    let held = ask(world, &world.cast.owner, "POST", "/ai/reservations", &held).await;
    let reservation = held.json()["id"].as_str().unwrap().to_owned();
    let path = "/notifications/webhooks";
    let pager = body("webhook_create", world);
    let pager = ask(world, &world.cast.owner, "POST", path, &pager).await;
    let pager = pager.json()["webhook"]["id"].as_str().unwrap().to_owned();
    let path = format!("{path}/{pager}/ping");
    let ping = ask(world, &world.cast.owner, "POST", &path, &Value::Null).await;
    let ping = ping.json()["id"].as_str().unwrap().to_owned();
    let (chat, message, file) = chat(world).await;
    move |name: &str| match name {
        "chat" => chat.to_string(),
        "message" => message.to_string(),
        "file" => file.to_string(),
        // Nothing waits in a chat whose turn has ended.
        "queued" => "1".to_owned(),
        "webhook" => pager.clone(),
        "delivery" => ping.clone(),
        "name" => "openai".to_owned(),
        "feature" => "budget_caps_graphql_api".to_owned(),
        "group" => group.to_string(),
        "workspace" => workspace.clone(),
        "reservation" => reservation.clone(),
        "organization" => organization.to_string(),
        "user" => "ada".to_owned(),
        "role" => "helper".to_owned(),
        "id" | "notification" => key.clone(),
        other => panic!("{other} is filled in nowhere"),
    }
}

/// A chat of the owner's whose turn has ended, its first message, and a file of the owner's.
async fn chat(world: &World) -> (Uuid, i64, Uuid) {
    let owner = &world.cast.owner;
    let create = body("chat_create", world);
    let create = serde_json::from_value(create).unwrap();
    let chat = owner.chat_create(&create).await.unwrap().id;
    let query = ChatMessageListQuery::default();
    let listed = owner.chat_message_list(chat, &query).await.unwrap();
    let message = listed.messages.last().unwrap().id;
    let query = ChatFileCreateQuery {
        organization: Some(world.cast.organization_id.to_string()),
    };
    let file = Upload::new("plan.md", "# Plan");
    let file = owner.chat_file_create(&query, file).await.unwrap().id;
    (chat, message, file)
}

async fn call(
    world: &World,
    caller: &Client,
    operation: &Operation,
    path: &str,
) -> crate::support::Answer {
    let body = if operation.has_body() {
        body(&operation.id, world)
    } else {
        Value::Null
    };
    let path = if operation.at_root() {
        format!("/../..{path}")
    } else {
        path.to_owned()
    };
    ask(world, caller, &operation.method, &path, &body).await
}

#[tokio::test]
async fn nobody_is_let_in_but_to_what_is_public() {
    let world = world().await;
    let real = real(&world).await;
    let nobody = world.cast.owner.without_token();
    let document = document();
    let mut public = 0;
    for operation in operations(&document) {
        let path = filled(&operation.path, &real);
        let answer = call(&world, &nobody, &operation, &path).await;
        if operation.public() {
            public += 1;
            // The login is one of nobody whom the server knows.
            let expected = answer.status == 200
                || matches!(operation.id.as_str(), "login" | "first_user_create")
                // No provider is named here.
                || operation.id.starts_with("oidc_") && answer.status == 403
                // An address without its secret leads nowhere.
                || operation.id == "chat_file_download_get" && answer.status == 404;
            assert!(expected, "{}: {answer:?}", operation.id);
        } else {
            assert_eq!(answer.status, 401, "{}: {}", operation.id, answer.text);
            // Also before a word of the request is read.
            let answer = crate::support::ask_text(
                &world,
                &nobody,
                &operation.method,
                &filled(&operation.path, |_| "%ff".to_owned()),
                "{",
            )
            .await;
            assert_eq!(answer.status, 401, "{}: {}", operation.id, answer.text);
        }
    }
    assert_eq!(public, 12);
}

/// What a person without roles and organizations gets, where it is not 404.
const WITHOUT_ROLES: &[(&str, u16)] = &[
    ("build_info", 200),
    ("openapi_document", 200),
    ("healthz", 200),
    ("readyz", 200),
    ("metrics", 200),
    ("first_user_exists", 200),
    ("first_user_create", 400),
    ("login", 401),
    ("auth_method_list", 200),
    ("oidc_login", 403),
    ("oidc_callback", 403),
    // Lists are empty, but for oneself.
    ("provider_list", 200),
    ("audit_list", 200),
    ("group_list", 200),
    ("organization_list", 200),
    ("user_list", 200),
    ("logout", 200),
    // Their key is an API token, which has no admin mode but its scope.
    ("admin_mode_get", 200),
    ("admin_mode_begin", 403),
    ("admin_mode_end", 403),
    ("oidc_admin_mode", 403),
    // The inbox is one's own. What is filled in for a message is a key, whose id is none of a message.
    ("notification_list", 200),
    ("notification_read_all", 204),
    ("notification_update", 400),
    // What is asked about does not exist for them.
    ("authorization_check", 200),
    ("scope_list", 200),
    // What there is to be given in the site is no secret.
    ("site_role_list", 200),
    // Nobody shares a chat with them, and they are in no organization to make one in. A stream is asked for as one, and a
    // file is named with its organization.
    ("chat_list", 200),
    ("chat_list_by_workspace", 200),
    ("chat_watch", 400),
    ("chat_create", 403),
    ("chat_file_create", 400),
    // That there are prices is no secret; which ones to remove is named in the query, which is missing here.
    ("model_price_list", 403),
    ("model_price_upsert", 403),
    ("model_price_delete", 400),
    ("model_alias_list", 403),
    ("model_alias_upsert", 403),
    ("model_alias_delete", 400),
];

#[tokio::test]
async fn a_person_without_roles_reaches_nothing_of_others() {
    let world = world().await;
    let real = real(&world).await;
    let document = document();
    let eve = person(&world, "eve", &[]).await.client;
    let (logout, others): (Vec<_>, Vec<_>) = operations(&document)
        .into_iter()
        .partition(|operation| operation.id == "logout");
    for operation in others.iter().chain(&logout) {
        let answer = call(&world, &eve, operation, &filled(&operation.path, &real)).await;
        let exception = WITHOUT_ROLES.iter().find(|(id, _)| *id == operation.id);
        let expected = exception.map_or(404, |(_, status)| *status);
        assert_eq!(answer.status, expected, "{}: {}", operation.id, answer.text);
        if operation.id.ends_with("_list") && operation.id != "user_list" && expected == 200 {
            assert!(
                !answer.text.contains("acme") && !answer.text.contains("ada"),
                "{answer:?}"
            );
        }
    }
    // Nothing of it changed anything.
    let owner = &world.cast.owner;
    assert_eq!(
        owner.user_get("ada").await.unwrap().status,
        bursar_sdk::UserStatus::Active
    );
    assert_eq!(
        owner
            .group_budget_get(world.cast.group_id)
            .await
            .unwrap()
            .spend_limit_micros,
        1_000_000
    );
    assert_eq!(owner.provider_list().await.unwrap().len(), 2);
    world.cast.member.user_get("me").await.unwrap();
}

#[tokio::test]
async fn things_that_do_not_exist_are_not_found() {
    let world = world().await;
    let document = document();
    let real = real(&world).await;
    for operation in operations(&document)
        .iter()
        .filter(|operation| operation.path.contains('{'))
    {
        let names: Vec<_> = operation
            .path
            .split('{')
            .skip(1)
            .map(|part| part.split('}').next().unwrap())
            .collect();
        // Each of the parameters in turn, the others being real.
        for missing in &names {
            let unknown = match *missing {
                "name" | "feature" => vec!["nothing", "%00"],
                // What can be no name is told as such.
                "role" => vec!["nothing"],
                "group" | "workspace" | "reservation" | "webhook" | "delivery" | "notification"
                | "chat" | "file" => {
                    vec!["0190d3a0-b5a0-7c3b-9d2f-3f1d2a3b4c5d"]
                }
                "message" | "queued" => vec!["9223372036854775807"],
                "organization" | "user" => vec![
                    "nothing",
                    "0190d3a0-b5a0-7c3b-9d2f-3f1d2a3b4c5d",
                    "-",
                    "%00",
                ],
                _ => vec!["aaaaaaaaaa", "-", "%00"],
            };
            for text in unknown {
                let path = filled(&operation.path, |name| {
                    if name == *missing {
                        text.to_owned()
                    } else {
                        real(name)
                    }
                });
                let answer = call(&world, &world.cast.owner, operation, &path).await;
                assert_eq!(
                    answer.status, 404,
                    "{} {path}: {}",
                    operation.id, answer.text
                );
            }
        }
    }
}

#[tokio::test]
async fn answers_are_as_the_document_says() {
    let world = world().await;
    let document = document();
    let real = real(&world).await;
    let mut checked = 0;
    for operation in operations(&document)
        .iter()
        .filter(|operation| operation.method == "GET")
    {
        let schema =
            &operation.description["responses"]["200"]["content"]["application/json"]["schema"];
        if schema.is_null() {
            continue;
        }
        let path = filled(&operation.path, &real);
        for caller in [&world.cast.owner, &world.cast.member] {
            let answer = call(&world, caller, operation, &path).await;
            if answer.status == 200 {
                valid(&document, schema, &answer.json(), &operation.id);
                checked += 1;
            }
        }
    }
    assert!(checked >= 30, "{checked}");
    let refusal = get(&world, &world.cast.member, "/users/owner").await;
    is(&refusal, 404);
    valid(
        &document,
        &document["components"]["schemas"]["ErrorBody"],
        &refusal.json(),
        "a refusal",
    );
}
