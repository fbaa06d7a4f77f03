//! Who may do what with chats: every route of the OpenAPI document, tried by everybody.

use std::collections::BTreeSet;

use bursar_sdk::{ChatFileCreateQuery, ChatInputPart, Client, CreateTokenRequest, client::Upload};
use fakeprovider::{Gate, Script};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::stage::{Stage, said};
use crate::operations::{Operation, document, filled, operations};

/// Who tries: the owner of the chat; the administrator of its organization; who reads it by an entry of their own, by a
/// group's, and a service account by its own; another member; a member of another organization; a member who is suspended;
/// the owner by tokens of one scope, and of two; nobody.
const WHO: [&str; 12] = [
    "owner",
    "admin",
    "user",
    "group",
    "service",
    "stranger",
    "outsider",
    "suspended",
    "chat:read",
    "chat:share",
    "both",
    "nobody",
];

/// What each of them is answered. A write by who may only read is answered as if there were no chat, and what only its
/// owner does is refused to everybody else who may read it.
const MATRIX: &str = "
    chat_create               | 201 201 201 201 403 201 403 401 403 403 403 401
    chat_list                 | 200 200 200 200 200 200 200 401 200 200 200 401
    chat_list_by_workspace    | 200 200 200 200 200 200 200 401 200 200 200 401
    chat_watch                | 200 200 200 200 200 200 200 401 200 200 200 401
    chat_get                  | 200 200 200 200 200 404 404 401 200 404 200 401
    chat_update               | 204 204 404 404 404 404 404 401 404 404 404 401
    chat_viewer_update        | 204 204 204 204 204 404 404 401 204 404 204 401
    chat_acl_get              | 200 200 200 200 200 404 404 401 200 404 200 401
    chat_acl_update           | 204 204 403 403 403 404 404 401 403 404 204 401
    chat_message_list         | 200 200 200 200 200 404 404 401 200 404 200 401
    chat_message_create       | 200 403 403 403 403 404 404 401 404 404 404 401
    chat_message_update       | 200 403 403 403 403 404 404 401 404 404 404 401
    chat_prompt_list          | 200 200 200 200 200 404 404 401 200 404 200 401
    chat_queue_delete         | 204 204 404 404 404 404 404 401 404 404 404 401
    chat_queue_promote        | 202 403 403 403 403 404 404 401 404 404 404 401
    chat_interrupt            | 200 200 404 404 404 404 404 401 404 404 404 401
    chat_stream               | 200 200 200 200 200 404 404 401 200 404 200 401
    chat_file_create          | 201 201 201 201 403 201 403 401 403 403 403 401
    chat_file_get             | 200 200 200 200 200 404 404 401 200 404 200 401
    chat_file_download_create | 200 200 200 200 200 404 404 401 200 404 200 401
    chat_file_download_get    | 200 200 200 200 200 200 200 200 200 200 200 200
    chat_sharing_get          | 200 200 200 200 200 200 404 401 404 404 404 401
    chat_sharing_update       | 403 200 403 403 403 403 404 401 404 404 404 401
";

/// What it takes to succeed. A chat of its own for each try, in which a turn runs and something waits.
struct Tried {
    chat: Uuid,
    message: i64,
    queued: i64,
    file: Uuid,
    secret: String,
}

struct Table {
    stage: Stage,
    gate: Gate,
    service: Uuid,
    who: Vec<(&'static str, Client)>,
}

impl Table {
    async fn new() -> Self {
        let gate = Gate::default();
        let script = Script {
            gate: Some(gate.clone()),
            ..Script::default()
        };
        let stage = Stage::with(script, &super::stage::options()).await;
        let world = &stage.world;
        let acme = world.cast.organization_id;
        let sue = super::stage::human(world, "sue", acme).await;
        let service = crate::support::member(world, "service", &[]).await;
        let token = async |scopes: &[&str]| {
            let request = CreateTokenRequest {
                scopes: scopes.iter().map(ToString::to_string).collect(),
                ..CreateTokenRequest::default()
            };
            let owner = &world.cast.owner;
            let made = owner.api_key_create(stage.ada.id, &request).await.unwrap();
            owner.with_token(made.key)
        };
        let clients = [
            stage.ada.client.clone(),
            stage.boss.client.clone(),
            stage.vic.client.clone(),
            stage.gil.client.clone(),
            service.client.clone(),
            stage.xan.client.clone(),
            stage.zoe.client.clone(),
            sue.client.clone(),
            token(&["chat:read"]).await,
            token(&["chat:share"]).await,
            token(&["chat:read", "chat:share"]).await,
            world.server.nobody().clone(),
        ];
        world.cast.owner.user_suspend(sue.id).await.unwrap();
        let who = WHO.into_iter().zip(clients).collect();
        let service = service.id;
        Self {
            stage,
            gate,
            service,
            who,
        }
    }

    /// A file of the owner's, and the secret of an address of it.
    async fn file(&self) -> (Uuid, String) {
        let ada = &self.stage.ada.client;
        let query = ChatFileCreateQuery {
            organization: Some(self.stage.world.cast.organization_id.to_string()),
        };
        let file = Upload::new("plan.md", "# Plan");
        let file = ada.chat_file_create(&query, file).await.unwrap().id;
        let address = ada.chat_file_download_create(file).await.unwrap().url;
        (file, address.split_once("token=").unwrap().1.to_owned())
    }

    /// A chat that is shared as the table says, whose turn runs, and in which something waits; with a file if it is for
    /// an operation about files, of which nobody uploads any number.
    async fn prepare(&self, operation: &str) -> Tried {
        let (stage, ada) = (&self.stage, &self.stage.ada.client);
        let mut new = stage.new_chat("Plans");
        let (mut file, mut secret) = (Uuid::nil(), String::new());
        if operation.starts_with("chat_file_") {
            (file, secret) = self.file().await;
            new.content.push(ChatInputPart::file(file));
        }
        let chat = ada.chat_create(&new).await.unwrap().id;
        stage
            .grant(chat, &[stage.vic.id, self.service], &[stage.group])
            .await;
        let queued = ada.chat_message_create(chat, &said("And then?")).await;
        Tried {
            chat,
            message: stage.messages(chat).await[0].id,
            queued: queued.unwrap().queued_message.unwrap().id,
            file,
            secret,
        }
    }

    fn body(&self, operation: &str) -> Value {
        let acme = self.stage.world.cast.organization_id;
        let words = json!([{"type": "text", "text": "Hello"}]);
        match operation {
            "chat_create" => json!({"organization_id": acme, "content": words}),
            "chat_update" => json!({"title": "Other plans"}),
            "chat_viewer_update" => json!({"last_read_message_id": 1}),
            "chat_acl_update" => json!({"user_roles": {self.stage.vic.id.to_string(): "read"}}),
            "chat_message_create" | "chat_message_update" => json!({"content": words}),
            "chat_sharing_update" => json!({"enabled": true}),
            _ => Value::Null,
        }
    }

    /// Tries an operation; its status. A stream is not read on.
    async fn status(&self, caller: &Client, operation: &Operation, tried: &Tried) -> u16 {
        let acme = self.stage.world.cast.organization_id;
        let path = filled(&operation.path, |name| match name {
            "chat" => tried.chat.to_string(),
            "message" => tried.message.to_string(),
            "queued" => tried.queued.to_string(),
            "file" => tried.file.to_string(),
            "organization" => acme.to_string(),
            other => panic!("{other} is filled in nowhere"),
        });
        let url = format!("{}/api/v2{path}", self.stage.world.server.url());
        let method = Method::from_bytes(operation.method.as_bytes()).unwrap();
        let mut request = self.stage.world.http.request(method, url);
        if let Some(token) = caller.token() {
            request = request.header("Bursar-Session-Token", token.expose());
        }
        request = match operation.id.as_str() {
            "chat_file_create" => request
                .query(&[("organization", acme)])
                .header("content-disposition", "attachment; filename=a.md")
                .body("# A"),
            "chat_file_download_get" => request.query(&[("token", &tried.secret)]),
            "chat_stream" | "chat_watch" => request.header("accept", "text/event-stream"),
            id if operation.has_body() => request.json(&self.body(id)),
            _ => request,
        };
        request.send().await.unwrap().status().as_u16()
    }
}

/// Whether an operation is about chats.
fn about_chats(operation: &Operation) -> bool {
    operation.path.contains("/chats") || operation.id.starts_with("chat_")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_route_answers_everybody_as_the_matrix_says() {
    let document = document();
    let all = operations(&document);
    let routes: Vec<_> = all.iter().filter(|one| about_chats(one)).collect();
    let rows: Vec<(&str, &str)> = MATRIX
        .lines()
        .filter_map(|line| line.split_once('|'))
        .map(|(id, statuses)| (id.trim(), statuses.trim()))
        .collect();
    let named: BTreeSet<&str> = rows.iter().map(|(id, _)| *id).collect();
    let known: BTreeSet<&str> = routes.iter().map(|one| one.id.as_str()).collect();
    assert_eq!(named, known, "the document's routes, and the table's");

    let table = Table::new().await;
    let mut wrong = Vec::new();
    for (id, expected) in rows {
        let operation = routes.iter().find(|one| one.id == id).unwrap();
        let mut found = Vec::new();
        let mut tried = table.prepare(id).await;
        for (_, client) in &table.who {
            let status = table.status(client, operation, &tried).await;
            found.push(status.to_string());
            if status < 300 && !matches!(operation.method.as_str(), "GET") {
                // What was changed is changed back, by beginning anew.
                tried = table.prepare(id).await;
            }
        }
        let found = found.join(" ");
        if found != expected {
            wrong.push(format!("{id:25} | {found}\n  instead of {expected}"));
        }
    }
    // Who may ask for a list and read nothing is shown an empty one.
    for (name, client) in &table.who {
        let query = bursar_sdk::ChatListQuery {
            q: Some("source:created_by_me,shared_with_me".to_owned()),
            ..bursar_sdk::ChatListQuery::default()
        };
        let seen = client
            .chat_list(&query)
            .await
            .map_or(0, |found| found.len());
        let reads = ["owner", "user", "group", "service", "chat:read", "both"];
        let own = ["admin", "stranger"];
        match () {
            () if reads.contains(name) => assert!(seen > 20, "{name}: {seen}"),
            () if own.contains(name) => assert_eq!(seen, 1, "{name}"),
            () => assert_eq!(seen, 0, "{name}"),
        }
    }
    assert!(wrong.is_empty(), "{WHO:?}\n{}", wrong.join("\n"));
    table.gate.open();
    table.stage.at_rest().await;
}
