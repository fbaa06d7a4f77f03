//! Deciding what to answer: pure, from the request's body and the script.

use serde_json::Value;

use crate::routes::Shape;
use crate::script::{Output, Prompt, Script, UsageStyle};

/// The words of every answer; one is one token.
const WORDS: [&str; 8] = [
    "budget", "holds", "while", "many", "small", "calls", "arrive", "together",
];

/// Bytes of a request that make one prompt token.
const BYTES_PER_TOKEN: u64 = 4;

/// Why a body is refused, for the client.
#[derive(Debug)]
pub(crate) struct Problem(pub(crate) &'static str);

/// An answer before it takes a shape.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) id: String,
    pub(crate) model: String,
    pub(crate) stream: bool,
    /// The client asked for the usage of an OpenAI stream.
    pub(crate) usage_asked: bool,
    pub(crate) usage: UsageStyle,
    /// All prompt tokens, cached ones included.
    pub(crate) prompt_tokens: u64,
    pub(crate) cached_tokens: u64,
    pub(crate) cache_write_tokens: u64,
    pub(crate) long_cache_write_tokens: u64,
    pub(crate) choices: u64,
    /// Of one choice, reasoning included.
    pub(crate) output_tokens: u64,
    pub(crate) reasoning_tokens: u64,
    /// The output came to its cap.
    pub(crate) capped: bool,
    /// The visible text of one choice, in the pieces of a stream.
    pub(crate) pieces: Vec<Piece>,
}

/// A piece of text and the output tokens of its choice up to and including it.
#[derive(Debug, Clone)]
pub(crate) struct Piece {
    pub(crate) text: String,
    pub(crate) tokens_so_far: u64,
}

impl Plan {
    pub(crate) fn make(
        shape: Shape,
        body: &[u8],
        script: &Script,
        number: usize,
    ) -> Result<Self, Problem> {
        let body = parse(body)?;
        let model = body
            .get("model")
            .and_then(Value::as_str)
            .ok_or(Problem("you must provide a model parameter"))?;
        let talks = match shape {
            Shape::OpenAi | Shape::Anthropic => body.get("messages").is_some_and(Value::is_array),
            Shape::Responses => ["input", "previous_response_id", "conversation"]
                .iter()
                .any(|name| body.get(name).is_some()),
        };
        if !talks {
            return Err(Problem("messages: field required"));
        }
        let asked_cap = cap(shape, &body)?;
        let cap = asked_cap.unwrap_or(script.default_cap);
        let wanted = match script.output {
            Output::Tokens(tokens) => tokens,
            Output::FillCap => cap,
        };
        let output_tokens = if script.ignore_cap {
            wanted
        } else {
            wanted.min(cap)
        };
        let reasoning_tokens = script.reasoning_tokens.min(output_tokens);
        let prompt_tokens = count_prompt(&body, script);
        let cached_tokens = script.cached_tokens.min(prompt_tokens);
        let cache_write_tokens = script.cache_write_tokens.min(prompt_tokens - cached_tokens);
        let usage_asked = body.pointer("/stream_options/include_usage") == Some(&Value::Bool(true));
        Ok(Self {
            id: format!("fake-{number}"),
            model: model.to_owned(),
            stream: body.get("stream") == Some(&Value::Bool(true)),
            usage_asked,
            usage: script.usage,
            prompt_tokens,
            cached_tokens,
            cache_write_tokens,
            long_cache_write_tokens: script.long_cache_write_tokens.min(cache_write_tokens),
            choices: body.get("n").and_then(Value::as_u64).unwrap_or(1).max(1),
            output_tokens,
            reasoning_tokens,
            capped: output_tokens >= cap,
            pieces: pieces(
                output_tokens,
                reasoning_tokens,
                script.tokens_per_chunk.max(1),
            ),
        })
    }

    pub(crate) fn count_prompt(body: &[u8], script: &Script) -> Result<u64, Problem> {
        Ok(count_prompt(&parse(body)?, script))
    }

    /// The whole text of one choice.
    pub(crate) fn text(&self) -> String {
        self.pieces
            .iter()
            .map(|piece| piece.text.as_str())
            .collect()
    }
}

fn parse(body: &[u8]) -> Result<Value, Problem> {
    serde_json::from_slice(body)
        .ok()
        .filter(Value::is_object)
        .ok_or(Problem("could not parse the JSON body"))
}

/// The output cap that the request names; the lower one of two.
fn cap(shape: Shape, body: &Value) -> Result<Option<u64>, Problem> {
    let mut least = None;
    let names: &[&str] = match shape {
        Shape::OpenAi | Shape::Anthropic => &["max_tokens", "max_completion_tokens"],
        Shape::Responses => &["max_output_tokens"],
    };
    for name in names {
        match body.get(name) {
            None | Some(Value::Null) => {}
            Some(value) => {
                let cap = value
                    .as_u64()
                    .filter(|cap| *cap > 0)
                    .ok_or(Problem("the output cap must be positive"))?;
                least = Some(least.map_or(cap, |least: u64| least.min(cap)));
            }
        }
    }
    if least.is_none() && shape == Shape::Anthropic {
        return Err(Problem("max_tokens: Field required"));
    }
    Ok(least)
}

fn count_prompt(body: &Value, script: &Script) -> u64 {
    let derived = || {
        let fields = body.as_object().into_iter().flatten();
        let prompt = fields.filter(|(key, value)| {
            *key != "model" && !matches!(value, Value::Number(_) | Value::Bool(_))
        });
        let bytes: usize = prompt.map(|(_, value)| value.to_string().len()).sum();
        u64::try_from(bytes)
            .unwrap_or(u64::MAX)
            .div_ceil(BYTES_PER_TOKEN)
    };
    let tokens = match script.prompt {
        Prompt::Derived => derived(),
        Prompt::Fixed(tokens) => tokens,
    };
    tokens.saturating_add(script.extra_prompt_tokens)
}

/// The visible tokens, in chunks.
fn pieces(output_tokens: u64, reasoning_tokens: u64, per_chunk: u64) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let (mut done, mut words) = (reasoning_tokens, WORDS.iter().cycle());
    while done < output_tokens {
        let tokens = per_chunk.min(output_tokens - done);
        let text = (0..tokens)
            .filter_map(|_| words.next())
            .map(|word| format!("{word} "))
            .collect();
        done += tokens;
        pieces.push(Piece {
            text,
            tokens_so_far: done,
        });
    }
    pieces
}
