//! Weighing a conversation: its bytes, its messages, and whether it holds something whose tokens cannot be counted.
//!
//! One pass, nothing allocated. Text is counted by its decoded UTF-8 bytes, since no tokenizer in use makes more tokens
//! than bytes. Keys that the wire format itself prescribes are free (the allowance per message pays for them); every
//! other key is counted, and values that a provider renders as JSON (a tool call's input, say) count by their JSON text.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::Dialect;
use super::json::{self, fold};

/// What was found in the prompt-bearing part of a request.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// UTF-8 bytes of everything that may reach the prompt.
    pub(super) bytes: u64,
    /// An image, file, audio, document, reference or unknown kind of content is in it.
    pub(super) unbounded: bool,
}

impl Tally {
    pub(super) fn add(&mut self, bytes: usize) {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        self.bytes = self.bytes.saturating_add(bytes);
    }

    /// Counts a value that a provider renders as JSON; of one that is JSON inside a string, what the string holds.
    fn add_rendered(&mut self, value: &RawValue) {
        match json::string(value) {
            Some(text) => self.add(text.len()),
            None => self.add_json(value),
        }
    }

    /// Counts a value by its JSON text.
    pub(super) fn add_json(&mut self, value: &RawValue) {
        self.bytes = self.bytes.saturating_add(json::compact_len(value.get()));
    }

    /// Weighs messages, a system prompt or any content.
    pub(super) fn add_talk(&mut self, dialect: Dialect, value: &RawValue) {
        let before = self.bytes;
        let mut reader = serde_json::Deserializer::from_str(value.get());
        if (Talk {
            dialect,
            tally: self,
        })
        .deserialize(&mut reader)
        .is_err()
        {
            // A lone surrogate or a number beyond all bounds: valid for some readers, so it is let through, uncounted.
            self.bytes = before;
            self.add_json(value);
            self.unbounded = true;
        }
    }
}

/// Words in the names of fields that bring content from elsewhere.
pub(super) const RISKS: [&str; 21] = [
    "search",
    "plugin",
    "mcp",
    "container",
    "file",
    "image",
    "video",
    "audio",
    "document",
    "url",
    "source",
    "retriev",
    "knowledge",
    "conversation",
    "thread",
    "previous",
    "memory",
    "cached",
    "compact",
    "fallback",
    "models",
];

pub(super) fn risky(folded: &str) -> bool {
    RISKS.iter().any(|word| folded.contains(word))
}

/// What a key inside a conversation means for the weight of its value.
enum KeyClass {
    /// Prescribed by the format: free, its value is weighed.
    Known,
    /// Names the kind of content.
    Type,
    /// Its value is counted as JSON text.
    Json,
    /// Not known to us: counted itself, its value is weighed.
    Other { risky: bool },
}

fn classify(key: &str) -> KeyClass {
    match key {
        "role" | "content" | "text" | "name" | "id" | "tool_calls" | "function" | "custom"
        | "function_call" | "tool_call_id" | "tool_use_id" | "refusal" | "reasoning_content"
        | "thinking" | "signature" | "data" | "is_error" => KeyClass::Known,
        "type" => KeyClass::Type,
        "input" | "arguments" | "cache_control" | "caller" | "citations" | "annotations" => {
            KeyClass::Json
        }
        _ => match fold(key).as_ref() {
            "type" => KeyClass::Type,
            folded => KeyClass::Other {
                risky: risky(folded),
            },
        },
    }
}

/// Kinds of content that are nothing but text. All others are taken for something that cannot be counted.
fn plain_type(dialect: Dialect, kind: &str) -> bool {
    match dialect {
        Dialect::OpenAiChat => {
            matches!(
                kind,
                "text" | "refusal" | "function" | "custom" | "thinking"
            ) || kind.starts_with("reasoning.")
        }
        Dialect::OpenAiResponses => {
            matches!(
                kind,
                "message"
                    | "input_text"
                    | "output_text"
                    | "refusal"
                    | "reasoning"
                    | "reasoning_text"
                    | "summary_text"
                    | "function_call"
                    | "function_call_output"
                    | "custom_tool_call"
                    | "custom_tool_call_output"
                    | "local_shell_call"
                    | "local_shell_call_output"
                    | "exec"
            )
        }
        Dialect::AnthropicMessages => {
            matches!(
                kind,
                "text" | "thinking" | "redacted_thinking" | "tool_use" | "tool_result"
            )
        }
    }
}

/// A visitor for any value of a conversation.
struct Talk<'t> {
    dialect: Dialect,
    tally: &'t mut Tally,
}

/// The longest text of a number or literal that is counted flat.
const SCALAR_BYTES: usize = 24;

impl<'de> DeserializeSeed<'de> for Talk<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Talk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        self.tally.add(text.len());
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        self.tally.add(SCALAR_BYTES);
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        self.tally.add(SCALAR_BYTES);
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        self.tally.add(SCALAR_BYTES);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let Self { dialect, tally } = self;
        while seq
            .next_element_seed(Talk {
                dialect,
                tally: &mut *tally,
            })?
            .is_some()
        {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self { dialect, tally } = self;
        while let Some(class) = map.next_key_seed(Classify { tally: &mut *tally })? {
            match class {
                KeyClass::Known | KeyClass::Other { risky: false } => {
                    map.next_value_seed(Talk {
                        dialect,
                        tally: &mut *tally,
                    })?;
                }
                KeyClass::Json => tally.add_rendered(map.next_value()?),
                KeyClass::Other { risky: true } => {
                    let value: &RawValue = map.next_value()?;
                    if !json::is_null(value) {
                        tally.add_json(value);
                    }
                    tally.unbounded |= !json::is_plain_scalar(value);
                }
                KeyClass::Type => {
                    let value: &RawValue = map.next_value()?;
                    // Counted, so that a message of very many tiny parts pays for what separates them.
                    tally.add_rendered(value);
                    let plain = json::string(value).is_some_and(|kind| plain_type(dialect, &kind));
                    tally.unbounded |= !plain && !json::is_null(value);
                }
            }
        }
        Ok(())
    }
}

/// Classifies a key without copying it.
struct Classify<'t> {
    tally: &'t mut Tally,
}

impl<'de> DeserializeSeed<'de> for Classify<'_> {
    type Value = KeyClass;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<KeyClass, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Classify<'_> {
    type Value = KeyClass;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<KeyClass, E> {
        let class = classify(key);
        if matches!(class, KeyClass::Other { .. }) {
            self.tally.add(key.len());
        }
        Ok(class)
    }
}
