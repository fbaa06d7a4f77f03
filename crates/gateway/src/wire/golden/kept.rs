//! What requests name instead of sending it, and what of an answer can be named.

use super::{RESPONSES, cuts, events};
use crate::wire::{Named, RequestFacts, Storage, StreamMeter, parse_request, read_usage};

fn parse(more: &str) -> Result<RequestFacts, String> {
    let body = format!(r#"{{"model":"m"{more}}}"#);
    parse_request(RESPONSES, body.as_bytes()).map_err(|error| error.to_string())
}

fn named(more: &str) -> Named {
    parse(more)
        .unwrap_or_else(|error| panic!("{error}: {more}"))
        .named
}

/// Items that stock clients send, each with its id beside its content.
const WHOLE: &[&str] = &[
    r#"{"role":"user","content":"hi"}"#,
    r#"{"id":"msg_1","role":"user","content":"hi"}"#,
    r#"{"id":"msg_1","type":"message","role":"assistant","status":"completed","content":[{"type":"output_text","text":"a","annotations":[]}]}"#,
    r#"{"id":null,"type":"reasoning","summary":[]}"#,
    r#"{"type":"reasoning","summary":[{"type":"summary_text","text":"a"}]}"#,
    r#"{"id":"rs_1","type":"reasoning","summary":[],"encrypted_content":"gAAAA"}"#,
    r#"{"id":"fc_1","type":"function_call","call_id":"c1","name":"f","arguments":""}"#,
    r#"{"id":"ctc_1","type":"custom_tool_call","call_id":"c1","name":"f","input":"x"}"#,
    r#"{"type":"function_call_output","call_id":"c1","output":""}"#,
    r#"{"id":"fco_1","type":"function_call_output","call_id":"c1","output":"ok"}"#,
    r#"{"id":"cco_1","type":"computer_call_output","call_id":"c1","output":{"type":"computer_screenshot"}}"#,
    r#"{"id":"lsh_1","type":"local_shell_call","call_id":"c1","action":{"type":"exec","command":["ls"]}}"#,
    r#"{"id":"apc_1","type":"apply_patch_call","call_id":"c1","operation":{"type":"delete_file"}}"#,
    r#"{"id":"mcpl_1","type":"mcp_list_tools","server_label":"a","tools":[]}"#,
    r#"{"id":"mcp_1","type":"mcp_call","name":"f","arguments":"{}","output":"ok"}"#,
    r#"{"id":"cmp_1","type":"compaction","encrypted_content":"gAAAA"}"#,
];

/// Items whose content, or a part of it, the provider looks up.
const BY_ID: &[&str] = &[
    r#"{"type":"item_reference","id":"x"}"#,
    r#"{"type":null,"id":"x"}"#,
    r#"{"id":"x"}"#,
    r#"{"id":"x","role":"assistant"}"#,
    r#"{"id":"x","type":"message","role":"assistant","content":[]}"#,
    r#"{"id":"x","type":"message","role":"assistant","content":""}"#,
    r#"{"id":"x","type":"message","content":null}"#,
    r#"{"id":"x","type":"reasoning","summary":[]}"#,
    r#"{"id":"x","type":"reasoning","summary":[],"encrypted_content":null}"#,
    r#"{"id":"x","type":"reasoning","summary":[],"encrypted_content":""}"#,
    r#"{"id":"x","type":"reasoning","summary":[],"content":[{"type":"reasoning_text","text":"a"}]}"#,
    r#"{"id":"x","type":"function_call","call_id":"c1","name":"f"}"#,
    r#"{"id":"x","type":"function_call_output","call_id":"c1"}"#,
    r#"{"id":"x","type":"web_search_call","status":"completed","action":{"type":"search","query":"q"}}"#,
    r#"{"id":"x","type":"file_search_call","queries":["q"],"results":null}"#,
    r#"{"id":"x","type":"mcp_call","name":"f","arguments":"{}","output":null}"#,
    r#"{"id":"x","type":"new_thing","content":"a"}"#,
    r#"{"id":"x","type":5,"content":"a"}"#,
    // Of two fields of one name, one reader takes the first and another the last.
    r#"{"type":"item_reference","id":"x","type":"message","content":"a"}"#,
    r#"{"type":"message","content":"a","id":"x","TYPE":"item_reference"}"#,
    r#"{"content":"a","\u0069d":"x","content":null}"#,
    r#"{"type":"item_reference","ID":"x"}"#,
];

#[test]
fn an_item_is_named_when_its_content_is_not_there() {
    for item in WHOLE {
        let found = named(&format!(r#","input":[{item}]"#));
        assert_eq!(found, Named::default(), "{item}");
    }
    for item in BY_ID {
        let facts = parse(&format!(
            r#","input":[{{"role":"user","content":"hi"}},{item}]"#
        ))
        .unwrap();
        assert_eq!(facts.named.items, ["x"], "{item}");
        assert!(facts.unbounded_input, "{item}");
    }
    // Ids that nobody has, but that must not be passed over.
    let two = r#","input":[{"id":5},{"id":"a","ID":"b"},{"id":"\ud800"}]"#;
    assert_eq!(named(two).items, ["5", "a", "b", r#""\ud800""#]);
}

#[test]
fn a_response_is_continued_by_its_id() {
    for (more, response) in [
        (r#","input":"hi""#, None),
        (r#","input":"hi","previous_response_id":null"#, None),
        (r#","previous_response_id":"resp_1""#, Some("resp_1")),
        (r#","input":"hi","previous_response_id":"""#, Some("")),
    ] {
        assert_eq!(named(more).response.as_deref(), response, "{more}");
    }
    let refused = parse(r#","previous_response_id":{"id":"resp_1"}"#);
    assert_eq!(
        refused.unwrap_err(),
        "`previous_response_id` must be a string"
    );
}

#[test]
fn other_ways_to_a_conversation_are_refused() {
    for more in [
        r#","conversation":"conv_1""#,
        r#","conversation":{"id":"conv_1"}"#,
        r#","conversation_id":"conv_1""#,
        r#","conversationId":"conv_1""#,
        r#","previousResponseId":"resp_1""#,
        r#","previous-response-id":"resp_1""#,
        r#","extra_body":{"previous_response_id":"resp_1"}"#,
        r#","extra_body":{"previous_respon\u0073e_id":"resp_1"}"#,
        r#","extra_body":{"conversation":"conv_1"}"#,
        r#","extra":[{"type":"item_reference","id":"msg_1"}]"#,
    ] {
        let error = parse(&format!(r#","input":"hi"{more}"#)).expect_err(more);
        let words = "is not offered here: whose conversation it is cannot be told; send its items, or continue a \
            response by `previous_response_id`";
        assert!(error.ends_with(words), "{error}");
    }
    for more in [
        r#","conversation":null"#,
        r#","metadata":{"conversation":"conv_1","previous_response_id":"x"}"#,
        r#","new_field":"our conversation""#,
    ] {
        let more = format!(r#","input":"hi"{more}"#);
        assert_eq!(named(&more), Named::default(), "{more}");
    }
    // Differently spelt, it is refused as before.
    assert!(parse(r#","input":"hi","Previous_Response_Id":"x""#).is_err());
}

#[test]
fn only_a_plain_no_keeps_the_provider_from_storing() {
    for (more, storage) in [
        ("", Storage::Kept),
        (r#","store":null"#, Storage::Kept),
        (r#","store":true"#, Storage::Kept),
        (r#","store":"false""#, Storage::Kept),
        (r#","store":0"#, Storage::Kept),
        (r#","store":false"#, Storage::Refused),
    ] {
        let facts = parse(&format!(r#","input":"hi"{more}"#)).unwrap();
        assert_eq!(facts.storage, storage, "{more}");
    }
}

const OUTPUT: &str = r#"[{"id":"rs_1","type":"reasoning","summary":[]},{"id":"ws_1","type":"web_search_call","action":{"type":"search"}},{"id":"msg_1","type":"message","content":[{"type":"output_text","text":"a"}]},{"type":"message","content":[]},5]"#;

#[test]
fn the_items_of_an_answer_are_told_by_their_ids() {
    let body = format!(r#"{{"id":"resp_1","status":"completed","output":{OUTPUT}}}"#);
    let plain = read_usage(RESPONSES, body.as_bytes());
    let created = r#"{"type":"response.created","response":{"id":"resp_1","status":"in_progress","output":[]}}"#;
    let added = r#"{"type":"response.output_item.added","output_index":0,"item":{"id":"rs_0","type":"reasoning","summary":[]}}"#;
    let done = r#"{"type":"response.output_item.done","output_index":0,"item":{"id":"rs_0","type":"reasoning","summary":[],"encrypted_content":"gAAAA"}}"#;
    let ended = format!(r#"{{"type":"response.completed","response":{body}}}"#);
    let stream = events(&[created, added, done, &ended]);
    let collect = |ids: &mut dyn Iterator<Item = &str>| ids.collect::<Vec<_>>().join(" ");
    assert_eq!(collect(&mut plain.items.all()), "msg_1 rs_1 ws_1");
    assert_eq!(collect(&mut plain.items.unsaid()), "rs_1 ws_1");
    for cut in cuts(stream.as_bytes()) {
        let mut meter = StreamMeter::new(RESPONSES);
        cut.iter().for_each(|piece| meter.feed(piece));
        let seen = meter.finish();
        assert_eq!(seen.provider_response_id.as_deref(), Some("resp_1"));
        assert_eq!(collect(&mut seen.items.all()), "msg_1 rs_0 rs_1 ws_1");
        // Whole in the end, and told again without it.
        assert_eq!(collect(&mut seen.items.unsaid()), "rs_1 ws_1");
    }
}

#[test]
fn there_is_an_end_to_what_is_noted() {
    let items: Vec<String> = (0..1_200)
        .map(|number| format!(r#"{{"id":"rs_{number}","type":"reasoning"}}"#))
        .collect();
    let body = format!(r#"{{"id":"resp_1","output":[{}]}}"#, items.join(","));
    let seen = read_usage(RESPONSES, body.as_bytes());
    assert_eq!(seen.items.all().count(), 1_000);
}
