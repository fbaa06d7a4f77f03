//! Changes of the settings; `None` leaves a value as it is.

use crate::{
    GroupId, OrganizationId,
    idpsync::{ClaimField, GroupSync, Mapping, OrganizationSync, RegexFilter, RoleSync},
};

/// A change of an [`OrganizationSync`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OrganizationSyncUpdate {
    /// Another claim, or an empty name to switch it off.
    pub field: Option<ClaimField>,
    /// Another mapping, as a whole.
    pub mapping: Option<Mapping<OrganizationId>>,
    /// Whether everybody is in the default organization.
    pub assign_default: Option<bool>,
}

/// A change of a [`GroupSync`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GroupSyncUpdate {
    /// Another claim, or an empty name to switch it off.
    pub field: Option<ClaimField>,
    /// Another mapping, as a whole.
    pub mapping: Option<Mapping<GroupId>>,
    /// Another filter; an empty pattern is none.
    pub regex_filter: Option<RegexFilter>,
    /// Whether missing groups are made.
    pub create_missing: Option<bool>,
}

/// A change of a [`RoleSync`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RoleSyncUpdate {
    /// Another claim, or an empty name to switch it off.
    pub field: Option<ClaimField>,
    /// Another mapping, as a whole.
    pub mapping: Option<Mapping<String>>,
}

impl OrganizationSync {
    /// The settings after a change.
    #[must_use]
    pub fn updated(self, update: OrganizationSyncUpdate) -> Self {
        Self {
            field: update.field.unwrap_or(self.field),
            mapping: update.mapping.unwrap_or(self.mapping),
            assign_default: update.assign_default.unwrap_or(self.assign_default),
            takes: self.takes,
        }
    }
}

impl GroupSync {
    /// The settings after a change.
    #[must_use]
    pub fn updated(self, update: GroupSyncUpdate) -> Self {
        let filter = update.regex_filter.map_or(self.regex_filter, Some);
        Self {
            field: update.field.unwrap_or(self.field),
            mapping: update.mapping.unwrap_or(self.mapping),
            regex_filter: filter.filter(|filter| !filter.as_str().is_empty()),
            create_missing: update.create_missing.unwrap_or(self.create_missing),
        }
    }
}

impl RoleSync {
    /// The settings after a change.
    #[must_use]
    pub fn updated(self, update: RoleSyncUpdate) -> Self {
        Self {
            field: update.field.unwrap_or(self.field),
            mapping: update.mapping.unwrap_or(self.mapping),
            takes: self.takes,
        }
    }
}

/// What an organization decides about its people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlaceSettings {
    /// The organization.
    pub organization_id: OrganizationId,
    /// Which groups they are in.
    pub groups: GroupSync,
    /// Which roles they hold.
    pub roles: RoleSync,
}

impl PlaceSettings {
    /// The settings of an organization that decided nothing.
    #[must_use]
    pub fn off(organization_id: OrganizationId) -> Self {
        Self {
            organization_id,
            groups: GroupSync::default(),
            roles: RoleSync::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_absent_stays() {
        let on = GroupSync {
            field: "groups".parse().unwrap(),
            mapping: Mapping::default(),
            regex_filter: Some("^a".parse().unwrap()),
            create_missing: true,
        };
        assert_eq!(on.clone().updated(GroupSyncUpdate::default()), on);
        let update = GroupSyncUpdate {
            regex_filter: Some("".parse().unwrap()),
            field: Some(ClaimField::default()),
            ..GroupSyncUpdate::default()
        };
        let off = on.updated(update);
        assert_eq!((off.regex_filter, off.create_missing), (None, true));
        assert!(off.field.off());
        let fresh = OrganizationSync::default();
        assert_eq!(
            fresh.clone().updated(OrganizationSyncUpdate::default()),
            fresh
        );
        assert!(fresh.assign_default);
    }
}
