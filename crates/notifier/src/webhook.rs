//! One attempt to tell a webhook.

use std::{error::Error, sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use model::{Clock, addresses::Reach, deliveries::Failure, webhooks::SigningKey};
use reqwest::{Client, Response, StatusCode, header, header::HeaderMap};
use secrecy::ExposeSecret;
use store::deliveries::WebhookDispatch;
use url::Url;

use crate::{NotifierConfig, NotifierError, signature};

/// How long an error may be, in characters.
const ERROR_CHARS: usize = 300;

/// Tells webhooks.
#[derive(Debug)]
pub(crate) struct WebhookSender {
    client: Client,
    reach: Reach,
    clock: Arc<dyn Clock>,
}

impl WebhookSender {
    /// A sender that goes no further than it may.
    pub(crate) fn new(
        config: &NotifierConfig,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, NotifierError> {
        let client = outbound::client_builder_within(config.webhooks)?
            .timeout(config.webhook_timeout)
            .connect_timeout(config.webhook_timeout)
            // Receivers are many and seldom told: no connection is kept for later.
            .pool_max_idle_per_host(0)
            .user_agent(concat!("bursar/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self {
            client,
            reach: config.webhooks,
            clock,
        })
    }

    /// Sends a message. The receiver has it when its answer says so; of the answer nothing but the head is read.
    pub(crate) async fn send(&self, message: &WebhookDispatch) -> Result<(), Failure> {
        let url = self.address(&message.url)?;
        let secret = message.secret.as_ref().ok_or_else(|| {
            Failure::passing("the secret was sealed with another encryption key than this server's")
        })?;
        let key = SigningKey::parse(secret.expose_secret())
            .map_err(|_error| Failure::lasting("the secret cannot be read"))?;
        let (id, timestamp) = (message.id.to_string(), self.clock.now().timestamp());
        let signed = signature(&key, &id, timestamp, message.body.as_bytes());
        let request = self
            .client
            .post(url)
            .header(header::CONTENT_TYPE, "application/json")
            .header("webhook-id", id)
            .header("webhook-timestamp", timestamp)
            .header("webhook-signature", signed)
            .body(message.body.clone());
        match request.send().await {
            Ok(answer) => self.judged(&answer),
            Err(error) => Err(Failure::passing(reason(error))),
        }
    }

    /// The address, which may have been allowed when it was stored and no more now. A host that is a name is checked
    /// when it is resolved.
    fn address(&self, text: &str) -> Result<Url, Failure> {
        let url: Url = text
            .parse()
            .map_err(|_error| Failure::lasting("the address cannot be read"))?;
        self.reach
            .check_literal(&url)
            .map_err(|error| Failure::passing(error.to_string()))?;
        Ok(url)
    }

    fn judged(&self, answer: &Response) -> Result<(), Failure> {
        let status = answer.status();
        if status.is_success() {
            return Ok(());
        }
        let error = format!("the receiver answered {status}");
        Err(match status {
            StatusCode::GONE => Failure::lasting(error),
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => Failure {
                retry_after: retry_after(answer.headers(), self.clock.now()),
                ..Failure::passing(error)
            },
            _ => Failure::passing(error),
        })
    }
}

/// What went wrong, without the address, which may hold a secret.
fn reason(error: reqwest::Error) -> String {
    if error.is_timeout() {
        return "the receiver did not answer in time".to_owned();
    }
    let error = error.without_url();
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text.chars().take(ERROR_CHARS).collect()
}

/// How long the receiver asks to be left alone: seconds, or until a date.
fn retry_after(headers: &HeaderMap, now: DateTime<Utc>) -> Option<Duration> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let at = DateTime::parse_from_rfc2822(text).ok()?;
    (at.with_timezone(&Utc) - now).to_std().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn receivers_say_when_in_seconds_or_by_date() {
        let now = "2026-11-25T12:00:00Z".parse().unwrap();
        let check = |text: &'static str, seconds: Option<u64>| {
            let mut headers = HeaderMap::new();
            headers.insert(header::RETRY_AFTER, text.parse().unwrap());
            let found = retry_after(&headers, now);
            assert_eq!(found, seconds.map(Duration::from_secs), "{text}");
        };
        check("120", Some(120));
        check("0", Some(0));
        check("Wed, 25 Nov 2026 12:01:00 GMT", Some(60));
        check("Wed, 25 Nov 2026 11:00:00 GMT", None);
        check("soon", None);
        check("-1", None);
        assert_eq!(retry_after(&HeaderMap::new(), now), None);
    }
}
