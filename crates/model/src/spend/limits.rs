//! Which limit a counter belongs to, and whether it blocks.

use std::{fmt, str::FromStr};

use thiserror::Error;
use uuid::Uuid;

use crate::{GroupId, OrganizationId, UserId, caps::CapScope};

/// What a limit is set for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LimitKind {
    /// All that a person spends, whichever group is charged.
    User,
    /// All that is charged to a group.
    Pool,
    /// All that a person spends in an organization, under the user cap of its subscription.
    UserCap,
    /// What people spend beyond what is included, under the cap of a subscription.
    Subscription,
}

impl LimitKind {
    /// The stored name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Pool => "pool",
            Self::UserCap => "user_cap",
            Self::Subscription => "subscription",
        }
    }
}

/// A text that names no kind of limit, or no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("names no limit")]
pub struct NoSuchLimit;

impl FromStr for LimitKind {
    type Err = NoSuchLimit;
    fn from_str(text: &str) -> Result<Self, NoSuchLimit> {
        match text {
            "user" => Ok(Self::User),
            "pool" => Ok(Self::Pool),
            "user_cap" => Ok(Self::UserCap),
            "subscription" => Ok(Self::Subscription),
            _ => Err(NoSuchLimit),
        }
    }
}

/// A limit. Their order is the order in which counters are locked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LimitKey {
    /// What it is set for.
    pub kind: LimitKind,
    /// The person, group or organization; nil is the whole deployment.
    pub id: Uuid,
    /// The organization that it is narrowed to; nil is everywhere.
    pub scope: Uuid,
}

impl LimitKey {
    /// The limit of all that a person spends.
    #[must_use]
    pub const fn user(id: UserId) -> Self {
        Self {
            kind: LimitKind::User,
            id: id.0,
            scope: Uuid::nil(),
        }
    }

    /// The limit of all that is charged to a group.
    #[must_use]
    pub const fn pool(id: GroupId) -> Self {
        Self {
            kind: LimitKind::Pool,
            id: id.0,
            scope: Uuid::nil(),
        }
    }

    /// The limit of all that a person spends in an organization.
    #[must_use]
    pub const fn user_cap(id: UserId, organization: OrganizationId) -> Self {
        Self {
            kind: LimitKind::UserCap,
            id: id.0,
            scope: organization.0,
        }
    }

    /// The limit of what all people spend under a subscription beyond what is included.
    #[must_use]
    pub const fn subscription(scope: CapScope) -> Self {
        Self {
            kind: LimitKind::Subscription,
            id: scope.id(),
            scope: Uuid::nil(),
        }
    }
}

/// `kind:id`, and `:scope` unless that is nil.
impl fmt::Display for LimitKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind.as_str(), self.id)?;
        if self.scope.is_nil() {
            return Ok(());
        }
        write!(f, ":{}", self.scope)
    }
}

impl FromStr for LimitKey {
    type Err = NoSuchLimit;
    fn from_str(text: &str) -> Result<Self, NoSuchLimit> {
        let mut parts = text.split(':');
        let kind = parts.next().unwrap_or_default().parse()?;
        let uuid = |text: &str| Uuid::parse_str(text).map_err(|_error| NoSuchLimit);
        let id = parts.next().map(uuid).ok_or(NoSuchLimit)??;
        let scope = parts.next().map_or(Ok(Uuid::nil()), uuid)?;
        match parts.next() {
            Some(_) => Err(NoSuchLimit),
            None => Ok(Self { kind, id, scope }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limits_name_can_be_read_back() {
        let (person, place) = (Uuid::from_u128(7), Uuid::from_u128(8));
        let narrowed = LimitKey {
            scope: place,
            ..LimitKey::pool(GroupId(person))
        };
        let capped = LimitKey::user_cap(UserId(person), OrganizationId(place));
        let all = LimitKey::subscription(CapScope::Instance);
        for key in [LimitKey::user(UserId(person)), narrowed, capped, all] {
            assert_eq!(key.to_string().parse(), Ok(key));
        }
        for bad in [
            "",
            "user",
            "user:",
            "user:x",
            "team:7",
            &format!("{narrowed}:1"),
        ] {
            assert_eq!(bad.parse::<LimitKey>(), Err(NoSuchLimit), "{bad}");
        }
        assert!(LimitKey::user(UserId(place)) < LimitKey::pool(GroupId(person)));
    }
}
