//! An identity provider on loopback that tells of whom it is told to, and misbehaves as it is told to.
//!
//! It is strict with who asks: without PKCE, with another secret, with a code that was used, it answers as a good
//! provider does. What it does wrong is in its [`Play`] alone.

mod keys;
mod play;
mod routes;
mod token;

use std::{
    collections::BTreeMap,
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bursar::oidc::OidcOptions;
use serde_json::Value;
use tempfile::NamedTempFile;
use tokio::{net::TcpListener, task::JoinHandle};

use keys::Keys;
pub use play::{Algorithm, Claims, Endpoint, Forge, Forgery, Play, Signature};

/// What the issuer calls its one client.
pub const CLIENT_ID: &str = "bursar";
/// The client's secret. It has characters that must be encoded on their way.
pub const CLIENT_SECRET: &str = "s3cret:with %41 & ü";

/// A running identity provider. It stops when it is dropped.
#[derive(Debug)]
pub struct TestIssuer {
    address: SocketAddr,
    shared: Arc<Shared>,
    server: JoinHandle<()>,
    secret: NamedTempFile,
}

#[derive(Debug)]
struct Shared {
    address: SocketAddr,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    play: Play,
    keys: Keys,
    old_keys: Option<Keys>,
    codes: BTreeMap<String, Begun>,
    tokens: BTreeMap<String, Value>,
    requests: BTreeMap<&'static str, usize>,
    made: u64,
}

/// What a code stands for.
#[derive(Debug, Clone)]
struct Begun {
    nonce: Option<String>,
    challenge: String,
    redirect_uri: String,
    /// Whether it is to be told when the person signed in.
    max_age: bool,
    person: Claims,
}

impl Shared {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn issuer(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Inner {
    /// A text that was never made before.
    fn fresh(&mut self, kind: &str) -> String {
        self.made = self.made.saturating_add(1);
        format!("{kind}-{}", self.made)
    }

    fn count(&mut self, endpoint: &'static str) {
        let count = self.requests.entry(endpoint).or_default();
        *count = count.saturating_add(1);
    }
}

impl TestIssuer {
    /// Listens on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// When no port can be bound, or no key can be made.
    pub async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let secret = NamedTempFile::new()?;
        std::fs::write(secret.path(), format!("{CLIENT_SECRET}\n"))?;
        let shared = Arc::new(Shared {
            address,
            inner: Mutex::new(Inner {
                play: Play::default(),
                keys: Keys::new("first")?,
                old_keys: None,
                codes: BTreeMap::new(),
                tokens: BTreeMap::new(),
                requests: BTreeMap::new(),
                made: 0,
            }),
        });
        let routes = routes::router(Arc::clone(&shared));
        let server = tokio::spawn(async move {
            // It ends with its test.
            drop(axum::serve(listener, routes).await);
        });
        Ok(Self {
            address,
            shared,
            server,
            secret,
        })
    }

    /// What it calls itself.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The options of a server whose people sign in here.
    ///
    /// # Errors
    /// Never, as long as the options have consistent defaults.
    pub fn options(&self) -> anyhow::Result<OidcOptions> {
        let mut options = bursar::cli::ServerOptions::with_defaults()?.oidc;
        options.oidc_issuer_url = Some(self.url());
        options.oidc_client_id = Some(CLIENT_ID.to_owned());
        options.oidc_client_secret_file = Some(self.secret.path().to_owned());
        Ok(options)
    }

    /// Changes how it plays from now on.
    pub fn play(&self, change: impl FnOnce(&mut Play)) {
        change(&mut self.shared.inner().play);
    }

    /// Lets a person of these claims sign in from now on: an object, `sub` among them.
    pub fn person(&self, claims: Value) {
        if let Value::Object(claims) = claims {
            self.play(|play| play.person = claims);
        }
    }

    /// Signs with new keys from now on, and publishes no others.
    ///
    /// # Errors
    /// When no key can be made.
    pub fn rotate(&self, key_id: &str) -> io::Result<()> {
        let keys = Keys::new(key_id)?;
        let mut inner = self.shared.inner();
        let old = std::mem::replace(&mut inner.keys, keys);
        inner.old_keys = Some(old);
        Ok(())
    }

    /// How often an endpoint was asked, by the last word of its path.
    #[must_use]
    pub fn requests(&self, endpoint: &str) -> usize {
        self.shared
            .inner()
            .requests
            .get(endpoint)
            .copied()
            .unwrap_or_default()
    }
}

impl Drop for TestIssuer {
    fn drop(&mut self) {
        self.server.abort();
    }
}
