//! Chats: which check comes before which, and in which words.

use axum::{
    body::Body,
    http::{Request, header},
};
use model::{
    ChatId, UserId,
    acl::Acl,
    chats::{Chat, ChatAccess, ChatStatus, ChatVersions, ClientType},
};
use uuid::Uuid;

use crate::world::{MEMBER, ORG, OWNER, STRANGER, World};

const ROOT: ChatId = ChatId(Uuid::from_u128(0xc0));
const CHILD: ChatId = ChatId(Uuid::from_u128(0xc1));

/// A chat of the member's.
fn chat(id: ChatId, parent: Option<ChatId>) -> ChatAccess {
    ChatAccess {
        chat: Chat {
            id,
            organization_id: ORG,
            owner_id: MEMBER,
            owner_username: "max".parse().unwrap(),
            owner_name: String::new(),
            workspace_id: None,
            parent_chat_id: parent,
            root_chat_id: ROOT,
            title: "Plans".to_owned(),
            model: None,
            client_type: ClientType::Api,
            labels: std::collections::BTreeMap::new(),
            archived: false,
            pin_order: 0,
            status: ChatStatus::Waiting,
            last_error: None,
            shared: false,
            has_unread: false,
            hidden: false,
            versions: ChatVersions::default(),
            created_at: chrono::DateTime::UNIX_EPOCH,
            updated_at: chrono::DateTime::UNIX_EPOCH,
        },
        acl: Acl::default(),
        sharing: true,
    }
}

fn world() -> World {
    let world = World::new();
    let chats = vec![chat(ROOT, None), chat(CHILD, Some(ROOT))];
    world.store.state().chats = chats;
    world
}

const HIDDEN: &str = "Resource not found or you do not have access to this resource";

async fn check(
    world: &World,
    who: UserId,
    request: (&str, &str, &str),
    (status, message): (u16, &str),
) {
    let (method, path, body) = request;
    let (root, child) = (ROOT.to_string(), CHILD.to_string());
    let path = path.replace("ROOT", &root).replace("CHILD", &child);
    let answer = world
        .ask(Some(who), method, &format!("/api/v2/chats{path}"), body)
        .await;
    let found = (answer.status.as_u16(), answer.message());
    assert_eq!(found, (status, message.to_owned()), "{method} {path}");
}

#[tokio::test]
async fn who_may_not_read_a_chat_learns_nothing_of_a_request() {
    let world = world();
    for request in [
        ("GET", "/ROOT", ""),
        ("GET", "/ROOT/messages?limit=0", ""),
        ("GET", "/ROOT/prompts?limit=-1", ""),
        ("GET", "/ROOT/stream?after_id=x", ""),
        ("GET", "/ROOT/stream", ""),
        ("GET", "/CHILD/acl", ""),
        ("PATCH", "/CHILD/acl", "{"),
        ("PATCH", "/ROOT", "{"),
        ("POST", "/ROOT/messages", "{"),
        ("PATCH", "/ROOT/messages/x", "{"),
        ("DELETE", "/ROOT/queue/x", ""),
        ("POST", "/ROOT/queue/x/promote", ""),
        ("POST", "/ROOT/interrupt", ""),
        ("PATCH", "/ROOT/viewer", "{}"),
    ] {
        check(&world, STRANGER, request, (404, HIDDEN)).await;
    }
}

#[tokio::test]
async fn what_only_the_owner_does_is_refused_to_all_others_before_the_body_is_read() {
    let world = world();
    let rows = [
        ("POST", "/ROOT/messages", "send messages."),
        ("PATCH", "/ROOT/messages/x", "edit messages."),
        ("POST", "/ROOT/queue/x/promote", "promote queued messages."),
    ];
    for (method, path, what) in rows {
        let words = format!("Only the chat owner may {what}");
        check(&world, OWNER, (method, path, "{"), (403, &words)).await;
    }
}

/// Requests of the owner's that are wrong, and what is said of them.
const WRONG: &[(&str, &str, &str, &str)] = &[
    ("POST", "/ROOT/messages", "{}", "Content is required."),
    (
        "PATCH",
        "/ROOT/messages/x",
        "{}",
        "Invalid chat message ID.",
    ),
    (
        "PATCH",
        "/ROOT/messages/0",
        "{}",
        "Invalid chat message ID.",
    ),
    ("DELETE", "/ROOT/queue/x", "", "Invalid queued message ID."),
    (
        "PATCH",
        "/ROOT",
        r#"{"title": " "}"#,
        "Title cannot be empty.",
    ),
    (
        "PATCH",
        "/ROOT",
        r#"{"pin_order": -1}"#,
        "Pin order must be non-negative.",
    ),
    (
        "PATCH",
        "/CHILD",
        r#"{"archived": true}"#,
        "Chat archive state can only be changed on the root chat.",
    ),
    (
        "PATCH",
        "/ROOT",
        r#"{"archived": false}"#,
        "Chat is already not archived.",
    ),
    (
        "PATCH",
        "/CHILD/acl",
        "{",
        "Chat ACLs can only be set on root chats.",
    ),
    (
        "GET",
        "/CHILD/acl",
        "",
        "Chat ACLs can only be set on root chats.",
    ),
    (
        "GET",
        "/ROOT/messages?limit=201",
        "",
        "Invalid limit parameter (1-200).",
    ),
    (
        "GET",
        "/ROOT/stream?after_id=x",
        "",
        "Invalid after_id parameter.",
    ),
    ("GET", "/ROOT/stream", "", "This is a stream."),
    ("GET", "/watch", "", "This is a stream."),
    ("GET", "/x", "", "Invalid UUID \"x\"."),
    ("GET", "?q=plan", "", "Invalid chat search query."),
    (
        "GET",
        "?limit=0",
        "",
        "Query parameters have invalid values.",
    ),
    ("GET", "/files/x", "", "Invalid file ID."),
    (
        "POST",
        "/files",
        "",
        "Missing organization query parameter.",
    ),
    ("POST", "", "{}", "organization_id is required."),
];

#[tokio::test]
async fn what_is_wrong_is_told_the_owner_in_the_words_that_clients_know() {
    let world = world();
    for &(method, path, body, words) in WRONG {
        check(&world, MEMBER, (method, path, body), (400, words)).await;
    }
}

#[tokio::test]
async fn chats_are_made_and_files_brought_by_members_only() {
    let world = world();
    let words = "You are not a member of the specified organization.";
    let body = format!(r#"{{"organization_id": "{ORG}", "content": []}}"#);
    check(&world, STRANGER, ("POST", "", &body), (403, words)).await;
    let path = format!("/files?organization={ORG}");
    check(&world, STRANGER, ("POST", &path, ""), (403, words)).await;
}

#[tokio::test]
async fn a_request_with_words_is_small_and_a_file_may_be_larger() {
    let world = world();
    let long = "x".repeat(300_000);
    let words = "Request body too large.";
    check(&world, MEMBER, ("POST", "", &long), (413, words)).await;
    check(
        &world,
        MEMBER,
        ("POST", "/ROOT/messages", &long),
        (413, words),
    )
    .await;
    let send = async |size: usize| {
        let request = Request::post(format!("/api/v2/chats/files?organization={ORG}"))
            .header("Coder-Session-Token", crate::world::token(MEMBER))
            .header(header::CONTENT_TYPE, "text/plain")
            .header(header::CONTENT_DISPOSITION, "attachment; filename=a.txt")
            .body(Body::from("x".repeat(size)))
            .unwrap();
        world.send(request).await
    };
    let kept = send(10 * 1024 * 1024).await;
    assert_eq!(kept.status.as_u16(), 201, "{}", kept.text);
    let refused = send(10 * 1024 * 1024 + 1).await;
    assert_eq!(refused.status.as_u16(), 413);
    assert_eq!(refused.message(), "File too large.");
}

#[tokio::test]
async fn existing_clients_find_chats_where_they_were() {
    let world = world();
    for place in ["v2", "experimental"] {
        let path = format!("/api/{place}/chats/{ROOT}");
        let answer = world.get(Some(MEMBER), &path).await;
        assert_eq!(answer.status.as_u16(), 200, "{}", answer.text);
        let chat = answer.json();
        assert_eq!(chat["owner_username"], "max");
        assert_eq!(chat["children"][0]["id"], CHILD.to_string());
        assert_eq!(answer.headers[header::CACHE_CONTROL], "no-store");
    }
}
