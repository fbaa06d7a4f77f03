//! The rules: what a person's claims change, given where the person is now.
//!
//! Each setting is asked twice: what the claims want, then, once it is known which of that exists, what changes.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::{
    GroupId, Name, OrganizationId,
    idpsync::{
        ClaimField, ClaimValues, GroupSync, OrganizationSync, RegexFilter, RoleSync, SyncKind,
        SyncWarning, claim_values,
    },
};

/// Where a person is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Person {
    /// The person's organizations, none of them deleted.
    pub places: BTreeMap<OrganizationId, Place>,
}

/// What a person has in an organization.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    /// The roles that were given.
    pub roles: BTreeSet<String>,
    /// The groups, without Everyone.
    pub groups: BTreeSet<GroupId>,
}

/// Which organizations exist.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KnownOrganizations {
    /// The default organization; `None` before the first one is made.
    pub default: Option<OrganizationId>,
    /// Those that were asked for.
    pub ids: BTreeSet<OrganizationId>,
}

/// A group that exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownGroup {
    /// Its id.
    pub id: GroupId,
    /// Its name.
    pub name: Name,
}

/// The organizations that a person joins and leaves.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OrganizationChange {
    /// Those to join.
    pub join: BTreeSet<OrganizationId>,
    /// Those to leave.
    pub leave: BTreeSet<OrganizationId>,
}

/// The groups that claims want, in an organization.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WantedGroups {
    /// By id, from the mapping.
    pub ids: BTreeSet<GroupId>,
    /// By name, as the provider writes it, with its lower case before it.
    pub names: BTreeMap<String, Name>,
}

/// The groups of one organization that a person joins and leaves.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GroupChange {
    /// Those to join.
    pub join: BTreeSet<GroupId>,
    /// Those to make and join.
    pub create: BTreeSet<Name>,
    /// Those to leave.
    pub leave: BTreeSet<GroupId>,
}

impl GroupChange {
    /// Whether nothing changes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.join.is_empty() && self.create.is_empty() && self.leave.is_empty()
    }
}

/// What changes for a person in one organization.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PlacePlan {
    /// Groups.
    pub groups: GroupChange,
    /// All roles to hold from now on; `None` when they stay as they are.
    pub roles: Option<BTreeSet<String>>,
}

impl PlacePlan {
    /// Whether nothing changes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.groups.is_empty() && self.roles.is_none()
    }
}

/// What changes for a person.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SyncPlan {
    /// Organizations.
    pub organizations: OrganizationChange,
    /// Groups and roles, in organizations that the person is then in; only where something changes.
    pub places: BTreeMap<OrganizationId, PlacePlan>,
    /// What is passed over.
    pub warnings: Vec<SyncWarning>,
}

impl SyncPlan {
    /// The organizations in which something changes.
    #[must_use]
    pub fn touched(&self) -> BTreeSet<OrganizationId> {
        let OrganizationChange { join, leave } = &self.organizations;
        let places = self.places.keys();
        join.iter().chain(leave).chain(places).copied().collect()
    }

    /// Leaves out what changes in any other organization.
    pub fn retain(&mut self, organizations: &BTreeSet<OrganizationId>) {
        let kept = |id: &OrganizationId| organizations.contains(id);
        self.organizations.join.retain(kept);
        self.organizations.leave.retain(kept);
        self.places.retain(|id, _| kept(id));
    }
}

/// The values of the claim that a setting names; `None` when the setting is off or the claim cannot be read, so
/// that nothing changes. An absent claim has no values: providers leave a claim out when it would be empty, and
/// who lost the last group must lose what it gave.
fn values(
    kind: SyncKind,
    field: &ClaimField,
    claims: &Value,
    warnings: &mut Vec<SyncWarning>,
) -> Option<BTreeSet<String>> {
    if field.off() {
        return None;
    }
    let name = || field.as_str().to_owned();
    match claim_values(claims, field.as_str()) {
        Ok(ClaimValues::Values(values)) => Some(values),
        Ok(ClaimValues::Absent) => {
            warnings.push(SyncWarning::Absent {
                kind,
                field: name(),
            });
            Some(BTreeSet::new())
        }
        Err(why) => {
            let field = name();
            warnings.push(SyncWarning::Unreadable { kind, field, why });
            None
        }
    }
}

impl OrganizationSync {
    /// The organizations that claims want by the mapping, some of which may not exist; `None` when nothing changes.
    #[must_use]
    pub fn wanted(
        &self,
        claims: &Value,
        warnings: &mut Vec<SyncWarning>,
    ) -> Option<BTreeSet<OrganizationId>> {
        let values = values(SyncKind::Organization, &self.field, claims, warnings)?;
        Some(self.mapping.of(&values))
    }

    /// What changes for a person who is in these places, when these of the wanted organizations exist.
    #[must_use]
    pub fn change(
        &self,
        wanted: &BTreeSet<OrganizationId>,
        existing: &KnownOrganizations,
        places: &BTreeMap<OrganizationId, Place>,
        warnings: &mut Vec<SyncWarning>,
    ) -> OrganizationChange {
        let there = |id: &OrganizationId| existing.ids.contains(id) || places.contains_key(id);
        let (mut known, unknown): (BTreeSet<_>, BTreeSet<_>) =
            wanted.iter().copied().partition(there);
        warnings.extend(unknown.into_iter().map(SyncWarning::UnknownOrganization));
        if self.assign_default {
            known.extend(existing.default);
        }
        let (mut join, mut leave) = (known, BTreeSet::new());
        for (id, place) in places {
            if join.remove(id) {
                continue;
            }
            if place.roles.iter().all(|role| self.takes.contains(role)) {
                leave.insert(*id);
            } else {
                warnings.push(SyncWarning::KeptMembership(*id));
            }
        }
        OrganizationChange { join, leave }
    }
}

impl GroupSync {
    /// The groups that claims want; `None` when nothing changes.
    #[must_use]
    pub fn wanted(&self, claims: &Value, warnings: &mut Vec<SyncWarning>) -> Option<WantedGroups> {
        let values = values(SyncKind::Groups, &self.field, claims, warnings)?;
        let counts = |value: &&String| {
            let passes = |filter: &RegexFilter| filter.matches(value);
            self.mapping.get(value).is_none() && self.regex_filter.as_ref().is_none_or(passes)
        };
        let mut names = BTreeMap::new();
        for value in values.iter().filter(counts) {
            match value.parse::<Name>() {
                Ok(name) => {
                    names.entry(value.to_ascii_lowercase()).or_insert(name);
                }
                Err(_) if self.create_missing => {
                    warnings.push(SyncWarning::GroupName(value.clone()));
                }
                // No group has such a name.
                Err(_) => {}
            }
        }
        let ids = self.mapping.of(&values);
        Some(WantedGroups { ids, names })
    }

    /// What changes for a person who is in these groups of an organization, when these groups of it exist among
    /// those wanted. Nobody is put into its Everyone group.
    #[must_use]
    pub fn change(
        &self,
        wanted: &WantedGroups,
        existing: &[KnownGroup],
        present: &BTreeSet<GroupId>,
        everyone: GroupId,
        warnings: &mut Vec<SyncWarning>,
    ) -> GroupChange {
        let by_id: BTreeSet<GroupId> = existing.iter().map(|group| group.id).collect();
        let lower = |group: &KnownGroup| (group.name.as_str().to_ascii_lowercase(), group.id);
        let by_name: BTreeMap<String, GroupId> = existing.iter().map(lower).collect();

        let ids = wanted.ids.iter().copied();
        let (mut known, unknown): (BTreeSet<_>, BTreeSet<_>) =
            ids.partition(|id: &GroupId| by_id.contains(id));
        warnings.extend(unknown.into_iter().map(SyncWarning::UnknownGroup));
        let mut create = BTreeSet::new();
        for (lower, name) in &wanted.names {
            if let Some(id) = by_name.get(lower) {
                known.insert(*id);
            } else if self.create_missing {
                create.insert(name.clone());
            }
        }
        known.remove(&everyone);
        GroupChange {
            join: known.difference(present).copied().collect(),
            create,
            leave: present.difference(&known).copied().collect(),
        }
    }
}

impl RoleSync {
    /// The roles that claims want, some of which may not exist; `None` when nothing changes.
    #[must_use]
    pub fn wanted(
        &self,
        claims: &Value,
        warnings: &mut Vec<SyncWarning>,
    ) -> Option<BTreeSet<String>> {
        let values = values(SyncKind::Roles, &self.field, claims, warnings)?;
        Some(self.mapping.of(&values))
    }

    /// All roles of a person who holds these, when these roles can be given in the organization; `None` when
    /// they stay as they are.
    #[must_use]
    pub fn change(
        &self,
        wanted: &BTreeSet<String>,
        existing: &BTreeSet<String>,
        held: &BTreeSet<String>,
        warnings: &mut Vec<SyncWarning>,
    ) -> Option<BTreeSet<String>> {
        let unknown = wanted.difference(existing);
        warnings.extend(unknown.map(|role| SyncWarning::UnknownRole(role.clone())));
        let mut roles: BTreeSet<String> = wanted.intersection(existing).cloned().collect();
        let lost = held.iter().filter(|role| !roles.contains(*role));
        let kept: Vec<String> = lost
            .filter(|role| !self.takes.contains(role))
            .cloned()
            .collect();
        warnings.extend(kept.iter().cloned().map(SyncWarning::KeptRole));
        roles.extend(kept);
        (roles != *held).then_some(roles)
    }
}
