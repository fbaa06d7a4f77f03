//! `cargo xtask`: the one place for the commands of this repository.

mod ci;
mod clients;
mod codegen;
mod layers;
mod paths;
mod tidy;

use clap::{Parser, Subcommand};

#[derive(Debug, Parser)]
#[command(name = "cargo xtask", about = "The commands of this repository")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Write everything that is derived: schema, OpenAPI, SDK methods, TypeScript types, references.
    Codegen {
        /// Write nothing; fail and say what is stale.
        #[arg(long)]
        check: bool,
    },
    /// Run what CI runs.
    Ci,
    /// Run the official OpenAI and Anthropic client libraries for Python against a demo server.
    Clients,
}

fn main() -> anyhow::Result<()> {
    match Cli::parse().command {
        Command::Codegen { check } => codegen::run(check),
        Command::Ci => ci::run(),
        Command::Clients => clients::run(),
    }
}
