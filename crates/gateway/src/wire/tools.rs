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
        Dialect::OpenAiChat | Dialect::OpenAiResponses => !matches!(
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

/// What a tool of the Responses API can cost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ResponseTool {
    /// Nothing beside its own text in the request.
    Free,
    /// It runs at the client, and its description is put into the prompt by the provider.
    Hidden,
    /// It searches the web: a fee for each call, and what is found is input.
    Search,
    /// It costs tokens only, but how many rounds it makes is in nobody's hands.
    Endless(String),
    /// It has a fee that the answer does not tell.
    Unmetered(String),
}

/// Judges `tools` of the Responses API, those in a namespace too; `None` if it is no array of objects.
pub(super) fn judge_responses(tools: &RawValue, found: &mut Vec<ResponseTool>) -> Option<()> {
    for tool in json::elements(tools)? {
        let fields = Fields::parse(tool.get())?;
        let mut types = fields.iter().filter(|(key, _)| fold(key) == "type");
        let kind = match (types.next(), types.next()) {
            (Some(("type", kind)), None) => json::string(kind)?,
            _ => "without a plain type".to_owned(),
        };
        let judged = match kind.as_str() {
            "function" | "custom" => ResponseTool::Free,
            "namespace" => {
                judge_responses(fields.last("tools")?, found)?;
                ResponseTool::Free
            }
            "local_shell" | "apply_patch" => ResponseTool::Hidden,
            "shell" if local(&fields) => ResponseTool::Hidden,
            "mcp" | "tool_search" => ResponseTool::Endless(kind),
            _ if kind.starts_with("computer") => ResponseTool::Hidden,
            _ if kind.starts_with("web_search") => ResponseTool::Search,
            _ => ResponseTool::Unmetered(kind),
        };
        found.push(judged);
    }
    Some(())
}

/// Whether a shell runs at the client and not in a container that the provider charges for.
fn local(tool: &Fields<'_>) -> bool {
    let environment = tool.object("environment");
    let kind = environment.and_then(|environment| environment.last("type").and_then(json::string));
    kind.as_deref() == Some("local")
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
