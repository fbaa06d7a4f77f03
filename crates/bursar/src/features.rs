//! Features that are switched on and off while servers run: `bursar feature enable`, `disable` and `list`.

use anyhow::Context;
use chrono::{DateTime, SecondsFormat, Utc};
use dbauthz::{Authorized, SystemActor};
use model::{
    OrganizationId,
    feature_flags::{Feature, FeatureSwitch, is_on},
    organizations::Organization,
};

use crate::{
    cli::{FeatureCommand, FeatureSwitchOptions},
    columns::columns,
    command::on_database,
    environment::Environment,
};

/// Does what `bursar feature …` says; what it tells.
///
/// # Errors
/// Whatever keeps the database from being used, with what to do about it, or an organization that does not exist. The
/// database is never migrated here.
pub async fn run(command: FeatureCommand, environment: &Environment) -> anyhow::Result<String> {
    match command {
        FeatureCommand::Enable(options) => switch(&options, true, environment).await,
        FeatureCommand::Disable(options) => switch(&options, false, environment).await,
        FeatureCommand::List(options) => {
            let (switches, organizations) =
                on_database(&options.source, environment, None, listed).await?;
            Ok(table(&switches, &organizations))
        }
    }
}

async fn switch(
    options: &FeatureSwitchOptions,
    enabled: bool,
    environment: &Environment,
) -> anyhow::Result<String> {
    let (feature, place) = (options.feature, options.organization.as_deref());
    let work = async |authorized: &Authorized| {
        let switcher = authorized.as_system(SystemActor::FeatureSwitcher);
        let mut unit = switcher.begin().await?;
        let organization = match place {
            None => None,
            Some(text) => {
                let found = unit.organizations().organization_find(text).await;
                Some(found.with_context(|| format!("the organization `{text}` cannot be used"))?)
            }
        };
        let id = organization.as_ref().map(|organization| organization.id);
        let mut flags = unit.feature_flags();
        flags.feature_flag_upsert(feature, id, enabled).await?;
        unit.commit().await?;
        Ok(organization)
    };
    let organization = on_database(&options.source, environment, None, work).await?;
    Ok(words(feature, enabled, organization.as_ref()))
}

async fn listed(
    authorized: &Authorized,
) -> anyhow::Result<(Vec<FeatureSwitch>, Vec<Organization>)> {
    let switcher = authorized.as_system(SystemActor::FeatureSwitcher);
    let mut unit = switcher.read().await?;
    let switches = unit.feature_flags().feature_flag_list().await?;
    let organizations = unit.organizations().organization_list().await?;
    Ok((switches, organizations))
}

fn words(feature: Feature, enabled: bool, organization: Option<&Organization>) -> String {
    let name = feature.name();
    let state = state(enabled);
    organization.map_or_else(
        || format!("`{name}` is {state} wherever an organization has no switch of its own."),
        |organization| {
            format!(
                "`{name}` is {state} in the organization `{}`.",
                organization.name
            )
        },
    )
}

const fn state(enabled: bool) -> &'static str {
    if enabled { "on" } else { "off" }
}

/// For each feature a line for the deployment, whether or not somebody switched it there, and one for each organization
/// with a switch.
fn table(switches: &[FeatureSwitch], organizations: &[Organization]) -> String {
    let mut rows = vec![["feature", "where", "state", "since"].map(str::to_owned)];
    for feature in Feature::ALL {
        let own = |place: Option<OrganizationId>| {
            let mut all = switches.iter();
            all.find(|one| one.feature == feature && one.organization == place)
        };
        let enabled = is_on(feature, None, switches);
        rows.push(row(feature, "deployment", enabled, own(None)));
        for organization in organizations {
            if let Some(switch) = own(Some(organization.id)) {
                let place = format!("organization {}", organization.name);
                rows.push(row(feature, &place, switch.enabled, Some(switch)));
            }
        }
    }
    columns(&rows)
}

fn row(
    feature: Feature,
    place: &str,
    enabled: bool,
    switch: Option<&FeatureSwitch>,
) -> [String; 4] {
    let since = switch.map_or_else(|| "default".to_owned(), |switch| instant(switch.updated_at));
    [
        feature.name().to_owned(),
        place.to_owned(),
        state(enabled).to_owned(),
        since,
    ]
}

fn instant(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_switched_is_listed_with_its_default() {
        let feature = Feature::BudgetCapsGraphqlApi;
        let check = |switches: &[FeatureSwitch], line: &str| {
            let table = table(switches, &[]);
            let cells: Vec<_> = table.lines().nth(1).unwrap().split_whitespace().collect();
            assert_eq!(cells.join(" "), line);
        };
        check(&[], "budget_caps_graphql_api deployment on default");
        let off = FeatureSwitch {
            feature,
            organization: None,
            enabled: false,
            updated_at: DateTime::UNIX_EPOCH,
        };
        check(
            &[off],
            "budget_caps_graphql_api deployment off 1970-01-01T00:00:00Z",
        );
    }
}
