//! The options of `bursar feature`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use model::feature_flags::Feature;

use super::DatabaseSource;

/// What can be done about features.
#[derive(Debug, Subcommand)]
pub enum FeatureCommand {
    /// Switch a feature on.
    ///
    /// It holds from the next request on, on every server of the database. Works as the system actor `feature-switcher`,
    /// whose name the audit log shows.
    Enable(Box<FeatureSwitchOptions>),
    /// Switch a feature off.
    ///
    /// It holds from the next request on, on every server of the database. Works as the system actor `feature-switcher`,
    /// whose name the audit log shows.
    Disable(Box<FeatureSwitchOptions>),
    /// List the features that can be switched, and where they are on.
    ///
    /// Works as the system actor `feature-switcher`.
    List(Box<FeatureListOptions>),
}

/// Options of `bursar feature enable` and `disable`.
#[derive(Debug, Clone, Args)]
pub struct FeatureSwitchOptions {
    /// File with options of `bursar server` as TOML keys, of which those about the database count here.
    #[arg(long, env = "BURSAR_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The feature.
    #[arg(value_name = "FEATURE", value_parser = feature)]
    pub feature: Feature,
    /// Only in this organization, by its name or id [default: wherever an organization has no switch of its own].
    #[arg(long)]
    pub organization: Option<String>,
    /// The database to write to.
    #[command(flatten)]
    pub source: DatabaseSource,
}

/// Options of `bursar feature list`.
#[derive(Debug, Clone, Args)]
pub struct FeatureListOptions {
    /// File with options of `bursar server` as TOML keys, of which those about the database count here.
    #[arg(long, env = "BURSAR_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The database to look into.
    #[command(flatten)]
    pub source: DatabaseSource,
}

/// Reads a feature's name.
fn feature(name: &str) -> Result<Feature, String> {
    Feature::of(name).ok_or_else(|| {
        let known = Feature::ALL.map(Feature::name).join("`, `");
        format!("there is no such feature; there is `{known}`")
    })
}
