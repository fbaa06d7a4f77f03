//! How an identity provider's claims become organizations, groups and roles.
//!
//! Three settings, each switched on by naming a claim: which organizations a person is in (the deployment's),
//! and in each organization which groups the person is in and which roles the person holds. The rules are pure:
//! they take a person's claims and present place, and say what changes. What they must not do, whatever a
//! provider sends: take anything away because of a claim that cannot be read.

mod claims;
mod report;
mod rules;
mod settings;
mod update;

pub use claims::{CLAIM_VALUES_MAX, ClaimValues, Unreadable, claim_values};
pub use report::{IdentitySyncReport, SyncKind, SyncWarning};
pub use rules::{
    GroupChange, KnownGroup, KnownOrganizations, OrganizationChange, Person, Place, PlacePlan,
    SyncPlan, WantedGroups,
};
pub use settings::{
    ClaimField, FIELD_MAX_CHARS, FieldError, GroupSync, MAPPING_MAX_ENTRIES, MAPPING_MAX_TARGETS,
    Mapping, MappingError, OrganizationSync, PATTERN_MAX_CHARS, PatternError, RegexFilter,
    RoleSync, TakenRoles, VALUE_MAX_CHARS,
};

pub use update::{GroupSyncUpdate, OrganizationSyncUpdate, PlaceSettings, RoleSyncUpdate};

#[cfg(test)]
mod tests;
