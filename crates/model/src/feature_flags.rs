//! Features that are switched on and off while the servers run.

use chrono::{DateTime, Utc};

use crate::OrganizationId;

/// A feature that can be switched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Feature {
    /// Budget caps over GraphQL.
    BudgetCapsGraphqlApi,
}

impl Feature {
    /// All of them.
    pub const ALL: [Self; 1] = [Self::BudgetCapsGraphqlApi];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::BudgetCapsGraphqlApi => "budget_caps_graphql_api",
        }
    }

    /// What it is, for whoever lists features.
    #[must_use]
    pub const fn description(self) -> &'static str {
        match self {
            Self::BudgetCapsGraphqlApi => {
                "Caps of what people and subscriptions may spend, over GraphQL."
            }
        }
    }

    /// Whether it is on where nobody switched it.
    #[must_use]
    pub const fn on_by_default(self) -> bool {
        match self {
            Self::BudgetCapsGraphqlApi => true,
        }
    }

    /// The feature of a name.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.name() == name)
    }
}

/// A switch that somebody set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeatureSwitch {
    /// The feature.
    pub feature: Feature,
    /// Where: in one organization, else in the whole deployment.
    pub organization: Option<OrganizationId>,
    /// Whether it is on there.
    pub enabled: bool,
    /// When it was set.
    pub updated_at: DateTime<Utc>,
}

/// Whether a feature is on in an organization, or for the whole deployment: the organization's own switch if there is
/// one, else the deployment's, else the default.
#[must_use]
pub fn is_on(
    feature: Feature,
    organization: Option<OrganizationId>,
    switches: &[FeatureSwitch],
) -> bool {
    let at = |place: Option<OrganizationId>| {
        let mut of_it = switches.iter().filter(|one| one.feature == feature);
        of_it
            .find(|one| one.organization == place)
            .map(|one| one.enabled)
    };
    let own = organization.and_then(|organization| at(Some(organization)));
    own.or_else(|| at(None))
        .unwrap_or_else(|| feature.on_by_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_switch_decides() {
        let feature = Feature::BudgetCapsGraphqlApi;
        let here = Some(OrganizationId(uuid::Uuid::from_u128(1)));
        let other = Some(OrganizationId(uuid::Uuid::from_u128(2)));
        let switch = |organization, enabled| FeatureSwitch {
            feature,
            organization,
            enabled,
            updated_at: DateTime::UNIX_EPOCH,
        };
        let check = |switches: &[FeatureSwitch], at, on| {
            assert_eq!(is_on(feature, at, switches), on, "{switches:?} {at:?}");
        };
        check(&[], here, true);
        check(&[], None, true);
        check(&[switch(None, false)], here, false);
        check(&[switch(None, false), switch(here, true)], here, true);
        check(&[switch(None, false), switch(here, true)], other, false);
        check(&[switch(here, false)], None, true);
        check(&[switch(here, false)], here, false);
    }

    #[test]
    fn a_feature_is_found_by_its_name() {
        for feature in Feature::ALL {
            assert_eq!(Feature::of(feature.name()), Some(feature));
        }
        assert_eq!(Feature::of("teleportation"), None);
    }
}
