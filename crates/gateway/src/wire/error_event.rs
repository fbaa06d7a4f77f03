//! The gateway's own errors inside a stream that has begun.

use bytes::Bytes;
use serde_json::{Value, json};

use super::{Dialect, ErrorKind, error_body};

/// An event that ends a stream with an error, in the provider's shape. The client libraries raise it as they raise
/// an error of the provider in the middle of an answer.
#[must_use]
pub fn error_event(
    dialect: Dialect,
    kind: ErrorKind,
    message: &str,
    request_id: Option<&str>,
) -> Bytes {
    let (_status, body) = error_body(dialect, kind, message, request_id);
    let text = match dialect {
        Dialect::OpenAiChat => format!("data: {body}\n\n"),
        Dialect::OpenAiResponses => {
            // Where in the sequence the stream was is not known here; the field has to be there.
            let code = body.pointer("/error/code").unwrap_or(&Value::Null);
            let event = json!({
                "type": "error", "code": code, "message": message, "param": null, "sequence_number": 0,
            });
            format!("event: error\ndata: {event}\n\n")
        }
        Dialect::AnthropicMessages => format!("event: error\ndata: {body}\n\n"),
    };
    Bytes::from(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_dialect_has_its_event() {
        let check = |dialect, name: Option<&str>, expected: Value| {
            let event = error_event(dialect, ErrorKind::Unauthorized, "over", Some("r1"));
            let text = std::str::from_utf8(&event).unwrap();
            let rest = match name {
                Some(name) => text.strip_prefix(&format!("event: {name}\n")).unwrap(),
                None => text,
            };
            let data = rest.strip_prefix("data: ").unwrap();
            let data = data.strip_suffix("\n\n").unwrap();
            assert!(!data.contains('\n'));
            assert_eq!(serde_json::from_str::<Value>(data).unwrap(), expected);
        };
        let (kind, code) = ("invalid_request_error", "invalid_api_key");
        check(
            Dialect::OpenAiChat,
            None,
            json!({ "error": { "message": "over", "type": kind, "param": null, "code": code } }),
        );
        check(
            Dialect::OpenAiResponses,
            Some("error"),
            json!({ "type": "error", "code": code, "message": "over", "param": null, "sequence_number": 0 }),
        );
        check(
            Dialect::AnthropicMessages,
            Some("error"),
            json!({ "type": "error", "request_id": "r1",
                "error": { "type": "authentication_error", "message": "over" } }),
        );
    }
}
