//! The server: everything wired together, started and stopped in order.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use anyhow::Context;
use api::{ApiState, Features, GraphqlState, MetricsText, Readiness};
use auth::AuthState;
use bursar_sdk::BuildInfo;
use chat::{ChatConfig, ChatDeps, ChatHub};
use chrono::TimeDelta;
use db::{Database, local::LocalPostgres};
use dbauthz::{Authorized, SystemActor, SystemStore, WorkspaceSharing};
use gateway::{Gateway, GatewayConfig, GatewayDeps};
use model::{Clock, IdSource, SystemClock, UuidV7Source};
use notifier::{NotifierConfig, NotifierDeps, NotifierError};
use tokio::{net::TcpListener, sync::mpsc, task::JoinHandle, time::Instant};
use tokio_util::sync::CancellationToken;

use crate::{
    caps::{self, PortalPlace},
    cli::ServerOptions,
    environment::Environment,
    hints::Hearers,
    http, metrics, prices, roles, settings, storage,
};

/// A running server.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    gateway: Gateway,
    chats: ChatHub,
    local: Option<LocalPostgres>,
    stopping: CancellationToken,
    serving: JoinHandle<()>,
    /// Ends what is open with its caller's access. A server without it would go on answering who may not.
    watching: JoinHandle<()>,
    /// Finds out who must be told of spend, and tells them. It ends by itself when the server stops.
    telling: Vec<JoinHandle<()>>,
    background: Vec<JoinHandle<()>>,
    shutdown_timeout: Duration,
}

impl Server {
    /// Starts everything and listens. Once this returns, requests are answered.
    ///
    /// # Errors
    /// Whatever keeps the server from starting, with what to do about it.
    pub async fn start(options: &ServerOptions, environment: &Environment) -> anyhow::Result<Self> {
        let prices = Arc::new(prices::book(options.model_prices_file.as_deref())?);
        let oidc = options.oidc.set_up(options.access_url.as_ref())?;
        let telling = options.notifications.config()?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let place = options.caps_place.set_up(Arc::clone(&clock))?;
        // Before the database is touched: a port that is taken is found out early.
        let listener = listen(options.http_address).await?;
        let address = listener.local_addr()?;
        let storage = storage::open(options, environment).await?;
        let ids: Arc<dyn IdSource> = Arc::new(UuidV7Source);
        let authorized = wrapped(storage.database, place.as_ref(), options);
        // Before anything is counted.
        let recorder = metrics::recorder()?;
        roles::at_start(&authorized).await?;
        settings::write(&authorized, options).await?;
        let time = (Arc::clone(&clock), Arc::clone(&ids));
        let auth = sign_in(options, authorized.clone(), time)?.with_oidc(oidc);
        let stopping = CancellationToken::new();
        let (spend, hints) = mpsc::channel(1024);
        let counting = authorized.as_system(SystemActor::Metrics);
        let (caps, keeping) = caps::open(place, &authorized, &stopping).await?;
        let gateway = Gateway::new(GatewayDeps {
            authorized,
            auth: auth.clone(),
            prices: Arc::clone(&prices),
            clock,
            ids: Arc::clone(&ids),
            config: gateway_config(options, storage.local.is_some()),
            hints,
        })?;
        gateway.start().await?;
        let chats = chats(options, &auth, &gateway);
        let hearers = Hearers::new(spend, &auth, &chats);
        let mut background = count(counting, &stopping);
        background.push(hearers.listen(storage.hints_url, stopping.clone()));
        background.extend(keeping);
        let telling = tell(&auth, telling, &stopping)?;
        let watching = tokio::spawn(auth.access.clone().run(options.access_recheck));
        let state = ApiState {
            auth,
            features: features(options),
            graphql: GraphqlState::new(options.caps.graphql()),
            caps,
            chats: chats.clone(),
            uploads: options.chats.uploads(),
            webhooks: options.notifications.reach(),
            build: build_info(options),
            readiness: Arc::new([Arc::new(NotStopping(stopping.clone()))]),
            prices,
            metrics: MetricsText::new(move || recorder.render()),
        };
        let routes = api::router(state).merge(gateway::router(gateway.clone()));
        let serving = tokio::spawn(http::serve(
            listener,
            api::with_middleware(routes, ids),
            http::TIMEOUTS,
            stopping.clone(),
        ));
        Ok(Self {
            address,
            gateway,
            chats,
            local: storage.local,
            stopping,
            serving,
            watching,
            telling,
            background,
            shutdown_timeout: options.shutdown_timeout,
        })
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends when the server cannot go on by itself, with the reason. Safe to drop and call again.
    pub async fn failed(&mut self) -> anyhow::Error {
        let database = async {
            match &mut self.local {
                Some(local) => local.exited().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            error = database => anyhow::Error::new(error).context("the embedded PostgreSQL has ended"),
            outcome = &mut self.serving => match outcome {
                Ok(()) => anyhow::anyhow!("the HTTP server has ended"),
                Err(error) => anyhow::Error::new(error).context("the HTTP server has ended"),
            },
            outcome = &mut self.watching => match outcome {
                Ok(()) => anyhow::anyhow!("the watch over callers' access has ended"),
                Err(error) => {
                    anyhow::Error::new(error).context("the watch over callers' access has ended")
                }
            },
        }
    }

    /// Stops cleanly: requests in flight finish, up to the limit; what they cost is settled; then the
    /// own PostgreSQL stops.
    ///
    /// # Errors
    /// When PostgreSQL does not stop.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        self.stopping.cancel();
        // Beside each other: the gateway ends what takes too long, and connections end with their answers.
        let connections = async {
            self.serving.is_finished()
                || tokio::time::timeout(self.shutdown_timeout, &mut self.serving)
                    .await
                    .is_ok()
        };
        // Turns of chats are requests of the gateway's.
        let asking = async {
            let began = Instant::now();
            self.chats.shutdown(self.shutdown_timeout).await;
            let left = self.shutdown_timeout.saturating_sub(began.elapsed());
            self.gateway.shutdown(left).await;
        };
        let (finished, ()) = tokio::join!(connections, asking);
        if !finished {
            tracing::warn!("requests in flight did not finish in time and are cut off");
            self.serving.abort();
        }
        self.watching.abort();
        // It was told to end with the requests above, and gives what it sends a moment of its own.
        for mut task in self.telling {
            if tokio::time::timeout(self.shutdown_timeout, &mut task)
                .await
                .is_err()
            {
                task.abort();
            }
        }
        for task in self.background {
            task.abort();
        }
        match self.local {
            Some(local) => local
                .stop()
                .await
                .context("the embedded PostgreSQL did not stop"),
            None => Ok(()),
        }
    }
}

async fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| {
        format!("cannot listen on {address}; name another address with --http-address")
    })
}

/// Begins to find out who must be told of spend, and to tell them.
fn tell(
    auth: &AuthState,
    config: NotifierConfig,
    stopping: &CancellationToken,
) -> Result<Vec<JoinHandle<()>>, NotifierError> {
    let deps = NotifierDeps {
        authorized: auth.authorized.clone(),
        clock: Arc::clone(&auth.clock),
        ids: Arc::clone(&auth.ids),
        config,
    };
    notifier::start(deps, stopping.clone())
}

/// Begins to keep the figures of `/metrics`.
fn count(store: SystemStore, stopping: &CancellationToken) -> Vec<JoinHandle<()>> {
    vec![
        tokio::spawn(metrics::keep_tidy(stopping.clone())),
        tokio::spawn(metrics::count_blocked(store, stopping.clone())),
    ]
}

/// Begins to run turns of chats, and to show chats as they go on.
fn chats(options: &ServerOptions, auth: &AuthState, gateway: &Gateway) -> ChatHub {
    let chats = ChatHub::new(ChatDeps {
        auth: auth.clone(),
        gateway: gateway.clone(),
        clock: Arc::clone(&auth.clock),
        ids: Arc::clone(&auth.ids),
        config: chat_config(options),
    });
    chats.start();
    chats
}

/// Turns of a server that has gone are ended as soon after its lease as its open requests are charged, and within five
/// seconds of it however long leases are.
fn chat_config(options: &ServerOptions) -> ChatConfig {
    let default = options.chats.config();
    ChatConfig {
        look_every: options.access_recheck,
        sweep_every: default.sweep_every.min(options.ai_lease / 3),
        ..default
    }
}

/// Who signs in, and for how long admin mode lasts.
fn sign_in(
    options: &ServerOptions,
    authorized: Authorized,
    (clock, ids): (Arc<dyn Clock>, Arc<dyn IdSource>),
) -> anyhow::Result<AuthState> {
    let auth = AuthState::new(authorized, clock, ids, options.access_url.clone());
    let lifetime = TimeDelta::from_std(options.admin_mode_duration)?;
    Ok(auth.with_admin_mode_lifetime(lifetime))
}

/// The store as it is given out: bound to whoever acts, and to what options say of what decides.
fn wrapped(database: Database, place: Option<&PortalPlace>, options: &ServerOptions) -> Authorized {
    let database = match place {
        Some(place) => database.with_cap_trust(place.trust),
        None => database,
    };
    Authorized::new(Arc::new(database))
        .with_workspace_sharing(workspace_sharing(options))
        .with_chat_sharing(options.chats.sharing())
}

const fn workspace_sharing(options: &ServerOptions) -> WorkspaceSharing {
    if options.disable_workspace_sharing {
        WorkspaceSharing::Disabled
    } else {
        WorkspaceSharing::ByOrganization
    }
}

fn gateway_config(options: &ServerOptions, alone: bool) -> GatewayConfig {
    GatewayConfig {
        admission_wait: options.ai_admission_wait,
        drain_timeout: options.ai_drain_timeout,
        default_output_cap: options.ai_default_output_tokens,
        lease_ttl: options.ai_lease,
        lease_renew_every: options.ai_lease / 3,
        sweep_every: options.ai_lease / 3,
        embedded_alone: alone,
        ..GatewayConfig::default()
    }
}

const fn features(options: &ServerOptions) -> Features {
    Features {
        aibridge: options.aibridge,
    }
}

fn build_info(options: &ServerOptions) -> BuildInfo {
    BuildInfo {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        external_url: String::new(),
        dashboard_url: options
            .access_url
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default(),
        deployment_id: None,
    }
}

/// Not ready any more once the server is stopping, so that a load balancer turns away first.
#[derive(Debug)]
struct NotStopping(CancellationToken);

#[async_trait::async_trait]
impl Readiness for NotStopping {
    fn name(&self) -> &'static str {
        "server"
    }

    async fn check(&self) -> Result<(), String> {
        if self.0.is_cancelled() {
            Err("the server is stopping".to_owned())
        } else {
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn turns_of_servers_that_have_gone_are_looked_for_as_often_as_leases_end() {
        let check = |lease_ms: u64, expected_ms: u64| {
            let mut options = ServerOptions::with_defaults().unwrap();
            options.ai_lease = Duration::from_millis(lease_ms);
            let every = chat_config(&options).sweep_every;
            assert_eq!(every, Duration::from_millis(expected_ms), "{lease_ms}");
        };
        check(900, 300);
        check(15_000, 5_000);
        check(600_000, 5_000);
    }
}
