//! What kept a turn from its end, as the chat shows it.

use std::time::Duration;

use model::chats::{ChatError, ChatErrorKind};

use crate::{
    dialect::Told,
    ports::{Answerer, Refusal},
};

/// The most that is shown of a provider's words, in characters.
const DETAIL_MAX: usize = 1_000;

/// Words of others as they can be kept: some of them, and without what a text in the database cannot have.
fn clean(words: &str) -> String {
    let words = words.trim().chars().filter(|one| *one != '\0');
    words.take(DETAIL_MAX).collect()
}

/// An error as the chat shows it.
#[derive(Debug, Clone)]
pub(super) struct Shown {
    kind: ChatErrorKind,
    message: String,
    detail: Option<String>,
    status: Option<u16>,
    retryable: bool,
}

impl Shown {
    fn new(kind: ChatErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: clean(&message.into()),
            detail: None,
            status: None,
            retryable: false,
        }
    }

    const fn retryable(mut self) -> Self {
        self.retryable = true;
        self
    }

    fn detail(mut self, detail: &str) -> Self {
        self.detail = Some(clean(detail)).filter(|detail| !detail.is_empty());
        self
    }

    const fn status(mut self, status: u16) -> Self {
        self.status = Some(status);
        self
    }

    /// A word for figures.
    pub(super) const fn word(&self) -> &'static str {
        match self.kind {
            ChatErrorKind::Generic => "error",
            ChatErrorKind::Overloaded => "overloaded",
            ChatErrorKind::RateLimit => "rate_limit",
            ChatErrorKind::Timeout => "timeout",
            ChatErrorKind::StreamSilenceTimeout => "silence",
            ChatErrorKind::Auth => "auth",
            ChatErrorKind::Config => "config",
            ChatErrorKind::UsageLimit => "usage_limit",
            ChatErrorKind::ContentFilter => "content_filter",
        }
    }

    /// What is stored of it.
    pub(super) fn error(self, provider: Option<&str>) -> ChatError {
        ChatError {
            message: self.message,
            detail: self.detail,
            kind: self.kind,
            provider: provider.map(str::to_owned),
            retryable: self.retryable,
            status_code: self.status,
        }
    }
}

/// No model is named anywhere.
pub(super) fn no_model() -> Shown {
    Shown::new(
        ChatErrorKind::Config,
        "No model was chosen. Name one as `provider/model`; an administrator can set one for everybody.",
    )
}

/// The model is not named as models are.
pub(super) fn no_such_model() -> Shown {
    Shown::new(
        ChatErrorKind::Config,
        "The model must be named as `provider/model`.",
    )
}

/// The server stops.
pub(super) fn stopping() -> Shown {
    let text = "The server was stopped before the answer was whole. Send the message again.";
    Shown::new(ChatErrorKind::Generic, text).retryable()
}

/// The answer began and did not end.
pub(super) fn broken_off() -> Shown {
    let text = "The provider's answer broke off. Send the message again.";
    Shown::new(ChatErrorKind::Generic, text).retryable()
}

/// The answer began and nothing more came.
pub(super) fn silent() -> Shown {
    let text = "The provider stopped in the middle of its answer. Send the message again.";
    Shown::new(ChatErrorKind::StreamSilenceTimeout, text).retryable()
}

/// The answer ended before it had begun.
pub(super) fn empty() -> Shown {
    let text = "The answer was empty. Send the message again.";
    Shown::new(ChatErrorKind::Generic, text).retryable()
}

/// The answer is as long as one may be.
pub(super) fn too_long_answer() -> Shown {
    let text = "The answer became too long for one message and was ended. Ask for the rest of it, or for it in smaller parts.";
    Shown::new(ChatErrorKind::Generic, text)
}

/// The turn has taken as long as one may.
pub(super) fn too_late(most: Duration) -> Shown {
    let minutes = most.as_secs().div_ceil(60);
    let text = format!(
        "The answer was not whole after {minutes} minutes and was ended. Ask for the rest of it, or for it in smaller parts."
    );
    Shown::new(ChatErrorKind::Timeout, text).retryable()
}

/// What was said is more than one request may have.
pub(super) fn too_long_conversation() -> Shown {
    let text = "This conversation has become too long to be sent to a model. Start another chat.";
    Shown::new(ChatErrorKind::Generic, text)
}

/// The provider does not answer what was asked.
pub(super) fn filtered() -> Shown {
    let text = "The provider did not answer what was asked.";
    Shown::new(ChatErrorKind::ContentFilter, text)
}

/// The store cannot keep what was said.
pub(super) fn not_kept() -> Shown {
    let text = "The answer could not be kept. Send the message again.";
    Shown::new(ChatErrorKind::Generic, text).retryable()
}

/// The house failed.
pub(super) fn internal() -> Shown {
    let text = "The turn failed because of an internal error. Send the message again.";
    Shown::new(ChatErrorKind::Generic, text).retryable()
}

/// Nothing was asked.
pub(super) fn refused(refusal: &Refusal, provider: &str) -> Shown {
    match refusal {
        Refusal::Ended(text) => Shown::new(ChatErrorKind::Generic, text.clone()),
        Refusal::Forbidden => Shown::new(
            ChatErrorKind::Config,
            "You may not use AI providers. Ask an administrator of your organization.",
        ),
        Refusal::NoProvider => Shown::new(
            ChatErrorKind::Config,
            format!("There is no AI provider `{provider}`."),
        ),
        Refusal::Workspace => Shown::new(
            ChatErrorKind::Config,
            "You may not work in this chat's workspace any more. Bind the chat to another one, or to none.",
        ),
        Refusal::Failed(_) => internal(),
    }
}

/// An answer that is an error, by who gives it.
pub(super) fn answered(by: Answerer, status: u16, told: Option<&Told>) -> Shown {
    let text = told.map_or("", |told| told.message.as_str());
    match by {
        Answerer::Provider => of_provider(status, told).detail(text).status(status),
        Answerer::Gateway => {
            let code = told.map_or("", |told| told.code.as_str());
            of_gateway(status, code, text).status(status)
        }
        Answerer::Ended => {
            let text = or(text, "Your access has ended.");
            Shown::new(ChatErrorKind::Generic, text).status(status)
        }
    }
}

fn or<'a>(text: &'a str, other: &'a str) -> &'a str {
    if text.is_empty() { other } else { text }
}

fn of_provider(status: u16, told: Option<&Told>) -> Shown {
    match status {
        401 | 403 => Shown::new(
            ChatErrorKind::Auth,
            "The provider did not accept this deployment's key. An administrator can set another.",
        ),
        404 => Shown::new(
            ChatErrorKind::Config,
            "The provider does not know this model.",
        ),
        408 | 504 => timeout(),
        429 => rate_limit(),
        503 | 529 => overloaded(),
        // Some say it with another status.
        _ => match told.map(|told| told.code.as_str()).and_then(by_code) {
            Some(shown) => shown,
            None if status >= 500 => {
                let text = "The provider failed. Send the message again.";
                Shown::new(ChatErrorKind::Generic, text).retryable()
            }
            None => Shown::new(ChatErrorKind::Generic, "The provider refused the request."),
        },
    }
}

/// The gateway's words have the numbers and when they reset.
fn of_gateway(status: u16, code: &str, text: &str) -> Shown {
    let text = or(text, "The request was refused.");
    let shown = |kind| Shown::new(kind, text);
    match (status, code) {
        (403, "insufficient_quota" | "enforced_spend_limit_reached") => {
            shown(ChatErrorKind::UsageLimit)
        }
        (429, _) => shown(ChatErrorKind::UsageLimit).retryable(),
        (403 | 404, _) => shown(ChatErrorKind::Config),
        (504, _) => shown(ChatErrorKind::Timeout).retryable(),
        (500.., _) => shown(ChatErrorKind::Generic).retryable(),
        _ => shown(ChatErrorKind::Generic),
    }
}

/// An error in the middle of an answer.
pub(super) fn in_stream(told: &Told) -> Shown {
    // The gateway says so of who may not go on; a provider hardly does once it answers, but it may, and then these are
    // its words.
    let ended = matches!(
        told.code.as_str(),
        "invalid_api_key" | "authentication_error" | "permission_denied" | "permission_error"
    );
    if ended {
        let text = "The answer was ended, since access to the provider has ended.";
        return Shown::new(ChatErrorKind::Generic, text).detail(&told.message);
    }
    let shown = by_code(&told.code).unwrap_or_else(|| {
        let text = "The provider failed in the middle of its answer. Send the message again.";
        Shown::new(ChatErrorKind::Generic, text).retryable()
    });
    shown.detail(&told.message)
}

fn by_code(code: &str) -> Option<Shown> {
    match code {
        "overloaded_error" | "overloaded" => Some(overloaded()),
        "rate_limit_error" | "rate_limit_exceeded" => Some(rate_limit()),
        "timeout_error" | "timeout" => Some(timeout()),
        "content_filter" | "content_policy_violation" => Some(filtered()),
        _ => None,
    }
}

fn overloaded() -> Shown {
    let text = "The provider is overloaded. Send the message again later.";
    Shown::new(ChatErrorKind::Overloaded, text).retryable()
}

fn rate_limit() -> Shown {
    let text = "The provider takes no more requests for now. Send the message again later.";
    Shown::new(ChatErrorKind::RateLimit, text).retryable()
}

fn timeout() -> Shown {
    let text = "The provider did not answer in time. Send the message again.";
    Shown::new(ChatErrorKind::Timeout, text).retryable()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ChatErrorKind::{
        Auth, Config, ContentFilter, Generic, Overloaded, RateLimit, Timeout, UsageLimit,
    };

    fn told(code: &str) -> Told {
        Told {
            message: "words".to_owned(),
            code: code.to_owned(),
        }
    }

    #[test]
    fn every_answer_has_its_kind() {
        let check = |by, status, code: &str, kind, retryable| {
            let error = answered(by, status, Some(&told(code))).error(Some("p"));
            let found = (error.kind, error.retryable, error.status_code);
            assert_eq!(
                found,
                (kind, retryable, Some(status)),
                "{by:?} {status} {code}"
            );
            // What the gateway says is said as it is; what a provider says is told beside it.
            let words = match by {
                Answerer::Provider => error.detail.as_deref(),
                Answerer::Gateway | Answerer::Ended => Some(error.message.as_str()),
            };
            assert_eq!(words, Some("words"));
        };
        let (provider, gateway) = (Answerer::Provider, Answerer::Gateway);
        check(provider, 401, "", Auth, false);
        check(provider, 404, "", Config, false);
        check(provider, 429, "insufficient_quota", RateLimit, true);
        check(provider, 529, "", Overloaded, true);
        check(provider, 408, "", Timeout, true);
        check(provider, 500, "overloaded_error", Overloaded, true);
        check(provider, 500, "", Generic, true);
        check(provider, 400, "content_filter", ContentFilter, false);
        check(provider, 400, "", Generic, false);
        check(gateway, 403, "insufficient_quota", UsageLimit, false);
        check(
            gateway,
            403,
            "enforced_spend_limit_reached",
            UsageLimit,
            false,
        );
        check(gateway, 429, "rate_limit_exceeded", UsageLimit, true);
        check(gateway, 403, "model_not_priced", Config, false);
        check(gateway, 504, "", Timeout, true);
        check(gateway, 503, "", Generic, true);
        check(gateway, 413, "", Generic, false);
        check(Answerer::Ended, 401, "", Generic, false);
    }

    #[test]
    fn an_error_in_a_stream_has_its_kind() {
        let check = |code: &str, kind, retryable| {
            let error = in_stream(&told(code)).error(None);
            assert_eq!((error.kind, error.retryable), (kind, retryable), "{code}");
            // They may be a provider's, which only the owner sees.
            assert_eq!(error.detail.as_deref(), Some("words"));
            assert!(!error.message.contains("words"));
        };
        check("overloaded_error", Overloaded, true);
        check("rate_limit_exceeded", RateLimit, true);
        check("authentication_error", Generic, false);
        check("server_error", Generic, true);
    }

    #[test]
    fn little_is_shown_of_a_provider_that_says_much() {
        let long = Told {
            message: "x".repeat(10_000),
            code: String::new(),
        };
        let error = answered(Answerer::Provider, 400, Some(&long)).error(None);
        assert_eq!(error.detail.unwrap().len(), DETAIL_MAX);
    }
}
