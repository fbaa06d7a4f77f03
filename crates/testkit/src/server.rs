//! A running server on a test's own database and a free port.

use std::{path::PathBuf, time::Duration};

use bursar::{
    Environment, Server, caps::CapsPlaceOptions, chats::ChatOptions, cli, graphql::CapsOptions,
    notifications::NotificationOptions, oidc::OidcOptions,
};
use bursar_sdk::Client;
use db::local::Durability;
use model::budgets::BudgetSettingsUpdate;
use tempfile::TempDir;

use crate::TestDatabase;

/// The address of a deployment whose people sign in at an identity provider: a load balancer's, say, that
/// passes what comes to any of its servers.
pub const ACCESS_URL: &str = "http://bursar.test/base";

/// The options that tests vary; everything else is the default of `bursar server`.
#[derive(Debug, Clone)]
pub struct ServerOptions {
    /// Whether the feature `aibridge` is on.
    pub aibridge: bool,
    /// Whether nobody may share workspaces.
    pub disable_workspace_sharing: bool,
    /// How chats are answered, shared and put away.
    pub chats: ChatOptions,
    /// How long a request may wait for others to settle.
    pub admission_wait: Duration,
    /// How long a server's lease lives.
    pub lease: Duration,
    /// How long an answer is read on after its client has left.
    pub drain_timeout: Duration,
    /// A file with prices that win over the built-in ones.
    pub model_prices_file: Option<PathBuf>,
    /// How often the access of open streams is checked although nothing was heard.
    pub access_recheck: Duration,
    /// How people sign in at an identity provider. The deployment's address is [`ACCESS_URL`] then.
    pub oidc: Option<OidcOptions>,
    /// What holds for all budgets, as far as options say.
    pub budgets: BudgetSettingsUpdate,
    /// How people and programs are told besides the inbox.
    pub notifications: Option<NotificationOptions>,
    /// How caps are offered over GraphQL, else by the defaults.
    pub caps: Option<CapsOptions>,
    /// Where caps live, unless it is the database.
    pub caps_place: Option<CapsPlaceOptions>,
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self {
            aibridge: true,
            disable_workspace_sharing: false,
            chats: ChatOptions::default(),
            admission_wait: Duration::from_secs(10),
            lease: Duration::from_secs(15),
            drain_timeout: Duration::from_secs(60),
            model_prices_file: None,
            access_recheck: Duration::from_secs(5),
            oidc: None,
            budgets: BudgetSettingsUpdate::default(),
            notifications: None,
            caps: None,
            caps_place: None,
        }
    }
}

/// A running server. Stop it with [`TestServer::stop`]; dropped, it ends with the test's runtime.
#[derive(Debug)]
pub struct TestServer {
    server: Server,
    client: Client,
    _key: TempDir,
}

impl TestServer {
    /// A server on a database that others may share: several of these are replicas.
    ///
    /// # Errors
    /// Whatever keeps the server from starting.
    pub async fn start(database: &TestDatabase, options: &ServerOptions) -> anyhow::Result<Self> {
        let key = tempfile::tempdir()?;
        let key_file = key.path().join("encryption.key");
        // Every replica needs the same key, and no test's secrets are worth more than this one.
        std::fs::write(&key_file, "00112233445566778899aabbccddeeff".repeat(2))?;
        std::fs::set_permissions(
            &key_file,
            std::os::unix::fs::PermissionsExt::from_mode(0o600),
        )?;
        let mut server = cli::ServerOptions::with_defaults()?;
        server.http_address = ([127, 0, 0, 1], 0).into();
        server.source.database_url = Some(database.app_url());
        server.source.migrate_database_url = Some(database.owner_url());
        server.database_max_connections = 16;
        server.encryption_key_file = Some(key_file);
        server.aibridge = options.aibridge;
        server.disable_workspace_sharing = options.disable_workspace_sharing;
        server.chats.clone_from(&options.chats);
        server.ai_admission_wait = options.admission_wait;
        server.ai_lease = options.lease;
        server.ai_drain_timeout = options.drain_timeout;
        server.access_recheck = options.access_recheck;
        if let Some(oidc) = &options.oidc {
            server.oidc = oidc.clone();
            server.access_url = Some(ACCESS_URL.parse()?);
        }
        server
            .model_prices_file
            .clone_from(&options.model_prices_file);
        server.ai_budget_policy = options.budgets.policy;
        server.ai_budget_everyone = options.budgets.everyone;
        server.ai_budget_period = options.budgets.period;
        server
            .ai_budget_time_zone
            .clone_from(&options.budgets.time_zone);
        if let Some(notifications) = &options.notifications {
            server.notifications = notifications.clone();
        }
        if let Some(caps) = options.caps {
            server.caps = caps;
        }
        if let Some(place) = &options.caps_place {
            server.caps_place = place.clone();
        }
        server.shutdown_timeout = Duration::from_secs(10);
        let environment = Environment {
            default_data_dir: None,
            path: None,
            durability: Durability::Throwaway,
            application_name: "bursar-test".to_owned(),
        };
        let server = Server::start(&server, &environment).await?;
        let client = Client::new(&format!("http://{}", server.address()))?;
        Ok(Self {
            server,
            client,
            _key: key,
        })
    }

    /// The server's address, without a slash at its end.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.server.address())
    }

    /// A client of this server, as nobody.
    #[must_use]
    pub const fn nobody(&self) -> &Client {
        &self.client
    }

    /// The same caller at this server.
    #[must_use]
    pub fn as_caller(&self, caller: &Client) -> Client {
        match caller.token() {
            Some(token) => self.client.with_token(token.clone()),
            None => self.client.clone(),
        }
    }

    /// Stops it cleanly.
    ///
    /// # Errors
    /// Whatever does not stop.
    pub async fn stop(self) -> anyhow::Result<()> {
        self.server.stop().await
    }
}
