//! Receivers as the wire shows them, and their fields as it brings them.

use bursar_sdk::{Secret, Webhook, WebhookDelivery, WebhookDeliveryState};
use model::{
    addresses::Reach,
    deliveries::{self, DeliveryState},
    webhooks::{self, SigningKey, parse_url},
};
use secrecy::SecretString;
use url::Url;

use crate::validate::{Checked, wrong};

pub(crate) fn webhook(webhook: webhooks::Webhook) -> Webhook {
    Webhook {
        id: webhook.id.0,
        name: webhook.name.into(),
        url: webhook.url.into(),
        organization_id: webhook.organization_id.map(Into::into),
        enabled: webhook.enabled,
        created_at: webhook.created_at,
        updated_at: webhook.updated_at,
    }
}

pub(crate) fn delivery(delivery: deliveries::WebhookDelivery) -> WebhookDelivery {
    let (mut next_attempt_at, mut delivered_at, mut failed_at) = (None, None, None);
    let state = match delivery.state {
        DeliveryState::Pending {
            next_attempt_at: at,
        } => {
            next_attempt_at = Some(at);
            WebhookDeliveryState::Pending
        }
        DeliveryState::Delivered { at } => {
            delivered_at = Some(at);
            WebhookDeliveryState::Delivered
        }
        DeliveryState::Failed { at } => {
            failed_at = Some(at);
            WebhookDeliveryState::Failed
        }
    };
    WebhookDelivery {
        id: delivery.id.0,
        webhook_id: delivery.webhook_id.0,
        event_type: delivery.event_type,
        event: serde_json::from_str(&delivery.body).ok(),
        state,
        attempts: delivery.attempts,
        next_attempt_at,
        delivered_at,
        failed_at,
        last_error: delivery.last_error,
        created_at: delivery.created_at,
    }
}

/// Reads a receiver's address. A host that is a name is checked when it is resolved.
pub(crate) fn url(text: &str, reach: Reach) -> Checked<Url> {
    const FIELD: &str = "url";
    let url = parse_url(text).or_else(|error| wrong(FIELD, error))?;
    let Err(error) = reach.check_literal(&url) else {
        return Ok(url);
    };
    if Reach::Private.check_literal(&url).is_ok() {
        let hint = "the server's option --webhooks-allow-private-addresses allows it";
        return wrong(FIELD, format!("{error}: it is private; {hint}"));
    }
    wrong(FIELD, error)
}

/// Reads a secret that somebody chose.
pub(crate) fn secret(secret: &Secret) -> Checked<SecretString> {
    let key = SigningKey::parse(secret.expose().trim()).or_else(|error| wrong("secret", error))?;
    Ok(key.secret().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_lead_to_a_receiver_and_not_into_the_house() {
        let check = |text: &str, public: bool, private: bool| {
            assert_eq!(url(text, Reach::Public).is_ok(), public, "{text}");
            assert_eq!(url(text, Reach::Private).is_ok(), private, "{text}");
        };
        check("https://hooks.example.com/in?token=1", true, true);
        check("http://8.8.8.8/", true, true);
        check("http://127.0.0.1:1234/in", false, true);
        check("http://2130706433/", false, true);
        check("http://[::1]/", false, true);
        check("http://10.1.2.3/in", false, true);
        check("http://[::ffff:10.0.0.1]/", false, true);
        check("http://169.254.169.254/latest/meta-data", false, false);
        check("http://0xa9fea9fe/", false, false);
        check("http://[fd00:ec2::254]/", false, false);
        check("http://0.0.0.0/", false, false);
        check("ftp://example.com", false, false);
        check("https://user:secret@example.com", false, false);
        check("https://example.com/#a", false, false);
    }
}
