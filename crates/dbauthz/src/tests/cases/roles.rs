//! Calls and checks of roles.

use model::{
    RoleId,
    roles::{CustomRoleDefinition, NewCustomRole},
};
use rbac::{
    Action::{Create, Delete, Read, Update},
    Object, OrgPermissions, Permission, ResourceType,
};
use uuid::Uuid;

use super::{Case, Check, allow, case};
use crate::tests::world::{ORG, name};

fn definition() -> CustomRoleDefinition {
    CustomRoleDefinition {
        display_name: String::new(),
        org_permissions: vec![Permission::deny(ResourceType::Group, Update)],
        member_permissions: vec![Permission::allow(ResourceType::Chat, Delete)],
    }
}

fn new_role() -> NewCustomRole {
    NewCustomRole {
        id: RoleId(Uuid::from_u128(0x502)),
        organization_id: ORG,
        name: name("new"),
        definition: definition(),
    }
}

/// What the role shall hold.
fn asked() -> Check {
    let CustomRoleDefinition {
        org_permissions: org,
        member_permissions: member,
        ..
    } = definition();
    Check::Grant(ORG.0, OrgPermissions { org, member })
}

/// What the role of the world holds.
fn held() -> Check {
    let org = vec![Permission::allow(ResourceType::Group, Read)];
    let member = vec![Permission::allow(ResourceType::Workspace, Read)];
    Check::Grant(ORG.0, OrgPermissions { org, member })
}

pub(super) fn roles() -> Vec<Case> {
    let desk = || Object::assign_org_role(ORG.0);
    vec![
        case!("custom_role_list", u => u.roles().custom_role_list(ORG), [allow(Read, desk())]),
        case!("organization_role_list", u => u.roles().organization_role_list(ORG), [
            allow(Read, desk()),
        ]),
        case!("site_role_list", u => std::future::ready(u.roles().site_role_list()), [
            allow(Read, Object::assign_role()),
        ]),
        case!("custom_role_create", u => u.roles().custom_role_create(&new_role()), [
            allow(Create, desk()),
            asked(),
        ]),
        case!(
            "custom_role_update",
            u => u.roles().custom_role_update(ORG, &name("HELPER"), &definition()),
            [allow(Update, desk()), asked(), held()]
        ),
        case!("custom_role_delete", u => u.roles().custom_role_delete(ORG, &name("helper")), [
            allow(Delete, desk()),
            held(),
        ]),
    ]
}
