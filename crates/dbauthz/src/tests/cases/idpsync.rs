//! Calls and checks of idpsync: the settings, and following claims.

use std::collections::BTreeSet;

use model::idpsync::{GroupSyncUpdate, Mapping, OrganizationSyncUpdate, RoleSyncUpdate};
use rbac::{
    Action::{Assign, Create, Delete, Read, Unassign, Update},
    Object,
    ResourceType::{Group, OrganizationMember},
};
use serde_json::json;

use super::{Case, allow, case, give};
use crate::tests::world::{BOB, GROUP, OLGA, ORG};

pub(super) fn idpsync() -> Vec<Case> {
    let mut cases = settings();
    cases.extend(previews());
    cases.extend(applied());
    cases
}

fn of_site() -> Object {
    Object::idpsync_settings(None)
}

fn of_acme() -> Object {
    Object::idpsync_settings(Some(ORG.0))
}

fn desk() -> Object {
    Object::assign_org_role(ORG.0)
}

fn acme_groups() -> Object {
    Object::new(Group).in_org(ORG.0)
}

fn acme_members() -> Object {
    Object::new(OrganizationMember).in_org(ORG.0)
}

fn settings() -> Vec<Case> {
    let acme = Some(ORG.0);
    vec![
        case!("idpsync_organization_get", u => u.idpsync().idpsync_organization_get(), [
            allow(Read, of_site()),
        ]),
        case!("idpsync_groups_get", u => u.idpsync().idpsync_groups_get(ORG), [
            allow(Read, of_acme()),
        ]),
        case!("idpsync_roles_get", u => u.idpsync().idpsync_roles_get(ORG), [
            allow(Read, of_acme()),
        ]),
        case!(
            "idpsync_organization_update",
            u => u.idpsync().idpsync_organization_update(OrganizationSyncUpdate::default()),
            [
                allow(Update, of_site()),
                allow(Create, acme_members()),
                give("organization-workspace-access", acme),
                allow(Delete, Object::new(OrganizationMember)),
            ]
        ),
        case!(
            "idpsync_groups_update",
            u => u.idpsync().idpsync_groups_update(ORG, GroupSyncUpdate::default()),
            [allow(Update, of_acme()), allow(Update, acme_groups()), allow(Create, acme_groups())]
        ),
        case!(
            "idpsync_roles_update",
            u => u.idpsync().idpsync_roles_update(ORG, to_admins()),
            [
                allow(Update, of_acme()),
                allow(Assign, desk()),
                give("organization-admin", acme),
                allow(Unassign, desk()),
            ]
        ),
    ]
}

fn to_admins() -> RoleSyncUpdate {
    let admins = BTreeSet::from(["organization-admin".to_owned()]);
    RoleSyncUpdate {
        mapping: Some(Mapping::new([("lead".to_owned(), admins)]).unwrap()),
        ..RoleSyncUpdate::default()
    }
}

fn previews() -> Vec<Case> {
    let bob = || {
        [
            allow(Read, Object::organization_member(ORG.0, BOB.0)),
            allow(Read, Object::group_member(ORG.0, BOB.0)),
        ]
    };
    let mut of_everything = vec![allow(Read, of_site()), allow(Read, Object::user(BOB.0))];
    of_everything.extend(bob());
    let mut of_organization = vec![allow(Read, of_acme())];
    of_organization.extend(bob());
    vec![
        case!(
            "idpsync_preview",
            u => u.idpsync().idpsync_preview(Some(BOB), &json!({})),
            of_everything
        ),
        case!(
            "idpsync_preview",
            u => u.idpsync().idpsync_preview(None, &json!({})),
            [allow(Read, of_site())]
        ),
        case!(
            "idpsync_organization_preview",
            u => u.idpsync().idpsync_organization_preview(ORG, Some(BOB), &json!({})),
            of_organization
        ),
    ]
}

/// Somebody comes, somebody goes, and somebody stays with less.
fn applied() -> Vec<Case> {
    vec![
        case!(
            system "identity_sync_apply",
            u => u.identity_sync().identity_sync_apply(
                OLGA, &json!({"orgs": "acme", "groups": ["idp-makers", "new"], "roles": ["audit"]}),
            ),
            [
                allow(Read, of_site()),
                allow(Create, Object::organization_member(ORG.0, OLGA.0)),
                allow(Create, acme_groups()),
                allow(Update, Object::group(ORG.0, GROUP.0)),
                allow(Assign, desk()),
            ]
        ),
        case!(
            system "identity_sync_apply",
            u => u.identity_sync().identity_sync_apply(BOB, &json!({"orgs": []})),
            [allow(Read, of_site()), allow(Delete, Object::organization_member(ORG.0, BOB.0))]
        ),
        case!(
            system "identity_sync_apply",
            u => u.identity_sync().identity_sync_apply(BOB, &json!({"orgs": ["acme"]})),
            [
                allow(Read, of_site()),
                allow(Update, Object::group(ORG.0, GROUP.0)),
                allow(Unassign, desk()),
            ]
        ),
    ]
}
