//! A request's id, its span, its line in the log and its metrics. Never a token, never a body.

use std::{sync::Arc, time::Instant};

use auth::RequestId;
use axum::{
    extract::{MatchedPath, Request, State},
    http::{HeaderName, HeaderValue, Method, header},
    middleware::Next,
    response::Response,
};
use metrics::{Unit, counter, describe_counter, describe_histogram, histogram};
use model::IdSource;
use tracing::Instrument;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const REQUESTS: &str = "bursar_http_requests_total";
const DURATION: &str = "bursar_http_request_duration_seconds";

/// What machines ask every few seconds: when all is well, that is no news.
const PROBES: [&str; 3] = ["/healthz", "/readyz", "/metrics"];

pub(super) fn describe_metrics() {
    describe_counter!(REQUESTS, "Requests answered, by method, path and status.");
    describe_histogram!(DURATION, Unit::Seconds, "The time until an answer began.");
}

pub(super) async fn request_scope(
    State(ids): State<Arc<dyn IdSource>>,
    mut request: Request,
    next: Next,
) -> Response {
    let id = ids.next();
    request.extensions_mut().insert(RequestId(id));
    let method = method_label(request.method());
    // The route, not the path: it is bounded, and holds nobody's name.
    let path = request
        .extensions()
        .get::<MatchedPath>()
        .map(|path| path.as_str().to_owned());
    let path = path.unwrap_or_else(|| "unmatched".to_owned());
    let span = tracing::info_span!("request", request_id = %id, method, path = path.as_str());
    let began = Instant::now();
    let mut response = next.run(request).instrument(span.clone()).await;
    let (status, took) = (response.status().as_u16(), began.elapsed());
    let routine = response.status().is_success() && PROBES.contains(&path.as_str());
    span.in_scope(|| {
        let latency_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        if routine {
            tracing::debug!(status, latency_ms, "answered");
        } else {
            tracing::info!(status, latency_ms, "answered");
        }
    });
    let labels = [("method", method.to_owned()), ("path", path)];
    histogram!(DURATION, &labels).record(took.as_secs_f64());
    let [method, path] = labels;
    counter!(REQUESTS, &[method, path, ("status", status.to_string())]).increment(1);

    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(&id.to_string()) {
        headers.insert(REQUEST_ID, id);
    }
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    response
}

/// The method, or `other`: a client may make up as many as it likes.
fn method_label(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}
