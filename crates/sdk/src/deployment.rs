//! The deployment itself: its version and its health.

use serde::{Deserialize, Serialize};

/// Which server answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BuildInfo {
    /// The server's version.
    pub version: String,
    /// Where this version is described; may be empty.
    pub external_url: String,
    /// The address at which people reach this deployment; may be empty.
    pub dashboard_url: String,
    /// The deployment's id, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployment_id: Option<String>,
}

/// Whether the server can do its work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HealthReport {
    /// Whether every part is ready.
    pub ready: bool,
    /// Each part by name.
    pub checks: Vec<HealthCheck>,
}

/// Whether one part of the server is ready.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HealthCheck {
    /// The part.
    pub name: String,
    /// Whether it is ready.
    pub ready: bool,
    /// Why it is not; empty when it is.
    pub detail: String,
}
