//! Tools and other fields that let a provider do more than answer: which are harmless, which cost a fee per call, and
//! which bring input that nobody can count beforehand.

use serde_json::value::RawValue;

use super::Dialect;
use super::facts::Fee;
use super::json::{self, Fields, fold};
use super::prompt::risky;

/// The verdict on one tool.
pub(super) struct ToolFacts {
    /// Its calls bring input that cannot be counted beforehand.
    pub(super) unbounded: bool,
    /// What its calls cost beside tokens.
    pub(super) fee: Option<Fee>,
}

const HARMLESS: ToolFacts = ToolFacts {
    unbounded: false,
    fee: None,
};

fn unknown(what: &str) -> ToolFacts {
    ToolFacts {
        unbounded: true,
        fee: Some(Fee::Other {
            what: format!("tool `{what}`"),
        }),
    }
}

/// Judges one element of `tools` or `functions`; `None` if it is not an object.
pub(super) fn judge(dialect: Dialect, tool: &RawValue) -> Option<ToolFacts> {
    let fields = Fields::parse(tool.get())?;
    let mut kinds = Vec::new();
    for (key, value) in fields.iter() {
        if fold(key) == "type" && !json::is_null(value) {
            kinds.push(json::string(value)?);
        }
    }
    match kinds.as_slice() {
        [] => Some(without_type(dialect, &fields)),
        [kind] => Some(of_type(dialect, kind, &fields)),
        // Two types: one reader takes the first, another the last.
        _ => Some(unknown("of two types")),
    }
}

/// A tool without a type is the client's own function, unless it has a field that such a function has not.
fn without_type(dialect: Dialect, fields: &Fields<'_>) -> ToolFacts {
    let stranger = fields.iter().map(|(key, _)| key).find(|key| match dialect {
        Dialect::OpenAiChat => !matches!(
            *key,
            "type" | "function" | "custom" | "name" | "description" | "parameters" | "strict"
        ),
        Dialect::AnthropicMessages => risky(&fold(key)),
    });
    stranger.map_or(HARMLESS, unknown)
}

fn of_type(dialect: Dialect, kind: &str, fields: &Fields<'_>) -> ToolFacts {
    match dialect {
        Dialect::OpenAiChat if matches!(kind, "function" | "custom") => HARMLESS,
        Dialect::AnthropicMessages if kind == "custom" => without_type(dialect, fields),
        _ if kind.starts_with("web_search") => ToolFacts {
            unbounded: true,
            fee: Some(Fee::WebSearch {
                max_uses: max_uses(fields),
            }),
        },
        Dialect::AnthropicMessages if free_of_fees(kind) => ToolFacts {
            unbounded: true,
            fee: None,
        },
        _ => unknown(kind),
    }
}

/// Anthropic's own tools that cost tokens only: they run at the client, or fetch without a fee. Their schemas and
/// results are not in the request, so the input is unbounded all the same.
fn free_of_fees(kind: &str) -> bool {
    [
        "bash_",
        "text_editor_",
        "computer_",
        "memory_",
        "web_fetch_",
        "tool_search_tool_",
        "mcp_toolset",
    ]
    .iter()
    .any(|prefix| kind.starts_with(prefix))
}

/// The client's own bound on searches; given twice or unreadable, there is none.
fn max_uses(fields: &Fields<'_>) -> Option<u64> {
    let mut given = fields.iter().filter(|(key, _)| fold(key) == "max_uses");
    let (only, more) = (given.next()?, given.next());
    if more.is_some() {
        return None;
    }
    only.1.get().parse().ok()
}

/// Words, without underscores, in the names of fields by which some servers bound the output instead of `max_tokens`,
/// answer more often, or write the prompt anew: whoever sets one would spend beyond what is held.
const OVERRIDES: [&str; 12] = [
    "maxtoken",
    "maxcompletion",
    "maxoutput",
    "maxnew",
    "maxgen",
    "maxlength",
    "npredict",
    "numpredict",
    "numreturn",
    "candidatecount",
    "chattemplate",
    "preset",
];

fn overrides(folded: &str) -> bool {
    let bare = folded.replace(['_', '-'], "");
    OVERRIDES.iter().any(|word| bare.contains(word))
}

/// Judges a top-level field that this version does not know: harmless, unless its name or its content speaks of
/// something that is fetched or done elsewhere, or of bounds that we would have to set.
pub(super) fn foreign_field_risky(key: &str, value: &RawValue) -> bool {
    if matches!(value.get(), "false" | "0" | "\"\"" | "[]" | "{}") {
        return false;
    }
    let text = value.get();
    let nested = text.starts_with(['{', '[']);
    let speaks = |text: &str| risky(text) || overrides(text);
    // An escaped letter could hide a word from the search below; nobody needs one in a key.
    speaks(&fold(key)) || (nested && (text.contains("\\u") || speaks(&fold(text))))
}
