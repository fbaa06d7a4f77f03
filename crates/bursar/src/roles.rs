//! The roles that come with membership, brought into step with the program: as a server starts, and by
//! `bursar roles reconcile`.

use std::fmt::Write;

use anyhow::Context;
use dbauthz::{Authorized, ReconcileMode, SystemActor};
use model::system_roles::{ChangeCause, ReconcileReport, SystemRoleChange};

use crate::{
    cli::ReconcileOptions, columns::columns, command::on_database, environment::Environment,
};

/// Brings the roles into step before the first request: after the migration, and once for each server.
pub(crate) async fn at_start(authorized: &Authorized) -> anyhow::Result<()> {
    run(authorized, ReconcileMode::Apply)
        .await
        .context("the roles that come with membership cannot be brought into step")?;
    Ok(())
}

async fn run(authorized: &Authorized, mode: ReconcileMode) -> anyhow::Result<ReconcileReport> {
    let system = authorized.as_system(SystemActor::RoleReconciler);
    let mut unit = system.begin().await?;
    let report = unit.system_roles().system_roles_reconcile(mode).await?;
    unit.commit().await?;
    Ok(report)
}

/// Does what `bursar roles reconcile` says, and tells it in words and tables.
///
/// # Errors
/// Whatever keeps the database from being used, with what to do about it. It is never migrated here.
pub async fn reconcile(
    options: &ReconcileOptions,
    environment: &Environment,
) -> anyhow::Result<String> {
    let mode = if options.dry_run {
        ReconcileMode::DryRun
    } else {
        ReconcileMode::Apply
    };
    let work = async |authorized: &Authorized| run(authorized, mode).await;
    let report = on_database(&options.source, environment, None, work).await?;
    Ok(words(&report, mode))
}

/// What was done, or would be: a line for each role, and the totals.
fn words(report: &ReconcileReport, mode: ReconcileMode) -> String {
    let mut text = String::new();
    if !report.changes.is_empty() {
        text.push_str(&table(&report.changes));
        text.push('\n');
    }
    let (changes, organizations) = (
        number(report.changes.len(), "role"),
        number(report.organizations, "organization"),
    );
    let outcome = match (mode, report.changes.is_empty()) {
        (ReconcileMode::Apply, false) => format!("Wrote {changes}."),
        (ReconcileMode::Apply, true) => "Nothing to write.".to_owned(),
        (ReconcileMode::DryRun, false) => {
            format!("Dry run: would write {changes}; nothing was written.")
        }
        (ReconcileMode::DryRun, true) => "Dry run: nothing to write.".to_owned(),
    };
    let totals: Vec<_> = ChangeCause::ALL
        .iter()
        .map(|cause| (cause.as_str(), report.count(*cause)))
        .chain([("unchanged", report.unchanged), ("newer", report.newer)])
        .map(|(word, count)| format!("{count} {word}"))
        .collect();
    put(
        &mut text,
        format_args!("{outcome} Roles of {organizations}: {}.", totals.join(", ")),
    );
    if report.newer > 0 {
        text.push_str("\nRoles that a newer Bursar defined were left as they are.");
    }
    text
}

fn number(count: usize, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}

fn table(changes: &[SystemRoleChange]) -> String {
    let rows = changes.iter().map(|change| {
        [
            change.organization_name.to_string(),
            change.role.name().to_owned(),
            change.cause.as_str().to_owned(),
            format!("+{}", change.gains),
            format!("-{}", change.loses),
        ]
    });
    let head = ["organization", "role", "was", "gains", "loses"].map(str::to_owned);
    let rows: Vec<_> = std::iter::once(head).chain(rows).collect();
    columns(&rows) + "\n"
}

fn put(text: &mut String, line: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    text.write_fmt(line).unwrap_or_default();
}

#[cfg(test)]
mod tests {
    use model::OrganizationId;
    use rbac::SystemRole;

    use super::*;

    fn report() -> ReconcileReport {
        let change = |name: &str, role, cause, gains, loses| SystemRoleChange {
            organization_id: OrganizationId(uuid::Uuid::from_u128(1)),
            organization_name: name.parse().unwrap(),
            role,
            cause,
            gains,
            loses,
        };
        ReconcileReport {
            organizations: 3,
            unchanged: 3,
            newer: 1,
            changes: vec![
                change(
                    "acme",
                    SystemRole::OrganizationMember,
                    ChangeCause::Placeholder,
                    12,
                    0,
                ),
                change(
                    "headquarters",
                    SystemRole::OrganizationServiceAccount,
                    ChangeCause::Differs,
                    1,
                    2,
                ),
            ],
        }
    }

    #[test]
    fn what_would_change_is_told_apart_from_what_changed() {
        let rows = "\
organization  role                          was          gains  loses
acme          organization-member           placeholder  +12    -0
headquarters  organization-service-account  differs      +1     -2
";
        let totals = "Roles of 3 organizations: 0 missing, 1 placeholder, 0 older, 1 differs, 3 unchanged, 1 newer.\n\
            Roles that a newer Bursar defined were left as they are.";
        let check = |mode, outcome: &str| {
            assert_eq!(
                words(&report(), mode),
                format!("{rows}\n{outcome} {totals}")
            );
        };
        check(ReconcileMode::Apply, "Wrote 2 roles.");
        check(
            ReconcileMode::DryRun,
            "Dry run: would write 2 roles; nothing was written.",
        );
    }

    #[test]
    fn nothing_to_do_is_one_line() {
        let report = ReconcileReport {
            organizations: 1,
            unchanged: 2,
            ..ReconcileReport::default()
        };
        let totals = "Roles of 1 organization: 0 missing, 0 placeholder, 0 older, 0 differs, 2 unchanged, 0 newer.";
        let check = |mode, outcome: &str| {
            assert_eq!(words(&report, mode), format!("{outcome} {totals}"));
        };
        check(ReconcileMode::Apply, "Nothing to write.");
        check(ReconcileMode::DryRun, "Dry run: nothing to write.");
    }
}
