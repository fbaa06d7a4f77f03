//! The built-in roles, and the names that no custom role may take.
//!
//! Each lists what it holds: a resource type that is added later belongs to nobody until it is listed here.
//! What the reference grants and could never match (a user-level right on things that always have an
//! organization, an organization right on things that never have one) is left out.

use std::sync::{Arc, LazyLock};

use crate::{
    permission::Permission,
    registry::{
        Action::{
            self, ApplicationConnect, Assign, Create, CreateAgent, Delete, DeleteAgent, Read,
            ReadPersonal, Share, Ssh, Unassign, Update, UpdatePersonal, Use,
        },
        ResourceType::{
            self, AiBudget, AiModelPrice, AiProvider, AiUsageEvent, ApiKey, AssignOrgRole,
            AssignRole, AuditLog, BudgetCap, Chat, ChatFile, DeploymentConfig, FeatureFlag, Group,
            GroupMember, IdpsyncSettings, Notification, Organization, OrganizationMember, User,
            Workspace,
        },
    },
    role::Role,
    system_roles::SystemRole,
};

/// Everything on every type.
pub const OWNER: &str = "owner";
/// What every user holds without being given it.
pub const MEMBER: &str = "member";
/// Reads what concerns accountability, everywhere.
pub const AUDITOR: &str = "auditor";
/// Manages users, memberships and groups, everywhere.
pub const USER_ADMIN: &str = "user-admin";
/// Everything in one organization.
pub const ORGANIZATION_ADMIN: &str = "organization-admin";
/// Reads what concerns accountability in one organization.
pub const ORGANIZATION_AUDITOR: &str = "organization-auditor";
/// Manages memberships and groups of one organization.
pub const ORGANIZATION_USER_ADMIN: &str = "organization-user-admin";
/// Takes away making and deleting workspaces in one organization.
pub const ORGANIZATION_WORKSPACE_CREATION_BAN: &str = "organization-workspace-creation-ban";
/// Own workspaces in one organization.
pub const ORGANIZATION_WORKSPACE_ACCESS: &str = "organization-workspace-access";

/// Names without a role here that no custom role may take: existing clients know them, or explanations name them.
const RESERVED: &[&str] = &[
    "template-admin",
    "organization-template-admin",
    "agents-access",
    "custom-site-role",
    "custom-organization-role",
    "no-workspace-sharing",
    "system",
];

static SITE: LazyLock<Vec<Arc<Role>>> = LazyLock::new(|| {
    [owner(), member(), auditor(), user_admin()]
        .map(Arc::new)
        .into()
});

static ORG: LazyLock<Vec<Arc<Role>>> = LazyLock::new(|| {
    [
        organization_admin(),
        organization_auditor(),
        organization_user_admin(),
        organization_workspace_creation_ban(),
        organization_workspace_access(),
    ]
    .map(Arc::new)
    .into()
});

static NO_WORKSPACE_SHARING: LazyLock<Arc<Role>> = LazyLock::new(|| {
    let role = Role::new("no-workspace-sharing", "No Workspace Sharing")
        .with_site([Permission::deny(Workspace, Share)])
        .implied();
    Arc::new(role)
});

/// The roles that are held in the deployment.
#[must_use]
pub fn site_roles() -> &'static [Arc<Role>] {
    &SITE
}

/// The roles that are given in an organization. What comes with membership is a [`SystemRole`].
#[must_use]
pub fn org_roles() -> &'static [Arc<Role>] {
    &ORG
}

/// The role of the deployment with this name. The name of an organization role is not found here.
#[must_use]
pub fn site_role(name: &str) -> Option<&'static Arc<Role>> {
    SITE.iter().find(|role| role.name() == name)
}

/// The role of an organization with this name. The name of a deployment role is not found here, nor that of a
/// [`SystemRole`], whose content is each organization's own.
#[must_use]
pub fn org_role(name: &str) -> Option<&'static Arc<Role>> {
    ORG.iter().find(|role| role.name() == name)
}

/// Every name that no custom role may take: built-in roles, system roles, and names that clients know as roles.
pub fn reserved() -> impl Iterator<Item = &'static str> {
    let built_in = SITE.iter().chain(ORG.iter()).map(|role| role.name());
    let system = SystemRole::ALL.iter().map(|role| role.name());
    built_in.chain(system).chain(RESERVED.iter().copied())
}

/// Whether a custom role may not take this name.
#[must_use]
pub fn is_reserved(name: &str) -> bool {
    reserved().any(|reserved| reserved.eq_ignore_ascii_case(name))
}

/// What everybody holds besides while nobody in the deployment may share workspaces. It stops owners too, and hides
/// what was shared from nobody.
#[must_use]
pub fn no_workspace_sharing() -> Arc<Role> {
    Arc::clone(&NO_WORKSPACE_SHARING)
}

/// Positive permissions: each type with its actions.
pub(crate) fn grants(table: &[(ResourceType, &[Action])]) -> Vec<Permission> {
    let line = |(resource, actions): &(ResourceType, &[Action])| {
        let resource = *resource;
        actions
            .iter()
            .map(move |action| Permission::allow(resource, *action))
            .collect::<Vec<_>>()
    };
    table.iter().flat_map(line).collect()
}

/// Every declared action of the listed types.
fn all_of(types: &[ResourceType]) -> Vec<Permission> {
    types
        .iter()
        .flat_map(|resource| {
            resource
                .described()
                .iter()
                .map(|(action, _)| (*resource, *action))
        })
        .map(|(resource, action)| Permission::allow(resource, action))
        .collect()
}

fn owner() -> Role {
    Role::new(OWNER, "Owner").with_site(all_of(&[
        User,
        Organization,
        OrganizationMember,
        Group,
        GroupMember,
        AssignRole,
        AssignOrgRole,
        ApiKey,
        AuditLog,
        Workspace,
        Chat,
        ChatFile,
        AiBudget,
        AiProvider,
        AiModelPrice,
        AiUsageEvent,
        BudgetCap,
        DeploymentConfig,
        FeatureFlag,
        Notification,
        IdpsyncSettings,
    ]))
}

fn member() -> Role {
    Role::new(MEMBER, "Member")
        .with_site(grants(&[(AssignRole, &[Read]), (AiProvider, &[Use])]))
        .with_user(grants(&[
            (User, &[Read, ReadPersonal, UpdatePersonal]),
            (ApiKey, &[Create, Read, Update, Delete]),
            (Notification, &[Create, Read, Update, Delete]),
        ]))
        .implied()
}

fn auditor() -> Role {
    Role::new(AUDITOR, "Auditor").with_site(grants(&[
        (AssignOrgRole, &[Read]),
        (AuditLog, &[Read]),
        (User, &[Read]),
        (Group, &[Read]),
        (GroupMember, &[Read]),
        (Organization, &[Read]),
        (OrganizationMember, &[Read]),
        (DeploymentConfig, &[Read]),
    ]))
}

fn user_admin() -> Role {
    Role::new(USER_ADMIN, "User Admin").with_site(grants(&[
        (AssignRole, &[Assign, Unassign, Read]),
        (AssignOrgRole, &[Assign, Unassign, Read]),
        (
            User,
            &[Create, Read, Update, Delete, ReadPersonal, UpdatePersonal],
        ),
        (Group, &[Create, Read, Update, Delete]),
        (GroupMember, &[Read]),
        (Organization, &[Read]),
        (OrganizationMember, &[Create, Read, Update, Delete]),
        (IdpsyncSettings, &[Read, Update]),
    ]))
}

fn organization_admin() -> Role {
    let mut org = grants(&[(Organization, &[Read, Update, Delete])]);
    org.extend(all_of(&[
        OrganizationMember,
        Group,
        GroupMember,
        AssignOrgRole,
        AuditLog,
        BudgetCap,
        Chat,
        ChatFile,
        IdpsyncSettings,
    ]));
    let whole_workspace = all_of(&[Workspace]).into_iter();
    org.extend(whole_workspace.filter(|p| !matches!(p.action, Some(Ssh | ApplicationConnect))));
    // Adding a member needs to see that the user exists.
    Role::new(ORGANIZATION_ADMIN, "Organization Admin")
        .with_site(grants(&[(User, &[Read])]))
        .with_org(org)
}

fn organization_auditor() -> Role {
    Role::new(ORGANIZATION_AUDITOR, "Organization Auditor").with_org(grants(&[
        (AuditLog, &[Read]),
        (Group, &[Read]),
        (GroupMember, &[Read]),
        (Organization, &[Read]),
        (OrganizationMember, &[Read]),
    ]))
}

fn organization_user_admin() -> Role {
    // Adding a member needs to see that the user exists.
    Role::new(ORGANIZATION_USER_ADMIN, "Organization User Admin")
        .with_site(grants(&[(User, &[Read])]))
        .with_org(grants(&[
            (AssignOrgRole, &[Assign, Unassign, Read]),
            (Organization, &[Read]),
            (OrganizationMember, &[Create, Read, Update, Delete]),
            (Group, &[Create, Read, Update, Delete]),
            (GroupMember, &[Read]),
            (IdpsyncSettings, &[Read, Update]),
        ]))
}

fn organization_workspace_creation_ban() -> Role {
    let banned = [Create, Delete, CreateAgent, DeleteAgent];
    Role::new(
        ORGANIZATION_WORKSPACE_CREATION_BAN,
        "Organization Workspace Creation Ban",
    )
    .with_org(banned.map(|action| Permission::deny(Workspace, action)))
}

fn organization_workspace_access() -> Role {
    Role::new(
        ORGANIZATION_WORKSPACE_ACCESS,
        "Organization Workspace Access",
    )
    .with_member(all_of(&[Workspace]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        custom_roles::unreachable, explanation::Level, role::PermissionList,
        system_roles::ShareableOwners,
    };

    fn every_role() -> impl Iterator<Item = &'static Arc<Role>> {
        site_roles().iter().chain(org_roles())
    }

    fn every_permission(role: &Role) -> impl Iterator<Item = &Permission> {
        [role.site(), role.user(), role.org(), role.member()]
            .into_iter()
            .flat_map(PermissionList::listed)
    }

    #[test]
    fn built_ins_list_what_the_registry_declares_and_use_no_wildcard() {
        for role in every_role() {
            for permission in every_permission(role) {
                let resource = permission.resource.expect("a type, not a wildcard");
                let action = permission.action.expect("an action, not a wildcard");
                assert!(
                    resource.actions().contains(action),
                    "{}: {permission}",
                    role.name()
                );
            }
        }
    }

    #[test]
    fn no_permission_of_a_role_could_never_match() {
        let system = SystemRole::ALL.iter().flat_map(|role| {
            let settings = ShareableOwners::ALL.iter();
            settings.map(|settings| role.role(*settings))
        });
        for role in every_role().chain(system) {
            let levels = [
                (Level::Site, role.site()),
                (Level::User, role.user()),
                (Level::Organization, role.org()),
                (Level::Member, role.member()),
            ];
            for (level, list) in levels {
                for permission in list.listed() {
                    let reason = unreachable(level, *permission);
                    assert_eq!(reason, None, "{}: {permission} on {level:?}", role.name());
                }
            }
        }
    }

    #[test]
    fn the_money_types_belong_to_the_owner_only_and_caps_to_organization_admins_too() {
        for role in every_role().filter(|role| role.name() != OWNER) {
            for permission in every_permission(role) {
                let money = [AiBudget, BudgetCap, AiUsageEvent, FeatureFlag];
                let held = permission
                    .resource
                    .filter(|resource| money.contains(resource));
                let own_caps = role.name() == ORGANIZATION_ADMIN
                    && held == Some(BudgetCap)
                    && role.org().listed().contains(permission);
                assert!(held.is_none() || own_caps, "{}: {permission}", role.name());
            }
        }
        let admin = org_role(ORGANIZATION_ADMIN).unwrap();
        assert_eq!(
            admin.org().set().allowed(BudgetCap),
            BudgetCap.actions(),
            "all of its organization's"
        );
    }

    #[test]
    fn the_owner_holds_every_declared_action() {
        let owner = site_role(OWNER).unwrap();
        for resource in ResourceType::ALL {
            assert_eq!(
                owner.site().set().allowed(*resource),
                resource.actions(),
                "{resource}"
            );
        }
    }

    #[test]
    fn names_are_found_on_their_own_level_only() {
        assert!(site_role(OWNER).is_some() && org_role(OWNER).is_none());
        assert!(org_role(ORGANIZATION_ADMIN).is_some() && site_role(ORGANIZATION_ADMIN).is_none());
        for name in [
            "owner",
            "Owner",
            "organization-member",
            "agents-access",
            "template-admin",
        ] {
            assert!(is_reserved(name), "{name}");
        }
        assert!(!is_reserved("support"));
    }
}
