//! The command line: one struct per command, every option also an environment variable and a key of the
//! configuration file.

mod features;
mod prices;
mod server;
mod values;

use std::{net::SocketAddr, path::PathBuf};

use clap::{Args, Parser, Subcommand};
use secrecy::SecretString;

pub use features::{FeatureCommand, FeatureListOptions, FeatureSwitchOptions};
pub use prices::{
    AliasDeleteOptions, AliasListOptions, PriceImportOptions, PriceListOptions, PriceSourceOption,
    PricesCommand,
};
pub use server::{LogFormat, ServerOptions};
pub(crate) use values::{bytes, cap_refresh, chat_model, duration, portal_timeout, word};

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
    /// See and switch features, while servers run.
    #[command(subcommand)]
    Feature(FeatureCommand),
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
    /// File with options of `bursar server` as TOML keys, of which those about the database count here.
    #[arg(long, env = "BURSAR_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
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

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::{Cli, ServerOptions};

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
}
