//! The options of `bursar server`.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use clap::{Args, FromArgMatches, ValueEnum};
use model::budgets::{BudgetPeriod, BudgetPolicy, EveryoneBudget};
use url::Url;

use super::{
    DatabaseSource,
    values::{admin_mode, duration, lease, recheck, web_address, word},
};
use crate::{
    caps::CapsPlaceOptions, chats::ChatOptions, graphql::CapsOptions,
    notifications::NotificationOptions, oidc::OidcOptions,
};

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Human,
    /// One JSON object per line.
    Json,
}

/// Options of `bursar server`.
#[derive(Debug, Clone, Args)]
pub struct ServerOptions {
    /// File with any of these options as TOML keys (`http-address = "…"`). A flag wins over an environment
    /// variable, which wins over this file.
    #[arg(long, env = "BURSAR_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Where to listen.
    #[arg(long, env = "BURSAR_HTTP_ADDRESS", default_value = "127.0.0.1:7080")]
    pub http_address: SocketAddr,
    /// The address that people reach this deployment at, as browsers see it.
    #[arg(long, env = "BURSAR_ACCESS_URL", value_parser = web_address)]
    pub access_url: Option<Url>,

    /// Which database it works on.
    #[command(flatten)]
    pub source: DatabaseSource,
    /// The most connections to keep open to the database.
    #[arg(
        long,
        env = "BURSAR_DATABASE_MAX_CONNECTIONS",
        default_value_t = 32,
        value_parser = clap::value_parser!(u32).range(2..=1000),
        help_heading = "Database"
    )]
    pub database_max_connections: u32,
    /// File with the 32-byte key, as 64 hex digits, that provider keys are encrypted with [default: made
    /// in the data folder; to be given with a database URL].
    #[arg(long, env = "BURSAR_ENCRYPTION_KEY_FILE", help_heading = "Database")]
    pub encryption_key_file: Option<PathBuf>,

    /// Let nobody share workspaces, whatever organizations say. What was shared is kept, and counts again without
    /// this option.
    #[arg(
        long,
        env = "BURSAR_DISABLE_WORKSPACE_SHARING",
        default_value_t = false,
        default_missing_value = "true",
        num_args = 0..=1,
        require_equals = true,
        action = clap::ArgAction::Set,
        help_heading = "Sharing"
    )]
    pub disable_workspace_sharing: bool,

    /// How chats are answered, shared and put away.
    #[command(flatten)]
    pub chats: ChatOptions,

    /// Whether budgets and spend are offered (the feature `aibridge`).
    #[arg(
        long,
        env = "BURSAR_AIBRIDGE",
        default_value_t = true,
        action = clap::ArgAction::Set,
        help_heading = "Gateway"
    )]
    pub aibridge: bool,
    /// How one limit is made of the budgets of a person's groups: `highest`, `lowest` or `sum` [default: what
    /// the database says, `highest` in a new one]. Written to the database at start, for all servers.
    #[arg(long, env = "BURSAR_AI_BUDGET_POLICY", value_parser = word::<BudgetPolicy>, help_heading = "Budgets")]
    pub ai_budget_policy: Option<BudgetPolicy>,
    /// How budgets of Everyone groups stand beside others: `competes`, or `default` for who has no other
    /// [default: what the database says, `competes` in a new one]. Written to the database at start.
    #[arg(long, env = "BURSAR_AI_BUDGET_EVERYONE", value_parser = word::<EveryoneBudget>, help_heading = "Budgets")]
    pub ai_budget_everyone: Option<EveryoneBudget>,
    /// The period of budgets: `day`, `week`, `month` or `quarter` [default: what the database says, `month` in
    /// a new one]. Written to the database at start; spend is counted anew when it changes.
    #[arg(long, env = "BURSAR_AI_BUDGET_PERIOD", value_parser = word::<BudgetPeriod>, help_heading = "Budgets")]
    pub ai_budget_period: Option<BudgetPeriod>,
    /// The time zone that periods follow, by its IANA name [default: what the database says, `UTC` in a new
    /// one]. Written to the database at start; spend is counted anew when it changes.
    #[arg(
        long,
        env = "BURSAR_AI_BUDGET_TIME_ZONE",
        value_name = "ZONE",
        help_heading = "Budgets"
    )]
    pub ai_budget_time_zone: Option<String>,

    /// How caps are offered over GraphQL.
    #[command(flatten)]
    pub caps: CapsOptions,

    /// Where caps live.
    #[command(flatten)]
    pub caps_place: CapsPlaceOptions,

    /// JSON file with prices of your own, which win over the built-in ones.
    #[arg(long, env = "BURSAR_MODEL_PRICES_FILE", help_heading = "Gateway")]
    pub model_prices_file: Option<PathBuf>,
    /// How long a request may wait for others to settle before it is refused.
    #[arg(long, env = "BURSAR_AI_ADMISSION_WAIT", default_value = "10s", value_parser = duration, help_heading = "Gateway")]
    pub ai_admission_wait: Duration,
    /// How long an answer is read to its end after its client has left.
    #[arg(long, env = "BURSAR_AI_DRAIN_TIMEOUT", default_value = "60s", value_parser = duration, help_heading = "Gateway")]
    pub ai_drain_timeout: Duration,
    /// The output tokens that a request without a limit of its own may use.
    #[arg(
        long,
        env = "BURSAR_AI_DEFAULT_OUTPUT_TOKENS",
        default_value_t = 8192,
        value_parser = clap::value_parser!(u64).range(16..),
        help_heading = "Gateway"
    )]
    pub ai_default_output_tokens: u64,
    /// How long after its last sign of life a server counts as dead, and its open requests are charged.
    #[arg(long, env = "BURSAR_AI_LEASE", default_value = "15s", value_parser = lease, help_heading = "Gateway")]
    pub ai_lease: Duration,

    /// How people sign in at an identity provider.
    #[command(flatten)]
    pub oidc: OidcOptions,

    /// How long admin mode lasts, which whoever is signed in begins by proving again who they are, and which what
    /// concerns the whole deployment's money asks for.
    #[arg(
        long,
        env = "BURSAR_ADMIN_MODE_DURATION",
        default_value = "1h",
        value_parser = admin_mode,
        help_heading = "Sign-in"
    )]
    pub admin_mode_duration: Duration,

    /// How people and programs are told besides the inbox.
    #[command(flatten)]
    pub notifications: NotificationOptions,

    /// How often the access of whoever holds a stream open is checked although nothing was heard of a change.
    #[arg(long, env = "BURSAR_ACCESS_RECHECK", default_value = "5s", value_parser = recheck)]
    pub access_recheck: Duration,
    /// How long requests in flight may take to finish when the server stops.
    #[arg(long, env = "BURSAR_SHUTDOWN_TIMEOUT", default_value = "30s", value_parser = duration)]
    pub shutdown_timeout: Duration,
    /// How log lines look.
    #[arg(long, env = "BURSAR_LOG_FORMAT", default_value = "human")]
    pub log_format: LogFormat,
    /// What is logged: a level, or levels per target (`info,gateway=debug`).
    #[arg(long, env = "BURSAR_LOG", default_value = "info")]
    pub log: String,
}

impl ServerOptions {
    /// The options as they are when nothing is said, whatever the environment says.
    ///
    /// # Errors
    /// Never, as long as the options have consistent defaults; the test below makes sure of it.
    pub fn with_defaults() -> Result<Self, clap::Error> {
        let command = Self::augment_args(clap::Command::new("server").no_binary_name(true));
        let ids: Vec<_> = command
            .get_arguments()
            .map(|argument| argument.get_id().clone())
            .collect();
        let command = ids.into_iter().fold(command, |command, id| {
            command.mut_arg(id, |a| a.env(None::<&str>))
        });
        Self::from_arg_matches(&command.try_get_matches_from([""; 0])?)
    }
}
