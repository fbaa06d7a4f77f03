//! Conversations in both languages.

mod answers;

use chrono::DateTime;
use model::{
    ChatFileId, ChatId, OrganizationId, UserId,
    chats::{
        ChatFile, ChatFileBytes, ChatMessage, ContentPart, MessageId, MessageRole, Visibility,
    },
    prices::ProviderKind,
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Conversation, Files, file_size, request, request_size};

const OPENAI: ProviderKind = ProviderKind::OpenAi;
const ANTHROPIC: ProviderKind = ProviderKind::Anthropic;

fn text(text: &str) -> ContentPart {
    ContentPart::Text {
        text: text.to_owned(),
    }
}

fn file(number: u128) -> ContentPart {
    ContentPart::File {
        file_id: ChatFileId(Uuid::from_u128(number)),
        mime_type: None,
        name: Some(format!("file {number}")),
    }
}

fn message(role: MessageRole, content: Vec<ContentPart>) -> ChatMessage {
    ChatMessage {
        id: MessageId(1),
        chat_id: ChatId(Uuid::nil()),
        role,
        visibility: Visibility::Both,
        content,
        created_by: None,
        model: None,
        usage: None,
        deleted: false,
        revision: 1,
        created_at: DateTime::UNIX_EPOCH,
    }
}

fn files(all: &[(u128, &str, &str, &[u8])]) -> Files {
    let file = |(number, name, mime_type, data): &(u128, &str, &str, &[u8])| {
        let id = ChatFileId(Uuid::from_u128(*number));
        let file = ChatFile {
            id,
            owner_id: UserId(Uuid::nil()),
            organization_id: OrganizationId(Uuid::nil()),
            chat_id: None,
            name: (*name).to_owned(),
            mime_type: (*mime_type).to_owned(),
            size_bytes: 1,
            sha256: [0; 32],
            created_at: DateTime::UNIX_EPOCH,
            shown: true,
        };
        let data = data.to_vec();
        (id, Some(ChatFileBytes { file, data }))
    };
    all.iter().map(file).collect()
}

/// Everything that may be said.
fn history() -> Vec<ChatMessage> {
    use MessageRole::{Assistant, System, User};
    let thought = ContentPart::Reasoning {
        text: "hm".to_owned(),
    };
    let lines = ContentPart::FileReference {
        file_name: "src/a.rs".to_owned(),
        start_line: 3,
        end_line: 4,
        content: "let a;\nlet b;\n".to_owned(),
    };
    vec![
        message(System, vec![text("Be brief.")]),
        message(User, vec![text("Look:"), file(1), file(2), file(3)]),
        message(Assistant, vec![thought.clone(), text("A cat.")]),
        // Interrupted before it said anything.
        message(User, vec![text("And this?"), lines]),
        message(Assistant, vec![thought]),
        message(User, vec![text(" "), text("Well?")]),
        message(User, vec![file(4)]),
    ]
}

fn asked(kind: ProviderKind) -> Value {
    let files = files(&[
        (1, "cat.png", "image/png", b"png"),
        (2, "cats.pdf", "application/pdf", b"pdf"),
        (3, "cats.csv", "text/csv", b"a,b\n"),
    ]);
    let conversation = Conversation {
        model: "m-1",
        history: &history(),
        files: &files,
        output_cap: 4_096,
    };
    serde_json::from_slice(&request(kind, &conversation)).unwrap()
}

#[test]
fn a_file_that_is_left_out_is_told_of() {
    let left_out = Files::from([(ChatFileId(Uuid::from_u128(4)), None)]);
    let conversation = Conversation {
        model: "m-1",
        history: &[message(MessageRole::User, vec![file(4)])],
        files: &left_out,
        output_cap: 4_096,
    };
    let asked = request(ProviderKind::OpenAi, &conversation);
    let asked = String::from_utf8(asked.to_vec()).unwrap();
    assert!(asked.contains("is left out"), "{asked}");
    assert!(!asked.contains("is gone"), "{asked}");
}

const CSV: &str = "cats.csv:\n```\na,b\n```";
const LINES: &str = "src/a.rs, lines 3 to 4:\n```\nlet a;\nlet b;\n```";
const GONE: &str = "[The file file 4 was attached here, and is gone.]";

#[test]
fn a_conversation_as_openai_takes_it() {
    let expected = json!({
        "model": "m-1",
        "stream": true,
        "stream_options": { "include_usage": true },
        "messages": [
            { "role": "system", "content": "Be brief." },
            { "role": "user", "content": [
                { "type": "text", "text": "Look:" },
                { "type": "image_url", "image_url": { "url": "data:image/png;base64,cG5n" } },
                { "type": "file", "file": {
                    "filename": "cats.pdf", "file_data": "data:application/pdf;base64,cGRm" } },
                { "type": "text", "text": CSV },
            ] },
            { "role": "assistant", "content": "A cat." },
            { "role": "user", "content": [
                { "type": "text", "text": "And this?" },
                { "type": "text", "text": LINES },
            ] },
            { "role": "user", "content": "Well?" },
            { "role": "user", "content": GONE },
        ],
    });
    assert_eq!(asked(OPENAI), expected);
    assert_eq!(asked(ProviderKind::OpenAiCompatible), expected);
}

#[test]
fn a_conversation_as_anthropic_takes_it() {
    let expected = json!({
        "model": "m-1",
        "max_tokens": 4_096,
        "stream": true,
        "system": "Be brief.",
        "messages": [
            { "role": "user", "content": [
                { "type": "text", "text": "Look:" },
                { "type": "image", "source": {
                    "type": "base64", "media_type": "image/png", "data": "cG5n" } },
                { "type": "document", "title": "cats.pdf", "source": {
                    "type": "base64", "media_type": "application/pdf", "data": "cGRm" } },
                { "type": "text", "text": CSV },
            ] },
            { "role": "assistant", "content": [{ "type": "text", "text": "A cat." }] },
            { "role": "user", "content": [
                { "type": "text", "text": "And this?" },
                { "type": "text", "text": LINES },
                { "type": "text", "text": "Well?" },
                { "type": "text", "text": GONE },
            ] },
        ],
    });
    assert_eq!(asked(ANTHROPIC), expected);
}

#[test]
fn a_file_is_as_large_as_it_is_sent() {
    let quotes = "\"\n`".repeat(100);
    let all = files(&[
        (1, "cat.png", "image/png", b"png"),
        (2, "cats.pdf", "application/pdf", b"pdf"),
        (3, "cats.csv", "text/csv", quotes.as_bytes()),
    ]);
    for kind in [OPENAI, ANTHROPIC] {
        let size = |files: &[u128]| {
            let content = files.iter().map(|number| file(*number)).collect();
            let conversation = Conversation {
                model: "m-1",
                history: &[message(MessageRole::User, content)],
                files: &all,
                output_cap: 4_096,
            };
            let size = request_size(kind, &conversation);
            assert_eq!(size, request(kind, &conversation).len());
            size
        };
        for number in 1..=3 {
            let one = all[&ChatFileId(Uuid::from_u128(number))].as_ref().unwrap();
            // With the comma between them.
            let more = size(&[1, 2, number]) - size(&[1, 2]);
            assert_eq!(file_size(kind, one) + 1, more, "{kind} {number}");
        }
    }
}
