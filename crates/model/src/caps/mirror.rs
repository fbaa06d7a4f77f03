//! Caps that an upstream system keeps, and that are mirrored here: what was read, and how far it is trusted.

use std::{fmt, str::FromStr, time::Duration};

use chrono::{DateTime, Utc};

use super::{Cap, CapScope};
use crate::{
    UserId,
    budgets::{UnknownWord, words},
};

/// What holds while nobody knows the caps of a subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CapFailure {
    /// Nothing new is admitted that they might stop.
    #[default]
    Closed,
    /// They stop nothing; what is spent is counted on.
    Open,
}

impl CapFailure {
    /// Every one.
    pub const ALL: &'static [Self] = &[Self::Closed, Self::Open];

    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
        }
    }
}
words!(CapFailure);

/// How far mirrored caps are trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CapTrust {
    /// What was read longer ago is not known any more.
    pub max_age: Duration,
    /// What holds then.
    pub failure: CapFailure,
    /// Whether the whole deployment's caps are mirrored. Without, it has none.
    pub instance: bool,
    /// Whether the caps of organizations are mirrored. Without, they have none.
    pub organizations: bool,
}

impl CapTrust {
    /// How old mirrored caps may be, unless something else is said.
    pub const MAX_AGE: Duration = Duration::from_secs(600);

    /// Whether the caps of this subscription are mirrored.
    #[must_use]
    pub const fn covers(&self, scope: CapScope) -> bool {
        match scope {
            CapScope::Instance => self.instance,
            CapScope::Organization(_) => self.organizations,
        }
    }
}

/// How fresh a mirror is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CapMirror {
    /// When the last good read began; `None` when nothing was ever read.
    pub read_at: Option<DateTime<Utc>>,
    /// Whether something may have been written upstream that is not mirrored.
    pub dropped: bool,
    /// The present moment, by the same clock.
    pub now: DateTime<Utc>,
}

impl CapMirror {
    /// Whether it shows what is so, or was so this long ago.
    #[must_use]
    pub fn fresh(&self, within: Duration) -> bool {
        let Some(read_at) = self.read_at.filter(|_| !self.dropped) else {
            return false;
        };
        // One that was read in the future, by a clock that was set back, is not taken for fresh for ever.
        let age = self.now.signed_duration_since(read_at).to_std();
        age.is_ok_and(|age| age < within)
    }

    /// Whether it was read, but not for this long.
    #[must_use]
    pub fn overdue(&self, since: Duration) -> bool {
        let age = |read_at| self.now.signed_duration_since(read_at).to_std();
        self.read_at
            .is_some_and(|read_at| age(read_at).is_ok_and(|age| age >= since))
    }
}

/// Leave to read a subscription's caps upstream, once. What was read is mirrored unless something was written upstream
/// in between, or a read was mirrored that began later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CapMirrorClaim {
    /// Whose.
    pub scope: CapScope,
    /// The version that it belongs to.
    pub version: i64,
    /// When it was given, before anything is read.
    pub at: DateTime<Utc>,
}

/// All caps of a subscription as they are upstream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MirroredCaps {
    /// For each person without a cap of their own; `None` was never set.
    pub flat_user: Option<Cap>,
    /// For all people together; `None` was never set.
    pub subscription: Option<Cap>,
    /// People's own caps, each person named once.
    pub overrides: Vec<MirroredOverride>,
}

/// A person's own cap as it is upstream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MirroredOverride {
    /// Whose. Whoever has no account here is passed over.
    pub user_id: UserId,
    /// The cap.
    pub cap: Cap,
    /// When it was first set, where that is told.
    pub created_at: Option<DateTime<Utc>>,
    /// When it was changed last, where that is told.
    pub updated_at: Option<DateTime<Utc>>,
}

/// What became of a read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MirrorOutcome {
    /// The mirror shows what was read.
    Mirrored(MirrorChanges),
    /// Something was written, or another read was mirrored, since it was begun: it changed nothing.
    Superseded,
}

/// What a read changed in the mirror.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MirrorChanges {
    /// Whether the subscription's own record was made or changed.
    pub record: bool,
    /// How many people's own caps were made or changed.
    pub overrides: u64,
    /// How many people's own caps were removed.
    pub removed: u64,
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn a_mirror_is_fresh_for_a_while_unless_something_was_written() {
        let now = DateTime::<Utc>::UNIX_EPOCH;
        let within = Duration::from_secs(5);
        let check = |age: Option<i64>, dropped, expected| {
            let read_at = age.map(|age| now - TimeDelta::milliseconds(age));
            let mirror = CapMirror {
                read_at,
                dropped,
                now,
            };
            assert_eq!(mirror.fresh(within), expected, "{mirror:?}");
        };
        check(None, false, false);
        check(Some(0), false, true);
        check(Some(0), true, false);
        check(Some(4_999), false, true);
        check(Some(5_000), false, false);
        check(Some(-1), false, false);
    }

    #[test]
    fn a_subscription_is_covered_or_has_no_caps() {
        let trust = |instance, organizations| CapTrust {
            max_age: CapTrust::MAX_AGE,
            failure: CapFailure::Closed,
            instance,
            organizations,
        };
        let organization = CapScope::Organization(uuid::Uuid::from_u128(7).into());
        for (instance, organizations) in [(true, false), (false, true)] {
            let trust = trust(instance, organizations);
            assert_eq!(trust.covers(CapScope::Instance), instance);
            assert_eq!(trust.covers(organization), organizations);
        }
    }

    #[test]
    fn words_are_read_as_they_are_written() {
        for failure in CapFailure::ALL {
            assert_eq!(failure.to_string().parse(), Ok(*failure));
        }
        assert!("Closed".parse::<CapFailure>().is_err());
    }
}
