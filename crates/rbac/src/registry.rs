//! The registry: which resource types exist, what can be done to each, and what that means.
//!
//! The table at the end of the file is the only source. The enums, the scope names and the generated
//! reference page all come from it.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A word that is no resource type or no action of the registry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown {kind} \"{word}\"")]
pub struct UnknownName {
    kind: &'static str,
    word: String,
}

/// A set of actions, one bit each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct ActionSet(u32);

impl ActionSet {
    /// No action.
    pub const EMPTY: Self = Self(0);
    /// Every action, which is what `*` means.
    pub const ALL: Self = Self(u32::MAX);

    /// The set of this one action.
    #[must_use]
    pub const fn of(action: Action) -> Self {
        Self(action.bit())
    }

    /// Whether the action is in the set.
    #[must_use]
    pub const fn contains(self, action: Action) -> bool {
        self.0 & action.bit() != 0
    }

    /// Whether no action is in the set.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The actions of either set.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The actions of both sets.
    #[must_use]
    pub const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// The actions of this set that are not in the other.
    #[must_use]
    pub const fn minus(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// The actions of the set, in the registry's order.
    pub fn iter(self) -> impl Iterator<Item = Action> {
        Action::ALL
            .iter()
            .copied()
            .filter(move |action| self.contains(*action))
    }
}

impl FromIterator<Action> for ActionSet {
    fn from_iter<I: IntoIterator<Item = Action>>(actions: I) -> Self {
        actions
            .into_iter()
            .fold(Self::EMPTY, |set, action| set.union(Self::of(action)))
    }
}

/// One value per resource type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TypeMap<T>([T; ResourceType::COUNT]);

impl<T: Copy + Default> Default for TypeMap<T> {
    fn default() -> Self {
        Self([T::default(); ResourceType::COUNT])
    }
}

impl<T> TypeMap<T> {
    #[expect(
        clippy::indexing_slicing,
        reason = "the index of a variant is below their number"
    )]
    pub(crate) const fn get(&self, resource: ResourceType) -> &T {
        &self.0[resource.index()]
    }

    #[expect(
        clippy::indexing_slicing,
        reason = "the index of a variant is below their number"
    )]
    pub(crate) const fn get_mut(&mut self, resource: ResourceType) -> &mut T {
        &mut self.0[resource.index()]
    }

    pub(crate) const fn values_mut(&mut self) -> &mut [T] {
        &mut self.0
    }

    pub(crate) const fn values(&self) -> &[T] {
        &self.0
    }
}

macro_rules! named_enum {
    (
        $(#[$meta:meta])* $name:ident, $kind:literal,
        $( $variant:ident = $text:literal, $about:expr; )+
    ) => {
        $(#[$meta])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
        pub enum $name {
            $( #[doc = $about] #[serde(rename = $text)] $variant, )+
        }

        impl $name {
            /// Every one, in the registry's order.
            pub const ALL: &'static [Self] = &[ $( Self::$variant ),+ ];
            /// How many there are.
            pub const COUNT: usize = Self::ALL.len();

            /// The name as it is written in roles, scopes and answers.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $( Self::$variant => $text ),+ }
            }

            #[expect(clippy::as_conversions, reason = "the discriminant of a fieldless enum")]
            pub(crate) const fn index(self) -> usize {
                self as usize
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = UnknownName;

            fn from_str(word: &str) -> Result<Self, UnknownName> {
                match word {
                    $( $text => Ok(Self::$variant), )+
                    _ => Err(UnknownName { kind: $kind, word: word.to_owned() }),
                }
            }
        }
    };
}

macro_rules! registry {
    (
        actions { $( $action:ident = $action_text:literal, )+ }
        types { $(
            $resource:ident = $resource_text:literal, $about:literal {
                $( $can:ident: $can_about:literal, )+
            }
        )+ }
    ) => {
        named_enum! {
            /// What can be asked for on an object. One bit each in an [`ActionSet`].
            Action, "action",
            $( $action = $action_text, concat!("`", $action_text, "`"); )+
        }

        named_enum! {
            /// What an object is.
            ResourceType, "resource type",
            $( $resource = $resource_text, $about; )+
        }

        impl Action {
            const fn bit(self) -> u32 {
                1 << self.index()
            }
        }

        impl ResourceType {
            /// What the type stands for, in a line.
            #[must_use]
            pub const fn about(self) -> &'static str {
                match self { $( Self::$resource => $about ),+ }
            }

            /// The actions that the type declares.
            #[must_use]
            pub const fn actions(self) -> ActionSet {
                match self { $( Self::$resource => ActionSet(0 $( | Action::$can.bit() )+) ),+ }
            }

            /// The actions that the type declares, each with what it allows.
            #[must_use]
            pub const fn described(self) -> &'static [(Action, &'static str)] {
                match self { $( Self::$resource => &[ $( (Action::$can, $can_about) ),+ ] ),+ }
            }
        }
    };
}

registry! {
    actions {
        Create = "create",
        Read = "read",
        Update = "update",
        Delete = "delete",
        Use = "use",
        Share = "share",
        Assign = "assign",
        Unassign = "unassign",
        ReadPersonal = "read_personal",
        UpdatePersonal = "update_personal",
        Start = "start",
        Stop = "stop",
        Ssh = "ssh",
        ApplicationConnect = "application_connect",
        CreateAgent = "create_agent",
        DeleteAgent = "delete_agent",
        UpdateAgent = "update_agent",
    }
    types {
        User = "user", "A person or service account. Owned by itself, in no organization." {
            Create: "make an account",
            Read: "see that the account exists, its name and address",
            Update: "change status, and what only administrators may change",
            Delete: "delete the account",
            ReadPersonal: "see what concerns only the person: settings, sign-in links",
            UpdatePersonal: "change what concerns only the person: name, password",
        }
        Organization = "organization", "An organization. It is in itself." {
            Create: "make an organization",
            Read: "see the organization and its settings",
            Update: "change its name and settings",
            Delete: "delete it",
        }
        OrganizationMember = "organization_member",
        "The membership of a user in an organization. Owned by the user." {
            Create: "add a member",
            Read: "see a member and the roles held in the organization",
            Update: "change a membership",
            Delete: "remove a member",
        }
        Group = "group", "A group of an organization. Its own members may read it." {
            Create: "make a group",
            Read: "see the group and its AI budget",
            Update: "change name, members and AI budget",
            Delete: "delete the group",
        }
        GroupMember = "group_member", "A user as a member of groups. Owned by the user." {
            Read: "see who is in a group",
        }
        AssignRole = "assign_role", "The roles of the deployment and who holds them." {
            Create: "hand on the right to assign roles",
            Read: "list the roles",
            Assign: "give a role to a user",
            Unassign: "take a role from a user",
        }
        AssignOrgRole = "assign_org_role", "The roles of an organization and who holds them." {
            Create: "make a custom role; hand on the right to assign roles",
            Read: "list the roles",
            Update: "change a custom role",
            Delete: "delete a custom role",
            Assign: "give a role to a member",
            Unassign: "take a role from a member",
        }
        ApiKey = "api_key", "A session or API token. Owned by its user, in no organization." {
            Create: "make a token",
            Read: "see that a token exists, never its secret",
            Update: "change lifetime or name",
            Delete: "revoke a token",
        }
        AuditLog = "audit_log", "What was changed, by whom. May belong to an organization." {
            Create: "write an entry",
            Read: "read entries",
        }
        Workspace = "workspace", "A development environment of a user in an organization." {
            Create: "make a workspace",
            Read: "see a workspace",
            Update: "change its settings",
            Delete: "delete it",
            Share: "change who else may use it",
            Start: "start it",
            Stop: "stop it",
            Ssh: "open a shell in it",
            ApplicationConnect: "open its applications in a browser",
            CreateAgent: "add an agent to it",
            DeleteAgent: "remove an agent from it",
            UpdateAgent: "change an agent of it",
        }
        Chat = "chat", "A conversation of a user with a model, in an organization." {
            Create: "start a chat",
            Read: "read a chat",
            Update: "write to a chat, rename it",
            Delete: "delete a chat",
            Share: "change who else may read it",
        }
        ChatFile = "chat_file", "A file of a chat, with the chat's owner, organization and ACL." {
            Create: "upload a file",
            Read: "download a file",
            Delete: "delete a file",
        }
        AiBudget = "ai_budget",
        "A limit on AI spend, in an organization and never owned, so that nobody raises their own." {
            Create: "set a budget",
            Read: "see a budget and what is spent",
            Update: "change a budget",
            Delete: "remove a budget",
        }
        AiProvider = "ai_provider", "A provider of models that the gateway forwards to." {
            Create: "add a provider",
            Read: "see a provider's settings, never its key",
            Update: "change a provider",
            Delete: "remove a provider",
            Use: "send requests through it",
        }
        AiModelPrice = "ai_model_price", "The price of a model." {
            Read: "see prices",
            Update: "set prices",
        }
        AiUsageEvent = "ai_usage_event",
        "One settled AI request, in an organization and never owned. Append-only." {
            Create: "record usage",
            Read: "read usage",
        }
        BudgetCap = "budget_cap", "A cap above budgets, in an organization and never owned." {
            Create: "set a cap",
            Read: "see a cap",
            Update: "change a cap",
            Delete: "remove a cap",
        }
        DeploymentConfig = "deployment_config", "The settings of the deployment." {
            Read: "see the settings, without secrets",
            Update: "change the settings",
        }
        FeatureFlag = "feature_flag", "A switch for a feature, in an organization and never owned." {
            Read: "see switches",
            Update: "set switches",
        }
        Notification = "notification", "A message to a user. Owned by the user, in no organization." {
            Create: "send a message",
            Read: "read messages",
            Update: "mark messages as read, choose what to be told",
            Delete: "delete messages",
        }
        IdpsyncSettings = "idpsync_settings",
        "How an identity provider's claims become roles, groups and organizations." {
            Read: "see the mapping",
            Update: "change the mapping",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip() {
        for resource in ResourceType::ALL {
            assert_eq!(resource.as_str().parse(), Ok(*resource));
            let json = serde_json::to_string(resource).unwrap();
            assert_eq!(json, format!("\"{resource}\""));
            assert_eq!(
                serde_json::from_str::<ResourceType>(&json).unwrap(),
                *resource
            );
        }
        for action in Action::ALL {
            assert_eq!(action.as_str().parse(), Ok(*action));
            assert_eq!(
                serde_json::to_string(action).unwrap(),
                format!("\"{action}\"")
            );
        }
        let error = "templat".parse::<ResourceType>().unwrap_err();
        assert_eq!(error.to_string(), "unknown resource type \"templat\"");
    }

    #[test]
    fn each_action_has_its_own_bit_and_some_type() {
        const { assert!(Action::COUNT <= 32) };
        let every: ActionSet = Action::ALL.iter().copied().collect();
        assert_eq!(every.iter().count(), Action::COUNT);
        let declared = ResourceType::ALL
            .iter()
            .fold(ActionSet::EMPTY, |set, t| set.union(t.actions()));
        assert_eq!(declared, every, "an action that no type declares");
    }

    #[test]
    fn the_description_matches_the_set() {
        for resource in ResourceType::ALL {
            let described: ActionSet = resource.described().iter().map(|(a, _)| *a).collect();
            assert_eq!(described, resource.actions(), "{resource}");
        }
    }
}
