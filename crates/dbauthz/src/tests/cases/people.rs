//! People, signing in, organizations and keys.

use model::{
    OrganizationId, PageRequest, UserId,
    api_keys::{ApiKeyKind, NewApiKey},
    organizations::{NewOrganization, OrganizationUpdate},
    users::{LoginType, NewUser, PasswordHash, UserFilter, UserStatus},
};
use rbac::{
    Action::{Assign, Create, Delete, Read, ReadPersonal, Unassign, Update, UpdatePersonal},
    Object,
    ResourceType::{ApiKey, Organization, OrganizationMember, User},
    ShareableOwners,
};
use uuid::Uuid;

use super::{Case, Check, allow, case, give, roles, rows, take};
use crate::tests::world::{ANN, BOB, OLGA, ORG, name};

const NEW: UserId = UserId(Uuid::from_u128(0xe));
const NEW_ORG: OrganizationId = OrganizationId(Uuid::from_u128(0xf));
const PAGE: PageRequest = PageRequest {
    limit: 10,
    offset: 0,
};

fn new_user(named: &[&str]) -> NewUser {
    NewUser {
        id: NEW,
        email: "new@example.com".parse().unwrap(),
        username: name("new"),
        name: String::new(),
        login_type: LoginType::None,
        password_hash: None,
        roles: roles(named),
        organization_ids: vec![ORG],
    }
}

fn new_organization() -> NewOrganization {
    NewOrganization {
        id: NEW_ORG,
        name: name("new"),
        display_name: String::new(),
        description: String::new(),
        icon: String::new(),
        shareable_workspace_owners: ShareableOwners::default(),
    }
}

fn new_key(user_id: UserId) -> NewApiKey {
    NewApiKey {
        id: "newtoken00".to_owned(),
        hashed_secret: [1; 32],
        user_id,
        kind: ApiKeyKind::Token,
        token_name: "new".to_owned(),
        scopes: vec!["all".to_owned()],
        allow_list: vec!["*:*".to_owned()],
        lifetime: chrono::Duration::days(1),
    }
}

fn hash() -> PasswordHash {
    PasswordHash("hash".to_owned())
}

fn of(id: UserId) -> Object {
    Object::user(id.0)
}

fn membership(id: UserId) -> Object {
    Object::organization_member(ORG.0, id.0)
}

/// What every member holds, given to or found with somebody: Ann is a member of nothing here.
fn joining() -> Check {
    give("organization-workspace-access", Some(ORG.0))
}

/// The same, taken.
fn leaving() -> Check {
    take("organization-workspace-access", Some(ORG.0))
}

/// Other roles for every member.
fn defaults(named: &[&str]) -> OrganizationUpdate {
    OrganizationUpdate {
        default_org_member_roles: Some(roles(named)),
        ..OrganizationUpdate::default()
    }
}

pub(super) fn users() -> Vec<Case> {
    let (site, auditor) = (Object::assign_role, || give("auditor", None));
    vec![
        case!("user_get", u => u.users().user_get(BOB), [allow(Read, of(BOB))]),
        case!("user_get_by_name", u => u.users().user_get_by_name(&name("BOB")), [
            allow(Read, of(BOB)),
        ]),
        case!("user_find", u => u.users().user_find("bob"), [allow(Read, of(BOB))]),
        case!("user_find", u => u.users().user_find("me"), [allow(Read, of(ANN))]),
        case!("user_find", u => u.users().user_find(&BOB.to_string()), [allow(Read, of(BOB))]),
        case!(page "user_list", u => u.users().user_list(&UserFilter::default(), PAGE), [
            rows(User),
        ]),
        case!("user_create", u => u.users().user_create(&new_user(&[])), [
            allow(Create, Object::new(User)),
            allow(Create, membership(NEW)),
            joining(),
        ]),
        case!("user_create", u => u.users().user_create(&new_user(&["auditor", "member"])), [
            allow(Create, Object::new(User)),
            allow(Create, membership(NEW)),
            joining(),
            allow(Assign, site()),
            auditor(),
        ]),
        case!("user_delete", u => u.users().user_delete(BOB), [allow(Delete, of(BOB)), auditor()]),
        case!("user_delete", u => u.users().user_delete(OLGA), [
            allow(Delete, of(OLGA)),
            give("owner", None),
        ]),
        case!(
            "user_status_update",
            u => u.users().user_status_update(BOB, UserStatus::Suspended),
            [allow(Update, of(BOB)), auditor()]
        ),
        case!(
            "user_roles_update",
            u => u.users().user_roles_update(BOB, &roles(&["auditor", "user-admin"])),
            [allow(Read, of(BOB)), allow(Assign, site()), give("user-admin", None)]
        ),
        case!("user_roles_update", u => u.users().user_roles_update(BOB, &[]), [
            allow(Read, of(BOB)),
            allow(Unassign, site()),
            take("auditor", None),
        ]),
        case!("user_password_update", u => u.users().user_password_update(ANN, &hash()), [
            allow(UpdatePersonal, of(ANN)),
        ]),
        case!("user_password_update", u => u.users().user_password_update(BOB, &hash()), [
            allow(Update, of(BOB)),
            auditor(),
            give("organization-auditor", Some(ORG.0)),
            joining(),
        ]),
    ]
}

pub(super) fn system() -> Vec<Case> {
    vec![
        case!(
            system "credentials_get",
            u => u.logins().credentials_get(&"ann@example.com".parse().unwrap()),
            [allow(ReadPersonal, of(ANN))]
        ),
        case!(system "credentials_get_by_user", u => u.logins().credentials_get_by_user(ANN), [
            allow(ReadPersonal, of(ANN)),
        ]),
        case!(system "user_seen", u => u.logins().user_seen(ANN), [
            allow(UpdatePersonal, of(ANN)),
        ]),
        case!(system "first_user_exists", u => u.setup().first_user_exists(), [
            allow(Read, Object::new(User)),
        ]),
        case!(
            system "first_user_create",
            u => u.setup().first_user_create(&new_organization(), &new_user(&["owner"])),
            [
                allow(Create, Object::new(Organization)),
                allow(Create, Object::new(User)),
                allow(Create, Object::organization_member(NEW_ORG.0, NEW.0)),
            ]
        ),
    ]
}

pub(super) fn organizations() -> Vec<Case> {
    let org = Object::organization(ORG.0);
    vec![
        case!("organization_get", u => u.organizations().organization_get(ORG), [
            allow(Read, org.clone()),
        ]),
        case!(
            "organization_get_by_name",
            u => u.organizations().organization_get_by_name(&name("acme")),
            [allow(Read, org.clone())]
        ),
        case!("organization_find", u => u.organizations().organization_find("default"), [
            allow(Read, org.clone()),
        ]),
        case!(list "organization_list", u => u.organizations().organization_list(), [
            rows(Organization),
        ]),
        case!(
            "organization_create",
            u => u.organizations().organization_create(&new_organization()),
            [allow(Create, Object::new(Organization))]
        ),
        case!(
            "organization_update",
            u => u.organizations().organization_update(ORG, &OrganizationUpdate::default()),
            [allow(Update, org.clone())]
        ),
        case!(
            "organization_update",
            u => u.organizations().organization_update(
                ORG, &defaults(&["organization-workspace-access"])
            ),
            [allow(Update, org.clone())]
        ),
        case!(
            "organization_update",
            u => u.organizations().organization_update(ORG, &defaults(&["helper"])),
            [
                allow(Update, org.clone()),
                allow(Assign, Object::assign_org_role(ORG.0)),
                allow(Unassign, Object::assign_org_role(ORG.0)),
                give("helper", Some(ORG.0)),
                leaving(),
            ]
        ),
        // Before the lock of system roles, and again under the organization's own.
        case!(
            "organization_update",
            u => u.organizations().organization_update(ORG, &OrganizationUpdate {
                shareable_workspace_owners: Some(ShareableOwners::None),
                ..OrganizationUpdate::default()
            }),
            [allow(Update, org.clone()), allow(Update, org.clone())]
        ),
        case!("organization_delete", u => u.organizations().organization_delete(ORG), [
            allow(Delete, org),
        ]),
    ]
}

pub(super) fn members() -> Vec<Case> {
    let desk = || Object::assign_org_role(ORG.0);
    vec![
        case!(
            "organization_member_get",
            u => u.organizations().organization_member_get(ORG, BOB),
            [allow(Read, membership(BOB))]
        ),
        case!(
            "organization_member_find",
            u => u.organizations().organization_member_find(ORG, "BOB"),
            [allow(Read, membership(BOB))]
        ),
        case!(
            "organization_member_find",
            u => u.organizations().organization_member_find(ORG, "me"),
            [allow(Read, membership(ANN))]
        ),
        case!(
            "organization_member_find",
            u => u.organizations().organization_member_find(ORG, &BOB.to_string()),
            [allow(Read, membership(BOB))]
        ),
        case!(
            list "organization_member_list",
            u => u.organizations().organization_member_list(ORG),
            [rows(OrganizationMember)]
        ),
        case!(
            "organization_member_create",
            u => u.organizations().organization_member_create(ORG, OLGA, &[]),
            [allow(Create, membership(OLGA)), joining()]
        ),
        case!(
            "organization_member_create",
            u => u.organizations().organization_member_create(
                ORG, OLGA, &roles(&["organization-admin", "organization-member"])
            ),
            [
                allow(Create, membership(OLGA)),
                joining(),
                allow(Assign, desk()),
                give("organization-admin", Some(ORG.0)),
            ]
        ),
    ]
}

pub(super) fn former_members() -> Vec<Case> {
    let desk = || Object::assign_org_role(ORG.0);
    let auditor = || take("organization-auditor", Some(ORG.0));
    vec![
        case!(
            "organization_member_delete",
            u => u.organizations().organization_member_delete(ORG, BOB),
            [allow(Delete, membership(BOB)), auditor(), leaving()]
        ),
        case!(
            "organization_member_delete",
            u => u.organizations().organization_member_delete(ORG, ANN),
            [allow(Delete, membership(ANN)), leaving()]
        ),
        case!(
            "organization_member_roles_update",
            u => u.organizations().organization_member_roles_update(
                ORG, BOB, &roles(&["organization-admin"])
            ),
            [
                allow(Read, membership(BOB)),
                allow(Assign, desk()),
                allow(Unassign, desk()),
                give("organization-admin", Some(ORG.0)),
                auditor(),
            ]
        ),
        case!(
            "organization_member_roles_update",
            u => u.organizations().organization_member_roles_update(
                ORG, BOB, &roles(&["organization-auditor", "helper"])
            ),
            [allow(Read, membership(BOB)), allow(Assign, desk()), give("helper", Some(ORG.0))]
        ),
    ]
}

pub(super) fn keys() -> Vec<Case> {
    let key = |owner: UserId| Object::api_key(None, owner.0);
    vec![
        case!("api_key_get", u => u.api_keys().api_key_get("bobsession"), [
            allow(Read, key(BOB)),
        ]),
        case!(list "api_key_list", u => u.api_keys().api_key_list(ANN), [allow(Read, key(ANN))]),
        case!("api_key_create", u => u.api_keys().api_key_create(&new_key(ANN)), [
            allow(Create, key(ANN)),
        ]),
        case!("api_key_create", u => u.api_keys().api_key_create(&new_key(BOB)), [
            allow(Create, key(BOB)),
            give("auditor", None),
            give("organization-auditor", Some(ORG.0)),
            joining(),
        ]),
        case!("api_key_delete", u => u.api_keys().api_key_delete("bobsession"), [
            allow(Delete, key(BOB)),
        ]),
        case!(system "key_stamp_get", u => u.presented_keys().key_stamp_get("bobsession"), [
            allow(Read, key(BOB)),
        ]),
        case!(
            system "admin_mode_begin",
            u => u.presented_keys().admin_mode_begin("bobsession", chrono::Duration::hours(1)),
            [allow(Update, key(BOB))]
        ),
        case!(system "admin_mode_end", u => u.presented_keys().admin_mode_end("bobsession"), [
            allow(Update, key(BOB)),
        ]),
        case!(
            system "key_standing_list",
            u => u.presented_keys().key_standing_list(&["bobsession".to_owned()]),
            [allow(Read, Object::new(ApiKey))]
        ),
        case!("subject_roles_get", u => u.subjects().subject_roles_get(BOB), [
            allow(Read, of(BOB)),
            allow(Read, Object::assign_role()),
            allow(Read, Object::organization(ORG.0)),
        ]),
        case!("subject_standing_list", u => u.subjects().subject_standing_list(&[BOB]), [
            allow(Read, Object::new(User)),
        ]),
    ]
}
