//! The bodies of requests: how much of one is kept, and what becomes of the rest.

use std::time::Duration;

use axum::{
    body::{Body, BodyDataStream, Bytes, HttpBody},
    http::{HeaderMap, StatusCode, header},
};
use futures_util::StreamExt;

use super::request::Rejection;
use crate::{BODY_LIMIT, error::chain};

/// How much of a body that is too large is taken off the wire, in bytes: somebody who is still sending cannot read an
/// answer, and whose connection ends meanwhile does not get it.
const PASSED_OVER: usize = 16 * 1024 * 1024;

/// How long that may take.
const PASSED_OVER_IN: Duration = Duration::from_secs(5);

/// Reads a body of at most [`BODY_LIMIT`] bytes.
///
/// # Errors
/// When it is larger, or breaks off.
pub(super) async fn read(headers: &HeaderMap, body: Body) -> Result<Vec<u8>, Rejection> {
    let known = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    let mut body = body.into_data_stream();
    if known > BODY_LIMIT {
        // Who waits to be asked for the body has not sent it.
        if !headers.contains_key(header::EXPECT) {
            pass_over(&mut body).await;
        }
        return Err(too_large());
    }
    let mut all = Vec::with_capacity(known);
    while let Some(part) = body.next().await {
        let part: Bytes = part.map_err(|error| {
            tracing::debug!(error = %chain(&error), "a body was not read");
            Rejection::new(
                StatusCode::BAD_REQUEST,
                "The request body could not be read",
            )
        })?;
        if part.len() > BODY_LIMIT.saturating_sub(all.len()) {
            pass_over(&mut body).await;
            return Err(too_large());
        }
        all.extend_from_slice(&part);
    }
    Ok(all)
}

fn too_large() -> Rejection {
    Rejection::new(StatusCode::PAYLOAD_TOO_LARGE, "Request body too large")
}

/// Takes what is still being sent off the wire, as far as that is worth it.
async fn pass_over(body: &mut BodyDataStream) {
    let passing = async {
        let mut passed: usize = 0;
        while let Some(Ok(part)) = body.next().await {
            passed = passed.saturating_add(part.len());
            if passed > PASSED_OVER {
                return;
            }
        }
    };
    if tokio::time::timeout(PASSED_OVER_IN, passing).await.is_err() {
        tracing::debug!("a body that is too large was not sent to its end in time");
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };

    use axum::http::HeaderValue;
    use futures_util::stream;

    use super::*;

    /// Sends so many parts of a quarter of the limit, and counts them.
    fn parts(count: usize) -> (Body, Arc<AtomicUsize>) {
        let sent = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&sent);
        let parts = stream::iter((0..count).map(move |_| {
            counted.fetch_add(1, Ordering::Relaxed);
            Ok::<_, std::io::Error>(Bytes::from(vec![b' '; BODY_LIMIT / 4]))
        }));
        (Body::from_stream(parts), sent)
    }

    #[tokio::test]
    async fn what_is_too_large_is_passed_over_to_a_bound() {
        let check = async |count: usize, kept: Option<usize>, sent: usize| {
            let (body, counted) = parts(count);
            let found = read(&HeaderMap::new(), body).await;
            let found = found.map(|all| all.len() / (BODY_LIMIT / 4));
            assert_eq!(found.ok(), kept, "{count}");
            assert_eq!(counted.load(Ordering::Relaxed), sent, "{count}");
        };
        check(0, Some(0), 0).await;
        check(4, Some(4), 4).await;
        check(5, None, 5).await;
        check(40, None, 40).await;
        // Five that were kept or seen, and the first that is beyond what is passed over.
        check(1_000, None, 5 + 65).await;
    }

    #[tokio::test]
    async fn who_waits_to_be_asked_is_answered_at_once() {
        let mut headers = HeaderMap::new();
        headers.insert(header::EXPECT, HeaderValue::from_static("100-continue"));
        let body = Body::from(vec![b' '; BODY_LIMIT + 1]);
        let refused = read(&headers, body).await.unwrap_err();
        assert_eq!(refused.status, StatusCode::PAYLOAD_TOO_LARGE);
    }

    #[tokio::test]
    async fn a_body_that_breaks_off_is_no_large_one() {
        let broken = stream::iter([
            Ok(Bytes::from_static(b"{")),
            Err(std::io::Error::other("gone")),
        ]);
        let refused = read(&HeaderMap::new(), Body::from_stream(broken)).await;
        assert_eq!(refused.unwrap_err().status, StatusCode::BAD_REQUEST);
    }
}
