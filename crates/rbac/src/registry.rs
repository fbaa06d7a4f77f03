//! The registry in use: sets of actions, one value per type, names.
//!
//! Which types and actions exist is written in `policy.toml`, from which `generated.rs` is made.

use std::{fmt, str::FromStr};

pub use crate::generated::{Action, ResourceType};

/// A word that is no resource type or no action of the registry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown {kind} \"{word}\"")]
pub struct UnknownName {
    kind: &'static str,
    word: String,
}

/// Whether rows of a type belong to an organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum InOrganization {
    /// Each row belongs to one.
    Always,
    /// Some do; the others are the deployment's.
    Sometimes,
    /// No row does.
    Never,
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

    /// The set with this action in it.
    #[must_use]
    pub const fn with(self, action: Action) -> Self {
        Self(self.0 | action.bit())
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

macro_rules! named {
    ($name:ident, $kind:literal) => {
        impl $name {
            #[expect(
                clippy::as_conversions,
                reason = "the discriminant of a fieldless enum"
            )]
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
                Self::by_name(word).ok_or_else(|| UnknownName {
                    kind: $kind,
                    word: word.to_owned(),
                })
            }
        }
    };
}

named!(Action, "action");
named!(ResourceType, "resource type");

impl Action {
    const fn bit(self) -> u32 {
        1 << self.index()
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
