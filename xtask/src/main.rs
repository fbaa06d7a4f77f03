//! `cargo xtask`: the one place for the commands of this repository.

mod authz_eval;
mod ci;
mod clients;
mod codegen;
mod engine;
mod layers;
mod ledger;
mod node;
mod oidc;
mod paths;
mod tidy;

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand, ValueEnum};

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
    /// Compare the authorization engine's decisions with those of another engine.
    AuthzEval {
        /// JSON lines, plain or compressed with gzip.
        file: PathBuf,
    },
    /// Measure a part of Bursar and print the figures.
    Bench {
        /// What to measure.
        what: Measured,
        /// For a few seconds only.
        #[arg(long)]
        short: bool,
    },
    /// Let four servers, crashes and changing limits race on one database, and see that no limit is passed.
    Race,
    /// Compare a part of Bursar with its naive twin on random cases, until all are done or one differs.
    Fuzz {
        /// What to compare.
        what: Engine,
        /// How many cases.
        #[arg(long, default_value_t = 10_000_000)]
        cases: u64,
        /// The seed of the first case; each further case has the next one.
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
    /// Run client libraries against a demo server: OpenAI's and Anthropic's, and for GraphQL those for Python and Node.js.
    Clients,
    /// Sign people in to a server at a real identity provider from the npm registry.
    Oidc,
}

/// A part that can be compared with its naive twin.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Engine {
    /// The authorization engine.
    Authz,
}

/// A part that can be measured.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Measured {
    /// The authorization engine.
    Authz,
    /// Setting people's own caps.
    Caps,
    /// Chats: reading them, streams of them, and how soon a change of access is seen.
    Chats,
    /// The spend ledger, beside pgbench.
    Ledger,
}

fn main() -> anyhow::Result<ExitCode> {
    match Cli::parse().command {
        Command::Codegen { check } => codegen::run(check)?,
        Command::Ci => ci::run()?,
        Command::AuthzEval { file } => return authz_eval::run(&file),
        Command::Bench {
            what: Measured::Authz,
            short: _,
        } => engine::bench()?,
        Command::Bench {
            what: Measured::Caps,
            short: _,
        } => ledger::bench_caps()?,
        Command::Bench {
            what: Measured::Chats,
            short,
        } => ledger::bench_chats(short)?,
        Command::Bench {
            what: Measured::Ledger,
            short,
        } => ledger::bench(short)?,
        Command::Race => ledger::race()?,
        Command::Fuzz {
            what: Engine::Authz,
            cases,
            seed,
        } => engine::fuzz(cases, seed)?,
        Command::Clients => clients::run()?,
        Command::Oidc => oidc::run()?,
    }
    Ok(ExitCode::SUCCESS)
}
