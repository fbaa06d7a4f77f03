//! What happens around every request: its id, its line in the log, its metrics, and what a panic becomes.

mod refusals;
mod scope;

use std::{any::Any, sync::Arc};

use axum::{
    Router,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use model::IdSource;
use tower_http::catch_panic::CatchPanicLayer;

use crate::error::{ApiError, route_not_found};

pub(crate) use refusals::{record as record_refused, record_refusals};

/// Puts around all that the process serves: a fresh request id (the extension [`auth::RequestId`] and the
/// header `x-request-id`; one that a client sends is not trusted), a span and a line in the log, metrics,
/// `x-content-type-options`, a generic 500 for a panic, and the 404 of paths that nothing listens on.
pub fn with_middleware(router: Router, ids: Arc<dyn IdSource>) -> Router {
    scope::describe_metrics();
    router
        .fallback(route_not_found)
        .layer(CatchPanicLayer::custom(panicked))
        .layer(axum::middleware::from_fn_with_state(
            ids,
            scope::request_scope,
        ))
}

/// Keeps answers out of caches, since they depend on who asks.
pub(crate) async fn no_store(mut response: Response) -> Response {
    let value = HeaderValue::from_static("no-store");
    response
        .headers_mut()
        .entry(header::CACHE_CONTROL)
        .or_insert(value);
    response
}

#[expect(clippy::needless_pass_by_value, reason = "the layer's signature")]
fn panicked(panic: Box<dyn Any + Send>) -> Response {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    tracing::error!(panic = text.unwrap_or("no text"), "a handler panicked");
    ApiError::Panic.into_response()
}
