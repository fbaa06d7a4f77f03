//! The listening side: a free port on loopback, connections that die with the provider, and the handle.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};

use crate::record::{Log, Outcome, Recorded};
use crate::routes;
use crate::script::Script;

/// A running fake provider. It stops when it is dropped, and its open connections with it.
#[derive(Debug)]
pub struct FakeProvider {
    handle: Handle,
    server: JoinHandle<()>,
}

/// Script and log of a fake provider, for other tasks. It does not keep the provider alive.
#[derive(Debug, Clone)]
pub struct Handle {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Debug)]
pub(crate) struct Shared {
    script: Mutex<Script>,
    pub(crate) log: Arc<Log>,
}

impl Shared {
    pub(crate) fn script(&self) -> MutexGuard<'_, Script> {
        // The script is replaced field by field, so a panicked holder leaves nothing half written that matters.
        self.script.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl FakeProvider {
    /// Listens on a free port of 127.0.0.1 and answers by `script`.
    ///
    /// # Errors
    /// When no port can be bound.
    pub async fn start(script: Script) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            script: Mutex::new(script),
            log: Log::new(),
        });
        let server = tokio::spawn(serve(listener, Arc::clone(&shared)));
        Ok(Self {
            handle: Handle { address, shared },
            server,
        })
    }

    /// Script and log, to be used from elsewhere.
    #[must_use]
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// `http://127.0.0.1:PORT`
    #[must_use]
    pub fn base_url(&self) -> String {
        self.handle.base_url()
    }

    /// The base URL that an OpenAI client is given; it includes `/v1`.
    #[must_use]
    pub fn openai_base_url(&self) -> String {
        format!("{}/v1", self.base_url())
    }

    /// The base URL that an Anthropic client is given; it has no path.
    #[must_use]
    pub fn anthropic_base_url(&self) -> String {
        self.base_url()
    }

    /// The key that requests must bring.
    #[must_use]
    pub fn api_key(&self) -> String {
        self.handle.script().api_key
    }

    /// [`Handle::script`]
    #[must_use]
    pub fn script(&self) -> Script {
        self.handle.script()
    }

    /// [`Handle::set_script`]
    pub fn set_script(&self, script: Script) {
        self.handle.set_script(script);
    }

    /// [`Handle::change`]
    pub fn change(&self, change: impl FnOnce(&mut Script)) {
        self.handle.change(change);
    }

    /// [`Handle::requests`]
    #[must_use]
    pub fn requests(&self) -> Vec<Recorded> {
        self.handle.requests()
    }

    /// [`Handle::wait_for_requests`]
    pub async fn wait_for_requests(&self, count: usize) {
        self.handle.wait_for_requests(count).await;
    }

    /// [`Handle::wait_for_ends`]
    pub async fn wait_for_ends(&self, count: usize) {
        self.handle.wait_for_ends(count).await;
    }

    /// Stops listening and drops every open connection, whatever it was doing.
    pub async fn stop(mut self) {
        self.server.abort();
        // It ends by being cancelled, which is no news.
        drop((&mut self.server).await);
    }
}

impl Drop for FakeProvider {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Handle {
    /// `http://127.0.0.1:PORT`
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A copy of the present script.
    #[must_use]
    pub fn script(&self) -> Script {
        self.shared.script().clone()
    }

    /// Replaces the script for requests that arrive from now on.
    pub fn set_script(&self, script: Script) {
        *self.shared.script() = script;
    }

    /// Changes the script for requests that arrive from now on.
    pub fn change(&self, change: impl FnOnce(&mut Script)) {
        change(&mut self.shared.script());
    }

    /// All requests so far, refused ones included, in the order of their arrival.
    #[must_use]
    pub fn requests(&self) -> Vec<Recorded> {
        self.shared.log.entries().clone()
    }

    /// Returns as soon as `count` requests have arrived.
    pub async fn wait_for_requests(&self, count: usize) {
        self.shared.log.wait(|entries| entries.len() >= count).await;
    }

    /// Returns as soon as the answers to `count` requests have ended, either way.
    pub async fn wait_for_ends(&self, count: usize) {
        let ended = |entry: &&Recorded| entry.outcome != Outcome::Running;
        self.shared
            .log
            .wait(|entries| entries.iter().filter(ended).count() >= count)
            .await;
    }
}

/// Accepts until it is aborted; the connections are its own and die with it.
async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    let service = TowerToHyperService::new(routes::router(shared));
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { continue };
                // Without it a small last write waits for the other side's delayed acknowledgement.
                if stream.set_nodelay(true).is_err() {
                    continue;
                }
                let service = service.clone();
                connections.spawn(async move {
                    let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
                    // A client that goes away is part of the play.
                    drop(connection.await);
                });
            }
            Some(_) = connections.join_next() => {}
        }
    }
}
