//! `bursar`: the server and the demo.

use std::{
    io::{self, Write},
    process::ExitCode,
    sync::Arc,
};

use anyhow::Context;
use bursar::{
    Environment, Server,
    cli::{Cli, Command, LedgerCommand, LogFormat, RolesCommand, ServerOptions},
    config_file, demo, features, ledger, logging, prices, roles,
};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::Notify,
};

#[expect(
    clippy::print_stderr,
    reason = "a failed start says why where people look"
)]
fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().collect();
    let outcome = config_file::parse(&arguments, std::env::var_os("BURSAR_CONFIG")).and_then(run);
    match outcome {
        Ok(code) => code,
        Err(error) => {
            eprintln!("bursar: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("the runtime cannot be started")?;
    let code = runtime.block_on(async {
        match cli.command {
            Command::Demo(options) => {
                logging::start(LogFormat::Human, "warn")?;
                demo::run(&options, &Environment::of_process(), asked_to_stop()?).await
            }
            Command::Server(options) => {
                logging::start(options.log_format, &options.log)?;
                server(&options).await.map(|()| ExitCode::SUCCESS)
            }
            Command::Roles(RolesCommand::Reconcile(options)) => {
                logging::start(LogFormat::Human, "warn")?;
                let report = roles::reconcile(&options, &Environment::of_process()).await?;
                say(&report)?;
                Ok(ExitCode::SUCCESS)
            }
            Command::Ledger(options) => {
                logging::start(LogFormat::Human, "warn")?;
                let LedgerCommand::Verify(options) = options.command;
                ledger::verify(&options, &Environment::of_process()).await
            }
            Command::Feature(command) => {
                logging::start(LogFormat::Human, "warn")?;
                say(&features::run(command, &Environment::of_process()).await?)?;
                Ok(ExitCode::SUCCESS)
            }
            Command::Prices(command) => {
                logging::start(LogFormat::Human, "warn")?;
                say(&prices::run(command, &Environment::of_process()).await?)?;
                Ok(ExitCode::SUCCESS)
            }
        }
    });
    // A name that is still being resolved must not keep the process from ending.
    runtime.shutdown_background();
    code
}

async fn server(options: &ServerOptions) -> anyhow::Result<()> {
    let stop = asked_to_stop()?;
    let environment = Environment::of_process();
    let mut server = tokio::select! {
        server = Server::start(options, &environment) => server?,
        () = stop.notified() => return Ok(()),
    };
    say(&format!("Bursar listens on http://{}", server.address()))?;
    let failure = tokio::select! {
        () = stop.notified() => None,
        error = server.failed() => Some(error),
    };
    tracing::info!("stopping: requests in flight may finish");
    let stopped = server.stop().await;
    match failure {
        Some(error) => Err(error),
        None => stopped,
    }
}

/// Writes a line that scripts wait for, or read. Whoever reads no further, as `head` does, has what they wanted.
fn say(line: &str) -> anyhow::Result<()> {
    match writeln!(io::stdout(), "{line}") {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(error).context("standard output cannot be written to")
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Notified at SIGTERM and SIGINT; at a second one the process ends at once.
fn asked_to_stop() -> anyhow::Result<Arc<Notify>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let stop = Arc::new(Notify::new());
    let notified = Arc::clone(&stop);
    tokio::spawn(async move {
        for asked_before in [false, true] {
            tokio::select! {
                _ = terminate.recv() => (),
                _ = interrupt.recv() => (),
            }
            if asked_before {
                end_at_once();
            }
            notified.notify_one();
        }
    });
    Ok(stop)
}

#[expect(clippy::exit, reason = "whoever asks twice does not want to wait")]
fn end_at_once() -> ! {
    std::process::exit(130)
}
