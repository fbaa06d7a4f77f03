//! Features that are switched on and off while the servers run.

use async_trait::async_trait;
use model::{
    OrganizationId,
    feature_flags::{Feature, FeatureSwitch},
};

use crate::StoreResult;

/// Reads features that are switched on and off while the servers run.
#[async_trait]
pub trait FeatureFlagRead: Send {
    /// Whether a feature is on in an organization, or for the whole deployment, at this moment and on every server.
    async fn feature_enabled(
        &mut self,
        feature: Feature,
        organization: Option<OrganizationId>,
    ) -> StoreResult<bool>;
    /// The switches that were set of a feature: the deployment's first, then those of organizations.
    async fn feature_flag_get(&mut self, feature: Feature) -> StoreResult<Vec<FeatureSwitch>>;
    /// The switches that were set of all features that this program knows.
    async fn feature_flag_list(&mut self) -> StoreResult<Vec<FeatureSwitch>>;
}

/// Changes features that are switched on and off while the servers run.
#[async_trait]
pub trait FeatureFlagWrite: FeatureFlagRead {
    /// Sets a switch. What is set already stays as it is, `updated_at` included.
    ///
    /// # Errors
    /// [`crate::StoreError::Violated`] with `feature_flags_organization_id_fkey`.
    async fn feature_flag_upsert(
        &mut self,
        feature: Feature,
        organization: Option<OrganizationId>,
        enabled: bool,
    ) -> StoreResult<FeatureSwitch>;
    /// Removes a switch; whether there was one.
    async fn feature_flag_delete(
        &mut self,
        feature: Feature,
        organization: Option<OrganizationId>,
    ) -> StoreResult<bool>;
}
