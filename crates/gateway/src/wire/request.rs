//! What a request asks for, as far as it decides money: model, caps, the weight of its prompt, fees.
//!
//! The rule for everything unknown is that it costs: an unknown field's bytes count as prompt, an unknown kind of content
//! or tool makes the input unbounded, and what has a price that nobody can bound becomes a [`Fee::Other`]. Two spellings
//! of one field are refused, because the provider might read the other one.

mod responses;

use std::collections::HashSet;

use serde_json::value::RawValue;

use super::Dialect;
use super::facts::{Fee, MAX_DEPTH, RequestError, RequestFacts};
use super::json::{self, Fields, fold};
use super::prompt::Tally;
use super::tools;
use responses::Elsewhere;

/// The longest model name.
const MAX_MODEL_BYTES: usize = 256;
/// The largest cap that makes sense; no model answers with a thousandth of it.
const MAX_CAP: u64 = 1_000_000_000;
/// The largest number of choices that a provider offers.
const MAX_CHOICES: u64 = 128;
/// Anthropic puts a prompt of its own before a request with tools or an output schema, documented with up to 530 tokens;
/// later models take more.
const ANTHROPIC_HIDDEN_TOKENS: u64 = 1_024;

/// Top-level fields of a conversation that are understood, or known to be harmless. Anything else is looked at with
/// suspicion.
const KNOWN: [&str; 46] = [
    "model",
    "messages",
    "system",
    "stream",
    "stream_options",
    "n",
    "best_of",
    "max_tokens",
    "max_completion_tokens",
    "temperature",
    "top_p",
    "top_k",
    "min_p",
    "frequency_penalty",
    "presence_penalty",
    "repetition_penalty",
    "seed",
    "stop",
    "stop_sequences",
    "logprobs",
    "top_logprobs",
    "logit_bias",
    "parallel_tool_calls",
    "tools",
    "tool_choice",
    "functions",
    "function_call",
    "response_format",
    "prediction",
    "service_tier",
    "store",
    "metadata",
    "user",
    "safety_identifier",
    "prompt_cache_key",
    "prompt_cache_retention",
    "cache_control",
    "reasoning_effort",
    "reasoning",
    "verbosity",
    "modalities",
    "audio",
    "thinking",
    "output_config",
    "output_format",
    "chat_template_kwargs",
];

const fn known(dialect: Dialect) -> &'static [&'static str] {
    match dialect {
        Dialect::OpenAiChat | Dialect::AnthropicMessages => &KNOWN,
        Dialect::OpenAiResponses => &responses::KNOWN,
    }
}

/// Reads the facts of a request for `POST /v1/chat/completions`, `POST /v1/responses` or `POST /v1/messages`.
///
/// # Errors
/// [`RequestError`] if the body is no JSON object, lacks `model` or its conversation, has a field that decides money in
/// a form which the provider might read otherwise than we do, or asks for something that nobody could meter.
pub fn parse_request(dialect: Dialect, body: &[u8]) -> Result<RequestFacts, RequestError> {
    let fields = read_fields(dialect, body)?;
    let mut draft = Draft {
        dialect,
        ..Draft::default()
    };
    for (key, value) in fields.iter() {
        draft.read(key, value)?;
    }
    draft.finish()
}

/// The members of a body, each name once, every known name in its own spelling.
pub(super) fn read_fields(dialect: Dialect, body: &[u8]) -> Result<Fields<'_>, RequestError> {
    let Ok(text) = std::str::from_utf8(body) else {
        return Err(RequestError::NotJson);
    };
    if json::depth(text) > MAX_DEPTH {
        return Err(RequestError::TooDeep);
    }
    let fields: Fields<'_> = match serde_json::from_str(text) {
        Ok(fields) => fields,
        Err(error) if error.is_data() => return Err(RequestError::NotAnObject),
        Err(_) => return Err(RequestError::NotJson),
    };
    refuse_ambiguous(&fields, known(dialect))?;
    Ok(fields)
}

/// Refuses two members that some reader takes for one, and known ones in another spelling.
pub(super) fn refuse_ambiguous(fields: &Fields<'_>, known: &[&str]) -> Result<(), RequestError> {
    let mut seen = HashSet::new();
    for (key, _) in fields.iter() {
        let folded = fold(key);
        if folded != key && known.contains(&folded.as_ref()) {
            return Err(RequestError::Misspelt {
                given: key.to_owned(),
                meant: folded.into_owned(),
            });
        }
        if !seen.insert(folded.into_owned()) {
            return Err(RequestError::Duplicate(key.to_owned()));
        }
    }
    Ok(())
}

/// The facts while the fields are read.
struct Draft {
    dialect: Dialect,
    model: Option<String>,
    stream: bool,
    cap: Option<u64>,
    choices: u64,
    tally: Tally,
    messages: Option<u64>,
    hidden_tokens: u64,
    prediction_bytes: u64,
    fees: Vec<Fee>,
    elsewhere: Elsewhere,
    thinking_budget: Option<u64>,
    wants_usage: bool,
    service_tier: Option<String>,
}

impl Default for Draft {
    fn default() -> Self {
        Self {
            dialect: Dialect::OpenAiChat,
            model: None,
            stream: false,
            cap: None,
            choices: 1,
            tally: Tally::default(),
            messages: None,
            hidden_tokens: 0,
            prediction_bytes: 0,
            fees: Vec::new(),
            elsewhere: Elsewhere::default(),
            thinking_budget: None,
            wants_usage: false,
            service_tier: None,
        }
    }
}

impl Draft {
    /// Reads one field; `null` is as good as absent.
    fn read(&mut self, key: &str, value: &RawValue) -> Result<(), RequestError> {
        if json::is_null(value) {
            return Ok(());
        }
        if self.dialect == Dialect::OpenAiResponses && self.read_of_responses(key, value)? {
            return Ok(());
        }
        match key {
            "model" => self.model = Some(model_name(value)?),
            "stream" => self.stream = flag("stream", value)?,
            "stream_options" => self.wants_usage = wants_usage(value)?,
            "max_tokens" => self.read_cap("max_tokens", value)?,
            "max_completion_tokens" => self.read_cap("max_completion_tokens", value)?,
            "n" => self.choices = self.choices.max(whole("n", value, MAX_CHOICES)?),
            "best_of" => self.choices = self.choices.max(whole("best_of", value, MAX_CHOICES)?),
            "messages" => self.read_messages(value)?,
            "system" => self.tally.add_talk(self.dialect, value),
            "tools" => self.read_tools("tools", value)?,
            "functions" => self.read_tools("functions", value)?,
            "thinking" => self.read_thinking("thinking.budget_tokens", value)?,
            "reasoning" => self.read_thinking("reasoning.max_tokens", value)?,
            "service_tier" => self.read_tier(value)?,
            "prediction" => {
                self.prediction_bytes = json::compact_len(value.get());
                self.tally.add_json(value);
            }
            "logit_bias" => {}
            _ => self.read_other(key, value),
        }
        Ok(())
    }

    fn read_cap(&mut self, field: &'static str, value: &RawValue) -> Result<(), RequestError> {
        self.cap = self.cap.max(Some(whole(field, value, MAX_CAP)?));
        Ok(())
    }

    fn read_messages(&mut self, value: &RawValue) -> Result<(), RequestError> {
        let expected = "an array of messages";
        let messages = json::elements(value).ok_or(RequestError::Invalid {
            field: "messages",
            expected,
        })?;
        self.messages = Some(u64::try_from(messages.len()).unwrap_or(u64::MAX));
        self.tally.add_talk(self.dialect, value);
        Ok(())
    }

    fn read_tools(&mut self, field: &'static str, value: &RawValue) -> Result<(), RequestError> {
        let invalid = RequestError::Invalid {
            field,
            expected: "an array of objects",
        };
        let tools = json::elements(value).ok_or(invalid.clone())?;
        self.tally.add_json(value);
        if !tools.is_empty() {
            self.add_hidden_prompt();
        }
        for tool in tools {
            let facts = tools::judge(self.dialect, tool).ok_or(invalid.clone())?;
            self.tally.unbounded |= facts.unbounded;
            self.fees.extend(facts.fee);
        }
        Ok(())
    }

    fn add_hidden_prompt(&mut self) {
        if self.dialect == Dialect::AnthropicMessages {
            self.hidden_tokens = ANTHROPIC_HIDDEN_TOKENS;
        }
    }

    /// Anthropic's way to say how long a model may think, and that of those who pass requests on to many.
    fn read_thinking(&mut self, field: &'static str, value: &RawValue) -> Result<(), RequestError> {
        self.tally.add_json(value);
        let Some(fields) = Fields::parse(value.get()) else {
            return Ok(());
        };
        let name = field.split_once('.').map_or(field, |(_, name)| name);
        refuse_ambiguous(&fields, &["type", name])?;
        if let Some(budget) = fields.last(name) {
            let budget = whole(field, budget, MAX_CAP)?;
            self.thinking_budget = self.thinking_budget.max(Some(budget));
        }
        Ok(())
    }

    fn read_tier(&mut self, value: &RawValue) -> Result<(), RequestError> {
        let tier = json::string(value).ok_or(RequestError::Invalid {
            field: "service_tier",
            expected: "a string",
        })?;
        // These are charged at the listed price or below it.
        if !matches!(
            tier.as_str(),
            "auto" | "default" | "standard" | "standard_only" | "flex"
        ) {
            self.fees.push(Fee::Other {
                what: format!("service tier `{tier}`"),
            });
        }
        self.service_tier = Some(tier);
        Ok(())
    }

    /// Fields that only some models or betas have, and all unknown ones.
    fn read_other(&mut self, key: &str, value: &RawValue) {
        if !json::is_plain_scalar(value) {
            self.tally.add_json(value);
        }
        let said = json::string(value);
        match (key, said.as_deref()) {
            ("speed", Some("standard")) | ("inference_geo", Some("global" | "not_available")) => {}
            ("speed" | "inference_geo", _) => self.fees.push(Fee::Other {
                what: format!("`{key}`"),
            }),
            ("container", _) => self.tally.unbounded = true,
            ("mcp_servers", _) => self.tally.unbounded |= value.get() != "[]",
            ("web_search_options", _) => {
                self.tally.unbounded = true;
                self.fees.push(Fee::WebSearch { max_uses: None });
            }
            ("output_config" | "output_format", _) => self.add_hidden_prompt(),
            _ if known(self.dialect).contains(&key) => {}
            _ if tools::foreign_field_risky(key, value) => {
                self.tally.unbounded = true;
                self.fees.push(Fee::Other {
                    what: format!("field `{key}`"),
                });
            }
            _ => {}
        }
    }

    fn finish(mut self) -> Result<RequestFacts, RequestError> {
        let model = self.model.take().ok_or(RequestError::Missing("model"))?;
        let messages = self.messages()?;
        let rounds = self.rounds();
        if searches_always(&model) {
            self.tally.unbounded = true;
            self.fees.push(Fee::WebSearch { max_uses: None });
        }
        Ok(RequestFacts {
            model,
            stream: self.stream,
            client_cap: self.cap,
            choices: self.choices,
            prompt_bytes: self.tally.bytes,
            messages,
            hidden_tokens: self.hidden_tokens,
            prediction_bytes: self.prediction_bytes,
            unbounded_input: self.tally.unbounded,
            fees: self.fees,
            rounds,
            thinking_budget: self.thinking_budget,
            wants_usage: self.wants_usage,
            service_tier: self.service_tier,
            named: self.elsewhere.named,
            storage: self.elsewhere.storage,
        })
    }
}

/// OpenAI's search models search on every request, asked or not, and so does any model of `OpenRouter` by this
/// suffix.
fn searches_always(model: &str) -> bool {
    model.contains("-search-preview") || model.contains("-search-api") || model.ends_with(":online")
}

fn model_name(value: &RawValue) -> Result<String, RequestError> {
    let expected = "a non-empty string of at most 256 bytes without control characters";
    json::string(value)
        .filter(|name| {
            !name.is_empty() && name.len() <= MAX_MODEL_BYTES && !name.chars().any(char::is_control)
        })
        .ok_or(RequestError::Invalid {
            field: "model",
            expected,
        })
}

fn flag(field: &'static str, value: &RawValue) -> Result<bool, RequestError> {
    json::boolean(value).ok_or(RequestError::Invalid {
        field,
        expected: "a boolean",
    })
}

fn wants_usage(value: &RawValue) -> Result<bool, RequestError> {
    let fields = Fields::parse(value.get()).ok_or(RequestError::Invalid {
        field: "stream_options",
        expected: "an object",
    })?;
    refuse_ambiguous(&fields, &["include_usage"])?;
    fields.last("include_usage").map_or(Ok(false), |value| {
        flag("stream_options.include_usage", value)
    })
}

/// A whole number from 1 to `most`. Floats are refused even if whole: providers differ in what they make of them.
fn whole(field: &'static str, value: &RawValue, most: u64) -> Result<u64, RequestError> {
    let expected = if most == MAX_CHOICES {
        "a whole number from 1 to 128"
    } else {
        "a positive whole number"
    };
    let read = value
        .get()
        .parse::<u64>()
        .ok()
        .filter(|read| (1..=most).contains(read));
    read.ok_or(RequestError::Invalid { field, expected })
}
