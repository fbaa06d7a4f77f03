//! What is peculiar to requests for `POST /v1/responses`: where the conversation is, what of it the provider keeps, and
//! what could not be metered at all.
//!
//! Input that the provider keeps (`previous_response_id`, items named by id) is never seen here, but it is charged as
//! input and has to fit into the model's context window: that is its bound. Whose it is, is asked before the request is
//! admitted. What would be charged without being told in this answer is refused, limit or no limit.

use serde_json::value::RawValue;

use super::{Draft, MAX_CAP, RequestError, flag, whole};
use crate::wire::Dialect;
use crate::wire::facts::Fee;
use crate::wire::json::{self, Fields};
use crate::wire::kept::{self, Named, Storage};
use crate::wire::tools::{self, ResponseTool};

/// Top-level fields that are understood or known to be harmless, and those of the sister format, whose use is an error.
pub(super) const KNOWN: [&str; 34] = [
    "model",
    "input",
    "instructions",
    "stream",
    "stream_options",
    "max_output_tokens",
    "max_tool_calls",
    "previous_response_id",
    "conversation",
    "background",
    "prompt",
    "include",
    "truncation",
    "text",
    "reasoning",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "temperature",
    "top_p",
    "top_logprobs",
    "service_tier",
    "store",
    "metadata",
    "user",
    "safety_identifier",
    "prompt_cache_key",
    "prompt_cache_retention",
    "prompt_cache_options",
    "messages",
    "max_tokens",
    "max_completion_tokens",
    "n",
    "best_of",
];

/// What separates the instructions from the rest, in tokens: as much as for a message.
const INSTRUCTIONS_TOKENS: u64 = 8;

/// What the provider of a response does or has that is not in the request.
#[derive(Default)]
pub(super) struct Elsewhere {
    /// What it keeps and the request names.
    pub(super) named: Named,
    /// Whether it keeps the answer.
    pub(super) storage: Storage,
    /// It may search, as often as `tool_calls` says.
    searches: bool,
    /// The client's bound on calls of its tools.
    tool_calls: Option<u64>,
}

impl Draft {
    /// Reads a field that chat has not, or has otherwise; `false` if it is read as in chat.
    pub(super) fn read_of_responses(
        &mut self,
        key: &str,
        value: &RawValue,
    ) -> Result<bool, RequestError> {
        match key {
            "input" => self.read_input(value)?,
            "instructions" => {
                self.tally.add_talk(self.dialect, value);
                self.hidden_tokens = self.hidden_tokens.saturating_add(INSTRUCTIONS_TOKENS);
            }
            "max_output_tokens" => self.read_cap("max_output_tokens", value)?,
            "max_tool_calls" => self.elsewhere.tool_calls = Some(tool_calls(value)?),
            "previous_response_id" => {
                self.elsewhere.named.response = Some(response_id(value)?);
                self.tally.unbounded = true;
            }
            "conversation" => return Err(not_offered(key)),
            "store" => self.elsewhere.storage = Storage::read(value),
            "background" => refuse_background(value)?,
            "prompt" => {
                return Err(RequestError::NotMetered {
                    what: "`prompt`".to_owned(),
                    why: "it stands for instructions and tools that only the provider knows; send them in the request",
                });
            }
            "tools" | "functions" => self.read_response_tools(value)?,
            // Neither reaches the prompt.
            "include" | "truncation" => {}
            "messages" => return Err(misspelt(key, "input")),
            "max_tokens" | "max_completion_tokens" => {
                return Err(misspelt(key, "max_output_tokens"));
            }
            _ if !KNOWN.contains(&key) && kept::foreign_name(key, value) => {
                return Err(not_offered(key));
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// A text, or a list of items, each of which is as good as a message.
    fn read_input(&mut self, value: &RawValue) -> Result<(), RequestError> {
        let items = json::elements(value);
        if items.is_none() && json::string(value).is_none() {
            return Err(RequestError::Invalid {
                field: "input",
                expected: "a string or an array of items",
            });
        }
        let count = items.as_ref().map_or(1, Vec::len);
        self.messages = Some(u64::try_from(count).unwrap_or(u64::MAX));
        self.tally.add_talk(self.dialect, value);
        for item in items.into_iter().flatten() {
            let named = self.elsewhere.named.note(item);
            self.tally.unbounded |= named || refers(item);
        }
        Ok(())
    }

    fn read_response_tools(&mut self, value: &RawValue) -> Result<(), RequestError> {
        let mut found = Vec::new();
        tools::judge_responses(value, &mut found).ok_or(RequestError::Invalid {
            field: "tools",
            expected: "an array of objects with a type",
        })?;
        self.tally.add_json(value);
        for tool in found {
            self.tally.unbounded |= tool != ResponseTool::Free;
            match tool {
                ResponseTool::Free | ResponseTool::Hidden => {}
                ResponseTool::Search => self.elsewhere.searches = true,
                ResponseTool::Endless(kind) => self.fees.push(Fee::Other {
                    what: format!("tool `{kind}`"),
                }),
                ResponseTool::Unmetered(kind) => {
                    return Err(RequestError::NotMetered {
                        what: format!("tool `{kind}`"),
                        why: "the provider may charge for it in a way that its answer does not tell; leave it out",
                    });
                }
            }
        }
        Ok(())
    }

    /// How many messages the request has, for the tokens between them.
    pub(super) fn messages(&mut self) -> Result<u64, RequestError> {
        if self.elsewhere.searches {
            self.fees.push(Fee::WebSearch {
                max_uses: self.elsewhere.tool_calls,
            });
        }
        match self.dialect {
            Dialect::OpenAiResponses if self.elsewhere.named.response.is_some() => {
                Ok(self.messages.unwrap_or(0))
            }
            Dialect::OpenAiResponses => self.messages.ok_or(RequestError::Missing("input")),
            Dialect::OpenAiChat | Dialect::AnthropicMessages => {
                self.messages.ok_or(RequestError::Missing("messages"))
            }
        }
    }

    /// Every search is followed by another reading of the whole prompt, with what was found.
    pub(super) fn rounds(&self) -> u64 {
        match self.elsewhere.tool_calls {
            Some(calls) if self.elsewhere.searches => calls.saturating_add(1),
            Some(_) | None => 1,
        }
    }
}

/// Whether an item stands for something that the provider keeps: a reference, or reasoning without its text.
fn refers(item: &RawValue) -> bool {
    let Some(fields) = Fields::parse(item.get()) else {
        return false;
    };
    let has = |name: &str| fields.last(name).is_some();
    match fields.last("type").and_then(json::string).as_deref() {
        Some("reasoning") => !has("encrypted_content"),
        Some(_) => false,
        None => !has("content"),
    }
}

/// The provider's conversations have no person either, and they are not made here.
fn not_offered(key: &str) -> RequestError {
    RequestError::NotOffered {
        what: format!("`{key}`"),
        instead: "whose conversation it is cannot be told; send its items, or continue a response by `previous_response_id`",
    }
}

fn response_id(value: &RawValue) -> Result<String, RequestError> {
    json::string(value).ok_or(RequestError::Invalid {
        field: "previous_response_id",
        expected: "a string",
    })
}

fn refuse_background(value: &RawValue) -> Result<(), RequestError> {
    if flag("background", value)? {
        return Err(RequestError::NotMetered {
            what: "`background`".to_owned(),
            why: "the answer and its usage would be fetched later and elsewhere; leave it out or set it to false",
        });
    }
    Ok(())
}

fn tool_calls(value: &RawValue) -> Result<u64, RequestError> {
    if value.get() == "0" {
        return Ok(0);
    }
    whole("max_tool_calls", value, MAX_CAP)
}

fn misspelt(given: &str, meant: &str) -> RequestError {
    RequestError::Misspelt {
        given: given.to_owned(),
        meant: meant.to_owned(),
    }
}
