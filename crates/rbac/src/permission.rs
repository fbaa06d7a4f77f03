//! Permissions, and the compiled set of them that a level votes with.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::registry::{Action, ActionSet, ResourceType, TypeMap};

/// One line of a role or scope: an action on a resource type, granted or (negated) taken away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "WrittenPermission", into = "WrittenPermission")]
pub struct Permission {
    /// Takes away instead of granting.
    pub negate: bool,
    /// The type it is about; `None` is `*`, every type.
    pub resource: Option<ResourceType>,
    /// The action it is about; `None` is `*`, every action.
    pub action: Option<Action>,
}

/// A permission that names a type or an action that does not exist.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PermissionError {
    /// The type is not in the registry.
    #[error("invalid resource type \"{0}\"")]
    Resource(String),
    /// The type does not declare the action.
    #[error("invalid action \"{action}\" for resource \"{resource}\"")]
    Action {
        /// The action as written.
        action: String,
        /// The type as written.
        resource: String,
    },
}

impl Permission {
    /// Everything on every type.
    pub const ANY: Self = Self {
        negate: false,
        resource: None,
        action: None,
    };

    /// Grants one action on one type.
    #[must_use]
    pub const fn allow(resource: ResourceType, action: Action) -> Self {
        Self {
            negate: false,
            resource: Some(resource),
            action: Some(action),
        }
    }

    /// Takes away one action on one type.
    #[must_use]
    pub const fn deny(resource: ResourceType, action: Action) -> Self {
        Self {
            negate: true,
            resource: Some(resource),
            action: Some(action),
        }
    }

    /// Reads the words of a stored permission, `*` included.
    ///
    /// # Errors
    ///
    /// A type that does not exist, or an action that the type does not declare. With the type `*`, any
    /// action of the registry will do.
    pub fn parse(negate: bool, resource: &str, action: &str) -> Result<Self, PermissionError> {
        let no_such_action = || PermissionError::Action {
            action: action.to_owned(),
            resource: resource.to_owned(),
        };
        let parsed_resource = match resource {
            "*" => None,
            word => match word.parse::<ResourceType>() {
                Ok(known) => Some(known),
                Err(_) => return Err(PermissionError::Resource(word.to_owned())),
            },
        };
        let parsed_action = match action {
            "*" => None,
            word => match word.parse::<Action>() {
                Ok(known) => Some(known),
                Err(_) => return Err(no_such_action()),
            },
        };
        match (parsed_resource, parsed_action) {
            (Some(known), Some(asked)) if !known.actions().contains(asked) => Err(no_such_action()),
            _ => Ok(Self {
                negate,
                resource: parsed_resource,
                action: parsed_action,
            }),
        }
    }

    /// Whether it is about this action on this type.
    #[must_use]
    pub fn concerns(&self, resource: ResourceType, action: Action) -> bool {
        self.resource.is_none_or(|own| own == resource)
            && self.action.is_none_or(|own| own == action)
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.negate { "!" } else { "" };
        let resource = self.resource.map_or("*", ResourceType::as_str);
        let action = self.action.map_or("*", Action::as_str);
        write!(f, "{sign}{resource}:{action}")
    }
}

/// The stored form, with `*` as a word.
#[derive(Serialize, Deserialize)]
struct WrittenPermission {
    #[serde(default)]
    negate: bool,
    resource_type: String,
    action: String,
}

impl TryFrom<WrittenPermission> for Permission {
    type Error = PermissionError;

    fn try_from(written: WrittenPermission) -> Result<Self, PermissionError> {
        Self::parse(written.negate, &written.resource_type, &written.action)
    }
}

impl From<Permission> for WrittenPermission {
    fn from(permission: Permission) -> Self {
        Self {
            negate: permission.negate,
            resource_type: permission
                .resource
                .map_or("*", ResourceType::as_str)
                .to_owned(),
            action: permission.action.map_or("*", Action::as_str).to_owned(),
        }
    }
}

/// What the permissions of one level say about one action on one type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Vote {
    /// A negative permission matches.
    Against,
    /// Nothing matches.
    Silent,
    /// Only positive permissions match.
    For,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Masks {
    allow: ActionSet,
    deny: ActionSet,
}

/// Permissions, compiled: per resource type one set of granted and one of denied actions.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PermissionSet(TypeMap<Masks>);

impl PermissionSet {
    /// Adds one permission.
    pub fn add(&mut self, permission: Permission) {
        let actions = permission.action.map_or(ActionSet::ALL, ActionSet::of);
        let put = |masks: &mut Masks| {
            let side = if permission.negate {
                &mut masks.deny
            } else {
                &mut masks.allow
            };
            *side = side.union(actions);
        };
        match permission.resource {
            Some(resource) => put(self.0.get_mut(resource)),
            None => self.0.values_mut().iter_mut().for_each(put),
        }
    }

    /// Adds all permissions of another set.
    pub fn merge(&mut self, other: &Self) {
        for (own, more) in self.0.values_mut().iter_mut().zip(other.0.values()) {
            own.allow = own.allow.union(more.allow);
            own.deny = own.deny.union(more.deny);
        }
    }

    /// The actions with the vote [`Vote::For`]: granted, and not denied.
    #[must_use]
    pub const fn allowed(&self, resource: ResourceType) -> ActionSet {
        let masks = self.0.get(resource);
        masks.allow.minus(masks.deny)
    }

    /// The actions with the vote [`Vote::Against`].
    #[must_use]
    pub const fn denied(&self, resource: ResourceType) -> ActionSet {
        self.0.get(resource).deny
    }

    /// The vote on one action.
    #[must_use]
    pub const fn vote(&self, resource: ResourceType, action: Action) -> Vote {
        let masks = self.0.get(resource);
        if masks.deny.contains(action) {
            Vote::Against
        } else if masks.allow.contains(action) {
            Vote::For
        } else {
            Vote::Silent
        }
    }
}

impl FromIterator<Permission> for PermissionSet {
    fn from_iter<I: IntoIterator<Item = Permission>>(permissions: I) -> Self {
        let mut set = Self::default();
        permissions
            .into_iter()
            .for_each(|permission| set.add(permission));
        set
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_permissions_round_trip_and_are_checked() {
        let json = r#"{"negate":true,"resource_type":"workspace","action":"*"}"#;
        let permission: Permission = serde_json::from_str(json).unwrap();
        assert_eq!(permission.to_string(), "!workspace:*");
        assert_eq!(serde_json::to_string(&permission).unwrap(), json);

        let rows = [
            ("template", "read", "invalid resource type \"template\""),
            (
                "user",
                "ssh",
                "invalid action \"ssh\" for resource \"user\"",
            ),
            (
                "user",
                "fly",
                "invalid action \"fly\" for resource \"user\"",
            ),
            ("*", "fly", "invalid action \"fly\" for resource \"*\""),
        ];
        for (resource, action, message) in rows {
            let error = Permission::parse(false, resource, action).unwrap_err();
            assert_eq!(error.to_string(), message);
        }
        assert_eq!(Permission::parse(false, "*", "*").unwrap(), Permission::ANY);
    }

    #[test]
    fn a_denial_beats_a_grant_of_the_same_level() {
        let set: PermissionSet = [
            Permission::ANY,
            Permission::deny(ResourceType::Chat, Action::Share),
        ]
        .into_iter()
        .collect();
        assert_eq!(set.vote(ResourceType::Chat, Action::Share), Vote::Against);
        assert_eq!(set.vote(ResourceType::Chat, Action::Read), Vote::For);
        assert!(!set.allowed(ResourceType::Chat).contains(Action::Share));
        assert_eq!(
            PermissionSet::default().vote(ResourceType::Chat, Action::Read),
            Vote::Silent
        );
    }
}
