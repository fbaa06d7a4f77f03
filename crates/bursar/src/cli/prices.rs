//! The options of `bursar prices`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use model::prices::ProviderKind;

use super::DatabaseSource;

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
    /// List the aliases: other names of models, and whose prices hold for them.
    ///
    /// Works as the system actor `price-importer`.
    Aliases(Box<AliasListOptions>),
    /// Remove an alias.
    ///
    /// Works as the system actor `price-importer`, whose name the audit log shows; servers that run heed it from the
    /// next request on.
    DeleteAlias(Box<AliasDeleteOptions>),
}

/// Options of `bursar prices aliases`.
#[derive(Debug, Clone, Args)]
pub struct AliasListOptions {
    /// File with options of `bursar server` as TOML keys, of which those about the database count here.
    #[arg(long, env = "BURSAR_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Print them as a JSON list.
    #[arg(long)]
    pub json: bool,
    /// The database to look into.
    #[command(flatten)]
    pub source: DatabaseSource,
}

/// Options of `bursar prices delete-alias`.
#[derive(Debug, Clone, Args)]
pub struct AliasDeleteOptions {
    /// File with options of `bursar server` as TOML keys, of which those about the database count here.
    #[arg(long, env = "BURSAR_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The type of provider: `openai`, `anthropic` or `openai-compatible`.
    #[arg(value_name = "TYPE")]
    pub provider: ProviderKind,
    /// The alias, as it was set; case does not matter.
    #[arg(value_name = "NAME")]
    pub name: String,
    /// The database to write to.
    #[command(flatten)]
    pub source: DatabaseSource,
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
