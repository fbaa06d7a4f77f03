//! `bursar demo`: everything set up in a temporary folder, the story told over real HTTP, the server left running.

mod cast;
mod story;

use std::{process::ExitCode, sync::Arc, time::Duration};

use anyhow::Context;
use bursar_sdk::Client;
use db::local::Durability;
use fakeprovider::{FakeProvider, Output, Script};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use tokio::sync::Notify;

pub use cast::{
    Cast, GROUP, MEMBER, ORGANIZATION, OWNER, PASSWORD, Person, first_owner, member_of,
};

use crate::{
    Environment, Server,
    cli::{DemoOptions, ServerOptions},
};

/// The output tokens of each answer of the fake provider, caps permitting.
const ANSWER_TOKENS: u64 = 400;

/// Tells the story; ends after it with `--exit`, else when asked to stop. Success only if all went as told.
///
/// # Errors
/// Whatever kept the story from being told.
pub async fn run(
    options: &DemoOptions,
    environment: &Environment,
    stop: Arc<Notify>,
) -> anyhow::Result<ExitCode> {
    let folder = tempfile::Builder::new().prefix("bursar-demo-").tempdir()?;
    let progress = spinner();
    progress.set_message("starting PostgreSQL, a fake provider and the server");
    let fake = FakeProvider::start(script())
        .await
        .context("no fake provider")?;
    let environment = Environment {
        durability: Durability::Throwaway,
        ..environment.clone()
    };
    let server_options = server_options(options, folder.path())?;
    let server = tokio::select! {
        server = Server::start(&server_options, &environment) => server?,
        () = stop.notified() => return Ok(ExitCode::SUCCESS),
    };
    progress.finish_and_clear();
    let told = tokio::select! {
        told = tell(options, &server, &fake) => told,
        () = stop.notified() => Ok(false),
    };
    if let (Ok(true), false) = (&told, options.exit) {
        stop.notified().await;
    }
    server.stop().await?;
    fake.stop().await;
    Ok(if told? {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

async fn tell(options: &DemoOptions, server: &Server, fake: &FakeProvider) -> anyhow::Result<bool> {
    let address = format!("http://{}", server.address());
    let cast = Cast::assemble(&Client::new(&address)?, fake, story::BUDGET).await?;
    let as_told = story::tell(&cast, &address).await?;
    if let Some(path) = &options.details_file {
        let details = json!({
            "address": address,
            "owner_token": cast.owner.token().map(bursar_sdk::Secret::expose),
            "member_token": cast.member_token.expose(),
            "password": PASSWORD,
            "openai_model": story::OPENAI_MODEL,
            "anthropic_model": story::ANTHROPIC_MODEL,
        });
        // Whoever waits for the file must never see half of it.
        let unfinished = path.with_extension("unfinished");
        std::fs::write(&unfinished, details.to_string())?;
        std::fs::rename(&unfinished, path)?;
    }
    if !options.exit {
        story::epilogue(&cast, &address);
    }
    Ok(as_told)
}

fn script() -> Script {
    Script {
        models: vec![
            story::OPENAI_MODEL.to_owned(),
            story::ANTHROPIC_MODEL.to_owned(),
        ],
        output: Output::Tokens(ANSWER_TOKENS),
        tokens_per_chunk: 40,
        ..Script::default()
    }
}

/// The options of a server in a folder of its own: what `bursar server` would have, apart from these.
fn server_options(
    options: &DemoOptions,
    folder: &std::path::Path,
) -> anyhow::Result<ServerOptions> {
    let mut server = ServerOptions::with_defaults()?;
    server.http_address = options.http_address;
    server.source.data_dir = Some(folder.to_owned());
    server
        .source
        .postgres_bin_dir
        .clone_from(&options.postgres_bin_dir);
    server.shutdown_timeout = Duration::from_secs(5);
    Ok(server)
}

fn spinner() -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} ({elapsed})") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}
