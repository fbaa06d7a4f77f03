//! Settings as the wire has them.

use std::collections::{BTreeMap, BTreeSet};

use bursar_sdk as sdk;
use model::idpsync::{
    ClaimField, GroupSync, Mapping, OrganizationSync, PlacePlan, RegexFilter, RoleSync, SyncPlan,
};
use uuid::Uuid;

use crate::validate::{Checked, optional, parse, wrong};

/// Which organizations people are in.
pub(crate) fn organization(settings: &OrganizationSync) -> sdk::OrganizationSyncSettings {
    sdk::OrganizationSyncSettings {
        field: settings.field.as_str().to_owned(),
        mapping: shown(&settings.mapping, |id| id.0),
        organization_assign_default: settings.assign_default,
    }
}

/// Which groups of an organization its people are in.
pub(crate) fn groups(settings: &GroupSync) -> sdk::GroupSyncSettings {
    let filter = settings.regex_filter.as_ref();
    sdk::GroupSyncSettings {
        field: settings.field.as_str().to_owned(),
        mapping: shown(&settings.mapping, |id| id.0),
        regex_filter: filter.map(ToString::to_string),
        auto_create_missing_groups: settings.create_missing,
    }
}

/// Which roles people hold in an organization.
pub(crate) fn roles(settings: &RoleSync) -> sdk::RoleSyncSettings {
    sdk::RoleSyncSettings {
        field: settings.field.as_str().to_owned(),
        mapping: shown(&settings.mapping, Clone::clone),
    }
}

fn shown<T: Ord + Clone, W>(
    mapping: &Mapping<T>,
    target: impl Fn(&T) -> W,
) -> BTreeMap<String, Vec<W>> {
    let entry = |(value, targets): (&str, &BTreeSet<T>)| {
        let targets = targets.iter().map(&target).collect();
        (value.to_owned(), targets)
    };
    mapping.entries().map(entry).collect()
}

/// Reads the name of a claim.
pub(crate) fn field(text: Option<&str>) -> Checked<Option<ClaimField>> {
    optional(text, |text| parse("field", text))
}

/// Reads a mapping to ids.
pub(crate) fn ids<T: Ord + Clone + From<Uuid>>(
    mapping: Option<&BTreeMap<String, Vec<Uuid>>>,
) -> Checked<Option<Mapping<T>>> {
    read(mapping, |id| T::from(*id))
}

/// Reads a mapping to names of roles.
pub(crate) fn names(
    mapping: Option<&BTreeMap<String, Vec<String>>>,
) -> Checked<Option<Mapping<String>>> {
    read(mapping, Clone::clone)
}

fn read<W, T: Ord + Clone>(
    mapping: Option<&BTreeMap<String, Vec<W>>>,
    target: impl Fn(&W) -> T,
) -> Checked<Option<Mapping<T>>> {
    optional(mapping, |mapping| {
        let entry = |(value, targets): (&String, &Vec<W>)| {
            let targets = targets.iter().map(&target).collect();
            (value.clone(), targets)
        };
        let read = Mapping::new(mapping.iter().map(entry));
        read.or_else(|error| wrong("mapping", error))
    })
}

/// Reads a regular expression.
pub(crate) fn filter(text: Option<&str>) -> Checked<Option<RegexFilter>> {
    optional(text, |text| parse("regex_filter", text))
}

/// What claims would do.
pub(crate) fn preview(plan: SyncPlan) -> sdk::IdpSyncPreview {
    let inside = |(organization, place): (model::OrganizationId, PlacePlan)| {
        let groups = place.groups;
        sdk::IdpSyncOrganizationPreview {
            organization_id: organization.0,
            groups_to_join: groups.join.into_iter().map(Into::into).collect(),
            groups_to_create: groups.create.into_iter().map(Into::into).collect(),
            groups_to_leave: groups.leave.into_iter().map(Into::into).collect(),
            roles: place.roles.map(|roles| roles.into_iter().collect()),
        }
    };
    let organizations = plan.organizations;
    sdk::IdpSyncPreview {
        organizations_to_join: organizations.join.into_iter().map(Into::into).collect(),
        organizations_to_leave: organizations.leave.into_iter().map(Into::into).collect(),
        organizations: plan.places.into_iter().map(inside).collect(),
        warnings: plan.warnings.iter().map(ToString::to_string).collect(),
    }
}
