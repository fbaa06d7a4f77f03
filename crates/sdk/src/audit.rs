//! The audit log.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::MinimalUser;

/// What was done to a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum AuditAction {
    /// It was made.
    Create,
    /// It was changed.
    Write,
    /// It was removed.
    Delete,
}

/// What a column held before and after.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AuditDiffField {
    /// The value before; empty for a secret.
    #[serde(default)]
    pub old: serde_json::Value,
    /// The value after; empty for a secret.
    #[serde(default)]
    pub new: serde_json::Value,
    /// Whether the values are secret, so that only the change is told.
    #[serde(default)]
    pub secret: bool,
}

/// One line of the audit log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AuditLog {
    /// Its id.
    pub id: Uuid,
    /// The request that did it: the answer's header `x-request-id`.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub request_id: Option<Uuid>,
    /// When it was written.
    pub time: DateTime<Utc>,
    /// What was done.
    pub action: AuditAction,
    /// The type of the resource.
    pub resource_type: String,
    /// The resource's id: a UUID, or the public id of a key.
    pub resource_id: String,
    /// What people call the resource; may be empty.
    pub resource_target: String,
    /// The resource's organization.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub organization_id: Option<Uuid>,
    /// The person who did it, by the name of that time; `null` for a part of the server.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub user: Option<MinimalUser>,
    /// The name of whoever did it, person or part of the server.
    pub actor_name: String,
    /// What changed, by column.
    pub diff: BTreeMap<String, AuditDiffField>,
    /// The HTTP status that the attempt ended with.
    pub status_code: u16,
    /// A sentence with the placeholders `{user}` and `{target}`.
    pub description: String,
}

/// A page of the audit log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AuditLogResponse {
    /// The lines of this page, newest first.
    pub audit_logs: Vec<AuditLog>,
    /// How many match in all, counted no further than one more than `count_cap`. Absent from a page that was asked
    /// for with `after`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// A `count` above this means: more than this.
    pub count_cap: u64,
    /// Where the next page begins, to be given as `after` with the same filters; `null` when there are no more
    /// lines.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub next: Option<String>,
}

/// Which lines of the audit log to list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams), into_params(parameter_in = Query))]
pub struct AuditListQuery {
    /// Only this type of resource.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_type: Option<String>,
    /// Only this resource.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_id: Option<String>,
    /// Only this action.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<AuditAction>,
    /// Only what this person did: an id, a username or `me`. Also spelled `user_id` or `username`.
    #[serde(
        default,
        alias = "user_id",
        alias = "username",
        skip_serializing_if = "Option::is_none"
    )]
    pub user: Option<String>,
    /// Only resources of this organization: an id or a name. Also spelled `organization_id`.
    #[serde(
        default,
        alias = "organization_id",
        skip_serializing_if = "Option::is_none"
    )]
    pub organization: Option<String>,
    /// Only the lines of this request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<Uuid>,
    /// Only lines at or after this instant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<DateTime<Utc>>,
    /// Only lines before this instant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<DateTime<Utc>>,
    /// The greatest number of lines to return, 1 to 1,000; 25 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// How many lines to pass over first. Lines that are added meanwhile move the others on; `after` is not moved by
    /// them, and is as fast at the end of the log as at its beginning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<u32>,
    /// Only lines that come after this place: what the page before gave as `next`. Not together with `offset`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}
