//! Caps of what people, and everybody together, may spend in a period: beside budgets, for a whole subscription.
//!
//! A subscription is the whole deployment's or one organization's ([`CapScope`]). Its user cap is a person's own
//! ([`CapOverride`]) if there is one, else the flat one; its subscription cap is for all people together and counts only
//! what each spends beyond what is included.

mod limits;
mod mirror;
mod standing;

use std::{fmt, str::FromStr};

use chrono::{DateTime, Utc};
use uuid::Uuid;

pub use self::{
    limits::{CapState, Used, counted},
    mirror::{
        CapFailure, CapMirror, CapMirrorClaim, CapTrust, MirrorChanges, MirrorOutcome,
        MirroredCaps, MirroredOverride,
    },
    standing::{BlockedCap, CapStanding, SubscriptionStanding, blocked_by},
};
use crate::{
    Micros, OrganizationId, UserId,
    budgets::{UnknownWord, words},
};

/// The greatest cap that may be set: a thousand million dollars a period.
pub const MAX_CAP: Micros = Micros(1_000_000_000_000_000);

/// Whose caps they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CapScope {
    /// The whole deployment's: all spend counts.
    Instance,
    /// An organization's: what is charged to its groups counts.
    Organization(OrganizationId),
}

impl CapScope {
    /// The stored id: the organization's, or nil.
    #[must_use]
    pub const fn id(self) -> Uuid {
        match self {
            Self::Instance => Uuid::nil(),
            Self::Organization(organization) => organization.0,
        }
    }

    /// The scope of a stored id.
    #[must_use]
    pub const fn of(id: Uuid) -> Self {
        if id.is_nil() {
            Self::Instance
        } else {
            Self::Organization(OrganizationId(id))
        }
    }

    /// The organization, unless it is the whole deployment.
    #[must_use]
    pub const fn organization(self) -> Option<OrganizationId> {
        match self {
            Self::Instance => None,
            Self::Organization(organization) => Some(organization),
        }
    }
}

/// An amount a period, and whether it is enforced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cap {
    /// The amount; never negative.
    pub amount: Micros,
    /// Whether it counts; else it is kept for later.
    pub enabled: bool,
}

/// The caps of a subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SubscriptionCaps {
    /// Whose they are.
    pub scope: CapScope,
    /// For each person without a cap of their own; `None` was never set.
    pub flat_user: Option<Cap>,
    /// For all people together, beyond what is included; `None` was never set.
    pub subscription: Option<Cap>,
    /// What each person may spend whatever the caps say.
    pub included: Micros,
    /// When the first of them was set.
    pub created_at: DateTime<Utc>,
    /// When one of them was changed last.
    pub updated_at: DateTime<Utc>,
}

/// What is set for all people together; what is `None` stays as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SubscriptionCapUpsert {
    /// The cap.
    pub cap: Option<Cap>,
    /// What each person may spend whatever the caps say.
    pub included: Option<Micros>,
}

/// What a disabled override means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DisabledMode {
    /// The person has no cap.
    #[default]
    Exempt,
    /// The flat cap holds for the person.
    Inherit,
}

impl DisabledMode {
    /// Every one.
    pub const ALL: &'static [Self] = &[Self::Exempt, Self::Inherit];

    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Exempt => "exempt",
            Self::Inherit => "inherit",
        }
    }
}
words!(DisabledMode);

/// A person's own cap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CapOverride {
    /// Whose.
    pub user_id: UserId,
    /// The cap.
    pub cap: Cap,
    /// What it means while it is disabled.
    pub disabled_mode: DisabledMode,
    /// When it was first set.
    pub created_at: DateTime<Utc>,
    /// When it was changed last.
    pub updated_at: DateTime<Utc>,
}

/// What is set for a person; the mode stays as it is when it is `None`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CapOverrideUpsert {
    /// Whose.
    pub user_id: UserId,
    /// The cap.
    pub cap: Cap,
    /// What it means while it is disabled.
    pub disabled_mode: Option<DisabledMode>,
}

/// Somebody whose own cap is to be set, as far as it decides whether it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CapPerson {
    /// Who.
    pub user_id: UserId,
    /// Whether they are in the subscription's organization; everybody is in the deployment.
    pub member: bool,
    /// Whether they have a cap of their own there already.
    pub capped: bool,
}

/// Where a person's cap comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CapSource {
    /// The flat cap.
    Flat,
    /// The person's own.
    Override,
}

/// The cap that holds for a person: enabled, and what it comes from. `None`: no cap holds.
#[must_use]
pub fn user_cap(
    flat: Option<Cap>,
    own: Option<(Cap, DisabledMode)>,
) -> Option<(Micros, CapSource)> {
    let flat = || {
        let enabled = flat.filter(|cap| cap.enabled);
        enabled.map(|cap| (cap.amount, CapSource::Flat))
    };
    match own {
        Some((cap, _)) if cap.enabled => Some((cap.amount, CapSource::Override)),
        Some((_, DisabledMode::Exempt)) => None,
        Some((_, DisabledMode::Inherit)) | None => flat(),
    }
}

/// What of a person's spend counts under the subscription's cap: all beyond what is included.
#[must_use]
pub fn beyond_included(spent: Micros, included: Micros) -> Micros {
    spent.saturating_sub(included).or_zero()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_own_cap_stands_in_for_the_flat_one() {
        let cap = |amount, enabled| Cap {
            amount: Micros(amount),
            enabled,
        };
        let (flat, off) = (Some(cap(10, true)), Some(cap(10, false)));
        let by_flat = Some((Micros(10), CapSource::Flat));
        let own = |enabled, mode| Some((cap(100, enabled), mode));
        let check = |flat, own, expected| assert_eq!(user_cap(flat, own), expected, "{own:?}");
        check(None, None, None);
        check(off, None, None);
        check(flat, None, by_flat);
        for mode in [DisabledMode::Exempt, DisabledMode::Inherit] {
            let by_own = Some((Micros(100), CapSource::Override));
            check(flat, own(true, mode), by_own);
            check(off, own(true, mode), by_own);
        }
        check(flat, own(false, DisabledMode::Exempt), None);
        check(flat, own(false, DisabledMode::Inherit), by_flat);
        check(off, own(false, DisabledMode::Inherit), None);
    }

    #[test]
    fn words_are_read_as_they_are_written() {
        for mode in DisabledMode::ALL {
            assert_eq!(mode.to_string().parse(), Ok(*mode));
        }
        assert!("Exempt".parse::<DisabledMode>().is_err());
    }

    #[test]
    fn what_is_included_does_not_count() {
        let check = |spent, included, counted| {
            assert_eq!(
                beyond_included(Micros(spent), Micros(included)),
                Micros(counted)
            );
        };
        check(0, 0, 0);
        check(24, 24, 0);
        check(25, 24, 1);
        check(5, 24, 0);
    }
}
