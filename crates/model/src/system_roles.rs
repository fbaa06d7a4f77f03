//! The roles that come with being a member, as every organization keeps them, and what brings them into step with
//! the program's own definitions.

use std::{cmp::Ordering, collections::BTreeSet};

use rbac::{OrgPermissions, Permission, SYSTEM_ROLES_VERSION, ShareableOwners, SystemRole};

use crate::{Name, OrganizationId};

/// One of these roles as an organization keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredSystemRole {
    /// Which one.
    pub role: SystemRole,
    /// The version of the program's definition that it was written from; 0 for a placeholder.
    pub definition_version: i32,
    /// What it lets its holders do to everything in the organization.
    pub org_permissions: Vec<Permission>,
    /// What it lets its holders do to their own in the organization.
    pub member_permissions: Vec<Permission>,
}

impl StoredSystemRole {
    /// The role as this program defines it for an organization's settings.
    #[must_use]
    pub fn defined(role: SystemRole, settings: ShareableOwners) -> Self {
        let OrgPermissions { org, member } = role.permissions(settings);
        Self {
            role,
            definition_version: SYSTEM_ROLES_VERSION,
            org_permissions: org,
            member_permissions: member,
        }
    }

    /// Whether a newer program wrote it: this one leaves it alone, and lets it count.
    #[must_use]
    pub const fn newer(&self) -> bool {
        self.definition_version > SYSTEM_ROLES_VERSION
    }

    /// The permissions as a set: their order and repetitions mean nothing.
    fn held(&self) -> BTreeSet<(Part, Permission)> {
        let org = self.org_permissions.iter().map(|line| (Part::Org, *line));
        let member = self.member_permissions.iter();
        org.chain(member.map(|line| (Part::Member, *line)))
            .collect()
    }
}

/// Which of a role's two lists a permission is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Org,
    Member,
}

/// An organization with what decides these roles, and what it keeps of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrganizationSystemRoles {
    /// The organization.
    pub organization_id: OrganizationId,
    /// Its unique name.
    pub organization_name: Name,
    /// Whose workspaces may be shared there.
    pub settings: ShareableOwners,
    /// What is stored; normally one of each.
    pub roles: Vec<StoredSystemRole>,
    /// Those of them that hold something which this program cannot read.
    pub unreadable: Vec<SystemRole>,
}

/// What to write so that every organization keeps what the program defines.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReconcilePlan {
    /// The roles that differ, as they should be, by organization.
    pub writes: Vec<(OrganizationId, StoredSystemRole)>,
    /// What was found.
    pub report: ReconcileReport,
}

/// What a reconciliation found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReconcileReport {
    /// How many organizations were looked at.
    pub organizations: usize,
    /// How many roles were as they should be.
    pub unchanged: usize,
    /// How many roles a newer program wrote, which are left alone.
    pub newer: usize,
    /// What differs, by organization.
    pub changes: Vec<SystemRoleChange>,
}

impl ReconcileReport {
    /// How many roles differ for this cause.
    #[must_use]
    pub fn count(&self, cause: ChangeCause) -> usize {
        self.changes
            .iter()
            .filter(|change| change.cause == cause)
            .count()
    }
}

/// A role that an organization does not keep as the program defines it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SystemRoleChange {
    /// The organization.
    pub organization_id: OrganizationId,
    /// The organization's unique name.
    pub organization_name: Name,
    /// Which role.
    pub role: SystemRole,
    /// How it differs.
    pub cause: ChangeCause,
    /// How many permissions are missing from it.
    pub gains: usize,
    /// How many permissions it has that it should not have.
    pub loses: usize,
}

/// How a stored role differs from the program's definition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ChangeCause {
    /// There is none, though the database makes one for every organization: somebody removed it.
    Missing,
    /// It was made with its organization and never written since.
    Placeholder,
    /// It was written from an older definition.
    Older,
    /// It was written from this definition, and holds something else: the settings changed, or somebody changed it.
    Differs,
}

impl ChangeCause {
    /// Every one.
    pub const ALL: &'static [Self] =
        &[Self::Missing, Self::Placeholder, Self::Older, Self::Differs];

    /// Its word in figures and tables.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Placeholder => "placeholder",
            Self::Older => "older",
            Self::Differs => "differs",
        }
    }
}

/// What brings these organizations into step with the program. Pure; what is in step already is not in it, and
/// neither is what a newer program wrote, so that two programs of different versions never take turns.
#[must_use]
pub fn plan(organizations: &[OrganizationSystemRoles]) -> ReconcilePlan {
    let mut plan = ReconcilePlan::default();
    plan.report.organizations = organizations.len();
    for organization in organizations {
        for role in SystemRole::ALL {
            plan.consider(organization, *role);
        }
    }
    plan
}

impl ReconcilePlan {
    fn consider(&mut self, organization: &OrganizationSystemRoles, role: SystemRole) {
        let wanted = StoredSystemRole::defined(role, organization.settings);
        let stored = organization.roles.iter().find(|known| known.role == role);
        let readable = !organization.unreadable.contains(&role);
        if stored.is_some_and(StoredSystemRole::newer) {
            self.report.newer += 1;
            return;
        }
        let Some(cause) = cause(stored, readable, &wanted) else {
            self.report.unchanged += 1;
            return;
        };
        let held = stored.map(StoredSystemRole::held).unwrap_or_default();
        let should_hold = wanted.held();
        self.report.changes.push(SystemRoleChange {
            organization_id: organization.organization_id,
            organization_name: organization.organization_name.clone(),
            role,
            cause,
            gains: should_hold.difference(&held).count(),
            loses: held.difference(&should_hold).count(),
        });
        self.writes.push((organization.organization_id, wanted));
    }
}

/// How a role that no newer program wrote differs from what is wanted; `None` when it does not.
fn cause(
    stored: Option<&StoredSystemRole>,
    readable: bool,
    wanted: &StoredSystemRole,
) -> Option<ChangeCause> {
    let Some(stored) = stored else {
        return Some(ChangeCause::Missing);
    };
    if stored.definition_version <= 0 {
        return Some(ChangeCause::Placeholder);
    }
    match stored.definition_version.cmp(&wanted.definition_version) {
        Ordering::Less => Some(ChangeCause::Older),
        Ordering::Equal | Ordering::Greater => {
            let same = readable && stored.held() == wanted.held();
            (!same).then_some(ChangeCause::Differs)
        }
    }
}

#[cfg(test)]
mod tests {
    use rbac::{Action, ResourceType};
    use uuid::Uuid;

    use super::*;

    fn organization(
        settings: ShareableOwners,
        roles: Vec<StoredSystemRole>,
    ) -> OrganizationSystemRoles {
        OrganizationSystemRoles {
            organization_id: OrganizationId(Uuid::from_u128(7)),
            organization_name: "acme".parse().unwrap(),
            settings,
            roles,
            unreadable: Vec::new(),
        }
    }

    fn both(settings: ShareableOwners) -> Vec<StoredSystemRole> {
        let defined = |role: &SystemRole| StoredSystemRole::defined(*role, settings);
        SystemRole::ALL.iter().map(defined).collect()
    }

    const MEMBER: usize = 0;

    /// Checks what is found of the member's role when this happened to it; the other one is in step.
    fn check(
        change: impl Fn(&mut OrganizationSystemRoles),
        expected: Option<ChangeCause>,
        differences: (usize, usize),
    ) {
        for settings in ShareableOwners::ALL {
            let mut organization = organization(*settings, both(*settings));
            change(&mut organization);
            let ReconcilePlan { writes, report } = plan(std::slice::from_ref(&organization));
            let found: Vec<_> = report.changes.iter().map(|change| change.cause).collect();
            assert_eq!(
                found,
                Vec::from_iter(expected),
                "{settings}: {organization:?}"
            );
            let wanted = StoredSystemRole::defined(SystemRole::OrganizationMember, *settings);
            let wanted = expected.map(|_| (organization.organization_id, wanted));
            assert_eq!(writes, Vec::from_iter(wanted));
            let Some(change) = report.changes.first() else {
                continue;
            };
            assert_eq!((change.gains, change.loses), differences, "{settings}");
            assert_eq!(report.unchanged, 1);
            assert_eq!(report.count(change.cause), 1);

            // What was written is in step.
            for (_, written) in writes {
                organization
                    .roles
                    .retain(|known| known.role != written.role);
                organization.roles.push(written);
            }
            organization.unreadable.clear();
            assert_eq!(plan(&[organization]).writes, []);
        }
    }

    #[test]
    fn only_what_differs_is_written() {
        const EXTRA: Permission = Permission::allow(ResourceType::Group, Action::Delete);
        check(|_| (), None, (0, 0));
        let reordered = |organization: &mut OrganizationSystemRoles| {
            let role = &mut organization.roles[MEMBER];
            role.org_permissions.reverse();
            let again = role.member_permissions.clone();
            role.member_permissions.extend(again);
        };
        check(reordered, None, (0, 0));
        let more = |organization: &mut OrganizationSystemRoles| {
            organization.roles[MEMBER].org_permissions.push(EXTRA);
        };
        check(more, Some(ChangeCause::Differs), (0, 1));
        let moved = |organization: &mut OrganizationSystemRoles| {
            let role = &mut organization.roles[MEMBER];
            let line = role.org_permissions.remove(0);
            role.member_permissions.push(line);
        };
        check(moved, Some(ChangeCause::Differs), (1, 1));
        let unreadable = |organization: &mut OrganizationSystemRoles| {
            organization.unreadable = vec![SystemRole::OrganizationMember];
        };
        check(unreadable, Some(ChangeCause::Differs), (0, 0));
        let placeholder = |organization: &mut OrganizationSystemRoles| {
            organization.roles[MEMBER].definition_version = 0;
        };
        check(placeholder, Some(ChangeCause::Placeholder), (0, 0));
    }

    #[test]
    fn a_missing_role_is_made_again_whole() {
        let organization = organization(ShareableOwners::Everyone, Vec::new());
        let ReconcilePlan { writes, report } = plan(&[organization]);
        assert_eq!(report.count(ChangeCause::Missing), 2);
        let written: Vec<_> = writes.into_iter().map(|(_, role)| role).collect();
        assert_eq!(written, both(ShareableOwners::Everyone));
        for (change, role) in report.changes.iter().zip(&written) {
            let lines = role.org_permissions.len() + role.member_permissions.len();
            assert_eq!((change.gains, change.loses), (lines, 0));
        }
    }

    #[test]
    fn a_change_of_the_settings_shows_in_the_role_that_depends_on_them() {
        let everyone = both(ShareableOwners::Everyone);
        let organization = organization(ShareableOwners::ServiceAccounts, everyone);
        let plan = plan(&[organization]);
        let changed: Vec<_> = plan
            .report
            .changes
            .iter()
            .map(|change| change.role)
            .collect();
        assert_eq!(changed, [SystemRole::OrganizationMember]);
    }

    #[test]
    fn what_a_newer_program_wrote_is_left_alone_whatever_it_is() {
        let newer = |organization: &mut OrganizationSystemRoles| {
            let role = &mut organization.roles[MEMBER];
            role.definition_version = SYSTEM_ROLES_VERSION + 1;
            role.org_permissions.clear();
            organization.unreadable = vec![SystemRole::OrganizationMember];
        };
        check(newer, None, (0, 0));
        let mut organization = organization(ShareableOwners::None, both(ShareableOwners::None));
        newer(&mut organization);
        let report = plan(&[organization]).report;
        assert_eq!((report.newer, report.unchanged), (1, 1));
    }
}
