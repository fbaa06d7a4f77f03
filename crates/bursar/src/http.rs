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

use crate::patience::{Patience, Patient};

/// How long clients may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Timeouts {
    /// Over the head of a request, and to keep a connection open between two of them. Longer than load balancers do, so
    /// that it is they who close idle connections.
    pub(crate) head: Duration,
    /// To take nothing of an answer that is there for them.
    pub(crate) taking: Duration,
    /// The same once the server stops.
    pub(crate) stopping: Duration,
}

/// What holds for every server.
pub(crate) const TIMEOUTS: Timeouts = Timeouts {
    head: Duration::from_secs(75),
    taking: Duration::from_secs(30),
    stopping: Duration::from_secs(1),
};

/// How long to wait when the system has no more connections to give.
const EXHAUSTED_PAUSE: Duration = Duration::from_secs(1);

/// Serves until it is told to stop; then connections end with the answer that they are at, if their clients take it.
pub(crate) async fn serve(
    listener: TcpListener,
    routes: Router,
    timeouts: Timeouts,
    stopping: CancellationToken,
) {
    let connections = TaskTracker::new();
    while let Some(stream) = accept(&listener, &stopping).await {
        let connection = connect(stream, routes.clone(), timeouts, stopping.clone());
        connections.spawn(connection);
    }
    drop(listener);
    connections.close();
    connections.wait().await;
}

async fn connect(
    stream: TcpStream,
    routes: Router,
    timeouts: Timeouts,
    stopping: CancellationToken,
) {
    let patience = Patience {
        working: timeouts.taking,
        stopping: timeouts.stopping,
        stop: stopping.clone(),
    };
    let stream = Patient::new(stream, patience);
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(timeouts.head)
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
    use std::convert::Infallible;

    use super::*;
    use axum::{
        body::{Body, Bytes},
        routing::get,
    };
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    const NEVER: Duration = Duration::from_secs(3_600);
    /// Longer than anything here takes.
    const PATIENCE: Duration = Duration::from_secs(20);
    const SOON: Duration = Duration::from_millis(50);

    /// An answer without an end, which is let go of when this is dropped.
    fn endless(dropped: CancellationToken) -> Body {
        let held = dropped.drop_guard();
        let pieces = futures_util::stream::repeat_with(move || {
            let _held = &held;
            Ok::<_, Infallible>(Bytes::from_static(&[0; 65_536]))
        });
        Body::from_stream(pieces)
    }

    struct Started {
        client: TcpStream,
        stopping: CancellationToken,
        serving: tokio::task::JoinHandle<()>,
        /// Nobody holds the answer without an end any more.
        dropped: CancellationToken,
    }

    async fn start(timeouts: Timeouts) -> Started {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap());
        let (stopping, dropped) = (CancellationToken::new(), CancellationToken::new());
        let given = dropped.clone();
        let routes = Router::new()
            .route("/", get(async || "here"))
            .route("/endless", get(async move || endless(given.clone())));
        let serving = tokio::spawn(serve(listener, routes, timeouts, stopping.clone()));
        Started {
            client: client.await.unwrap(),
            stopping,
            serving,
            dropped,
        }
    }

    /// Asks for the answer without an end, and takes no more than its beginning.
    async fn ask_for_all(client: &mut TcpStream) {
        client
            .write_all(b"GET /endless HTTP/1.1\r\nhost: a\r\n\r\n")
            .await
            .unwrap();
        let mut answer = [0; 12];
        client.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"HTTP/1.1 200");
    }

    #[tokio::test]
    async fn a_client_that_takes_nothing_is_given_up() {
        let timeouts = Timeouts {
            taking: SOON,
            ..TIMEOUTS
        };
        let mut started = start(timeouts).await;
        ask_for_all(&mut started.client).await;
        let dropped = tokio::time::timeout(PATIENCE, started.dropped.cancelled()).await;
        dropped.expect("the answer is let go of");
    }

    #[tokio::test]
    async fn a_client_that_takes_its_time_is_served() {
        let timeouts = Timeouts {
            taking: Duration::from_secs(5),
            ..TIMEOUTS
        };
        let mut started = start(timeouts).await;
        ask_for_all(&mut started.client).await;
        let mut taken = vec![0; 1 << 20];
        for _ in 0..20 {
            started.client.read_exact(&mut taken).await.unwrap();
        }
        assert!(!started.dropped.is_cancelled());
    }

    #[tokio::test]
    async fn clients_that_take_nothing_do_not_hold_up_the_stop() {
        let timeouts = Timeouts {
            taking: NEVER,
            stopping: SOON,
            ..TIMEOUTS
        };
        let mut started = start(timeouts).await;
        ask_for_all(&mut started.client).await;
        started.stopping.cancel();
        let stopped = tokio::time::timeout(PATIENCE, started.serving).await;
        stopped.expect("it stops").unwrap();
        assert!(started.dropped.is_cancelled());
    }

    #[tokio::test]
    async fn a_client_that_never_ends_its_request_is_cut_off() {
        let timeouts = Timeouts {
            head: SOON,
            ..TIMEOUTS
        };
        let mut client = start(timeouts).await.client;
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
        let started = start(TIMEOUTS).await;
        let (mut client, stopping, serving) = (started.client, started.stopping, started.serving);
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
