//! Setting the few fields that the gateway sets, with every other byte of the body left as the client wrote it.

use bytes::Bytes;
use model::prices::ProviderKind;
use serde_json::value::RawValue;

use super::Dialect;
use super::facts::RequestError;
use super::json::{self, Fields};
use super::request::read_fields;

/// What to set before a request is forwarded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Change {
    /// The bound on output tokens, per choice. It sets or lowers a cap and never raises the client's.
    pub cap: Option<u64>,
    /// Ask for the usage of a stream. Without effect on plain requests and on formats that always report it.
    pub include_usage: bool,
}

/// The body with `change` applied; the same bytes when there is nothing to change.
///
/// In chat the cap goes into `max_completion_tokens` for `openai` and into `max_tokens` for the others, and replaces the
/// other spelling: several providers refuse a request that has both. A client that gave both gets both lowered. The
/// Responses API has one field, `max_output_tokens`.
///
/// # Errors
/// [`RequestError`] under the same rules for the whole body as [`super::parse_request`].
pub fn rewrite(
    body: &Bytes,
    change: &Change,
    dialect: Dialect,
    kind: ProviderKind,
) -> Result<Bytes, RequestError> {
    if *change == Change::default() {
        return Ok(body.clone());
    }
    let fields = read_fields(dialect, body)?;
    let mut edit = Edit::new(&fields);
    match (dialect, change.cap) {
        (_, None) => {}
        (Dialect::OpenAiResponses, Some(cap)) => edit.set_only_cap(RESPONSES_CAP, cap),
        (Dialect::OpenAiChat | Dialect::AnthropicMessages, Some(cap)) => edit.set_cap(cap, kind),
    }
    if change.include_usage && dialect == Dialect::OpenAiChat {
        edit.ask_for_usage();
    }
    Ok(if edit.changed {
        edit.write()
    } else {
        body.clone()
    })
}

const OLD_CAP: &str = "max_tokens";
const NEW_CAP: &str = "max_completion_tokens";
const RESPONSES_CAP: &str = "max_output_tokens";

/// The members of a body, in their order, each with its text.
struct Edit<'a> {
    members: Vec<(String, Value<'a>)>,
    changed: bool,
}

enum Value<'a> {
    Kept(&'a RawValue),
    Set(String),
}

impl Value<'_> {
    fn text(&self) -> &str {
        match self {
            Self::Kept(raw) => raw.get(),
            Self::Set(text) => text,
        }
    }
}

impl<'a> Edit<'a> {
    fn new(fields: &Fields<'a>) -> Self {
        let members = fields
            .iter()
            .map(|(key, value)| (key.to_owned(), Value::Kept(value)));
        Self {
            members: members.collect(),
            changed: false,
        }
    }

    /// The text of a member that is there and not `null`.
    fn text(&self, name: &str) -> Option<&str> {
        let found = self.members.iter().find(|(key, _)| key == name)?;
        Some(found.1.text()).filter(|text| *text != "null")
    }

    fn number(&self, name: &str) -> Option<u64> {
        self.text(name)?.parse().ok()
    }

    fn set(&mut self, name: &str, text: String) {
        self.changed = true;
        match self.members.iter_mut().find(|(key, _)| key == name) {
            Some((_, value)) => *value = Value::Set(text),
            None => self.members.push((name.to_owned(), Value::Set(text))),
        }
    }

    fn remove(&mut self, name: &str) {
        let before = self.members.len();
        self.members.retain(|(key, _)| key != name);
        self.changed |= self.members.len() != before;
    }

    fn set_cap(&mut self, cap: u64, kind: ProviderKind) {
        let (old, new) = (self.number(OLD_CAP), self.number(NEW_CAP));
        if let (Some(old), Some(new)) = (old, new) {
            self.lower(OLD_CAP, old, cap);
            self.lower(NEW_CAP, new, cap);
            return;
        }
        let given = old.or(new);
        // OpenAI itself honours both spellings, each where the model allows it.
        let honoured = if kind == ProviderKind::OpenAi {
            given
        } else {
            old
        };
        if honoured.is_some_and(|honoured| honoured <= cap) {
            return;
        }
        let (target, other) = if kind == ProviderKind::OpenAi {
            (NEW_CAP, OLD_CAP)
        } else {
            (OLD_CAP, NEW_CAP)
        };
        self.remove(other);
        self.set(
            target,
            given.map_or(cap, |given| given.min(cap)).to_string(),
        );
    }

    /// Sets or lowers the cap of a format that has one field for it.
    fn set_only_cap(&mut self, name: &str, cap: u64) {
        if self.number(name).is_none_or(|given| given > cap) {
            self.set(name, cap.to_string());
        }
    }

    fn lower(&mut self, name: &str, given: u64, cap: u64) {
        if given > cap {
            self.set(name, cap.to_string());
        }
    }

    fn ask_for_usage(&mut self) {
        if self.text("stream") != Some("true") {
            return;
        }
        let options = self.text("stream_options").and_then(Fields::parse);
        if options
            .as_ref()
            .is_some_and(|options| options.last("include_usage").is_some_and(is_true))
        {
            return;
        }
        let mut inner = options.as_ref().map_or(
            Edit {
                members: Vec::new(),
                changed: false,
            },
            Edit::new,
        );
        inner.set("include_usage", "true".to_owned());
        let text = inner.text_of_all();
        self.set("stream_options", text);
    }

    fn text_of_all(&self) -> String {
        let members = self.members.iter().map(|(key, value)| {
            // A string always serializes; `Value`'s `Display` writes it as JSON.
            format!("{}:{}", serde_json::Value::from(key.as_str()), value.text())
        });
        let members: Vec<String> = members.collect();
        format!("{{{}}}", members.join(","))
    }

    fn write(&self) -> Bytes {
        Bytes::from(self.text_of_all())
    }
}

fn is_true(value: &RawValue) -> bool {
    json::boolean(value) == Some(true)
}
