//! Records write attempts that their caller had no right to, once each, whichever handler they came to.
//!
//! The extractor leaves the caller's store in a slot of the request, and the error leaves what was refused
//! in the answer: a handler needs to know of neither. A request without a caller (401) is not recorded.

use axum::{
    extract::{MatchedPath, Request},
    http::Method,
    middleware::Next,
    response::Response,
};
use dbauthz::BoundStore;
use model::audit::{AuditAction, RefusedWrite};
use store::StoreResult;

use crate::{
    EXPERIMENTAL, PREFIX,
    error::{Refused, chain},
    extract::CallerSlot,
};

/// The greatest length of what the caller named, in characters.
const TARGET_MAX_CHARS: usize = 200;

pub(crate) async fn record_refusals(mut request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().cloned();
    let route = route.as_ref().map_or("", MatchedPath::as_str);
    let Some(action) = action(request.method(), without_prefix(route)) else {
        return next.run(request).await;
    };
    let slot = CallerSlot::default();
    request.extensions_mut().insert(slot.clone());
    let target = target(request.uri().path());
    let response = next.run(request).await;
    if let (Some(Refused(resource)), Some(store)) = (response.extensions().get(), slot.get()) {
        let refused = RefusedWrite {
            action,
            resource_type: resource.as_str().to_owned(),
            resource_target: target,
            status_code: response.status().as_u16(),
        };
        record(store, refused).await;
    }
    response
}

/// Records it even when the client hangs up meanwhile. The caller's answer does not depend on it.
pub(crate) async fn record(store: BoundStore, refused: RefusedWrite) {
    let request_id = store.request_id();
    let task = tokio::spawn(async move { write(&store, &refused).await });
    let outcome = match task.await {
        Ok(outcome) => outcome.map_err(|error| chain(&error)),
        Err(error) => Err(error.to_string()),
    };
    if let Err(error) = outcome {
        tracing::error!(error, ?request_id, "a refused write could not be recorded");
    }
}

async fn write(store: &BoundStore, refused: &RefusedWrite) -> StoreResult<()> {
    let mut unit = store.begin().await?;
    unit.audit().audit_refused(refused).await?;
    unit.commit().await
}

/// Routes whose method says something else than what is done to the thing that the refusal is about, with the word of
/// the log; without one they only read.
const OTHERS: &[(Method, &str, Option<AuditAction>)] = &[
    (
        Method::POST,
        "/chats/{chat}/interrupt",
        Some(AuditAction::Write),
    ),
    // What is said in a chat changes the chat.
    (
        Method::POST,
        "/chats/{chat}/messages",
        Some(AuditAction::Write),
    ),
    (
        Method::POST,
        "/chats/{chat}/queue/{queued}/promote",
        Some(AuditAction::Write),
    ),
    (
        Method::DELETE,
        "/chats/{chat}/queue/{queued}",
        Some(AuditAction::Write),
    ),
    (Method::POST, "/chats/files/{file}/download-url", None),
    (
        Method::DELETE,
        "/workspaces/{workspace}/acl",
        Some(AuditAction::Write),
    ),
    (
        Method::POST,
        "/notifications/webhooks/{webhook}/ping",
        Some(AuditAction::Write),
    ),
    (
        Method::POST,
        "/notifications/webhooks/{webhook}/deliveries/{delivery}/redeliver",
        Some(AuditAction::Write),
    ),
];

/// What a request would have done to what it is about; `None` when it only reads.
fn action(method: &Method, route: &str) -> Option<AuditAction> {
    let other = OTHERS
        .iter()
        .find(|(of, path, _)| of == method && *path == route);
    if let Some((_, _, action)) = other {
        return *action;
    }
    match *method {
        Method::POST => Some(AuditAction::Create),
        Method::PUT | Method::PATCH => Some(AuditAction::Write),
        Method::DELETE => Some(AuditAction::Delete),
        _ => None,
    }
}

/// A path from where the features begin.
fn without_prefix(path: &str) -> &str {
    let rest = path.strip_prefix(PREFIX);
    rest.or_else(|| path.strip_prefix(EXPERIMENTAL))
        .unwrap_or(path)
}

fn target(path: &str) -> String {
    without_prefix(path)
        .chars()
        .take(TARGET_MAX_CHARS)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_are_not_recorded() {
        let check = |method, expected| assert_eq!(action(&method, "/x"), expected);
        check(Method::GET, None);
        check(Method::HEAD, None);
        check(Method::OPTIONS, None);
        check(Method::POST, Some(AuditAction::Create));
        check(Method::PUT, Some(AuditAction::Write));
        check(Method::PATCH, Some(AuditAction::Write));
        check(Method::DELETE, Some(AuditAction::Delete));
    }

    /// Whether the document has an operation.
    fn known(method: &Method, route: &str) -> bool {
        let document = serde_json::to_value(crate::openapi()).unwrap();
        let item = &document["paths"][format!("{PREFIX}{route}")];
        item[method.as_str().to_lowercase()].is_object()
    }

    #[test]
    fn what_is_done_to_a_part_changes_the_whole() {
        for (method, route, expected) in OTHERS {
            assert!(known(method, route), "{method} {route}");
            assert_eq!(action(method, route), *expected, "{method} {route}");
        }
        let create = Some(AuditAction::Create);
        assert_eq!(action(&Method::POST, "/chats"), create);
        let write = Some(AuditAction::Write);
        assert_eq!(action(&Method::PATCH, "/chats/{chat}"), write);
    }

    #[test]
    fn the_target_is_what_the_caller_named() {
        assert_eq!(target("/api/v2/groups/x/ai/budget"), "/groups/x/ai/budget");
        assert_eq!(
            target(&format!("/{}", "x".repeat(300))).len(),
            TARGET_MAX_CHARS
        );
    }
}
