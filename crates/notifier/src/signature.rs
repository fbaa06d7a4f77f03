//! How messages to webhooks are signed, by the convention of Standard Webhooks: an HMAC-SHA256 over the message's id,
//! the time of the attempt and the body, so that none of the three can be changed and an old message not be replayed.

use base64::{Engine, prelude::BASE64_STANDARD};
use model::webhooks::SigningKey;
use ring::hmac;

/// The version of the scheme.
const VERSION: &str = "v1,";

/// The header `webhook-signature` of a message; `timestamp` is the header `webhook-timestamp`, in seconds.
#[must_use]
pub fn signature(key: &SigningKey, id: &str, timestamp: i64, body: &[u8]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key.expose());
    let mut signing = hmac::Context::with_key(&key);
    signing.update(format!("{id}.{timestamp}.").as_bytes());
    signing.update(body);
    format!("{VERSION}{}", BASE64_STANDARD.encode(signing.sign()))
}

/// Whether a header `webhook-signature` is that of a message, for receivers in Rust: any of the signatures in it, which
/// are separated by spaces. Whether the timestamp is near enough is for the receiver to say.
#[must_use]
pub fn verify(key: &SigningKey, id: &str, timestamp: i64, body: &[u8], header: &str) -> bool {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key.expose());
    let mut message = format!("{id}.{timestamp}.").into_bytes();
    message.extend_from_slice(body);
    header.split(' ').any(|one| {
        let tag = one
            .strip_prefix(VERSION)
            .map(|tag| BASE64_STANDARD.decode(tag));
        matches!(tag, Some(Ok(tag)) if hmac::verify(&key, &message, &tag).is_ok())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_are_those_of_the_convention() {
        // The example of the convention's own libraries.
        let key = SigningKey::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let (id, at) = ("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330);
        let body = br#"{"test": 2432232314}"#;
        let signed = signature(&key, id, at, body);
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");

        let check = |id: &str, at, body: &[u8], header: &str, good| {
            assert_eq!(
                verify(&key, id, at, body, header),
                good,
                "{id} {at} {header}"
            );
        };
        check(id, at, body, &signed, true);
        check(id, at, body, &format!("v1,AAAA {signed}"), true);
        check(id, at, b"{}", &signed, false);
        check(id, at + 1, body, &signed, false);
        check("msg_other", at, body, &signed, false);
        check(id, at, body, "", false);
        check(id, at, body, &signed.replace("v1,", "v2,"), false);
    }
}
