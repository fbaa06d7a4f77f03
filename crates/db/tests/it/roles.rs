//! Custom roles, and what people's rights are made of, against PostgreSQL.

use db::local::LocalRole;
use model::{
    Name, OrganizationId, RoleId, UserId,
    organizations::OrganizationUpdate,
    roles::{CustomRole, CustomRoleDefinition, NewCustomRole},
    subjects::{SubjectCustomRole, SubjectOrganization, SubjectRoles},
    users::LoginType,
};
use rbac::{Action, OrgPermissions, Permission, ResourceType, ShareableOwners, SystemRole};
use store::{StoreError, WriteUnit};

use crate::support::{TestDb, World, begin, id, new_organization, new_user, read};

const READ: Permission = Permission::allow(ResourceType::Group, Action::Read);
const NO_SHARING: Permission = Permission::deny(ResourceType::Workspace, Action::Share);

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn new_role(organization: OrganizationId, text: &str) -> NewCustomRole {
    NewCustomRole {
        id: RoleId(id()),
        organization_id: organization,
        name: name(text),
        definition: CustomRoleDefinition {
            display_name: "Shown".to_owned(),
            org_permissions: vec![READ],
            member_permissions: vec![NO_SHARING],
        },
    }
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(ToString::to_string).collect()
}

fn defaults(names: &[&str]) -> OrganizationUpdate {
    OrganizationUpdate {
        default_org_member_roles: Some(owned(names)),
        ..OrganizationUpdate::default()
    }
}

async fn make(
    unit: &mut Box<dyn WriteUnit>,
    organization: OrganizationId,
    text: &str,
) -> CustomRole {
    let new = new_role(organization, text);
    unit.custom_role_create(&new).await.unwrap()
}

async fn give(unit: &mut Box<dyn WriteUnit>, world: &World, names: &[&str]) {
    unit.organization_member_roles_update(world.organization, world.user, &owned(names))
        .await
        .unwrap();
}

async fn subject(store: &db::Database, user: UserId) -> SubjectRoles {
    let mut unit = read(store).await;
    unit.subject_roles_get(user).await.unwrap().unwrap()
}

fn custom_names(organization: &SubjectOrganization) -> Vec<&str> {
    let names = organization.custom_roles.iter();
    names.map(|role| role.name.as_str()).collect()
}

#[tokio::test]
async fn custom_roles_are_made_found_changed_and_removed() {
    let db = TestDb::new().await;
    let store = db.store().await;
    let acme = World::new(&store, None).await.organization;
    let mut unit = begin(&store).await;
    let beta = new_organization("beta");
    unit.organization_create(&beta).await.unwrap();
    let made = make(&mut unit, acme, "Helper").await;
    make(&mut unit, acme, "another").await;
    // The same name in another organization is another role.
    let elsewhere = make(&mut unit, beta.id, "helper").await;
    unit.commit().await.unwrap();

    let taken = begin(&store)
        .await
        .custom_role_create(&new_role(acme, "hELPER"))
        .await;
    let key = "custom_roles_organization_id_name_key";
    assert!(
        matches!(&taken, Err(StoreError::Taken(constraint)) if constraint == key),
        "{taken:?}"
    );

    let mut unit = begin(&store).await;
    let found = unit.custom_role_lock(acme, &name("HELPER")).await.unwrap();
    assert_eq!(found.as_ref(), Some(&made));
    assert_eq!(made.org_permissions, [READ]);
    assert_eq!(made.member_permissions, [NO_SHARING]);
    let definition = CustomRoleDefinition::default();
    let changed = unit.custom_role_update(made.id, &definition).await.unwrap();
    assert_eq!((changed.id, &changed.name), (made.id, &made.name));
    assert_eq!(changed.display_name, "");
    assert_eq!(
        (changed.org_permissions, changed.member_permissions),
        (vec![], vec![])
    );
    let listed = unit.custom_role_list(acme).await.unwrap();
    let names: Vec<_> = listed.iter().map(|role| role.name.as_str()).collect();
    assert_eq!(names, ["another", "Helper"]);
    assert_eq!(unit.custom_role_list(beta.id).await.unwrap(), [elsewhere]);
    unit.custom_role_delete(made.id).await.unwrap();
    let gone = unit.custom_role_delete(made.id).await;
    assert!(matches!(gone, Err(StoreError::NotFound)), "{gone:?}");
    let gone = unit.custom_role_update(made.id, &definition).await;
    assert!(matches!(gone, Err(StoreError::NotFound)), "{gone:?}");
}

#[tokio::test]
async fn system_roles_are_no_custom_roles() {
    let db = TestDb::new().await;
    let store = db.store().await;
    let acme = World::new(&store, None).await.organization;
    let client = db.client(LocalRole::App).await;
    let select = "SELECT id FROM custom_roles WHERE is_system AND name = 'organization-member'";
    let system = RoleId(client.query_one(select, &[]).await.unwrap().get(0));
    let mut unit = begin(&store).await;
    assert_eq!(unit.custom_role_list(acme).await.unwrap(), []);
    let found = unit
        .custom_role_lock(acme, &name("organization-member"))
        .await;
    assert_eq!(found.unwrap(), None);
    let definition = CustomRoleDefinition::default();
    let changed = unit.custom_role_update(system, &definition).await;
    assert!(matches!(changed, Err(StoreError::NotFound)), "{changed:?}");
    let gone = unit.custom_role_delete(system).await;
    assert!(matches!(gone, Err(StoreError::NotFound)), "{gone:?}");
}

#[tokio::test]
async fn a_role_that_is_gone_is_held_by_nobody_and_does_not_come_back() {
    let db = TestDb::new().await;
    let store = db.store().await;
    let world = World::new(&store, None).await;
    let acme = world.organization;
    let mut unit = begin(&store).await;
    let beta = new_organization("beta");
    unit.organization_create(&beta).await.unwrap();
    let there = unit
        .organization_member_create(beta.id, world.user, &owned(&["helper"]))
        .await;
    there.unwrap();
    let made = make(&mut unit, acme, "helper").await;
    make(&mut unit, beta.id, "helper").await;
    give(&mut unit, &world, &["organization-auditor", "helper"]).await;
    let update = defaults(&["helper", "organization-workspace-access"]);
    unit.organization_update(acme, &update).await.unwrap();
    unit.commit().await.unwrap();

    let mut unit = begin(&store).await;
    unit.custom_role_delete(made.id).await.unwrap();
    make(&mut unit, acme, "helper").await;
    unit.commit().await.unwrap();
    let held = subject(&store, world.user).await.organizations;
    assert_eq!(held[0].roles, ["organization-auditor"]);
    assert_eq!(held[0].default_roles, ["organization-workspace-access"]);
    assert_eq!(custom_names(&held[0]), [""; 0]);
    // What has the same name elsewhere is another role.
    assert_eq!(held[1].roles, ["helper"]);
    assert_eq!(custom_names(&held[1]), ["helper"]);
}

#[tokio::test]
async fn rights_are_made_of_what_was_given_what_every_member_holds_and_what_fits_the_account() {
    let db = TestDb::new().await;
    let store = db.store().await;
    let world = World::new(&store, None).await;
    let acme = world.organization;
    let robot = model::users::NewUser {
        login_type: LoginType::None,
        password_hash: None,
        ..new_user("robot", &[acme])
    };
    let mut unit = begin(&store).await;
    unit.user_create(&robot).await.unwrap();
    for text in ["given", "default", "neither"] {
        make(&mut unit, acme, text).await;
    }
    give(
        &mut unit,
        &world,
        &["given", "gone", "organization-auditor"],
    )
    .await;
    let update = OrganizationUpdate {
        shareable_workspace_owners: Some(ShareableOwners::ServiceAccounts),
        ..defaults(&["default", "organization-workspace-access"])
    };
    unit.organization_update(acme, &update).await.unwrap();
    unit.commit().await.unwrap();

    let held = subject(&store, world.user).await;
    assert!(!held.service_account);
    let [organization] = &held.organizations[..] else {
        panic!("{held:?}");
    };
    assert_eq!(organization.id, acme);
    assert_eq!(
        organization.roles,
        ["given", "gone", "organization-auditor"]
    );
    assert_eq!(
        organization.default_roles,
        ["default", "organization-workspace-access"]
    );
    assert_eq!(organization.settings, ShareableOwners::ServiceAccounts);
    let role = |text: &str| SubjectCustomRole {
        name: text.to_owned(),
        permissions: OrgPermissions {
            org: vec![READ],
            member: vec![NO_SHARING],
        },
    };
    assert_eq!(organization.custom_roles, [role("default"), role("given")]);
    let system = organization.system_role.as_ref().unwrap();
    assert_eq!(system.role, SystemRole::OrganizationMember);

    let held = subject(&store, robot.id).await;
    assert!(held.service_account);
    let organization = &held.organizations[0];
    let system = organization.system_role.as_ref().unwrap();
    assert_eq!(system.role, SystemRole::OrganizationServiceAccount);
    assert_eq!(organization.custom_roles, [role("default")]);

    let client = db.client(LocalRole::App).await;
    let lost = "SET bursar.actor_name = 'test'; DELETE FROM custom_roles WHERE is_system";
    client.batch_execute(lost).await.unwrap();
    let held = subject(&store, world.user).await;
    assert_eq!(held.organizations[0].system_role, None);
}

#[tokio::test]
async fn what_a_newer_program_stored_is_left_out() {
    let db = TestDb::new().await;
    let store = db.store().await;
    let world = World::new(&store, None).await;
    let mut unit = begin(&store).await;
    let made = make(&mut unit, world.organization, "helper").await;
    give(&mut unit, &world, &["helper"]).await;
    unit.commit().await.unwrap();
    let client = db.client(LocalRole::App).await;
    let newer = r#"SET bursar.actor_name = 'newer'; UPDATE custom_roles SET org_permissions = '[
        {"negate": false, "resource_type": "spaceship", "action": "read"},
        {"negate": false, "resource_type": "group", "action": "launch"},
        {"negate": false, "resource_type": "group", "action": "read", "since": 5},
        {"negate": "maybe"}, 7, null]' WHERE name = 'helper'"#;
    client.batch_execute(newer).await.unwrap();
    let held = subject(&store, world.user).await;
    let custom = &held.organizations[0].custom_roles;
    assert_eq!(custom[0].permissions.org, [READ]);
    let mut unit = read(&store).await;
    let listed = unit.custom_role_list(world.organization).await.unwrap();
    assert_eq!(
        (listed[0].id, &listed[0].org_permissions[..]),
        (made.id, &[READ][..])
    );
}

#[tokio::test]
async fn what_a_role_held_and_holds_is_recorded() {
    let db = TestDb::new().await;
    let store = db.store().await;
    let acme = World::new(&store, None).await.organization;
    let mut unit = begin(&store).await;
    let made = make(&mut unit, acme, "helper").await;
    let definition = CustomRoleDefinition {
        display_name: "Shown".to_owned(),
        org_permissions: Vec::new(),
        member_permissions: vec![NO_SHARING],
    };
    unit.custom_role_update(made.id, &definition).await.unwrap();
    unit.custom_role_delete(made.id).await.unwrap();
    unit.commit().await.unwrap();
    let client = db.client(LocalRole::App).await;
    let select = "SELECT concat_ws(' ', action, diff->'org_permissions'->'old', '>', diff->'org_permissions'->'new', \
            diff ? 'display_name') \
        FROM audit_logs WHERE resource_type = 'assign_org_role' AND resource_target = 'helper' \
            AND organization_id = $1 ORDER BY id";
    let rows = client.query(select, &[&acme.0]).await.unwrap();
    let seen: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    let held = r#"[{"action": "read", "negate": false, "resource_type": "group"}]"#;
    // What did not change is not told.
    let expected = [
        format!("create null > {held} t"),
        format!("write {held} > [] f"),
        "delete [] > null t".to_owned(),
    ];
    assert_eq!(seen, expected);
}
