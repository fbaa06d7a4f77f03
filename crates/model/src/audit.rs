//! The audit log: who changed what, when, from what to what.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{AuditId, OrganizationId, UserId};

/// What was done to a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuditAction {
    /// It was made.
    Create,
    /// It was changed.
    Write,
    /// It was removed.
    Delete,
}

/// One line of the audit log.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditEntry {
    /// Its id.
    pub id: AuditId,
    /// When it was written.
    pub time: DateTime<Utc>,
    /// What was done.
    pub action: AuditAction,
    /// The type of the resource, a name of the authorization engine's registry.
    pub resource_type: String,
    /// The resource's id: a UUID, or the public id of a key.
    pub resource_id: String,
    /// What people call the resource; may be empty.
    pub resource_target: String,
    /// The resource's organization, if it has one.
    pub organization_id: Option<OrganizationId>,
    /// The person who did it; `None` for a system actor.
    pub user_id: Option<UserId>,
    /// That person's name, or the system actor's, at that time.
    pub actor_name: String,
    /// For each column that changed `{"old", "new", "secret"}`; a secret's values are empty.
    pub diff: serde_json::Value,
    /// The HTTP status that the attempt ended with.
    pub status_code: u16,
    /// The request that did it.
    pub request_id: Option<uuid::Uuid>,
}

/// What a list of audit entries is narrowed by.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Only this resource type.
    pub resource_type: Option<String>,
    /// Only this resource.
    pub resource_id: Option<String>,
    /// Only this action.
    pub action: Option<AuditAction>,
    /// Only what this person did.
    pub user_id: Option<UserId>,
    /// Only resources of this organization.
    pub organization_id: Option<OrganizationId>,
    /// Only this request's entries.
    pub request_id: Option<uuid::Uuid>,
    /// Only entries at or after this instant.
    pub since: Option<DateTime<Utc>>,
    /// Only entries before this instant.
    pub until: Option<DateTime<Utc>>,
}

/// A write that was refused, to be recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedWrite {
    /// What was attempted.
    pub action: AuditAction,
    /// The type of the resource.
    pub resource_type: String,
    /// The resource as the caller named it, cut to 200 characters.
    pub resource_target: String,
    /// The HTTP status of the answer.
    pub status_code: u16,
}
