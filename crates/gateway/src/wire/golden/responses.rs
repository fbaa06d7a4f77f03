//! Requests of the Responses API.

use super::RESPONSES;
use crate::wire::{Fee, RequestFacts, parse_request};

fn parse(more: &str) -> Result<RequestFacts, String> {
    let body = format!(r#"{{"model":"m"{more}}}"#);
    parse_request(RESPONSES, body.as_bytes()).map_err(|error| error.to_string())
}

fn facts(more: &str) -> RequestFacts {
    parse(more).unwrap_or_else(|error| panic!("{error}: {more}"))
}

#[test]
fn what_reaches_the_prompt_is_weighed() {
    let rows = [
        (r#","input":"hé""#, 3, 1),
        (r#","input":[]"#, 0, 0),
        (r#","input":"hi","instructions":"be good""#, 9, 1),
        (r#","input":[{"role":"user","content":"hi"}]"#, 4 + 2, 1),
        (
            r#","input":[{"type":"message","role":"user","content":[{"type":"input_text","text":"abc"}]}]"#,
            7 + 4 + 10 + 3,
            1,
        ),
        (
            r#","input":[{"type":"function_call","id":"fc_1","call_id":"c1","name":"f","arguments":"{\"a\":1}"},{"type":"function_call_output","call_id":"c1","output":"ok"}]"#,
            (13 + 4 + 7 + 2 + 1 + 7) + (20 + 7 + 2 + 6 + 2),
            2,
        ),
        (
            r#","input":[{"type":"reasoning","id":"rs_1","summary":[],"encrypted_content":"gAAAA"}]"#,
            9 + 4 + 7 + 17 + 5,
            1,
        ),
        (
            r#","input":[{"role":"assistant","content":[{"type":"output_text","text":"a","annotations":[{"type":"url_citation","url":"https://a"}]}]}]"#,
            9 + 11 + 1 + 43,
            1,
        ),
        (
            r#","input":"hi","text":{"format":{"type":"text"}}"#,
            2 + 26,
            1,
        ),
        (
            r#","input":"hi","include":["reasoning.encrypted_content"],"truncation":"auto","store":false"#,
            2,
            1,
        ),
        (
            r#","input":"hi","tools":[{"type":"function","name":"f"},{"type":"custom","name":"g"}]"#,
            2 + 61,
            1,
        ),
        (
            r#","input":"hi","tools":[{"type":"namespace","name":"n","tools":[{"type":"function","name":"f"}]}]"#,
            2 + 74,
            1,
        ),
    ];
    for (more, bytes, messages) in rows {
        let facts = facts(more);
        assert_eq!(
            (facts.prompt_bytes, facts.messages),
            (bytes, messages),
            "{more}"
        );
        assert!(!facts.unbounded_input && facts.fees.is_empty(), "{more}");
        assert_eq!(facts.rounds, 1, "{more}");
    }
}

#[test]
fn caps_and_flags() {
    let facts = facts(
        r#","input":"hi","max_output_tokens":20,"stream":true,"stream_options":{"include_obfuscation":false},"reasoning":{"effort":"low"},"background":false,"service_tier":"flex""#,
    );
    assert_eq!(facts.client_cap, Some(20));
    assert!(facts.stream && !facts.wants_usage && facts.fees.is_empty());
    assert_eq!(facts.service_tier.as_deref(), Some("flex"));
}

#[test]
fn what_the_provider_keeps_is_bounded_by_the_context_window() {
    for more in [
        r#","previous_response_id":"resp_1""#,
        r#","input":"hi","previous_response_id":"resp_1""#,
        r#","input":[{"type":"item_reference","id":"msg_1"}]"#,
        r#","input":[{"id":"msg_1"}]"#,
        r#","input":[{"type":"reasoning","id":"rs_1","summary":[]}]"#,
        r#","input":[{"type":"web_search_call","id":"ws_1","status":"completed"}]"#,
        r#","input":[{"role":"user","content":[{"type":"input_image","image_url":"https://a"}]}]"#,
        r#","input":[{"role":"user","content":[{"type":"input_file","file_id":"file-1"}]}]"#,
        r#","input":"hi","tools":[{"type":"local_shell"}]"#,
        r#","input":"hi","tools":[{"type":"computer_use_preview"}]"#,
        r#","input":"hi","tools":[{"type":"shell","environment":{"type":"local"}}]"#,
    ] {
        let facts = facts(more);
        assert!(facts.unbounded_input && facts.fees.is_empty(), "{more}");
    }
}

#[test]
fn every_search_has_a_fee_and_reads_the_prompt_again() {
    let search = |more: &str| {
        facts(&format!(
            r#","input":"hi","tools":[{{"type":"web_search_preview_2025_03_11"}}]{more}"#
        ))
    };
    for (more, max_uses, rounds) in [
        ("", None, 1),
        (r#","max_tool_calls":0"#, Some(0), 1),
        (r#","max_tool_calls":3"#, Some(3), 4),
    ] {
        let facts = search(more);
        assert_eq!(facts.fees, [Fee::WebSearch { max_uses }], "{more}");
        assert_eq!(facts.rounds, rounds, "{more}");
        assert!(facts.unbounded_input);
    }
    // Without a search the number means nothing.
    assert_eq!(facts(r#","input":"hi","max_tool_calls":3"#).rounds, 1);
}

#[test]
fn what_nobody_can_bound_has_a_fee_without_a_price() {
    for more in [
        r#","tools":[{"type":"mcp","server_label":"a","server_url":"https://a"}]"#,
        r#","tools":[{"type":"tool_search"}]"#,
        r#","service_tier":"priority""#,
        r#","context_management":[{"type":"compaction","compact_threshold":1000}]"#,
    ] {
        let facts = facts(&format!(r#","input":"hi"{more}"#));
        let other = |fee: &Fee| matches!(fee, Fee::Other { .. });
        assert!(
            facts.fees.iter().all(other) && facts.fees.len() == 1,
            "{more}"
        );
    }
}

#[test]
fn refused_with_a_reason() {
    let beside =
        "the provider may charge for it in a way that its answer does not tell; leave it out";
    let rows = [
        ("", "`input` is required".to_owned()),
        (r#","instructions":"x""#, "`input` is required".to_owned()),
        (r#","input":1"#, "`input` must be a string or an array of items".to_owned()),
        (
            r#","input":"x","background":true"#,
            "`background` cannot be metered here: the answer and its usage would be fetched later and elsewhere; leave it out or set it to false".to_owned(),
        ),
        (r#","input":"x","background":1"#, "`background` must be a boolean".to_owned()),
        (
            r#","prompt":{"id":"pmpt_1"}"#,
            "`prompt` cannot be metered here: it stands for instructions and tools that only the provider knows; send them in the request".to_owned(),
        ),
        (r#","messages":[]"#, "unknown field `messages`: did you mean `input`?".to_owned()),
        (
            r#","input":"x","max_tokens":5"#,
            "unknown field `max_tokens`: did you mean `max_output_tokens`?".to_owned(),
        ),
        (
            r#","input":"x","Max_Output_Tokens":5"#,
            "unknown field `Max_Output_Tokens`: did you mean `max_output_tokens`?".to_owned(),
        ),
        (
            r#","input":"x","max_output_tokens":0"#,
            "`max_output_tokens` must be a positive whole number".to_owned(),
        ),
        (
            r#","input":"x","max_tool_calls":-1"#,
            "`max_tool_calls` must be a positive whole number".to_owned(),
        ),
        (
            r#","input":"x","tools":[{"name":"f"}]"#,
            format!("tool `without a plain type` cannot be metered here: {beside}"),
        ),
        (
            r#","input":"x","tools":[{"type":"function","Type":"mcp"}]"#,
            format!("tool `without a plain type` cannot be metered here: {beside}"),
        ),
        (r#","input":"x","tools":[1]"#, "`tools` must be an array of objects with a type".to_owned()),
    ];
    for (more, message) in rows {
        assert_eq!(parse(more).expect_err(more), message, "{more}");
    }
    for tool in [
        "file_search",
        "code_interpreter",
        "image_generation",
        "shell",
        "new_thing",
    ] {
        let more = format!(r#","input":"x","tools":[{{"type":"{tool}"}}]"#);
        let message = format!("tool `{tool}` cannot be metered here: {beside}");
        assert_eq!(parse(&more).expect_err(tool), message);
    }
}
