//! The gateway's own answers, in the shape of the provider that the client believes to talk to.

use axum::{body::Body, response::Response};
use chrono::SecondsFormat;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use model::{
    Micros,
    budgets::LimitSource,
    spend::{LimitKind, NotBounded, Period, PoolState, SpendState},
};
use store::StoreError;

use crate::{
    access::Denial,
    settle::source_text,
    wire::{Dialect, ErrorKind, error_body},
};

/// Tells official client libraries whether trying again makes sense.
const SHOULD_RETRY: HeaderName = HeaderName::from_static("x-should-retry");

/// Seconds after which a request whose turn did not come may try again.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("2");

/// An error in the provider's shape. `request_id` is for the envelope that has a place for it.
pub(crate) fn error(
    dialect: Dialect,
    kind: ErrorKind,
    message: &str,
    request_id: Option<uuid::Uuid>,
) -> Response {
    let request_id = request_id.map(|id| id.to_string());
    let (status, body) = error_body(dialect, kind, message, request_id.as_deref());
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() =
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    if let Some(retry) = kind.should_retry() {
        let value = HeaderValue::from_static(if retry { "true" } else { "false" });
        headers.insert(SHOULD_RETRY, value);
    }
    if matches!(kind, ErrorKind::RetryLater | ErrorKind::Unavailable) {
        headers.insert(header::RETRY_AFTER, RETRY_AFTER);
    }
    response
}

/// The house failed: logged with its cause, told without it. An absent database is told apart, since it will
/// be back.
pub(crate) fn internal(
    dialect: Dialect,
    cause: &(dyn std::error::Error + 'static),
    request_id: Option<uuid::Uuid>,
) -> Response {
    let error_text = source_text(cause);
    if let Some(StoreError::Unavailable(_)) = cause.downcast_ref() {
        tracing::warn!(error = error_text, "a request found the database away");
        let text = "the database is not available at the moment; try again soon";
        return error(dialect, ErrorKind::Unavailable, text, request_id);
    }
    tracing::error!(error = error_text, "a request through the gateway failed");
    let text = "the request failed because of an internal error; try again";
    error(dialect, ErrorKind::Internal, text, request_id)
}

/// The answer to a caller who is not let in.
pub(crate) fn denied(dialect: Dialect, denial: &Denial) -> Response {
    match denial {
        Denial::Failed(cause) => internal(dialect, cause, None),
        refused => error(dialect, kind_of(refused), &refused.to_string(), None),
    }
}

/// The answer to a caller whose access ended before the answer began.
pub(crate) fn ended(dialect: Dialect, denial: &Denial, request_id: Option<uuid::Uuid>) -> Response {
    let (kind, text) = ended_words(denial);
    error(dialect, kind, &text, request_id)
}

/// What a caller is told whose access ended meanwhile.
pub(crate) fn ended_words(denial: &Denial) -> (ErrorKind, String) {
    (kind_of(denial), format!("Your access has ended: {denial}"))
}

const fn kind_of(denial: &Denial) -> ErrorKind {
    match denial {
        Denial::Unauthorized(_) => ErrorKind::Unauthorized,
        Denial::Forbidden => ErrorKind::Forbidden,
        Denial::NoProvider => ErrorKind::NotFound,
        Denial::Failed(_) => ErrorKind::Internal,
    }
}

/// Which dialect a client speaks whose provider is not known: by the path, and where that leaves it open, by
/// the header that every Anthropic client sends.
pub(crate) fn guess_dialect(path: &str, headers: &HeaderMap) -> Dialect {
    let anthropic = path.starts_with("v1/messages")
        || (!path.starts_with("v1/chat/")
            && path != "v1/responses"
            && headers.contains_key("anthropic-version"));
    if anthropic {
        Dialect::AnthropicMessages
    } else {
        Dialect::OpenAiChat
    }
}

/// Where a person stands, for the text of a refusal.
#[derive(Debug)]
pub(crate) struct Standing<'a> {
    /// The state that the ledger decided by.
    pub(crate) state: &'a SpendState,
    /// The group's name, when the caller may know it.
    pub(crate) group: Option<String>,
}

impl Standing<'_> {
    /// It cannot fit any more before the period ends.
    pub(crate) fn refused(&self) -> String {
        format!(
            "This request does not fit into your AI budget: {}. {} {}",
            self.figures(),
            self.reset(),
            whom_to_ask("to raise the limit")
        )
    }

    /// It may fit as soon as others have settled.
    pub(crate) fn retry_later(&self) -> String {
        let whose = if self.pool().is_some() { "the" } else { "your" };
        format!(
            "This request does not fit into your AI budget beside {whose} requests that are still running: {}. \
             Try again when one of them has ended. {}",
            self.figures(),
            self.reset(),
        )
    }

    /// A limit applies, and the request's cost has no upper bound.
    pub(crate) fn not_bounded(&self, why: NotBounded, model: &str, what: &[String]) -> String {
        let reason = match why {
            NotBounded::Unpriced => {
                return format!(
                    "The model `{model}` has no price, and your AI budget has a limit ({}). {}; prices are \
                     set by `POST /api/v2/ai/model-prices`, or with the server's option `--model-prices-file`.",
                    self.limit(),
                    whom_to_ask("to add its price").trim_end_matches('.'),
                );
            }
            NotBounded::Input => format!(
                "the prompt has parts that cannot be counted beforehand, and the context window of \
                 `{model}` is not known"
            ),
            NotBounded::Fee if what.is_empty() => {
                format!("it allows searches without a bound or without a known price on `{model}`")
            }
            NotBounded::Fee => format!(
                "it asks for something without a known price: {}",
                what.join(", ")
            ),
        };
        format!(
            "The cost of this request has no upper bound, and your AI budget has a limit ({}): {reason}. \
             Leave that part out, or ask an administrator of your organization.",
            self.limit(),
        )
    }

    /// The pool, when it is what stands in the way.
    fn pool(&self) -> Option<&PoolState> {
        let pool = self.state.pool.as_ref();
        pool.filter(|_| self.state.blocked_by == Some(LimitKind::Pool))
    }

    fn limit(&self) -> String {
        let named = |id: model::GroupId| match &self.group {
            Some(name) => format!("`{name}`"),
            None => id.to_string(),
        };
        if let Some(pool) = self.pool() {
            let (limit, name) = (pool.limit, named(pool.group_id));
            return format!("{limit} for all members of the group {name} together");
        }
        let Some(budget) = &self.state.budget else {
            return "no limit".to_owned();
        };
        let (limit, name) = (budget.spend_limit, named(budget.group_id));
        match budget.source {
            LimitSource::UserOverride => format!("{limit}, set for you"),
            LimitSource::Group if budget.summed => {
                format!("{limit}, the budgets of your groups together")
            }
            LimitSource::Group => format!("{limit} for each member of the group {name}"),
        }
    }

    fn figures(&self) -> String {
        let (spent, reserved): (Micros, Micros) = match self.pool() {
            Some(pool) => (pool.spent, pool.reserved),
            None => (self.state.spent, self.state.reserved),
        };
        let held = if reserved.0 > 0 {
            format!(" and {reserved} held by requests that are still running")
        } else {
            String::new()
        };
        format!("the limit is {}, with {spent} spent{held}", self.limit())
    }

    fn reset(&self) -> String {
        let period: &Period = self.pool().map_or(&self.state.period, |pool| &pool.period);
        let end = period.end.to_rfc3339_opts(SecondsFormat::Secs, true);
        format!("It resets at {end}.")
    }
}

fn whom_to_ask(what: &str) -> String {
    format!("Ask an administrator of your organization {what}.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;
    use model::{
        GroupId,
        budgets::{BudgetMode, EffectiveBudget},
    };
    use uuid::Uuid;

    fn state(reserved: i64) -> SpendState {
        let at = |text: &str| text.parse::<DateTime<chrono::Utc>>().unwrap();
        SpendState {
            budget: Some(EffectiveBudget {
                group_id: GroupId(Uuid::from_u128(7)),
                spend_limit: Micros::USD,
                source: LimitSource::Group,
                mode: BudgetMode::Enforce,
                summed: false,
            }),
            group_id: None,
            organization_id: None,
            spent: Micros(980_000),
            reserved: Micros(reserved),
            period: Period {
                start: at("2026-11-01T00:00:00Z"),
                end: at("2026-12-01T00:00:00Z"),
            },
            now: at("2026-11-25T12:00:00Z"),
            pool: None,
            blocked_by: Some(LimitKind::User),
        }
    }

    #[test]
    fn refusals_say_whose_limit_it_is() {
        let state = state(0);
        let check = |source: LimitSource, summed: bool, expected: &str| {
            let budget = state.budget.map(|one| EffectiveBudget {
                source,
                summed,
                ..one
            });
            let state = SpendState { budget, ..state };
            let standing = Standing {
                state: &state,
                group: Some("team".to_owned()),
            };
            let text = standing.refused();
            assert!(text.contains(expected), "{text}");
        };
        check(
            LimitSource::UserOverride,
            false,
            "the limit is $1.00, set for you, with $0.98 spent",
        );
        check(
            LimitSource::Group,
            true,
            "the limit is $1.00, the budgets of your groups together, with",
        );
    }

    #[test]
    fn refusals_say_which_limit_what_is_spent_and_when_it_resets() {
        let state = state(10_000);
        let named = Standing {
            state: &state,
            group: Some("team".to_owned()),
        };
        assert_eq!(
            named.refused(),
            "This request does not fit into your AI budget: the limit is $1.00 for each member of the group \
             `team`, with $0.98 spent and $0.01 held by requests that are still running. It resets at \
             2026-12-01T00:00:00Z. Ask an administrator of your organization to raise the limit."
        );
        let pool = PoolState {
            group_id: GroupId(Uuid::from_u128(7)),
            limit: Micros(5_000_000),
            mode: BudgetMode::Enforce,
            spent: Micros(4_000_000),
            reserved: Micros(990_000),
            period: Period {
                end: "2026-11-30T00:00:00Z".parse().unwrap(),
                ..state.period
            },
        };
        let pooled = SpendState {
            pool: Some(pool),
            blocked_by: Some(LimitKind::Pool),
            ..state
        };
        let pooled = Standing {
            state: &pooled,
            group: Some("team".to_owned()),
        };
        assert_eq!(
            pooled.retry_later(),
            "This request does not fit into your AI budget beside the requests that are still running: the \
             limit is $5.00 for all members of the group `team` together, with $4.00 spent and $0.99 held by \
             requests that are still running. Try again when one of them has ended. It resets at \
             2026-11-30T00:00:00Z."
        );
        let unnamed = Standing {
            state: &state,
            group: None,
        };
        assert!(
            unnamed
                .retry_later()
                .contains("00000000-0000-0000-0000-000000000007")
        );
        let unpriced = named.not_bounded(NotBounded::Unpriced, "m-1", &[]);
        assert!(
            unpriced.contains("`m-1`")
                && unpriced.contains("--model-prices-file")
                && unpriced.contains("POST /api/v2/ai/model-prices"),
            "{unpriced}"
        );
    }

    #[test]
    fn the_dialect_is_guessed_from_path_and_header() {
        let check = |path: &str, versioned: bool, expected| {
            let mut headers = HeaderMap::new();
            if versioned {
                headers.insert("anthropic-version", HeaderValue::from_static("2023-06-01"));
            }
            assert_eq!(guess_dialect(path, &headers), expected, "{path}");
        };
        check("v1/chat/completions", false, Dialect::OpenAiChat);
        check("v1/chat/completions", true, Dialect::OpenAiChat);
        check("v1/responses", true, Dialect::OpenAiChat);
        check("v1/messages", false, Dialect::AnthropicMessages);
        check(
            "v1/messages/count_tokens",
            false,
            Dialect::AnthropicMessages,
        );
        check("v1/models", true, Dialect::AnthropicMessages);
        check("v1/models", false, Dialect::OpenAiChat);
    }

    #[test]
    fn retry_headers_follow_the_kind() {
        let check = |kind, retry: Option<&str>, after: bool| {
            let answer = error(Dialect::OpenAiChat, kind, "text", None);
            let found = answer
                .headers()
                .get(SHOULD_RETRY)
                .map(|value| value.to_str().unwrap());
            assert_eq!(found, retry);
            assert_eq!(answer.headers().contains_key(header::RETRY_AFTER), after);
        };
        check(ErrorKind::OverBudget, Some("false"), false);
        check(ErrorKind::RetryLater, Some("true"), true);
        check(ErrorKind::Internal, None, false);
        check(ErrorKind::Unavailable, Some("true"), true);
    }

    #[test]
    fn an_absent_database_is_no_internal_error() {
        let check = |cause: StoreError, status: u16| {
            let answer = internal(Dialect::OpenAiChat, &cause, None);
            assert_eq!(answer.status().as_u16(), status, "{cause:?}");
        };
        check(StoreError::Unavailable("gone".into()), 503);
        check(StoreError::Internal("a bug".into()), 500);
    }
}
