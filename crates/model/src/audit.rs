//! The audit log: who changed what, when, from what to what.

use std::{fmt, str::FromStr};

use chrono::{DateTime, Datelike, Utc};
use serde::{Deserialize, Serialize};
use thiserror::Error;
use uuid::Uuid;

use crate::{AuditId, OrganizationId, UserId};

/// How many lines of a list are counted at the most: a log has no end, and counting it would take as long.
pub const AUDIT_COUNT_CAP: u64 = 10_000;

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
    pub request_id: Option<Uuid>,
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
    pub request_id: Option<Uuid>,
    /// Only entries at or after this instant.
    pub since: Option<DateTime<Utc>>,
    /// Only entries before this instant.
    pub until: Option<DateTime<Utc>>,
    /// Only entries that come after this place in the list: older ones.
    pub after: Option<AuditCursor>,
}

/// A place in the log, which is listed from the newest entry on: an entry's time and, among those of one time, its
/// id. It stays the same place whatever is added, so whoever goes on from it meets no entry twice and misses none
/// that was there when the walk began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuditCursor {
    /// The entry's time, to the microsecond.
    pub time: DateTime<Utc>,
    /// The entry.
    pub id: AuditId,
}

/// A text is no place in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("is not a place that a page gave as `next`")]
pub struct NoSuchPlace;

impl fmt::Display for AuditCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.time.timestamp_micros(), self.id.0.simple())
    }
}

impl FromStr for AuditCursor {
    type Err = NoSuchPlace;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let read = || {
            let (micros, id) = text.split_once('.')?;
            let time = DateTime::from_timestamp_micros(micros.parse().ok()?)?;
            // Further off there is nothing, and not every such instant can be asked about.
            if !(0..=9999).contains(&time.year()) {
                return None;
            }
            let id = AuditId(Uuid::try_parse(id).ok()?);
            Some(Self { time, id })
        };
        // Only as it was written: one place has one name.
        read()
            .filter(|cursor| cursor.to_string() == text)
            .ok_or(NoSuchPlace)
    }
}

impl From<&AuditEntry> for AuditCursor {
    fn from(entry: &AuditEntry) -> Self {
        Self {
            time: entry.time,
            id: entry.id,
        }
    }
}

/// Some of the entries that a filter admits.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AuditPage {
    /// The entries, the newest first.
    pub items: Vec<AuditEntry>,
    /// Where the next page begins; `None` when there is no more.
    pub next: Option<AuditCursor>,
    /// How many match in all, counted up to one more than [`AUDIT_COUNT_CAP`]. `None` where a page goes on from
    /// another one: whoever walks the log does not count it at every step.
    pub count: Option<u64>,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_as_it_is_written_and_nothing_else_is_one() {
        let place = AuditCursor {
            time: DateTime::from_timestamp_micros(1_790_000_000_123_456).unwrap(),
            id: AuditId(Uuid::from_u128(7)),
        };
        let text = "1790000000123456.00000000000000000000000000000007";
        assert_eq!(place.to_string(), text);
        assert_eq!(text.parse(), Ok(place));
        let others = [
            "",
            ".",
            "1",
            "1790000000123456",
            "1790000000123456.",
            ".00000000000000000000000000000007",
            "1790000000123456.7",
            "+1790000000123456.00000000000000000000000000000007",
            "01790000000123456.00000000000000000000000000000007",
            "1790000000123456.00000000-0000-0000-0000-000000000007",
            "1790000000123456.0000000000000000000000000000000g",
            "1790000000123456.00000000000000000000000000000007 ",
            "-9223372036854775807.00000000000000000000000000000007",
            "-170000000000000000.00000000000000000000000000000007",
            "9223372036854775807.00000000000000000000000000000007",
            "99999999999999999999.00000000000000000000000000000007",
        ];
        for other in others {
            assert_eq!(other.parse::<AuditCursor>(), Err(NoSuchPlace), "{other}");
        }
    }
}
