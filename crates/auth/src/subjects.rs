//! Prepared subjects, kept for as long as nothing that decides has changed.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::Arc,
};

use dbauthz::{BoundStore, SystemReadUnit, WorkspaceSharing};
use model::{
    UserId,
    subjects::{SubjectOrganization, SubjectRoles, SubjectVersions},
};
use moka::{policy::EvictionPolicy, sync::Cache};
use rbac::{
    PreparedSubject, Role, RoleName, SYSTEM_ROLES_VERSION, ScopeSet, Subject, SystemRole, builtin,
    custom_role,
};
use store::{StoreError, StoreResult};
use uuid::Uuid;

use crate::AuthError;

/// How many subjects are kept; beyond it the one that was not asked for longest goes. Those of outdated
/// versions are never asked for again and go by themselves.
const CAPACITY: u64 = 10_000;

/// Everything that a subject is made of, by version, and what narrows it. There is nothing else: no time, no
/// notice that might be lost.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct SubjectKey {
    pub(crate) user_id: UserId,
    pub(crate) versions: SubjectVersions,
    pub(crate) scopes: Vec<String>,
    pub(crate) allow_list: Vec<String>,
    /// The deployment's switch, the same for as long as the process runs.
    pub(crate) workspace_sharing: WorkspaceSharing,
}

/// A subject, and the scopes that narrow it.
type Narrowed = (Arc<PreparedSubject>, ScopeSet);

/// The prepared subjects of this process. Clones share them.
#[derive(Clone)]
pub struct SubjectCache(Cache<SubjectKey, Narrowed>);

impl Default for SubjectCache {
    fn default() -> Self {
        let cache = Cache::builder()
            .max_capacity(CAPACITY)
            .eviction_policy(EvictionPolicy::lru());
        Self(cache.build())
    }
}

impl fmt::Debug for SubjectCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SubjectCache").finish_non_exhaustive()
    }
}

impl SubjectCache {
    /// What a person may do by a key of this id. The roles are read after the versions, so they are as new as
    /// these at least; were they newer, nobody would be told the older versions again.
    pub(crate) async fn subject(
        &self,
        unit: &mut SystemReadUnit,
        wanted: SubjectKey,
        key_id: &str,
    ) -> Result<Narrowed, AuthError> {
        let kept = self.0.get(&wanted);
        count(kept.is_some());
        if let Some(kept) = kept {
            return Ok(kept);
        }
        let scopes = match ScopeSet::parse(&wanted.scopes, Some(&wanted.allow_list)) {
            Ok(scopes) => scopes,
            Err(error) => {
                // A scope that cannot be read may have been narrower than anything: it admits nothing.
                tracing::error!(key_id, %error, "the stored scope of a key cannot be read");
                return Err(AuthError::Invalid);
            }
        };
        let roles = unit.subjects().subject_roles_get(wanted.user_id).await;
        let roles = roles.map_err(|error| match error {
            // Deleted since the key was read.
            StoreError::NotFound => AuthError::Invalid,
            other => AuthError::Store(other),
        })?;
        let subject = subject(wanted.user_id, roles, wanted.workspace_sharing);
        let subject = subject.scope(scopes.to_scope());
        let narrowed = (Arc::new(subject.prepare()), scopes);
        self.0.insert(wanted, narrowed.clone());
        Ok(narrowed)
    }
}

fn count(kept: bool) {
    let outcome = if kept { "hit" } else { "miss" };
    metrics::counter!("bursar_auth_subject_cache_total", "outcome" => outcome).increment(1);
}

/// What somebody may do by a key that nothing narrows, for whoever may know it: see
/// [`dbauthz::Subjects::subject_roles_get`].
///
/// # Errors
/// `NotFound`, `Denied`.
pub async fn subject_get(store: &BoundStore, user_id: UserId) -> StoreResult<PreparedSubject> {
    let mut unit = store.read().await?;
    let roles = unit.subjects().subject_roles_get(user_id).await?;
    Ok(subject(user_id, roles, store.workspace_sharing()).prepare())
}

/// The roles given, those that come anyway, and the groups.
fn subject(user_id: UserId, roles: SubjectRoles, sharing: WorkspaceSharing) -> Subject {
    let given = roles.site_roles.iter().map(RoleName::site);
    let (mut subject, unknown) = Subject::user(user_id.0).role_names(given);
    unknown
        .iter()
        .for_each(|role| warn_unknown(user_id, &role.to_string()));
    if sharing == WorkspaceSharing::Disabled {
        subject = subject.site_role(builtin::no_workspace_sharing());
    }
    let fitting = if roles.service_account {
        SystemRole::OrganizationServiceAccount
    } else {
        SystemRole::OrganizationMember
    };
    for organization in roles.organizations {
        subject = in_organization(subject, user_id, fitting, organization);
    }
    subject.groups(roles.group_ids.into_iter().map(Uuid::from))
}

/// Adds what somebody holds in one organization.
fn in_organization(
    subject: Subject,
    user_id: UserId,
    fitting: SystemRole,
    organization: SubjectOrganization,
) -> Subject {
    let org = organization.id.0;
    let mut subject = subject.org_role(org, system_role(fitting, &organization));
    let SubjectOrganization {
        roles,
        default_roles,
        custom_roles,
        ..
    } = organization;
    let mut custom: BTreeMap<_, _> = custom_roles
        .into_iter()
        .map(|role| (role.name, role.permissions))
        .collect();
    let names: BTreeSet<String> = roles.into_iter().chain(default_roles).collect();
    for name in names {
        if let Some(role) = builtin::org_role(&name) {
            subject = subject.org_role(org, Arc::clone(role));
        } else if let Some(held) = custom.remove(&name) {
            let role = custom_role(name, String::new(), held.org, held.member);
            subject = subject.org_role(org, Arc::new(role));
        } else {
            warn_unknown(user_id, &format!("{name}:{org}"));
        }
    }
    subject
}

/// What an account holds for being in an organization: the organization's copy of the role, or the program's own
/// definition for the organization's settings where the copy was made from an older one, or was not made yet. So
/// there is no instant at which members hold nothing, and during a rolling upgrade the newest definition counts.
fn system_role(fitting: SystemRole, organization: &SubjectOrganization) -> Arc<Role> {
    match &organization.system_role {
        Some(stored)
            if stored.role == fitting && stored.definition_version >= SYSTEM_ROLES_VERSION =>
        {
            let (org, member) = (&stored.org_permissions, &stored.member_permissions);
            Arc::new(fitting.stored(org.clone(), member.clone()))
        }
        Some(stored) if stored.role == fitting => Arc::clone(fitting.role(organization.settings)),
        _ => {
            tracing::error!(
                organization = %organization.id, role = fitting.name(),
                "an organization lacks a system role; the program's own definition counts"
            );
            Arc::clone(fitting.role(organization.settings))
        }
    }
}

fn warn_unknown(user_id: UserId, role: &str) {
    metrics::counter!("bursar_auth_unknown_roles_total").increment(1);
    tracing::warn!(user = %user_id, role, "a role that is not known grants nothing");
}

#[cfg(test)]
mod tests {
    use model::{OrganizationId, subjects::SubjectCustomRole, system_roles::StoredSystemRole};
    use rbac::{Action, Object, OrgPermissions, Permission, ResourceType, ShareableOwners};

    use super::*;

    const USER: UserId = UserId(Uuid::from_u128(0xa));
    const ORG: OrganizationId = OrganizationId(Uuid::from_u128(0xc));

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(ToString::to_string).collect()
    }

    /// A member where service accounts may share, who was given `given` and holds `default` as every member.
    fn roles() -> SubjectRoles {
        let custom = |name: &str, permission| SubjectCustomRole {
            name: name.to_owned(),
            permissions: OrgPermissions {
                org: vec![permission],
                member: Vec::new(),
            },
        };
        let deletes = Permission::allow(ResourceType::Group, Action::Delete);
        let no_names = Permission::deny(ResourceType::OrganizationMember, Action::Read);
        SubjectRoles {
            site_roles: names(&["auditor", "gone"]),
            service_account: false,
            organizations: vec![SubjectOrganization {
                id: ORG,
                roles: names(&["given", "unheard"]),
                default_roles: names(&["default", "given", "organization-workspace-access"]),
                settings: ShareableOwners::ServiceAccounts,
                system_role: None,
                custom_roles: vec![custom("given", deletes), custom("default", no_names)],
            }],
            group_ids: Vec::new(),
        }
    }

    fn stored(role: SystemRole, definition_version: i32) -> Option<StoredSystemRole> {
        Some(StoredSystemRole {
            role,
            definition_version,
            org_permissions: vec![Permission::allow(ResourceType::Group, Action::Create)],
            member_permissions: Vec::new(),
        })
    }

    #[test]
    fn roles_that_were_given_and_those_that_every_member_holds_count() {
        let sharing = WorkspaceSharing::ByOrganization;
        let subject = subject(USER, roles(), sharing).prepare();
        let object = |resource| Object::new(resource).in_org(ORG.0);
        let own = object(ResourceType::Workspace).owner(USER.0);
        let rows = [
            (Action::Delete, object(ResourceType::Group), true),
            (Action::Read, object(ResourceType::AuditLog), true),
            (Action::Read, own, true),
            // Given by the site's role, which beats what the organization's takes away.
            (Action::Read, object(ResourceType::OrganizationMember), true),
            (Action::Update, object(ResourceType::Group), false),
        ];
        for (action, object, expected) in rows {
            let found = subject.allows(action, &object);
            assert_eq!(found, expected, "{action} {object:?}");
        }
        let other = Object::new(ResourceType::Group).in_org(Uuid::from_u128(0xd));
        assert!(!subject.allows(Action::Delete, &other));
    }

    /// Whose definition counts: the stored one lets create groups, which the program's does not.
    #[test]
    fn the_newer_definition_of_a_system_role_counts_and_there_always_is_one() {
        use SystemRole::{OrganizationMember as Person, OrganizationServiceAccount as Robot};
        let newest = SYSTEM_ROLES_VERSION;
        let rows = [
            (false, None, false),
            (false, stored(Person, 0), false),
            (false, stored(Person, newest - 1), false),
            (false, stored(Person, newest), true),
            (false, stored(Person, newest + 1), true),
            (false, stored(Robot, newest), false),
            (true, stored(Robot, newest), true),
            (true, stored(Person, newest), false),
            (true, None, false),
        ];
        for (service_account, system_role, stored_counts) in rows {
            let shown = format!("{service_account} {system_role:?}");
            let mut roles = roles();
            roles.service_account = service_account;
            roles.organizations[0].system_role = system_role;
            let sharing = WorkspaceSharing::ByOrganization;
            let subject = subject(USER, roles, sharing).prepare();
            let groups = Object::new(ResourceType::Group).in_org(ORG.0);
            let found = subject.allows(Action::Create, &groups);
            assert_eq!(found, stored_counts, "{shown}");
            let chat = Object::new(ResourceType::Chat).in_org(ORG.0).owner(USER.0);
            let found = subject.allows(Action::Create, &chat);
            assert_eq!(found, !stored_counts && !service_account, "{shown}");
        }
    }

    #[test]
    fn nobody_shares_while_the_deployment_says_so() {
        let mut roles = roles();
        roles.site_roles = names(&["owner"]);
        let workspace = Object::new(ResourceType::Workspace).in_org(ORG.0);
        for (sharing, expected) in [
            (WorkspaceSharing::ByOrganization, true),
            (WorkspaceSharing::Disabled, false),
        ] {
            let subject = subject(USER, roles.clone(), sharing).prepare();
            let found = subject.allows(Action::Share, &workspace);
            assert_eq!(found, expected, "{sharing:?}");
        }
    }
}
