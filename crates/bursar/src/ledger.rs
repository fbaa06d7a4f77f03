//! `bursar ledger verify`: the recount, for people and for scripts.

use std::{process::ExitCode, time::Duration};

use chrono::SecondsFormat;
use dbauthz::{Authorized, SystemActor};
use model::spend::{LedgerDifference, LedgerFigure};

use crate::{cli::VerifyOptions, command::on_database, environment::Environment};

/// A recount reads all that was ever spent.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(6 * 60 * 60);

/// Recounts the ledger and prints what differs. Ends with 0 when nothing does, with 1 when something does, and with
/// 2 when that could not be found out.
///
/// # Errors
/// Never: what went wrong is printed.
#[expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command that people run tells them what it found"
)]
pub async fn verify(
    options: &VerifyOptions,
    environment: &Environment,
) -> anyhow::Result<ExitCode> {
    match differences(options, environment).await {
        Ok(found) if found.is_empty() => {
            println!("the ledger balances");
            Ok(ExitCode::SUCCESS)
        }
        Ok(found) => {
            print!("{}", table(&found));
            println!(
                "{} figures of the ledger differ from the recount",
                found.len()
            );
            Ok(ExitCode::FAILURE)
        }
        Err(error) => {
            eprintln!("bursar: {error:#}");
            Ok(ExitCode::from(2))
        }
    }
}

async fn differences(
    options: &VerifyOptions,
    environment: &Environment,
) -> anyhow::Result<Vec<LedgerDifference>> {
    let recount = async |authorized: &Authorized| {
        let sweeper = authorized.as_system(SystemActor::LedgerSweeper);
        let mut unit = sweeper.read().await?;
        Ok(unit.ledger().ledger_verify().await?)
    };
    on_database(
        &options.source,
        environment,
        Some(STATEMENT_TIMEOUT),
        recount,
    )
    .await
}

/// A line for each difference, in columns.
fn table(found: &[LedgerDifference]) -> String {
    let mut text = line("figure", "of", "since", "stored", "recounted");
    for difference in found {
        let (figure, of, since) = match difference.figure {
            LedgerFigure::Spent(limit, start) => ("spent", limit.to_string(), instant(start)),
            LedgerFigure::Reserved(limit, start) => ("reserved", limit.to_string(), instant(start)),
            LedgerFigure::Daily(account, day) => {
                let group = account
                    .group_id
                    .map_or("-".to_owned(), |group| group.to_string());
                (
                    "daily",
                    format!("{} {group}", account.user_id),
                    day.to_string(),
                )
            }
        };
        text += &line(
            figure,
            &of,
            &since,
            &difference.stored.0.to_string(),
            &difference.recounted.0.to_string(),
        );
    }
    text
}

fn line(figure: &str, of: &str, since: &str, stored: &str, recounted: &str) -> String {
    format!("{figure:<8}  {of:<73}  {since:<24}  {stored:>16}  {recounted:>16}\n")
}

fn instant(at: chrono::DateTime<chrono::Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;
    use model::{
        Micros, UserId,
        spend::{Account, LimitKey},
    };
    use uuid::Uuid;

    #[test]
    fn each_difference_has_its_line() {
        let user = UserId(Uuid::from_u128(7));
        let account = Account {
            user_id: user,
            group_id: None,
            organization_id: None,
        };
        let differs = |figure| LedgerDifference {
            figure,
            stored: Micros(5),
            recounted: Micros(-12),
        };
        let at = DateTime::UNIX_EPOCH;
        let text = table(&[
            differs(LedgerFigure::Spent(LimitKey::user(user), at)),
            differs(LedgerFigure::Daily(account, at.date_naive())),
        ]);
        let words: Vec<Vec<&str>> = text
            .lines()
            .map(|line| line.split_whitespace().collect())
            .collect();
        let id = user.to_string();
        assert_eq!(words[0], ["figure", "of", "since", "stored", "recounted"]);
        assert_eq!(
            words[1],
            [
                "spent",
                &format!("user:{id}"),
                "1970-01-01T00:00:00Z",
                "5",
                "-12"
            ]
        );
        assert_eq!(words[2], ["daily", &id, "-", "1970-01-01", "5", "-12"]);
    }
}
