//! What a person's rights are made of, and the versions that tell whether it changed.

use crate::{GroupId, OrganizationId};

/// How often something changed that decides what a person may do. Equal versions mean the same roles,
/// memberships and groups; the database raises them with every change, in its transaction.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SubjectVersions {
    /// Of the person: status, site roles, memberships with their roles, groups.
    pub user: i64,
    /// Of each organization that the person is in, by id. What else comes to decide (a custom role) belongs
    /// here with a version of its own.
    pub organizations: Vec<(OrganizationId, i64)>,
}

/// The roles and groups of a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubjectRoles {
    /// The site roles that were given, without the implied `member`.
    pub site_roles: Vec<String>,
    /// The organizations with the roles given there, without the implied `organization-member`.
    pub organization_roles: Vec<(OrganizationId, Vec<String>)>,
    /// The groups that the person was put in; Everyone groups follow from the organizations.
    pub group_ids: Vec<GroupId>,
}
