//! The portal process: it listens on a free port of loopback, writes down what it is asked, and answers by its books or
//! as badly as it is told to.

use std::{
    collections::VecDeque,
    convert::Infallible,
    io,
    net::Ipv4Addr,
    sync::{Arc, Mutex, MutexGuard},
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use futures_util::{StreamExt, stream};
use tokio::{net::TcpListener, sync::Notify, task::JoinHandle};

use crate::books::Books;

/// A way to answer.
#[derive(Debug, Clone)]
pub(crate) enum Way {
    /// By the books.
    Well,
    /// By the books, once it is told to.
    Late(Arc<Notify>),
    /// With success and this body.
    Body(String),
    /// With this status, a header of this name and value, and a body that would do.
    Status(u16, &'static str, String),
    /// Never.
    Never,
    /// With the head and half of the body, and never with the rest.
    Half,
    /// With the head and half of the body, and then the connection breaks.
    Cut,
    /// With this many bytes, announced in the head or not.
    Long { bytes: usize, announced: bool },
    /// With the head of an answer of this many bytes, and never with the answer.
    Announced(usize),
    /// Without an end.
    Endless,
}

/// A request that came.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

#[derive(Debug, Default)]
struct Shared {
    books: Mutex<Books>,
    asked: Mutex<Vec<Asked>>,
    next: Mutex<VecDeque<Way>>,
    then: Mutex<Option<Way>>,
    arrived: Notify,
}

/// A running portal. It stops when it is dropped, and its open connections with it.
#[derive(Debug)]
pub(crate) struct PortalProcess {
    port: u16,
    shared: Arc<Shared>,
    server: JoinHandle<io::Result<()>>,
}

impl PortalProcess {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared::default());
        let app = Router::new()
            .fallback(answer)
            .with_state(Arc::clone(&shared));
        let server = tokio::spawn(async move { axum::serve(listener, app).await });
        Self {
            port,
            shared,
            server,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/graphql", self.port)
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn books(&self) -> MutexGuard<'_, Books> {
        self.shared.books.lock().unwrap()
    }

    /// All requests so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.shared.asked.lock().unwrap().clone()
    }

    /// How many requests there were so far.
    pub(crate) fn count(&self) -> usize {
        self.shared.asked.lock().unwrap().len()
    }

    /// Answers the next requests so, one after the other, and further ones as before.
    pub(crate) fn next(&self, ways: impl IntoIterator<Item = Way>) {
        self.shared.next.lock().unwrap().extend(ways);
    }

    /// Answers all requests so from now on.
    pub(crate) fn always(&self, way: Way) {
        *self.shared.then.lock().unwrap() = Some(way);
    }

    /// Waits until there were so many requests.
    pub(crate) async fn wait_for(&self, count: usize) {
        loop {
            let arrived = self.shared.arrived.notified();
            if self.count() >= count {
                return;
            }
            arrived.await;
        }
    }
}

impl Drop for PortalProcess {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn answer(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: String) -> Response {
    let way = {
        let next = shared.next.lock().unwrap().pop_front();
        next.or_else(|| shared.then.lock().unwrap().clone())
    };
    let asked = Asked {
        headers: headers.clone(),
        body: body.clone(),
    };
    shared.asked.lock().unwrap().push(asked);
    shared.arrived.notify_waiters();
    let well = || {
        let (status, answer) = shared.books.lock().unwrap().answer(&headers, &body);
        (StatusCode::from_u16(status).unwrap(), answer)
    };
    let half = || {
        let (_, answer) = well();
        let mut answer = Bytes::from(answer);
        let half = answer.split_to(answer.len() / 2);
        stream::iter([Ok::<_, io::Error>(half)])
    };
    match way.unwrap_or(Way::Well) {
        Way::Well => well().into_response(),
        Way::Late(told) => {
            told.notified().await;
            well().into_response()
        }
        Way::Body(body) => body.into_response(),
        Way::Status(status, name, value) => {
            let status = StatusCode::from_u16(status).unwrap();
            (status, [(name, value)], well().1).into_response()
        }
        Way::Never => std::future::pending().await,
        Way::Half => Body::from_stream(half().chain(stream::pending())).into_response(),
        Way::Cut => {
            let broken = stream::iter([Err(io::Error::other("cut"))]);
            Body::from_stream(half().chain(broken)).into_response()
        }
        Way::Long { bytes, announced } => {
            let (_, answer) = well();
            let padded = Bytes::from(format!("{answer}{}", " ".repeat(bytes - answer.len())));
            if announced {
                return ([(header::CONTENT_LENGTH, bytes)], padded).into_response();
            }
            Body::from_stream(stream::iter([Ok::<_, Infallible>(padded)])).into_response()
        }
        Way::Announced(bytes) => {
            let never = stream::pending::<Result<Bytes, Infallible>>();
            ([(header::CONTENT_LENGTH, bytes)], Body::from_stream(never)).into_response()
        }
        Way::Endless => {
            let blanks = stream::repeat(Ok::<_, Infallible>(Bytes::from_static(&[b' '; 4096])));
            Body::from_stream(blanks).into_response()
        }
    }
}
