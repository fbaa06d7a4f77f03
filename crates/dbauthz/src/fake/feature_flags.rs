//! The fake's feature flags.

use async_trait::async_trait;
use model::{
    OrganizationId,
    feature_flags::{Feature, FeatureSwitch, is_on},
};
use store::{
    StoreResult,
    feature_flags::{FeatureFlagRead, FeatureFlagWrite},
};

use super::FakeUnit;

#[async_trait]
impl FeatureFlagRead for FakeUnit {
    async fn feature_enabled(
        &mut self,
        feature: Feature,
        organization: Option<OrganizationId>,
    ) -> StoreResult<bool> {
        let switches = &self.call("feature_enabled").feature_switches;
        Ok(is_on(feature, organization, switches))
    }

    async fn feature_flag_get(&mut self, feature: Feature) -> StoreResult<Vec<FeatureSwitch>> {
        let known = self.call("feature_flag_get").feature_switches.iter();
        Ok(known
            .filter(|one| one.feature == feature)
            .copied()
            .collect())
    }

    async fn feature_flag_list(&mut self) -> StoreResult<Vec<FeatureSwitch>> {
        Ok(self.call("feature_flag_list").feature_switches.clone())
    }
}

#[async_trait]
impl FeatureFlagWrite for FakeUnit {
    async fn feature_flag_upsert(
        &mut self,
        feature: Feature,
        organization: Option<OrganizationId>,
        enabled: bool,
    ) -> StoreResult<FeatureSwitch> {
        let state = self.call("feature_flag_upsert");
        let switch = FeatureSwitch {
            feature,
            organization,
            enabled,
            updated_at: state.now,
        };
        let known = &mut state.feature_switches;
        known.retain(|one| (one.feature, one.organization) != (feature, organization));
        known.push(switch);
        Ok(switch)
    }

    async fn feature_flag_delete(
        &mut self,
        feature: Feature,
        organization: Option<OrganizationId>,
    ) -> StoreResult<bool> {
        let known = &mut self.call("feature_flag_delete").feature_switches;
        let before = known.len();
        known.retain(|one| (one.feature, one.organization) != (feature, organization));
        Ok(before > known.len())
    }
}
