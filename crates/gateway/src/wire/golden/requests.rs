//! Facts of requests.

use super::{ANTHROPIC, OPENAI};
use crate::wire::{Dialect, Fee, RequestFacts, parse_request};

/// A request with one message `hi` and more fields.
fn facts(dialect: Dialect, more: &str) -> RequestFacts {
    let body = format!(r#"{{"model":"m","messages":[{{"role":"user","content":"hi"}}]{more}}}"#);
    parse_request(dialect, body.as_bytes()).unwrap_or_else(|error| panic!("{error}: {body}"))
}

#[test]
fn caps_and_choices() {
    let rows = [
        ("", None, 1),
        (r#","max_tokens":5"#, Some(5), 1),
        (r#","max_completion_tokens":6,"n":3"#, Some(6), 3),
        (r#","max_tokens":9,"max_completion_tokens":6"#, Some(9), 1),
        (r#","max_tokens":null,"n":null"#, None, 1),
        (r#","n":2,"best_of":5"#, None, 5),
    ];
    for (more, cap, choices) in rows {
        let facts = facts(OPENAI, more);
        assert_eq!((facts.client_cap, facts.choices), (cap, choices), "{more}");
    }
}

#[test]
fn flags_and_names() {
    let f = facts(
        OPENAI,
        r#","stream":true,"stream_options":{"include_usage":true},"service_tier":"flex""#,
    );
    assert!(f.stream && f.wants_usage && f.fees.is_empty());
    assert_eq!(
        (f.model.as_str(), f.service_tier.as_deref()),
        ("m", Some("flex"))
    );
    let f = facts(
        OPENAI,
        r#","stream":null,"stream_options":{"include_usage":null}"#,
    );
    assert!(!f.stream && !f.wants_usage);
    let f = facts(
        ANTHROPIC,
        r#","thinking":{"type":"enabled","budget_tokens":2048}"#,
    );
    assert_eq!(f.thinking_budget, Some(2048));
    assert_eq!(
        facts(ANTHROPIC, r#","thinking":{"type":"disabled"}"#).thinking_budget,
        None
    );
    let f = facts(OPENAI, r#","reasoning":{"max_tokens":3000}"#);
    assert_eq!(f.thinking_budget, Some(3000));
    let f = facts(OPENAI, r#","reasoning":{"effort":"high"}"#);
    assert_eq!(f.thinking_budget, None);
}

/// `role` and `content`.
const BASE: u64 = 6;

#[test]
fn every_field_that_may_reach_the_prompt_is_counted() {
    let rows = [
        (OPENAI, "", BASE),
        (
            OPENAI,
            r#","temperature":0.7,"seed":123456,"logprobs":true,"logit_bias":{"50256":-100}"#,
            BASE,
        ),
        (OPENAI, r#","user":"bob""#, BASE + 5),
        (
            OPENAI,
            r#","tools":[{"type":"function","function":{"name":"f"}}]"#,
            BASE + 45,
        ),
        (
            OPENAI,
            r#","tools":[ {"type" : "function", "function": {"name": "f"}} ]"#,
            BASE + 45,
        ),
        (OPENAI, r#","functions":[{"name":"f"}]"#, BASE + 14),
        (
            OPENAI,
            r#","response_format":{"type":"json_object"}"#,
            BASE + 22,
        ),
        (OPENAI, r#","tool_choice":"none""#, BASE + 6),
        (OPENAI, r#","new_field":{"text":"abc"}"#, BASE + 14),
        (ANTHROPIC, r#","system":"be good""#, BASE + 7),
        (
            ANTHROPIC,
            r#","system":[{"type":"text","text":"be good"}]"#,
            BASE + 4 + 7,
        ),
        (ANTHROPIC, r#","metadata":{"user_id":"u"}"#, BASE + 15),
    ];
    for (dialect, more, bytes) in rows {
        let facts = facts(dialect, more);
        assert_eq!(facts.prompt_bytes, bytes, "{more}");
        assert!(!facts.unbounded_input && facts.fees.is_empty(), "{more}");
    }
}

#[test]
fn messages_are_weighed_by_their_decoded_text() {
    let rows = [
        (OPENAI, r#"[]"#, 0, 0),
        (
            OPENAI,
            r#"[{"role":"user","content":"h\u00e9\n"}]"#,
            4 + 4,
            1,
        ),
        (
            OPENAI,
            r#"[{"role":"user","content":[{"type":"text","text":"abc"},{"type":"text","text":"d"}]}]"#,
            4 + 4 + 3 + 4 + 1,
            1,
        ),
        (
            OPENAI,
            r#"[{"role":"assistant","content":null,"audio":null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}}]},{"role":"tool","tool_call_id":"c1","content":"ok"}]"#,
            9 + 5 + 2 + 8 + 1 + 7 + 4 + 2 + 2,
            2,
        ),
        (
            OPENAI,
            r#"[{"role":"user","content":"a","mood":"b"}]"#,
            4 + 1 + 4 + 1,
            1,
        ),
        (
            ANTHROPIC,
            r#"[{"role":"user","content":[{"type":"tool_result","tool_use_id":"t1","content":[{"type":"text","text":"ok"}]}]}]"#,
            4 + 11 + 2 + 4 + 2,
            1,
        ),
        (
            ANTHROPIC,
            r#"[{"role":"assistant","content":[{"type":"tool_use","id":"t1","name":"f","input":{"a": "image"}}]}]"#,
            9 + 8 + 2 + 1 + 13,
            1,
        ),
        (
            ANTHROPIC,
            r#"[{"role":"assistant","content":[{"type":"thinking","thinking":"hm","signature":"xx"}]}]"#,
            9 + 8 + 2 + 2,
            1,
        ),
        (
            ANTHROPIC,
            r#"[{"role":"user","content":[{"type":"text","text":"a","cache_control":{"type":"ephemeral"}}]}]"#,
            4 + 4 + 1 + 20,
            1,
        ),
    ];
    for (dialect, messages, bytes, count) in rows {
        let body = format!(r#"{{"model":"m","messages":{messages}}}"#);
        let facts = parse_request(dialect, body.as_bytes()).unwrap();
        assert_eq!(
            (facts.prompt_bytes, facts.messages),
            (bytes, count),
            "{messages}"
        );
        assert!(!facts.unbounded_input, "{messages}");
    }
}

#[test]
fn what_cannot_be_counted_takes_the_window() {
    let rows = [
        (
            OPENAI,
            r#"[{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://x/y.png"}}]}]"#,
        ),
        (
            OPENAI,
            r#"[{"role":"user","content":[{"type":"input_audio","input_audio":{"data":"","format":"wav"}}]}]"#,
        ),
        (
            OPENAI,
            r#"[{"role":"user","content":[{"type":"file","file":{"file_id":"f"}}]}]"#,
        ),
        (OPENAI, r#"[{"role":"assistant","audio":{"id":"a1"}}]"#),
        (
            OPENAI,
            r#"[{"role":"user","content":[{"type":"hologram"}]}]"#,
        ),
        (
            OPENAI,
            r#"[{"role":"user","content":[{"type":"text","type":"image_url","text":"a"}]}]"#,
        ),
        (
            OPENAI,
            r#"[{"role":"user","content":[{"TYPE":"image_url","type":"text","text":"a"}]}]"#,
        ),
        (
            OPENAI,
            r#"[{"role":"user","content":[{"\u0074ype":"image_url"}]}]"#,
        ),
        (OPENAI, r#"[{"role":"user","content":"\ud83d"}]"#),
        (
            ANTHROPIC,
            r#"[{"role":"user","content":[{"type":"image","source":{"type":"url","url":"https://x"}}]}]"#,
        ),
        (
            ANTHROPIC,
            r#"[{"role":"user","content":[{"type":"document","source":{"type":"text","data":"x"}}]}]"#,
        ),
        (
            ANTHROPIC,
            r#"[{"role":"user","content":[{"type":"container_upload","file_id":"f"}]}]"#,
        ),
        (
            ANTHROPIC,
            r#"[{"role":"user","content":[{"type":"tool_result","tool_use_id":"t","content":[{"type":"image","source":{}}]}]}]"#,
        ),
        (
            ANTHROPIC,
            r#"[{"role":"assistant","content":[{"type":"web_search_tool_result","content":[]}]}]"#,
        ),
    ];
    for (dialect, messages) in rows {
        let body = format!(r#"{{"model":"m","messages":{messages}}}"#);
        let facts = parse_request(dialect, body.as_bytes()).unwrap();
        assert!(facts.unbounded_input, "{messages}");
        assert!(facts.input_bound().unbounded, "{messages}");
    }
}

const DEAR: &[(Dialect, &str, bool, &[&str])] = &[
    (OPENAI, r#","web_search_options":{}"#, true, &["search"]),
    (
        OPENAI,
        r#","tools":[{"type":"web_search"}]"#,
        true,
        &["search"],
    ),
    (
        OPENAI,
        r#","tools":[{"google_search":{}}]"#,
        true,
        &["tool `google_search`"],
    ),
    (
        OPENAI,
        r#","tools":[{"type":"function","TYPE":"web_search"}]"#,
        true,
        &["tool `of two types`"],
    ),
    (
        OPENAI,
        r#","plugins":[{"id":"web"}]"#,
        true,
        &["field `plugins`"],
    ),
    (OPENAI, r#","models":["dearer"]"#, true, &["field `models`"]),
    (
        OPENAI,
        r#","extra_body":{"google":{"cached_content":"c"}}"#,
        true,
        &["field `extra_body`"],
    ),
    (
        OPENAI,
        r#","search_parameters":{"mode":"on"}"#,
        true,
        &["field `search_parameters`"],
    ),
    (
        OPENAI,
        r#","n_predict":100000"#,
        true,
        &["field `n_predict`"],
    ),
    (
        OPENAI,
        r#","max_new_tokens":100000"#,
        true,
        &["field `max_new_tokens`"],
    ),
    (
        OPENAI,
        r#","extra_body":{"Max_Tokens":100000}"#,
        true,
        &["field `extra_body`"],
    ),
    (
        OPENAI,
        r#","generationConfig":{"maxOutputTokens":100000}"#,
        true,
        &["field `generationConfig`"],
    ),
    (
        OPENAI,
        r#","chat_template":"{% for i in range(100000) %}x{% endfor %}""#,
        true,
        &["field `chat_template`"],
    ),
    (
        OPENAI,
        r#","chat_template_kwargs":{"enable_thinking":true},"min_tokens":5"#,
        false,
        &[],
    ),
    (
        OPENAI,
        r#","enable_search":false,"plugins":[],"add_generation_prompt":true"#,
        false,
        &[],
    ),
    (
        OPENAI,
        r#","service_tier":"priority""#,
        false,
        &["service tier `priority`"],
    ),
    (
        ANTHROPIC,
        r#","tools":[{"name":"f","input_schema":{}}]"#,
        false,
        &[],
    ),
    (
        ANTHROPIC,
        r#","tools":[{"type":"custom","name":"search_files","input_schema":{}}]"#,
        false,
        &[],
    ),
    (
        ANTHROPIC,
        r#","tools":[{"type":"web_search_20250305","name":"web_search","max_uses":3}]"#,
        true,
        &["search 3"],
    ),
    (
        ANTHROPIC,
        r#","tools":[{"type":"web_search_20250305","max_uses":1,"max_uses":9}]"#,
        true,
        &["search"],
    ),
    (
        ANTHROPIC,
        r#","tools":[{"type":"web_fetch_20250910","name":"web_fetch"}]"#,
        true,
        &[],
    ),
    (
        ANTHROPIC,
        r#","tools":[{"type":"code_execution_20250825","name":"x"}]"#,
        true,
        &["tool `code_execution_20250825`"],
    ),
    (
        ANTHROPIC,
        r#","tools":[{"type":"computer_20250124","name":"computer"}]"#,
        true,
        &[],
    ),
    (
        ANTHROPIC,
        r#","mcp_servers":[{"type":"url","url":"https://x"}]"#,
        true,
        &[],
    ),
    (ANTHROPIC, r#","mcp_servers":[]"#, false, &[]),
    (ANTHROPIC, r#","container":"c_1""#, true, &[]),
    (ANTHROPIC, r#","speed":"fast""#, false, &["`speed`"]),
    (
        ANTHROPIC,
        r#","speed":"standard","inference_geo":"global""#,
        false,
        &[],
    ),
    (
        ANTHROPIC,
        r#","context_management":{"edits":[{"type":"clear_tool_uses_20250919"}]}"#,
        false,
        &[],
    ),
    (
        ANTHROPIC,
        r#","context_management":{"edits":[{"type":"compact_20260112"}]}"#,
        true,
        &["field `context_management`"],
    ),
];

fn name(fee: &Fee) -> String {
    match fee {
        Fee::WebSearch { max_uses: None } => "search".to_owned(),
        Fee::WebSearch {
            max_uses: Some(uses),
        } => format!("search {uses}"),
        Fee::Other { what } => what.clone(),
    }
}

#[test]
fn server_tools_and_dear_options() {
    for (dialect, more, unbounded, fees) in DEAR {
        let facts = facts(*dialect, more);
        assert_eq!(facts.unbounded_input, *unbounded, "{more}");
        assert_eq!(
            facts.fees.iter().map(name).collect::<Vec<_>>(),
            *fees,
            "{more}"
        );
    }
}

#[test]
fn prompts_that_the_provider_adds() {
    assert_eq!(facts(ANTHROPIC, r#","tools":[]"#).hidden_tokens, 0);
    let facts = facts(ANTHROPIC, r#","tools":[{"name":"f","input_schema":{}}]"#);
    assert_eq!(
        facts.input_bound().bytes,
        facts.prompt_bytes + facts.hidden_tokens
    );
    // The provider's documentation counts 403 tokens for a tool and a question of less than 300 bytes.
    assert!(facts.hidden_tokens >= 530);
}

#[test]
fn a_prediction_is_charged_on_both_sides() {
    let facts = facts(
        OPENAI,
        r#","prediction":{"type":"content","content":"abc"}"#,
    );
    assert_eq!(
        (facts.prediction_bytes, facts.prompt_bytes),
        (34, BASE + 34)
    );
}

#[test]
fn a_search_model_searches_unasked() {
    for model in ["gpt-4o-search-preview", "openai/gpt-4o:online"] {
        let body = format!(r#"{{"model":"{model}","messages":[]}}"#);
        let facts = parse_request(OPENAI, body.as_bytes()).unwrap();
        assert_eq!(facts.fees, [Fee::WebSearch { max_uses: None }]);
        assert!(facts.unbounded_input);
    }
}
