//! What an explanation says, as data and as text.

use std::fmt;

use serde::{Serialize, Serializer};
use uuid::Uuid;

use crate::{
    allow_list::AllowEntry,
    decision::Decision,
    permission::Permission,
    registry::{Action, ResourceType},
};

/// Where a permission reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Every object.
    Site,
    /// Own objects in no organization.
    User,
    /// Every object of an organization.
    Organization,
    /// Own objects in an organization.
    Member,
}

/// The permission that decided for roles or scope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Cause {
    /// The level it is on.
    pub level: Level,
    /// The organization that the role is held in.
    pub organization_id: Option<Uuid>,
    /// The role, or the name of the scope.
    pub role: String,
    /// The permission as written.
    pub permission: Permission,
}

/// What roles or scope say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// A positive permission grants.
    Granted(Cause),
    /// A negative permission refuses.
    Refused(Cause),
    /// Nothing grants.
    Silent,
}

/// An entry of the object's ACL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AclCause {
    /// The entry of the subject.
    User(Uuid),
    /// The entry of a group of the subject.
    Group(Uuid),
    /// The entry for everyone in the organization.
    Everyone(Uuid),
}

/// What the ACL says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AclVerdict {
    /// An entry grants.
    Granted(AclCause),
    /// An entry would grant, but a negative permission at site or organization level is stronger.
    Barred {
        /// The entry.
        entry: AclCause,
        /// The negative permission.
        by: Cause,
    },
    /// No entry grants, or the subject is no member of the object's organization.
    Silent,
}

/// What the token's allow-list says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AllowListVerdict {
    /// An entry admits the object.
    Admitted(#[serde(serialize_with = "as_text")] AllowEntry),
    /// No entry does.
    NotListed,
}

fn as_text<S: Serializer>(entry: &AllowEntry, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(entry)
}

/// A question that is denied before anything is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// The type does not declare the action.
    UndeclaredAction,
    /// The object is in one organization and in any.
    Contradiction,
}

/// Why a decision is as it is: `(roles or acl) and scope and allow_list`, without a fault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// The answer, always that of [`crate::PreparedSubject::decide`].
    pub decision: Decision,
    /// What was asked.
    pub action: Action,
    /// What it was asked about.
    pub resource_type: ResourceType,
    /// The organization that decided; of "any organization" the one that allows, if one does.
    pub organization_id: Option<Uuid>,
    /// What is wrong with the question.
    pub fault: Option<Fault>,
    /// What the roles say.
    pub roles: Side,
    /// What the object's ACL says.
    pub acl: AclVerdict,
    /// What the token's scope says.
    pub scope: Side,
    /// What the token's allow-list says.
    pub allow_list: AllowListVerdict,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Site => "site",
            Self::User => "user",
            Self::Organization => "organization",
            Self::Member => "member",
        })
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} of {} ({} level",
            self.permission, self.role, self.level
        )?;
        match self.organization_id {
            Some(org) => write!(f, ", held in {org})"),
            None => f.write_str(")"),
        }
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Granted(cause) => write!(f, "granted by {cause}"),
            Self::Refused(cause) => write!(f, "refused by {cause}"),
            Self::Silent => f.write_str("silent"),
        }
    }
}

impl fmt::Display for AclCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(id) => write!(f, "the entry of user {id}"),
            Self::Group(id) => write!(f, "the entry of group {id}"),
            Self::Everyone(id) => write!(f, "the entry of everyone in {id}"),
        }
    }
}

impl fmt::Display for AclVerdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Granted(entry) => write!(f, "granted by {entry}"),
            Self::Barred { entry, by } => write!(f, "{entry} is barred by {by}"),
            Self::Silent => f.write_str("silent"),
        }
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let decision = if self.decision.allows() {
            "allow"
        } else {
            "deny"
        };
        write!(f, "{decision} {}:{}", self.resource_type, self.action)?;
        match self.fault {
            Some(Fault::UndeclaredAction) => f.write_str("; the type has no such action")?,
            Some(Fault::Contradiction) => f.write_str("; in one organization and in any")?,
            None => {}
        }
        write!(
            f,
            "; roles: {}; acl: {}; scope: {}",
            self.roles, self.acl, self.scope
        )?;
        match self.allow_list {
            AllowListVerdict::Admitted(entry) => write!(f, "; allow-list: {entry}"),
            AllowListVerdict::NotListed => f.write_str("; allow-list: not listed"),
        }
    }
}
