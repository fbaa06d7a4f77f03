//! Reading JSON that others write. What is understood counts, whatever stands beside it.

use std::{borrow::Cow, slice};

use serde_json::Value;

/// The JSON of these bytes. What is no text in it, and half a character that a program has cut in two, is U+FFFD, so that
/// the words around it are not lost.
pub(super) fn value(data: &[u8]) -> Option<Value> {
    let text = String::from_utf8_lossy(data);
    let read = serde_json::from_str(&text);
    read.or_else(|_| serde_json::from_str(&without_halves(&text)))
        .ok()
}

/// All of a list; what should be a list and is not is its only entry.
pub(super) fn list(value: Option<&Value>) -> &[Value] {
    match value {
        Some(Value::Array(all)) => all,
        Some(one @ Value::Object(_)) => slice::from_ref(one),
        _ => &[],
    }
}

/// Words, in one piece or in parts; none where there are none.
pub(super) fn words(value: Option<&Value>) -> Option<Cow<'_, str>> {
    let words = match value? {
        Value::String(text) => Cow::Borrowed(text.as_str()),
        Value::Array(parts) => Cow::Owned(parts.iter().filter_map(piece).collect()),
        _ => return None,
    };
    (!words.is_empty()).then_some(words)
}

fn piece(part: &Value) -> Option<&str> {
    part.as_str().or_else(|| part.get("text")?.as_str())
}

/// A count of tokens, also of a program that counts with fractions or in texts. What is no count is none.
pub(super) fn count(value: Option<&Value>) -> Option<u64> {
    match value? {
        Value::Number(number) => number.as_u64().or_else(|| whole(&number.to_string())),
        Value::String(text) => whole(text.trim()),
        _ => None,
    }
}

fn whole(text: &str) -> Option<u64> {
    match text.split_once('.') {
        None => text.parse().ok(),
        Some((whole, rest)) => {
            let plain = rest.bytes().all(|byte| byte.is_ascii_digit());
            whole.parse().ok().filter(|_| plain)
        }
    }
}

/// The length of `uD83D\uDE00`, which is what follows the first backslash of a character in two halves.
const PAIR: usize = 11;
/// The length of `u00e9`.
const UNIT: usize = 5;

/// Writes U+FFFD for each escape that is half a character.
fn without_halves(text: &str) -> String {
    let mut mended = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, escape)) = rest.split_once('\\') {
        mended.push_str(before);
        let (length, half) = match unit(escape) {
            Some(0xD800..=0xDBFF) if second_half(escape) => (PAIR, false),
            Some(0xD800..=0xDFFF) => (UNIT, true),
            Some(_) => (UNIT, false),
            None => (escape.chars().next().map_or(0, char::len_utf8), false),
        };
        let (escape, after) = escape.split_at_checked(length).unwrap_or((escape, ""));
        mended.push('\\');
        mended.push_str(if half { "ufffd" } else { escape });
        rest = after;
    }
    mended.push_str(rest);
    mended
}

/// The UTF-16 unit of what follows a backslash.
fn unit(escape: &str) -> Option<u16> {
    let digits = escape.strip_prefix('u')?.get(..4)?;
    u16::from_str_radix(digits, 16).ok()
}

fn second_half(escape: &str) -> bool {
    let second = escape.get(UNIT..).and_then(|rest| rest.strip_prefix('\\'));
    second
        .and_then(unit)
        .is_some_and(|unit| (0xDC00..=0xDFFF).contains(&unit))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_a_count_counts() {
        let check = |value: Value, expected| assert_eq!(count(Some(&value)), expected, "{value}");
        check(json!(5), Some(5));
        check(json!(5.0), Some(5));
        check(json!(5.9), Some(5));
        check(json!("5"), Some(5));
        check(json!(u64::MAX), Some(u64::MAX));
        for nonsense in [
            json!(-5),
            json!(-0.5),
            json!(1e300),
            json!("many"),
            json!("5.x"),
        ] {
            check(nonsense, None);
        }
        for nonsense in [json!(null), json!(true), json!([5]), json!({"n": 5})] {
            check(nonsense, None);
        }
        assert_eq!(count(None), None);
    }

    #[test]
    fn words_are_read_in_one_piece_and_in_parts() {
        let check = |value: Value, expected: Option<&str>| {
            assert_eq!(words(Some(&value)).as_deref(), expected, "{value}");
        };
        check(json!("a"), Some("a"));
        check(
            json!(["a", {"type": "text", "text": "b"}, 3, {"text": 4}]),
            Some("ab"),
        );
        for none in [
            json!(""),
            json!(null),
            json!(7),
            json!([]),
            json!({"text": "a"}),
        ] {
            check(none, None);
        }
    }

    #[test]
    fn half_a_character_takes_nothing_with_it() {
        let check = |text: &str, expected: &str| {
            let read = value(format!("\"{text}\"").as_bytes());
            assert_eq!(read, Some(json!(expected)), "{text}");
        };
        check(r"a\ud83dz", "a\u{fffd}z");
        check(r"\ude00z", "\u{fffd}z");
        check(r"\ud83d\ude00\ud83d", "\u{1f600}\u{fffd}");
        check(r"\ud83d\ud83d\ude00", "\u{fffd}\u{1f600}");
        check(r"\\ud83d \ud83d", "\\ud83d \u{fffd}");
        check(r"\ud83d\u00e9\n\ud83d", "\u{fffd}\u{e9}\n\u{fffd}");
        assert_eq!(value(b"\"a\xffz\""), Some(json!("a\u{fffd}z")));
        for nonsense in ["", r#""\ud8"#, r#""\"#, r#""\ud83d\"#, r#""\ué""#, "[1"] {
            assert_eq!(value(nonsense.as_bytes()), None, "{nonsense}");
        }
    }
}
