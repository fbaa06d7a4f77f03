//! The command line: one struct per command, every option also an environment variable and a key of the
//! configuration file.

use std::{net::SocketAddr, ops::RangeInclusive, path::PathBuf, str::FromStr, time::Duration};

use clap::{Args, FromArgMatches, Parser, Subcommand, ValueEnum};
use model::{
    budgets::{BudgetPeriod, BudgetPolicy, EveryoneBudget, UnknownWord},
    prices::ProviderKind,
};
use secrecy::SecretString;
use url::Url;

use crate::{notifications::NotificationOptions, oidc::OidcOptions};

/// The shortest lease of a server: a third of it passes between two signs of life.
const SHORTEST_LEASE: Duration = Duration::from_secs(1);

/// How often open streams may be checked.
const RECHECKS: RangeInclusive<Duration> = Duration::from_millis(100)..=Duration::from_secs(5);

/// Decides who may use AI, what they may spend and who sees it, for every request.
#[derive(Debug, Parser)]
#[command(name = "bursar", version, about, max_term_width = 100)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Tell the story on this machine: a person, a budget, requests until the budget refuses one.
    ///
    /// Starts its own PostgreSQL in a temporary folder and a fake AI provider on loopback. Nothing that it
    /// makes is kept, and nothing leaves the machine.
    Demo(DemoOptions),
    /// Run the server.
    Server(Box<ServerOptions>),
    /// Look after the roles that come with being a member of an organization.
    #[command(subcommand)]
    Roles(RolesCommand),
    /// Look after the spend ledger.
    Ledger(LedgerOptions),
    /// See and set the prices of models.
    #[command(subcommand)]
    Prices(PricesCommand),
}

/// What can be done about roles.
#[derive(Debug, Subcommand)]
pub enum RolesCommand {
    /// Write what the roles that come with membership hold, in every organization where it is not what this program
    /// defines for the organization's settings.
    ///
    /// Every server does the same as it starts. What a newer Bursar wrote is left alone.
    Reconcile(Box<ReconcileOptions>),
}

/// Options of `bursar roles reconcile`.
#[derive(Debug, Clone, Args)]
pub struct ReconcileOptions {
    /// File with options of `bursar server` as TOML keys, of which those about the database count here.
    #[arg(long, env = "BURSAR_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Write nothing; tell what would change.
    #[arg(long)]
    pub dry_run: bool,
    /// The database to look after.
    #[command(flatten)]
    pub source: DatabaseSource,
}

/// What can be done about prices.
#[derive(Debug, Subcommand)]
pub enum PricesCommand {
    /// List the prices of models: those that were set and those that are built in.
    ///
    /// Amounts are US dollars for a million tokens; a dash is not known. Works as the system actor `price-importer`.
    List(Box<PriceListOptions>),
    /// Set the prices and aliases of a JSON file, all of them or none.
    ///
    /// The file has `prices`, as the API takes them (`POST /api/v2/ai/model-prices`), or `models`, as the server's
    /// option --model-prices-file has them. Match rules become aliases. What the file does not name stays as it is.
    /// Works as the system actor `price-importer`, whose name the audit log shows; servers that run use the prices from
    /// the next request on.
    Import(Box<PriceImportOptions>),
}

/// Options of `bursar prices list`.
#[derive(Debug, Clone, Args)]
pub struct PriceListOptions {
    /// File with options of `bursar server` as TOML keys, of which those that are options here count.
    #[arg(long, env = "BURSAR_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Only for this type of provider: `openai`, `anthropic` or `openai-compatible`.
    #[arg(long, value_name = "TYPE")]
    pub provider: Option<ProviderKind>,
    /// Only for this model, named as a request would name it.
    #[arg(long)]
    pub model: Option<String>,
    /// Which ones [default: of each model those that are effective].
    #[arg(long)]
    pub source: Option<PriceSourceOption>,
    /// Print them as a JSON list.
    #[arg(long)]
    pub json: bool,
    /// The server's JSON file with prices of your own.
    #[arg(long, env = "BURSAR_MODEL_PRICES_FILE", value_name = "FILE")]
    pub model_prices_file: Option<PathBuf>,
    /// The database to look into.
    #[command(flatten)]
    pub source_database: DatabaseSource,
}

/// Which prices to list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PriceSourceOption {
    /// Those that are built in or stand in the file.
    Default,
    /// Those that were set.
    Custom,
    /// All.
    All,
}

/// Options of `bursar prices import`.
#[derive(Debug, Clone, Args)]
pub struct PriceImportOptions {
    /// File with options of `bursar server` as TOML keys, of which those about the database count here.
    #[arg(long, env = "BURSAR_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The file with the prices.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Write nothing; tell what would change.
    #[arg(long)]
    pub dry_run: bool,
    /// The database to write to.
    #[command(flatten)]
    pub source: DatabaseSource,
}

/// Which database it is about.
#[derive(Debug, Clone, Args)]
pub struct DatabaseSource {
    /// Folder for Bursar's data and its own PostgreSQL [default: /var/lib/bursar for root, else bursar in
    /// the XDG data home].
    #[arg(long, env = "BURSAR_DATA_DIR", help_heading = "Database")]
    pub data_dir: Option<PathBuf>,
    /// Use this PostgreSQL instead of an own one; any number of servers may share it. Prefer the
    /// environment variable: arguments are visible to other people on the machine.
    #[arg(
        long,
        env = "BURSAR_DATABASE_URL",
        hide_env_values = true,
        help_heading = "Database"
    )]
    pub database_url: Option<SecretString>,
    /// The address to migrate with, as the role that owns the tables [default: the database URL].
    #[arg(
        long,
        env = "BURSAR_MIGRATE_DATABASE_URL",
        hide_env_values = true,
        requires = "database_url",
        help_heading = "Database"
    )]
    pub migrate_database_url: Option<SecretString>,
    /// The role without rights on the schema and on the audit log that the server works as. When it is not
    /// the one in the database URL, the server switches to it at connect.
    #[arg(long, env = "BURSAR_DATABASE_APP_ROLE", help_heading = "Database")]
    pub database_app_role: Option<String>,
    /// Folder of PostgreSQL's programs; found by itself when not given.
    #[arg(long, env = "BURSAR_POSTGRES_BIN_DIR", help_heading = "Database")]
    pub postgres_bin_dir: Option<PathBuf>,
}

/// Options of `bursar ledger`.
#[derive(Debug, Clone, Args)]
pub struct LedgerOptions {
    /// What to do.
    #[command(subcommand)]
    pub command: LedgerCommand,
}

/// The commands of `bursar ledger`.
#[derive(Debug, Clone, Subcommand)]
pub enum LedgerCommand {
    /// Recount every figure of the ledger from its events and open reservations.
    ///
    /// Prints each figure that differs. Ends with 0 when none does, with 1 when one does, and with 2 when it
    /// could not be found out. Servers may run meanwhile, except on the database of the data folder, which belongs
    /// to one process.
    Verify(VerifyOptions),
}

/// Options of `bursar ledger verify`.
#[derive(Debug, Clone, Args)]
pub struct VerifyOptions {
    /// Which database it looks at.
    #[command(flatten)]
    pub source: DatabaseSource,
}

/// Options of `bursar demo`.
#[derive(Debug, Clone, Args)]
pub struct DemoOptions {
    /// Where to listen; port 0 takes a free one.
    #[arg(long, env = "BURSAR_DEMO_HTTP_ADDRESS", default_value = "127.0.0.1:0")]
    pub http_address: SocketAddr,
    /// End after the story instead of leaving the server running.
    #[arg(long)]
    pub exit: bool,
    /// Write the address, the credentials and the models to this file as JSON, for scripts, once the story
    /// is told.
    #[arg(long, value_name = "FILE", conflicts_with = "exit")]
    pub details_file: Option<PathBuf>,
    /// Folder of PostgreSQL's programs; found by itself when not given.
    #[arg(long, env = "BURSAR_POSTGRES_BIN_DIR")]
    pub postgres_bin_dir: Option<PathBuf>,
}

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

/// Reads the address that people reach the deployment at.
fn web_address(text: &str) -> Result<Url, String> {
    let url: Url = text
        .parse()
        .map_err(|error: url::ParseError| error.to_string())?;
    if matches!(url.scheme(), "http" | "https") {
        Ok(url)
    } else {
        Err("must begin with http:// or https://".to_owned())
    }
}

/// Reads one of the words that a type knows.
fn word<T: FromStr<Err = UnknownWord>>(text: &str) -> Result<T, UnknownWord> {
    text.parse()
}

/// Reads how long a lease lasts: a shorter one lapses while the server that renews it is well.
fn lease(text: &str) -> Result<Duration, String> {
    let lease = duration(text)?;
    if lease < SHORTEST_LEASE {
        return Err(format!("must be at least {}s", SHORTEST_LEASE.as_secs()));
    }
    Ok(lease)
}

/// Reads a pause between two checks of access: none at all would never rest, a long one would let a revoked
/// stream go on.
fn recheck(text: &str) -> Result<Duration, String> {
    let pause = duration(text)?;
    if RECHECKS.contains(&pause) {
        return Ok(pause);
    }
    let (least, most) = (RECHECKS.start().as_millis(), RECHECKS.end().as_secs());
    Err(format!("must be from {least}ms to {most}s"))
}

/// Reads `250ms`, `10s`, `5m`, `1h`; a bare number is seconds.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits).unwrap_or((text, ""));
    let number: u64 = number
        .parse()
        .map_err(|_error| "must be a number with ms, s, m or h".to_owned())?;
    let millis = match unit {
        "ms" => Some(number),
        "" | "s" => number.checked_mul(1000),
        "m" => number.checked_mul(60_000),
        "h" => number.checked_mul(3_600_000),
        _ => return Err("must end with ms, s, m or h".to_owned()),
    };
    // A year is more than any of these waits can mean.
    millis
        .filter(|millis| *millis <= 31_536_000_000)
        .map(Duration::from_millis)
        .ok_or_else(|| "is more than a year".to_owned())
}

#[cfg(test)]
mod tests {
    use super::{Cli, ServerOptions, duration, lease, recheck, web_address};
    use clap::CommandFactory;
    use std::time::Duration;

    #[test]
    fn the_command_line_is_consistent_and_every_server_option_has_its_variable() {
        Cli::command().debug_assert();
        let command = Cli::command();
        let server = command.find_subcommand("server").unwrap();
        for argument in server
            .get_arguments()
            .filter(|a| a.get_long() != Some("help"))
        {
            let long = argument
                .get_long()
                .unwrap()
                .to_uppercase()
                .replace('-', "_");
            let variable = argument.get_env().unwrap().to_str().unwrap();
            assert_eq!(variable, format!("BURSAR_{long}"));
            assert!(argument.get_help().is_some(), "{long} has no help");
        }
    }

    #[test]
    fn the_defaults_are_consistent() {
        let options = ServerOptions::with_defaults().unwrap();
        assert_eq!(options.http_address.port(), 7080);
        assert!(options.aibridge && options.source.database_url.is_none());
    }

    #[test]
    fn a_lease_that_lapses_by_itself_is_refused() {
        let check = |text: &str, good: bool| assert_eq!(lease(text).is_ok(), good, "{text}");
        check("0s", false);
        check("999ms", false);
        check("1s", true);
        check("1d", false);
    }

    #[test]
    fn access_is_checked_every_five_seconds_at_least() {
        let check = |text: &str, good: bool| assert_eq!(recheck(text).is_ok(), good, "{text}");
        check("99ms", false);
        check("100ms", true);
        check("5s", true);
        check("5001ms", false);
    }

    #[test]
    fn the_deployments_address_is_one_for_browsers() {
        let check = |text: &str, good: bool| assert_eq!(web_address(text).is_ok(), good, "{text}");
        check("https://bursar.example.com", true);
        check("http://127.0.0.1:7080/base", true);
        check("ftp://bursar.example.com", false);
        check("bursar.example.com", false);
    }

    #[test]
    fn durations_have_units() {
        let check = |text: &str, millis: Option<u64>| {
            assert_eq!(
                duration(text).ok(),
                millis.map(Duration::from_millis),
                "{text}"
            );
        };
        check("250ms", Some(250));
        check("10s", Some(10_000));
        check("10", Some(10_000));
        check("5m", Some(300_000));
        check("1h", Some(3_600_000));
        for bad in [
            "",
            "s",
            "1d",
            "-1s",
            "1.5s",
            "99999999999999999999s",
            "9999999h",
            "1 s",
        ] {
            check(bad, None);
        }
    }
}
