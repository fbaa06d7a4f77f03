//! The configuration file: its keys are the options of `bursar server`, its values become their defaults, there and
//! in other commands that have them, so that a flag or an environment variable wins over it.

use std::{ffi::OsString, path::Path};

use anyhow::{Context, bail};
use clap::{Command, CommandFactory, FromArgMatches, Id};

use crate::cli::Cli;

/// Parses the command line, with a configuration file when the flag or the variable names one.
///
/// # Errors
/// A file that cannot be read, is no TOML or has an unknown key. What is wrong with the command line itself
/// is printed by `clap`, which ends the process as command lines do.
pub fn parse(arguments: &[OsString], config_variable: Option<OsString>) -> anyhow::Result<Cli> {
    let command = match config_path(arguments).or(config_variable) {
        Some(path) if reads_a_file(arguments) => with_file(Cli::command(), Path::new(&path))?,
        _ => Cli::command(),
    };
    let matches = command.get_matches_from(arguments);
    Ok(Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit()))
}

/// Whether the command is one that works on a deployment's data.
fn reads_a_file(arguments: &[OsString]) -> bool {
    let commands = ["server", "roles", "ledger", "prices"];
    arguments
        .get(1)
        .is_some_and(|argument| commands.iter().any(|command| argument == command))
}

fn config_path(arguments: &[OsString]) -> Option<OsString> {
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        if argument == "--config" {
            return rest.next().cloned();
        }
        if let Some(path) = argument
            .to_str()
            .and_then(|text| text.strip_prefix("--config="))
        {
            return Some(path.into());
        }
    }
    None
}

fn with_file(command: Command, path: &Path) -> anyhow::Result<Command> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("the configuration file `{}` cannot be read", path.display()))?;
    apply(command, &text)
        .with_context(|| format!("the configuration file `{}` cannot be used", path.display()))
}

fn apply(mut command: Command, text: &str) -> anyhow::Result<Command> {
    for (key, value) in text.parse::<toml::Table>()? {
        let value = match value {
            toml::Value::String(text) => text,
            toml::Value::Integer(number) => number.to_string(),
            toml::Value::Boolean(choice) => choice.to_string(),
            _ => bail!("the value of `{key}` must be a text, a number or true or false"),
        };
        let server = command
            .find_subcommand("server")
            .context("there is no command `server`")?;
        let id = server
            .get_arguments()
            .find(|argument| argument.get_long() == Some(&key) && key != "config")
            .map(|argument| argument.get_id().clone())
            .with_context(|| format!("`{key}` is no option of `bursar server`"))?;
        command = command
            .mut_subcommand("server", |server| with_default(server, &id, &value))
            .mut_subcommand("roles", |roles| {
                roles.mut_subcommand("reconcile", |reconcile| {
                    with_default(reconcile, &id, &value)
                })
            })
            .mut_subcommand("ledger", |ledger| {
                ledger.mut_subcommand("verify", |verify| with_default(verify, &id, &value))
            })
            .mut_subcommand("feature", |feature| {
                ["enable", "disable", "list"]
                    .iter()
                    .fold(feature, |feature, name| {
                        feature.mut_subcommand(name, |one| with_default(one, &id, &value))
                    })
            })
            .mut_subcommand("prices", |prices| {
                ["list", "import", "aliases", "delete-alias"]
                    .iter()
                    .fold(prices, |prices, name| {
                        prices.mut_subcommand(name, |one| with_default(one, &id, &value))
                    })
            });
    }
    Ok(command)
}

/// The same with another default for an option, if it has that option.
fn with_default(command: Command, id: &Id, value: &str) -> Command {
    if command
        .get_arguments()
        .all(|argument| argument.get_id() != id)
    {
        return command;
    }
    let value = value.to_owned();
    command.mut_arg(id, |argument| argument.default_value(value).required(false))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Command as BursarCommand, LedgerCommand, RolesCommand, ServerOptions};

    fn options(file: &str, arguments: &[&str]) -> anyhow::Result<ServerOptions> {
        let command = apply(Cli::command(), file)?;
        let line = ["bursar", "server"].iter().chain(arguments);
        let cli = Cli::from_arg_matches(&command.try_get_matches_from(line)?)?;
        match cli.command {
            BursarCommand::Server(options) => Ok(*options),
            _ => bail!("not the server"),
        }
    }

    #[test]
    fn other_commands_take_what_they_know_of_it() {
        let file = "database-url = \"postgresql://ada@db.example.com/bursar\"\nai-lease = 7";
        let command = apply(Cli::command(), file).unwrap();
        let line = ["bursar", "roles", "reconcile", "--dry-run"];
        let cli = Cli::from_arg_matches(&command.try_get_matches_from(line).unwrap()).unwrap();
        let BursarCommand::Roles(RolesCommand::Reconcile(options)) = cli.command else {
            panic!("{cli:?}");
        };
        assert!(options.dry_run && options.source.database_url.is_some());

        let command = apply(Cli::command(), file).unwrap();
        let line = ["bursar", "ledger", "verify", "--config", "bursar.toml"];
        let cli = Cli::from_arg_matches(&command.try_get_matches_from(line).unwrap()).unwrap();
        let BursarCommand::Ledger(options) = cli.command else {
            panic!("{cli:?}");
        };
        let LedgerCommand::Verify(options) = options.command;
        assert!(options.source.database_url.is_some());
    }

    #[test]
    fn a_flag_wins_over_the_file_and_the_file_over_the_default() {
        let file = "http-address = \"127.0.0.1:1\"\naibridge = false\nai-lease = 7";
        let from_file = options(file, &[]).unwrap();
        assert_eq!(from_file.http_address.port(), 1);
        assert!(!from_file.aibridge);
        assert_eq!(from_file.ai_lease.as_secs(), 7);
        let from_flag = options(file, &["--http-address", "127.0.0.1:2"]).unwrap();
        assert_eq!(from_flag.http_address.port(), 2);
        assert_eq!(options("", &[]).unwrap().http_address.port(), 7080);
    }

    #[test]
    fn a_switch_is_thrown_by_naming_it() {
        let check = |file: &str, arguments: &[&str], disabled: bool| {
            let found = options(file, arguments).unwrap().disable_workspace_sharing;
            assert_eq!(found, disabled, "{file} {arguments:?}");
        };
        check("", &[], false);
        check("", &["--disable-workspace-sharing"], true);
        check("", &["--disable-workspace-sharing=false"], false);
        check("disable-workspace-sharing = true", &[], true);
        check(
            "disable-workspace-sharing = true",
            &["--disable-workspace-sharing=false"],
            false,
        );
    }

    #[test]
    fn mistakes_in_the_file_are_named() {
        let check = |file: &str, part: &str| {
            let error = format!("{:#}", options(file, &[]).unwrap_err());
            assert!(error.contains(part), "{error}");
        };
        check("htp-address = \"x\"", "`htp-address` is no option");
        check("config = \"x\"", "`config` is no option");
        check("log = []", "the value of `log`");
        check("log = ", "TOML");
        check("http-address = \"nowhere\"", "nowhere");
    }

    #[test]
    fn the_file_is_found_on_the_command_line() {
        let check = |line: &[&str], path: Option<&str>| {
            let line: Vec<OsString> = line.iter().map(Into::into).collect();
            assert_eq!(config_path(&line), path.map(Into::into));
        };
        check(&["bursar", "server"], None);
        check(&["bursar", "server", "--config", "a.toml"], Some("a.toml"));
        check(&["bursar", "server", "--config=b.toml"], Some("b.toml"));
    }
}
