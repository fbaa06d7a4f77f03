//! Accepting connections: what a client may keep open, and how connections end when the server stops.

use std::{
    io::{Error, ErrorKind},
    pin::pin,
    time::Duration,
};

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// How long a client may take over the head of a request, and keep a connection open between two of them.
/// Longer than load balancers do, so that it is they who close idle connections.
pub(crate) const HEAD_TIMEOUT: Duration = Duration::from_secs(75);

/// How long to wait when the system has no more connections to give.
const EXHAUSTED_PAUSE: Duration = Duration::from_secs(1);

/// Serves until it is told to stop; then connections end with the answer that they are at.
pub(crate) async fn serve(
    listener: TcpListener,
    routes: Router,
    head_timeout: Duration,
    stopping: CancellationToken,
) {
    let connections = TaskTracker::new();
    while let Some(stream) = accept(&listener, &stopping).await {
        let connection = connect(stream, routes.clone(), head_timeout, stopping.clone());
        connections.spawn(connection);
    }
    drop(listener);
    connections.close();
    connections.wait().await;
}

async fn connect(
    stream: TcpStream,
    routes: Router,
    head_timeout: Duration,
    stopping: CancellationToken,
) {
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(head_timeout)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(routes))
        .with_upgrades();
    let mut connection = pin!(connection);
    let outcome = tokio::select! {
        outcome = &mut connection => outcome,
        () = stopping.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    // Clients that break off are everyday life.
    if let Err(error) = outcome {
        tracing::debug!(%error, "a connection broke");
    }
}

/// The next connection; `None` when the server is stopping.
async fn accept(listener: &TcpListener, stopping: &CancellationToken) -> Option<TcpStream> {
    loop {
        let accepted = tokio::select! {
            () = stopping.cancelled() => return None,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, _)) => {
                // Without TCP_NODELAY a small last piece of an answer waits for the client's acknowledgement.
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!(%error, "a connection keeps its delay");
                }
                return Some(stream);
            }
            Err(error) if gone(&error) => {}
            Err(error) => {
                tracing::error!(%error, "a connection cannot be accepted");
                tokio::time::sleep(EXHAUSTED_PAUSE).await;
            }
        }
    }
}

/// Whether the client left before it was let in.
fn gone(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ConnectionRefused | ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    async fn start(
        head_timeout: Duration,
    ) -> (TcpStream, CancellationToken, tokio::task::JoinHandle<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap());
        let stopping = CancellationToken::new();
        let routes = Router::new().route("/", get(async || "here"));
        let serving = tokio::spawn(serve(listener, routes, head_timeout, stopping.clone()));
        (stream.await.unwrap(), stopping, serving)
    }

    #[tokio::test]
    async fn a_client_that_never_ends_its_request_is_cut_off() {
        let (mut client, _stopping, _serving) = start(Duration::from_millis(50)).await;
        client
            .write_all(b"GET / HTTP/1.1\r\nhost: a\r\n")
            .await
            .unwrap();
        let mut answer = Vec::new();
        // Ends only when the server closes the connection.
        client.read_to_end(&mut answer).await.unwrap();
        assert!(!answer.starts_with(b"HTTP/1.1 200"));
    }

    #[tokio::test]
    async fn idle_connections_do_not_hold_up_the_stop() {
        let (mut client, stopping, serving) = start(HEAD_TIMEOUT).await;
        client
            .write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
            .await
            .unwrap();
        let mut answer = [0; 12];
        client.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"HTTP/1.1 200");
        stopping.cancel();
        serving.await.unwrap();
    }
}
