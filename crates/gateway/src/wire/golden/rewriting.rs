//! Rewritten requests.

use bytes::Bytes;
use model::prices::ProviderKind::{self, Anthropic, OpenAi, OpenAiCompatible};

use crate::wire::{Change, Dialect, rewrite};

fn check(kind: ProviderKind, change: Change, body: &str, expected: &str) {
    check_in(Dialect::of(kind), kind, change, body, expected);
}

fn check_in(dialect: Dialect, kind: ProviderKind, change: Change, body: &str, expected: &str) {
    let body = Bytes::copy_from_slice(body.as_bytes());
    let changed = rewrite(&body, &change, dialect, kind).unwrap();
    assert_eq!(changed, expected.as_bytes(), "{kind} {change:?} {body:?}");
    if body == expected.as_bytes() {
        assert_eq!(
            changed.as_ptr(),
            body.as_ptr(),
            "an unchanged body is not copied"
        );
    }
    let again = rewrite(&changed, &change, dialect, kind).unwrap();
    assert_eq!(again, changed, "a second rewrite changes nothing");
}

const CAPS: &[(ProviderKind, &str, &str)] = &[
    (
        OpenAi,
        r#"{"model":"m"}"#,
        r#"{"model":"m","max_completion_tokens":50}"#,
    ),
    (OpenAi, r"{}", r#"{"max_completion_tokens":50}"#),
    (
        OpenAi,
        r#"{"max_completion_tokens":90,"a":1}"#,
        r#"{"max_completion_tokens":50,"a":1}"#,
    ),
    (
        OpenAi,
        r#"{ "max_completion_tokens" : 50 }"#,
        r#"{ "max_completion_tokens" : 50 }"#,
    ),
    (OpenAi, r#"{"max_tokens":20}"#, r#"{"max_tokens":20}"#),
    (
        OpenAi,
        r#"{"max_tokens":90,"a":1}"#,
        r#"{"a":1,"max_completion_tokens":50}"#,
    ),
    (
        OpenAi,
        r#"{"max_tokens":null}"#,
        r#"{"max_completion_tokens":50}"#,
    ),
    (
        OpenAi,
        r#"{"max_tokens":90,"max_completion_tokens":20}"#,
        r#"{"max_tokens":50,"max_completion_tokens":20}"#,
    ),
    (
        OpenAi,
        r#"{"max_tokens":90,"max_completion_tokens":80}"#,
        r#"{"max_tokens":50,"max_completion_tokens":50}"#,
    ),
    (
        OpenAi,
        r#"{"max_tokens":9,"max_completion_tokens":8}"#,
        r#"{"max_tokens":9,"max_completion_tokens":8}"#,
    ),
    (OpenAiCompatible, r#"{"a":1}"#, r#"{"a":1,"max_tokens":50}"#),
    (
        OpenAiCompatible,
        r#"{"max_tokens":20}"#,
        r#"{"max_tokens":20}"#,
    ),
    (
        OpenAiCompatible,
        r#"{"max_completion_tokens":20}"#,
        r#"{"max_tokens":20}"#,
    ),
    (
        OpenAiCompatible,
        r#"{"max_completion_tokens":90}"#,
        r#"{"max_tokens":50}"#,
    ),
    (Anthropic, r#"{"max_tokens":90}"#, r#"{"max_tokens":50}"#),
    (Anthropic, r#"{"max_tokens":40}"#, r#"{"max_tokens":40}"#),
    (Anthropic, r"{}", r#"{"max_tokens":50}"#),
];

#[test]
fn caps() {
    for (kind, body, expected) in CAPS {
        check(
            *kind,
            Change {
                cap: Some(50),
                include_usage: false,
            },
            body,
            expected,
        );
    }
}

#[test]
fn responses_have_one_cap_and_always_tell_usage() {
    let rows = [
        (r#"{"a":1}"#, r#"{"a":1,"max_output_tokens":50}"#),
        (
            r#"{"max_output_tokens":null}"#,
            r#"{"max_output_tokens":50}"#,
        ),
        (r#"{"max_output_tokens":20}"#, r#"{"max_output_tokens":20}"#),
        (
            r#"{"max_output_tokens":90,"stream":true}"#,
            r#"{"max_output_tokens":50,"stream":true}"#,
        ),
    ];
    let change = Change {
        cap: Some(50),
        include_usage: true,
    };
    for kind in [OpenAi, OpenAiCompatible] {
        for (body, expected) in rows {
            check_in(Dialect::OpenAiResponses, kind, change, body, expected);
        }
    }
}

#[test]
fn usage_of_streams() {
    let rows = [
        (
            OpenAi,
            r#"{"stream":true}"#,
            r#"{"stream":true,"stream_options":{"include_usage":true}}"#,
        ),
        (OpenAi, r#"{"stream":false}"#, r#"{"stream":false}"#),
        (OpenAi, r"{}", r"{}"),
        (
            OpenAiCompatible,
            r#"{"stream":true,"stream_options":null}"#,
            r#"{"stream":true,"stream_options":{"include_usage":true}}"#,
        ),
        (
            OpenAi,
            r#"{"stream":true,"stream_options":{"x":[1, 2]}}"#,
            r#"{"stream":true,"stream_options":{"x":[1, 2],"include_usage":true}}"#,
        ),
        (
            OpenAi,
            r#"{"stream":true,"stream_options":{"include_usage":false}}"#,
            r#"{"stream":true,"stream_options":{"include_usage":true}}"#,
        ),
        (
            OpenAi,
            r#"{"stream":true, "stream_options":{"include_usage":true}}"#,
            r#"{"stream":true, "stream_options":{"include_usage":true}}"#,
        ),
        (Anthropic, r#"{"stream":true}"#, r#"{"stream":true}"#),
    ];
    for (kind, body, expected) in rows {
        check(
            kind,
            Change {
                cap: None,
                include_usage: true,
            },
            body,
            expected,
        );
    }
}

#[test]
fn all_other_text_survives() {
    let rest = r#""t":0.10000000000000000001,"big":123456789012345678901234567890,"e":1E+2,"s":"\u00e9\/","o":{ "b" : [ 1,2 ] , "a":1}"#;
    check(
        OpenAi,
        Change {
            cap: Some(5),
            include_usage: true,
        },
        &format!(r#" {{ "stream" : true , {rest} }} "#),
        &format!(
            r#"{{"stream":true,{rest},"max_completion_tokens":5,"stream_options":{{"include_usage":true}}}}"#
        ),
    );
    check(
        OpenAi,
        Change {
            cap: Some(5),
            include_usage: false,
        },
        r#"{"quote\"key":1}"#,
        r#"{"quote\"key":1,"max_completion_tokens":5}"#,
    );
}

#[test]
fn no_change_is_no_parse() {
    let body = Bytes::from_static(b"not even JSON");
    let dialect = Dialect::OpenAiChat;
    let same = rewrite(&body, &Change::default(), dialect, OpenAi);
    assert_eq!(same.unwrap(), body);
    assert!(
        rewrite(
            &body,
            &Change {
                cap: Some(1),
                include_usage: false
            },
            dialect,
            OpenAi
        )
        .is_err()
    );
}
