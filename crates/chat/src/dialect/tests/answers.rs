//! Answers in both languages, cut up at every place.

use model::{chats::TurnUsage, prices::ProviderKind};
use serde_json::{Value, json};

use super::{
    super::{AnswerReader, Finish, Heard, Told, whole},
    ANTHROPIC, OPENAI,
};

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
        end,
        usage(7, 2),
        Heard::Done,
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
        end,
        Heard::Done,
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

/// One field that nobody expects takes no other with it.
#[test]
fn words_are_heard_whatever_stands_beside_them() {
    let hi = || Heard::Text("Hi".to_owned());
    let end = || Heard::Finish(Finish::End);
    let said = |kind, body: Value, expected: &[Heard]| {
        assert_eq!(
            read(kind, &format!("data: {body}\n\n"), 7),
            expected,
            "{body}"
        );
    };
    let openai = |body: Value, expected: &[Heard]| said(OPENAI, body, expected);
    let choice = json!({ "delta": { "content": "Hi" } });
    openai(
        json!({ "choices": [choice], "usage": { "prompt_tokens": 5.0, "completion_tokens": "2" } }),
        &[hi(), usage(5, 2)],
    );
    openai(
        json!({ "choices": [choice], "usage": { "prompt_tokens": 5, "completion_tokens": -1 } }),
        &[hi(), usage(5, 0)],
    );
    for nonsense in [
        json!(7),
        json!("none"),
        json!([1]),
        json!({ "prompt_tokens": {} }),
    ] {
        openai(json!({ "choices": [choice], "usage": nonsense }), &[hi()]);
    }
    openai(json!({ "choices": choice }), &[hi()]);
    openai(json!({ "choices": [7, null, choice] }), &[hi()]);
    openai(
        json!({ "choices": [{ "index": "0", "delta": { "content": "Hi", "refusal": 7, "reasoning": [] },
            "finish_reason": "stop" }], "error": "" }),
        &[hi(), end()],
    );
    openai(
        json!({ "choices": [{ "index": null, "delta": { "content": [{ "type": "text", "text": "Hi" }] },
            "finish_reason": 7 }], "error": { "message": ["no"], "code": 7 } }),
        &[hi(), error("", "7")],
    );
    let half = r#"data: {"choices":[{"delta":{"content":"Hi\ud83d"}}]}"#;
    assert_eq!(
        read(OPENAI, half, 5),
        [Heard::Text("Hi\u{fffd}".to_owned())]
    );

    let anthropic = |body: Value, expected: &[Heard]| said(ANTHROPIC, body, expected);
    let delta = json!({ "type": "text_delta", "text": "Hi", "citations": 7 });
    anthropic(
        json!({ "type": "content_block_delta", "index": "x", "delta": delta, "usage": 7 }),
        &[hi()],
    );
    anthropic(
        json!({ "type": "message_delta", "delta": { "stop_reason": "end_turn" }, "usage": "none" }),
        &[end()],
    );
    anthropic(
        json!({ "type": "message_delta", "delta": 7, "usage": { "input_tokens": [], "output_tokens": 9.0 } }),
        &[usage(0, 9)],
    );
    let whole = whole(
        ANTHROPIC,
        br#"{"content":[7,{"type":"text","text":"Hi"}],"stop_reason":"end_turn","usage":[]}"#,
    );
    assert_eq!(whole, [hi(), end()]);
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
    for none in ["null", "\"\"", "{}", "[]", "false"] {
        assert_eq!(Told::of(format!("{{\"error\":{none}}}").as_bytes()), None);
    }
    assert_eq!(Told::of(b"<html>"), None);
}
