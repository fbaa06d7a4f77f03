//! Settings that all servers share and that an option of one may name: written at its start.

use std::fmt::Display;

use anyhow::Context;
use dbauthz::{Authorized, SystemActor};
use model::budgets::{BudgetSettings, BudgetSettingsUpdate};
use store::StoreError;

use crate::cli::ServerOptions;

/// Writes the options that were given into the deployment's settings, for every server.
///
/// # Errors
/// When the database is away, or does not know the time zone.
pub(crate) async fn write(authorized: &Authorized, options: &ServerOptions) -> anyhow::Result<()> {
    let update = BudgetSettingsUpdate {
        policy: options.ai_budget_policy,
        everyone: options.ai_budget_everyone,
        period: options.ai_budget_period,
        time_zone: options.ai_budget_time_zone.clone(),
        alert_thresholds: None,
    };
    if update == BudgetSettingsUpdate::default() {
        return Ok(());
    }
    let mut unit = authorized.as_system(SystemActor::Options).begin().await?;
    let before = unit.budgets().budget_settings_get().await?;
    let written = unit.budgets().budget_settings_update(&update).await;
    let after = written.map_err(|error| told(error, &update))?;
    unit.commit()
        .await
        .context("the options of budgets could not be written to the database")?;
    tell(&before, &after);
    Ok(())
}

fn told(error: StoreError, update: &BudgetSettingsUpdate) -> anyhow::Error {
    let zone = update.time_zone.as_deref().unwrap_or_default();
    match &error {
        StoreError::Violated(rule) if rule == "ai_budget_settings_time_zone_check" => {
            anyhow::anyhow!(
                "there is no time zone `{zone}`: give --ai-budget-time-zone an IANA name, such as `Europe/Berlin`"
            )
        }
        _ => anyhow::Error::new(error)
            .context("the options of budgets could not be written to the database"),
    }
}

/// Says what changed: with a warning where it was not what a new database says, since another server, or
/// somebody, had set it.
fn tell(before: &BudgetSettings, after: &BudgetSettings) {
    say(
        "--ai-budget-policy",
        &before.policy,
        &after.policy,
        "highest",
    );
    say(
        "--ai-budget-everyone",
        &before.everyone,
        &after.everyone,
        "competes",
    );
    say("--ai-budget-period", &before.period, &after.period, "month");
    say(
        "--ai-budget-time-zone",
        &before.time_zone,
        &after.time_zone,
        "UTC",
    );
}

fn say(option: &str, before: &impl Display, after: &impl Display, new: &str) {
    let (before, after) = (before.to_string(), after.to_string());
    if before == after {
        return;
    }
    if before == new {
        tracing::info!(option, %after, "wrote a setting of budgets to the database");
    } else {
        tracing::warn!(
            option, %before, %after,
            "changed a setting of budgets that all servers share: give the option to all of them, or to none"
        );
    }
}
