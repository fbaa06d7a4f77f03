//! Features that are switched on and off while the servers run.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A feature that can be switched. It is on in an organization when its switch there says so; without one there, when the
/// whole deployment's does; without that, by default.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FeatureFlag {
    /// Its name.
    pub name: String,
    /// What it is.
    pub description: String,
    /// Whether it is on where nobody switched it.
    pub default_enabled: bool,
    /// Whether it is on wherever an organization has no switch of its own.
    pub enabled: bool,
    /// The switches that were set and that the caller may see: the whole deployment's first.
    pub switches: Vec<FeatureSwitch>,
}

/// A switch that somebody set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FeatureSwitch {
    /// Where: in one organization; `null` for the whole deployment.
    pub organization_id: Option<Uuid>,
    /// Whether the feature is on there.
    pub enabled: bool,
    /// When it was set.
    pub updated_at: DateTime<Utc>,
}

/// A switch to be set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UpsertFeatureFlagRequest {
    /// Whether the feature is to be on there.
    pub enabled: bool,
    /// Where: in one organization; the whole deployment when it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization_id: Option<Uuid>,
}

/// Which switch to remove.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams), into_params(parameter_in = Query))]
pub struct FeatureFlagDeleteQuery {
    /// The switch of this organization; the whole deployment's when it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization_id: Option<Uuid>,
}
