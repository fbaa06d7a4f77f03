//! Reading JSON without losing its text: one level of an object at a time, every value kept as it was written.
//!
//! Providers parse with other libraries than ours. Where those could disagree (two keys of one name, a key in another
//! case), a reader of money fields must see both spellings, so nothing here collapses an object into a map.

use std::borrow::Cow;
use std::fmt;

use model::metering::MAX_COUNT;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// The members of one JSON object, in their order, duplicates included.
#[derive(Debug)]
pub(super) struct Fields<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> Fields<'a> {
    /// The members of `text`, if it is an object.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// All members in the order of the text.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &'a RawValue)> {
        self.0.iter().map(|(key, value)| (key.as_ref(), *value))
    }

    /// The last member of that name which is not `null`: what nearly all readers would take.
    pub(super) fn last(&self, name: &str) -> Option<&'a RawValue> {
        let found = self.0.iter().rev().find(|(key, _)| key == name);
        found
            .map(|(_, value)| *value)
            .filter(|value| !is_null(value))
    }

    /// Like [`Fields::last`], read as an object.
    pub(super) fn object(&self, name: &str) -> Option<Fields<'a>> {
        Fields::parse(self.last(name)?.get())
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Vec<(Cow<'de, str>, &'de RawValue)>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some((key, value)) = map.next_entry::<Key<'de>, &'de RawValue>()? {
                    members.push((key.0, value));
                }
                Ok(members)
            }
        }
        deserializer.deserialize_map(Members).map(Fields)
    }
}

/// A key that borrows from the text when it has no escapes.
struct Key<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl<'de> Visitor<'de> for Text {
            type Value = Cow<'de, str>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Cow::Borrowed(text))
            }

            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Cow::Owned(text.to_owned()))
            }
        }
        deserializer.deserialize_str(Text).map(Key)
    }
}

/// The elements of a JSON array.
pub(super) fn elements(value: &RawValue) -> Option<Vec<&RawValue>> {
    serde_json::from_str(value.get()).ok()
}

/// A JSON string, decoded.
pub(super) fn string(value: &RawValue) -> Option<String> {
    serde_json::from_str(value.get()).ok()
}

/// The most bytes of a name that is kept.
const MAX_NAME_BYTES: usize = 1_024;

/// A name that a provider gives, of a model or of an answer. What nobody can mean is none: it is written into the
/// ledger, where a text without end or one with a NUL, which PostgreSQL does not take, would fail a settlement.
pub(super) fn name(value: &RawValue) -> Option<String> {
    string(value).filter(|name| {
        !name.is_empty() && name.len() <= MAX_NAME_BYTES && !name.chars().any(char::is_control)
    })
}

/// A JSON boolean.
pub(super) fn boolean(value: &RawValue) -> Option<bool> {
    serde_json::from_str(value.get()).ok()
}

pub(super) fn is_null(value: &RawValue) -> bool {
    value.get() == "null"
}

/// Numbers, booleans and null: values that can carry no prompt.
pub(super) fn is_plain_scalar(value: &RawValue) -> bool {
    !value.get().starts_with(['"', '{', '['])
}

/// A count that a provider reports. Whole numbers written as floats (`12.0`, `1.2e1`) or in quotes are read, fractions
/// rounded up; what is negative, above [`MAX_COUNT`] or no number is unreadable.
pub(super) fn count(value: &RawValue) -> Option<u64> {
    let quoted = string(value);
    let text = quoted.as_deref().unwrap_or_else(|| value.get()).trim();
    let read = text.parse::<u64>().ok().or_else(|| {
        let float = text
            .parse::<f64>()
            .ok()
            .filter(|x| (0.0..1e15).contains(x))?;
        format!("{:.0}", float.ceil().abs()).parse().ok()
    })?;
    (read <= MAX_COUNT).then_some(read)
}

/// How many bytes a valid JSON text has without the whitespace between its tokens. A value of this length has at most
/// this many tokens, however a provider renders it into the prompt.
pub(super) fn compact_len(text: &str) -> u64 {
    let mut scan = Scan::default();
    let counted = text
        .bytes()
        .filter(|byte| scan.step(*byte) || !byte.is_ascii_whitespace());
    u64::try_from(counted.count()).unwrap_or(u64::MAX)
}

/// How deeply arrays and objects of a JSON text are nested; the text need not be valid.
pub(super) fn depth(text: &str) -> usize {
    let (mut scan, mut open, mut deepest) = (Scan::default(), 0_usize, 0_usize);
    for byte in text.bytes() {
        if scan.step(byte) {
            continue;
        }
        match byte {
            b'[' | b'{' => {
                open += 1;
                deepest = deepest.max(open);
            }
            b']' | b'}' => open = open.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// Tells the bytes inside strings from the bytes outside.
#[derive(Default)]
struct Scan {
    string: bool,
    escaped: bool,
}

impl Scan {
    /// Steps over one byte: true if it belongs to a string (the opening quote aside).
    fn step(&mut self, byte: u8) -> bool {
        let inside = self.string;
        match byte {
            _ if self.escaped => self.escaped = false,
            b'\\' if inside => self.escaped = true,
            b'"' => self.string = !inside,
            _ => {}
        }
        inside
    }
}

/// A key as the most lenient parsers compare it: some providers' servers match keys without regard to case, and fold two
/// letters outside ASCII (the long s and the Kelvin sign) as well.
pub(super) fn fold(key: &str) -> Cow<'_, str> {
    let canonical = |c: char| c.is_ascii() && !c.is_ascii_uppercase();
    if key.chars().all(canonical) {
        return Cow::Borrowed(key);
    }
    let folded = key.chars().map(|c| match c {
        'ſ' => 's',
        '\u{212A}' => 'k',
        _ => c.to_ascii_lowercase(),
    });
    Cow::Owned(folded.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts() {
        let rows = [
            ("0", Some(0)),
            ("12", Some(12)),
            ("12.0", Some(12)),
            ("1.2e1", Some(12)),
            ("11.2", Some(12)),
            ("-0.0", Some(0)),
            ("-1", None),
            ("1000000000001", None),
            ("99999999999999999999999", None),
            ("1e300", None),
            ("\"12\"", Some(12)),
            ("\"-12\"", None),
            ("\"twelve\"", None),
            ("\"\"", None),
            ("true", None),
            ("{}", None),
        ];
        for (text, expected) in rows {
            let raw: &RawValue = serde_json::from_str(text).unwrap();
            assert_eq!(count(raw), expected, "{text}");
        }
    }

    #[test]
    fn names() {
        let long = |bytes: usize| format!("\"{}\"", "x".repeat(bytes));
        let rows = [
            ("\"resp_1\"", true),
            ("\"gpt-4o é\"", true),
            (&long(MAX_NAME_BYTES), true),
            (&long(MAX_NAME_BYTES + 1), false),
            (r#""a\u0000b""#, false),
            (r#""a\nb""#, false),
            (r#""\ud800""#, false),
            ("\"\"", false),
            ("12", false),
        ];
        for (text, kept) in rows {
            let raw: &RawValue = serde_json::from_str(text).unwrap();
            assert_eq!(name(raw), string(raw).filter(|_| kept), "{text}");
            assert_eq!(name(raw).is_some(), kept, "{text}");
        }
    }

    #[test]
    fn lengths_and_depths() {
        let rows = [
            ("{}", 2, 1),
            (" { \"a b\" : [ 1 , 2 ] } ", 13, 2),
            (r#"{"a":"[[[\"[["}"#, 15, 1),
            (r#""\\""#, 4, 0),
            ("[[[]],[]]", 9, 3),
        ];
        for (text, length, nested) in rows {
            assert_eq!((compact_len(text), depth(text)), (length, nested), "{text}");
        }
    }

    #[test]
    fn lenient_keys_fold() {
        for (key, folded) in [
            ("max_tokens", "max_tokens"),
            ("Max_Tokens", "max_tokens"),
            ("max_toKenſ", "max_tokens"),
            ("max_to\u{212A}ens", "max_tokens"),
        ] {
            assert_eq!(fold(key), folded);
        }
    }
}
