//! The story itself: a member spends a budget, request by request, until one is refused.

use anyhow::{Context, ensure};
use model::Micros;
use reqwest::{RequestBuilder, StatusCode};
use serde_json::{Value, json};

use super::cast::{Cast, GROUP, MEMBER, OWNER, PASSWORD};

/// What each member of the group may spend in a month.
pub(super) const BUDGET: Micros = Micros(30_000);
/// A model of OpenAI's, at its real price.
pub(super) const OPENAI_MODEL: &str = "gpt-5.1";
/// A model of Anthropic's, at its real price.
pub(super) const ANTHROPIC_MODEL: &str = "claude-sonnet-5";

/// The story must end: no sensible budget lasts for more requests than these.
const MAX_REQUESTS: u32 = 40;
/// The cap on output that the requests name.
const OUTPUT_CAP: u64 = 400;

/// How a client asks.
#[derive(Debug, Clone, Copy)]
enum Ask {
    OpenAi { stream: bool },
    Anthropic { stream: bool },
}

const ASKS: [Ask; 4] = [
    Ask::OpenAi { stream: false },
    Ask::OpenAi { stream: true },
    Ask::Anthropic { stream: false },
    Ask::Anthropic { stream: true },
];

/// One row of the table.
#[derive(Debug)]
struct Row {
    status: StatusCode,
    /// The cap that the gateway lowered the request to, or the message of a refusal.
    note: String,
    input_tokens: u64,
    output_tokens: u64,
    spent: Micros,
    left: Micros,
}

/// Sends requests as the member until one is refused, printing a row for each. Whether all went as told.
pub(super) async fn tell(cast: &Cast, address: &str) -> anyhow::Result<bool> {
    say("");
    say(&format!(
        "{MEMBER} is in the group {GROUP}, whose members may each spend {BUDGET} a month. Requests, until the \
         budget refuses one:"
    ));
    say("");
    say(&format!(
        "{:>3}  {:<28} {:>13} {:>11} {:>11} {:>11}  status",
        "#", "request", "tokens in/out", "cost", "spent", "left"
    ));
    let http = reqwest::Client::builder().no_proxy().build()?;
    let (mut spent, mut served) = (Micros::ZERO, 0_u32);
    for (number, ask) in (1..=MAX_REQUESTS).zip(ASKS.iter().cycle()) {
        let row = send(ask.request(&http, cast, address), cast).await?;
        print_row(number, *ask, &row, spent);
        ensure!(
            row.spent <= BUDGET,
            "the story went wrong: {} was spent of {BUDGET}",
            row.spent
        );
        if row.status == StatusCode::FORBIDDEN {
            ensure!(
                row.spent == spent,
                "the story went wrong: a refused request was charged"
            );
            ensure!(
                number > 4,
                "the story went wrong: the budget ended before every kind of request"
            );
            say("");
            say(&format!("Refused, and nothing was charged: {}", row.note));
            return audit(cast, served).await;
        }
        ensure!(
            row.status.is_success(),
            "the story went wrong: {} {}",
            row.status,
            row.note
        );
        ensure!(
            row.spent > spent,
            "the story went wrong: a request was not charged"
        );
        (spent, served) = (row.spent, served + 1);
    }
    say("The budget refused nothing: the story went wrong.");
    Ok(false)
}

/// What people go on with.
pub(super) fn epilogue(cast: &Cast, address: &str) {
    let token = cast
        .owner
        .token()
        .map(bursar_sdk::Secret::expose)
        .unwrap_or_default();
    let member_token = cast.member_token.expose();
    say(&format!(
        "
The server is left running until you press Ctrl-C.

  address  {address}
  owner    {OWNER}@example.com, password {PASSWORD}
  member   {MEMBER}@example.com, password {PASSWORD}

Ask as the owner, who has no limit, then see what {MEMBER} spent:

  curl {address}/api/v2/ai-gateway/openai/v1/chat/completions -H 'Authorization: Bearer {token}' \
-H 'Content-Type: application/json' -d '{{\"model\":\"{OPENAI_MODEL}\",\"messages\":[{{\"role\":\"user\",\"content\":\"Hello\"}}]}}'

  curl {address}/api/v2/users/me/ai/spend -H 'Bursar-Session-Token: {member_token}'
"
    ));
}

impl Ask {
    const fn name(self) -> &'static str {
        match self {
            Self::OpenAi { stream: false } => OPENAI_MODEL,
            Self::OpenAi { stream: true } => "gpt-5.1, streamed",
            Self::Anthropic { stream: false } => ANTHROPIC_MODEL,
            Self::Anthropic { stream: true } => "claude-sonnet-5, streamed",
        }
    }

    fn request(self, http: &reqwest::Client, cast: &Cast, address: &str) -> RequestBuilder {
        let messages = json!([{"role": "user", "content": "What does a bursar do all day?"}]);
        let gateway = format!("{address}/api/v2/ai-gateway");
        let token = cast.member_token.expose();
        match self {
            Self::OpenAi { stream } => http
                .post(format!("{gateway}/openai/v1/chat/completions"))
                .bearer_auth(token)
                .json(&if stream {
                    json!({"model": OPENAI_MODEL, "messages": messages, "stream": true,
                           "max_completion_tokens": OUTPUT_CAP, "stream_options": {"include_usage": true}})
                } else {
                    json!({"model": OPENAI_MODEL, "messages": messages, "max_completion_tokens": OUTPUT_CAP})
                }),
            Self::Anthropic { stream } => http
                .post(format!("{gateway}/anthropic/v1/messages"))
                .header("x-api-key", token)
                .header("anthropic-version", "2023-06-01")
                .json(&json!({"model": ANTHROPIC_MODEL, "messages": messages, "stream": stream,
                              "max_tokens": OUTPUT_CAP})),
        }
    }
}

async fn send(request: RequestBuilder, cast: &Cast) -> anyhow::Result<Row> {
    let answer = request
        .send()
        .await
        .context("the gateway does not answer")?;
    let status = answer.status();
    let cap = answer
        .headers()
        .get("x-bursar-output-cap")
        .and_then(|cap| cap.to_str().ok());
    let mut note = cap
        .map(|cap| format!("output capped at {cap} tokens"))
        .unwrap_or_default();
    let text = answer.text().await?;
    let (input_tokens, output_tokens) = tokens(&text);
    if !status.is_success() {
        let body: Value = serde_json::from_str(&text).context("an error that is no JSON")?;
        note = body
            .pointer("/error/message")
            .and_then(Value::as_str)
            .unwrap_or(&text)
            .to_owned();
    }
    let spend = cast
        .member
        .spend_get("me")
        .await
        .context("the spend cannot be read")?;
    let left = spend
        .remaining_micros
        .context("no limit holds for the member")?;
    ensure!(
        spend.reserved_micros == 0,
        "the story went wrong: something is still reserved"
    );
    let spent = Micros(spend.current_spend_micros);
    Ok(Row {
        status,
        note,
        input_tokens,
        output_tokens,
        spent,
        left: Micros(left),
    })
}

/// The last figures of an answer, streamed or not, as the provider reported them.
fn tokens(answer: &str) -> (u64, u64) {
    let (mut input, mut output) = (0, 0);
    for piece in answer
        .lines()
        .map(|line| line.strip_prefix("data:").unwrap_or(line).trim())
    {
        let Ok(body) = serde_json::from_str::<Value>(piece) else {
            continue;
        };
        for usage in [body.get("usage"), body.pointer("/message/usage")]
            .into_iter()
            .flatten()
        {
            let figure = |keys: [&str; 2]| keys.iter().find_map(|key| usage.get(key)?.as_u64());
            input = figure(["prompt_tokens", "input_tokens"]).unwrap_or(input);
            output = figure(["completion_tokens", "output_tokens"]).unwrap_or(output);
        }
    }
    (input, output)
}

fn print_row(number: u32, ask: Ask, row: &Row, spent_before: Micros) {
    let tokens = format!("{}/{}", row.input_tokens, row.output_tokens);
    let refused = row.status == StatusCode::FORBIDDEN;
    let status = if refused {
        "403 refused".to_owned()
    } else {
        row.status.as_u16().to_string()
    };
    let note = if refused || row.note.is_empty() {
        String::new()
    } else {
        format!(", {}", row.note)
    };
    say(&format!(
        "{number:>3}  {:<28} {tokens:>13} {:>11} {:>11} {:>11}  {status}{note}",
        ask.name(),
        row.spent.saturating_sub(spent_before).to_string(),
        row.spent.to_string(),
        row.left.to_string(),
    ));
}

/// The end of the story: who changed what is on record.
async fn audit(cast: &Cast, served: u32) -> anyhow::Result<bool> {
    let log = cast
        .owner
        .audit_list(&bursar_sdk::AuditListQuery::default())
        .await?;
    let count = log.count.unwrap_or_default();
    say(&format!(
        "{served} requests were served. The audit log has {count} entries of who set all this up."
    ));
    Ok(count > 0)
}

#[expect(clippy::print_stdout, reason = "the story is told on standard output")]
fn say(line: &str) {
    println!("{line}");
}

#[cfg(test)]
mod tests {
    use super::tokens;

    #[test]
    fn the_last_figures_of_an_answer_count() {
        let check = |answer: &str, expected| assert_eq!(tokens(answer), expected, "{answer}");
        check(
            r#"{"usage":{"prompt_tokens":3,"completion_tokens":5}}"#,
            (3, 5),
        );
        check(
            "data: {\"usage\":null}\n\ndata: {\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":5}}\n",
            (3, 5),
        );
        check(
            "data: {\"message\":{\"usage\":{\"input_tokens\":7,\"output_tokens\":1}}}\n\n\
             data: {\"usage\":{\"output_tokens\":9}}\n",
            (7, 9),
        );
        check("data: [DONE]\n", (0, 0));
    }
}
