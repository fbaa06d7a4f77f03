//! The listening side: a free port on loopback, and connections that die with the portal.

use std::{
    future::{Future, poll_fn},
    io,
    net::{Ipv4Addr, SocketAddr},
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use axum::{
    body::{Body, to_bytes},
    http::{Method, Request, StatusCode},
    response::{IntoResponse, Response},
};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Notify,
    task::{JoinHandle, JoinSet},
};

use crate::{
    Books, Operation, Received, Way,
    play::{Reset, Turn},
    script::Script,
    wire,
};

/// The greatest request that it reads.
const MOST_BYTES: usize = 16 * 1024 * 1024;

/// A running portal. It stops when it is dropped, and its open connections with it.
#[derive(Debug)]
pub struct FakePortal {
    address: SocketAddr,
    shared: Arc<Shared>,
    server: JoinHandle<()>,
}

#[derive(Debug, Default)]
pub(crate) struct Shared {
    books: Mutex<Books>,
    received: Mutex<Vec<Received>>,
    script: Mutex<Script>,
    arrived: Notify,
}

/// No holder leaves anything half written, so one that panicked has done no harm.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    pub(crate) fn books(&self) -> MutexGuard<'_, Books> {
        lock(&self.books)
    }

    pub(crate) fn received(&self) -> MutexGuard<'_, Vec<Received>> {
        lock(&self.received)
    }
}

impl FakePortal {
    /// Listens on a free port of 127.0.0.1, with empty books, and behaves.
    ///
    /// # Errors
    /// When no port can be bound.
    pub async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared::default());
        let server = tokio::spawn(serve(listener, Arc::clone(&shared)));
        Ok(Self {
            address,
            shared,
            server,
        })
    }

    /// The address of its GraphQL endpoint.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/graphql", self.address)
    }

    /// The port.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.address.port()
    }

    /// What it keeps, to be read and changed as the portal's own pages do. It answers nobody meanwhile.
    pub fn books(&self) -> MutexGuard<'_, Books> {
        self.shared.books()
    }

    /// All requests so far, refused ones included, in the order of their arrival.
    #[must_use]
    pub fn received(&self) -> Vec<Received> {
        self.shared.received().clone()
    }

    /// How many requests there were so far.
    #[must_use]
    pub fn count(&self) -> usize {
        self.shared.received().len()
    }

    /// How many requests of this operation there were so far.
    #[must_use]
    pub fn count_of(&self, operation: Operation) -> usize {
        let received = self.shared.received();
        let same = |one: &&Received| one.operation == Some(operation);
        received.iter().filter(same).count()
    }

    /// Answers the next requests so, one after the other, and further ones as before.
    pub fn next(&self, ways: impl IntoIterator<Item = Way>) {
        lock(&self.shared.script).next(None, ways);
    }

    /// Answers the next requests of this operation so, one after the other, and further ones as before.
    pub fn next_of(&self, operation: Operation, ways: impl IntoIterator<Item = Way>) {
        lock(&self.shared.script).next(Some(operation), ways);
    }

    /// Answers all requests so from now on, but for operations that have a way of their own.
    pub fn always(&self, way: Way) {
        lock(&self.shared.script).always(None, way);
    }

    /// Answers all requests of this operation so from now on.
    pub fn always_of(&self, operation: Operation, way: Way) {
        lock(&self.shared.script).always(Some(operation), way);
    }

    /// Forgets all ways that were asked for, and behaves.
    pub fn behave(&self) {
        *lock(&self.shared.script) = Script::default();
    }

    /// Waits until there were so many requests.
    pub async fn wait_for(&self, count: usize) {
        loop {
            let arrived = self.shared.arrived.notified();
            if self.count() >= count {
                return;
            }
            arrived.await;
        }
    }
}

impl Drop for FakePortal {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// Accepts until it is aborted; the connections are its own and die with it.
async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { continue };
                connections.spawn(connection(stream, Arc::clone(&shared)));
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

type Answering = Pin<Box<dyn Future<Output = Result<Response, Reset>> + Send>>;

/// Serves a connection to its end, which is a reset when an answer wants that.
async fn connection(stream: TcpStream, shared: Arc<Shared>) {
    // Without it a small last write waits for the other side's delayed acknowledgement.
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let service =
        service_fn(move |request| -> Answering { Box::pin(answer(Arc::clone(&shared), request)) });
    let mut connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    let served = poll_fn(|context| connection.poll_without_shutdown(context)).await;
    let stream = connection.into_parts().io.into_inner();
    if served.is_err_and(|error| error.is_user()) {
        // A client that has gone already needs none.
        drop(stream.set_zero_linger());
    }
}

async fn answer(shared: Arc<Shared>, request: Request<Incoming>) -> Result<Response, Reset> {
    if request.uri().path() != "/graphql" {
        return Ok(StatusCode::NOT_FOUND.into_response());
    }
    if request.method() != Method::POST {
        return Ok(StatusCode::METHOD_NOT_ALLOWED.into_response());
    }
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(Body::new(body), MOST_BYTES).await else {
        return Err(Reset);
    };
    let body = String::from_utf8_lossy(&body).into_owned();
    let asked = serde_json::from_str::<wire::Body>(&body).ok();
    let operation = asked.and_then(|asked| wire::operation(&asked.query));
    let way = lock(&shared.script).choose(operation);
    shared.received().push(Received {
        operation,
        headers: parts.headers.clone(),
        body: body.clone(),
        at: Instant::now(),
    });
    shared.arrived.notify_waiters();
    let turn = Turn {
        shared: &shared,
        operation,
        headers: &parts.headers,
        body: &body,
    };
    turn.play(way).await
}
