//! Features and their switches as the wire shows them, and names as it brings them.

use bursar_sdk::{FeatureFlag, FeatureSwitch};
use model::feature_flags::{self, Feature};

use crate::error::{ApiError, ApiResult};

/// The feature of a name in the path.
pub(crate) fn feature(name: &str) -> ApiResult<Feature> {
    Feature::of(name).ok_or_else(ApiError::not_found)
}

/// A feature, whether it is on for the whole deployment, and those of the switches that are its own.
pub(crate) fn flag(
    feature: Feature,
    enabled: bool,
    switches: &[feature_flags::FeatureSwitch],
) -> FeatureFlag {
    let own = switches.iter().filter(|one| one.feature == feature);
    FeatureFlag {
        name: feature.name().to_owned(),
        description: feature.description().to_owned(),
        default_enabled: feature.on_by_default(),
        enabled,
        switches: own.map(switch).collect(),
    }
}

pub(crate) fn switch(switch: &feature_flags::FeatureSwitch) -> FeatureSwitch {
    FeatureSwitch {
        organization_id: switch.organization.map(Into::into),
        enabled: switch.enabled,
        updated_at: switch.updated_at,
    }
}
