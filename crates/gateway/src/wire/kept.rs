//! What the provider of a response keeps: which part of it a request names instead of sending it, and what of an answer can
//! be named later.
//!
//! An item of the input may have an id beside its content, and then the id decides nothing. One whose content is not
//! all there is looked up by the provider: reasoning comes without its text and searches without what they found, so
//! stock clients send many an item of the output back as such a name, and some send bare references only.

use std::collections::{BTreeMap, HashSet};

use model::stored_responses::STORED_IDS_MAX;
use serde_json::value::RawValue;

use super::json::{self, Fields, fold};

/// What a request names that the provider keeps.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Named {
    /// The response that it continues.
    pub response: Option<String>,
    /// Items whose content is not in the request.
    pub items: Vec<String>,
}

/// Whether the provider keeps the answer, so that later requests can name it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Storage {
    /// It may, as it does unless it is told not to.
    #[default]
    Kept,
    /// It is told not to.
    Refused,
}

impl Storage {
    /// What is not plainly `false` may be true to the provider.
    pub(super) fn read(value: &RawValue) -> Self {
        match json::boolean(value) {
            Some(false) => Self::Refused,
            Some(true) | None => Self::Kept,
        }
    }
}

impl Named {
    /// Notes the names in an item of the input; whether there were any.
    pub(super) fn note(&mut self, item: &RawValue) -> bool {
        let Some(fields) = Fields::parse(item.get()).filter(|fields| !whole(fields)) else {
            return false;
        };
        let before = self.items.len();
        let ids = fields
            .iter()
            .filter(|(key, value)| fold(key) == "id" && !json::is_null(value));
        // What is no text, or none that we can read, is an id that nobody has.
        let id = |value: &RawValue| json::string(value).unwrap_or_else(|| value.get().to_owned());
        self.items.extend(ids.map(|(_, value)| id(value)));
        self.items.len() > before
    }
}

/// The items of an answer's output by their ids, each with whether its content was all there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MadeItems(BTreeMap<String, bool>);

impl MadeItems {
    /// Notes an item as it was told last. Beyond a thousand, further ones are left out.
    pub(super) fn note(&mut self, item: &RawValue) {
        let Some(fields) = Fields::parse(item.get()) else {
            return;
        };
        let Some(id) = fields.last("id").and_then(json::string) else {
            return;
        };
        if self.0.len() < STORED_IDS_MAX || self.0.contains_key(&id) {
            self.0.insert(id, whole(&fields));
        }
    }

    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Those that can be sent back by their id alone.
    pub fn unsaid(&self) -> impl Iterator<Item = &str> {
        let unsaid = self.0.iter().filter(|(_, whole)| !**whole);
        unsaid.map(|(id, _)| id.as_str())
    }
}

/// Whether an item says all that it stands for, to every reader.
fn whole(fields: &Fields<'_>) -> bool {
    let mut seen = HashSet::new();
    let plain = |key| fold(key) == key;
    if !fields
        .iter()
        .all(|(key, _)| plain(key) && seen.insert(key.to_owned()))
    {
        return false;
    }
    let kind = match fields.last("type") {
        Some(kind) => json::string(kind),
        None => Some("message".to_owned()),
    };
    let said = |name: &&str| {
        fields
            .last(name)
            .is_some_and(|value| may_be_empty(name) || !is_empty(value))
    };
    kind.and_then(|kind| content(&kind))
        .is_some_and(|names| names.iter().all(said))
}

/// The fields that hold the content of an item of this type; `None` for one whose content the provider keeps, and for
/// types that are not known.
fn content(kind: &str) -> Option<&'static [&'static str]> {
    Some(match kind {
        "message" => &["content"],
        "reasoning" | "compaction" => &["encrypted_content"],
        "function_call" => &["name", "arguments"],
        "custom_tool_call" => &["name", "input"],
        "local_shell_call" | "shell_call" | "computer_call" => &["action"],
        "apply_patch_call" => &["operation"],
        "mcp_approval_request" => &["name", "arguments"],
        "mcp_call" => &["name", "arguments", "output"],
        "mcp_list_tools" => &["tools"],
        _ if kind.ends_with("_call_output") => &["output"],
        _ => return None,
    })
}

/// Arguments and results may be nothing; words cannot.
fn may_be_empty(name: &str) -> bool {
    matches!(name, "arguments" | "input" | "output" | "tools")
}

fn is_empty(value: &RawValue) -> bool {
    matches!(value.get(), "\"\"" | "[]" | "{}")
}

/// Whether a top-level field that is not known may be another way to say `previous_response_id`, `conversation` or
/// `item_reference`, by itself or by what is in it.
pub(super) fn foreign_name(key: &str, value: &RawValue) -> bool {
    let bare = |text: &str| fold(text).replace(['_', '-'], "");
    let key = bare(key);
    if key.contains("previousresponse") || matches!(key.as_str(), "conversation" | "conversationid")
    {
        return true;
    }
    if json::is_plain_scalar(value) || value.get().starts_with('"') {
        return false;
    }
    // Written anew, so that no letter is escaped.
    let Ok(nested) = serde_json::from_str::<serde_json::Value>(value.get()) else {
        return true;
    };
    let nested = bare(&nested.to_string());
    ["previousresponse", "\"conversation\":", "itemreference"]
        .iter()
        .any(|word| nested.contains(word))
}
