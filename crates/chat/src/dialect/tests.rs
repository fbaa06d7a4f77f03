//! Conversations in both languages, and answers cut up at every place.

use chrono::DateTime;
use model::{
    ChatFileId, ChatId, OrganizationId, UserId,
    chats::{
        ChatFile, ChatFileBytes, ChatMessage, ContentPart, MessageId, MessageRole, TurnUsage,
        Visibility,
    },
    prices::ProviderKind,
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{AnswerReader, Conversation, Files, Finish, Heard, Told, request, whole};

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

/// What a stream tells when it comes in pieces of so many bytes.
fn read(kind: ProviderKind, stream: &str, piece: usize) -> Vec<Heard> {
    let mut reader = AnswerReader::new(kind);
    let mut heard = Vec::new();
    for chunk in stream.as_bytes().chunks(piece) {
        heard.extend(reader.feed(chunk));
    }
    heard.extend(reader.finish());
    heard
}

fn usage(input_tokens: u64, output_tokens: u64) -> Heard {
    Heard::Usage(TurnUsage {
        input_tokens,
        output_tokens,
    })
}

fn error(message: &str, code: &str) -> Heard {
    Heard::Error(Told {
        message: message.to_owned(),
        code: code.to_owned(),
    })
}

fn check(kind: ProviderKind, stream: &str, expected: &[Heard]) {
    for piece in 1..=stream.len().max(1) {
        assert_eq!(read(kind, stream, piece), expected, "in pieces of {piece}");
    }
}

#[test]
fn openais_stream_is_read_wherever_it_is_cut() {
    let stream = "\
: a comment\n\n\
data: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}],\"usage\":null}\n\n\
data: {\"choices\":[{\"index\":0,\"delta\":{\"reasoning_content\":\"hm\",\"content\":null}}]}\r\n\r\n\
data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Grüße\"}},{\"index\":1,\"delta\":{\"content\":\"x\"}}]}\n\n\
data: no json at all\n\n\
data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n\
data: {\"choices\":[],\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":2}}\n\n\
data: [DONE]\n\n";
    let end = Heard::Finish(Finish::End);
    let expected = [
        Heard::Reasoning("hm".to_owned()),
        Heard::Text("Grüße".to_owned()),
        end.clone(),
        usage(7, 2),
        end,
    ];
    check(OPENAI, stream, &expected);
}

#[test]
fn anthropics_stream_is_read_wherever_it_is_cut() {
    let stream = "\
event: message_start\n\
data: {\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":3,\"cache_read_input_tokens\":4,\"output_tokens\":1}}}\n\n\
data: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"thinking\",\"thinking\":\"\"}}\n\n\
data: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"thinking_delta\",\"thinking\":\"hm\"}}\n\n\
data: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"signature_delta\",\"signature\":\"s\"}}\n\n\
data: {\"type\":\"ping\"}\n\n\
data: {\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":\"text_delta\",\"text\":\"Grüße\"}}\n\n\
data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":9}}\n\n\
event: message_stop\ndata: {\"type\":\"message_stop\"}";
    let end = Heard::Finish(Finish::End);
    let expected = [
        usage(7, 1),
        Heard::Reasoning("hm".to_owned()),
        Heard::Text("Grüße".to_owned()),
        usage(7, 9),
        end.clone(),
        end,
    ];
    check(ANTHROPIC, stream, &expected);
}

#[test]
fn errors_in_a_stream_are_told() {
    check(
        OPENAI,
        "data: {\"error\":{\"message\":\"slow down\",\"type\":\"t\",\"code\":\"rate_limit_exceeded\"}}\n\n",
        &[error("slow down", "rate_limit_exceeded")],
    );
    check(
        ANTHROPIC,
        "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"busy\"}}\n\n",
        &[error("busy", "overloaded_error")],
    );
    let filtered = "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"content_filter\"}]}\n\n";
    check(OPENAI, filtered, &[Heard::Finish(Finish::ContentFilter)]);
    let refused = "data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"refusal\"}}\n\n";
    check(ANTHROPIC, refused, &[Heard::Finish(Finish::ContentFilter)]);
    check(ANTHROPIC, "", &[]);
}

#[test]
fn an_answer_in_one_piece_is_read_too() {
    let body = json!({
        "choices": [{ "message": { "content": "Hi", "refusal": null }, "finish_reason": "length" }],
        "usage": { "prompt_tokens": 1, "completion_tokens": 2 },
    });
    let (hi, end) = (Heard::Text("Hi".to_owned()), Heard::Finish(Finish::End));
    let expected = [hi.clone(), end.clone(), usage(1, 2)];
    assert_eq!(whole(OPENAI, body.to_string().as_bytes()), expected);
    let body = json!({
        "content": [{ "type": "text", "text": "Hi" }, { "type": "tool_use", "id": "t" }],
        "stop_reason": "end_turn",
        "usage": { "input_tokens": 1, "output_tokens": 2 },
    });
    let expected = [hi, usage(1, 2), end];
    assert_eq!(whole(ANTHROPIC, body.to_string().as_bytes()), expected);
    assert_eq!(whole(OPENAI, b"<html>"), []);
}

#[test]
fn what_an_error_says_is_found_in_every_shape() {
    let check = |body: Value, message: &str, code: &str| {
        let told = Told::of(body.to_string().as_bytes()).unwrap();
        assert_eq!((told.message.as_str(), told.code.as_str()), (message, code));
    };
    check(json!({ "error": "no" }), "no", "");
    check(
        json!({ "error": { "message": "no", "code": 429 } }),
        "no",
        "429",
    );
    check(json!({ "error": { "type": "t" } }), "", "t");
    let details = json!({ "type": "permission_error", "message": "no",
        "details": { "error_code": "enforced_spend_limit_reached" } });
    check(
        json!({ "error": details }),
        "no",
        "enforced_spend_limit_reached",
    );
    assert_eq!(Told::of(b"{\"message\":\"no\"}"), None);
    assert_eq!(Told::of(b"{\"error\":null}"), None);
    assert_eq!(Told::of(b"<html>"), None);
}
