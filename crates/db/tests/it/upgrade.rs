//! A database with organizations of before system roles, brought up to date, and two programs that disagree about
//! what those roles hold.

use db::{Database, local::LocalRole};
use model::{
    OrganizationId, UserId,
    system_roles::{ChangeCause, ReconcilePlan, ReconcileReport, StoredSystemRole, plan},
};
use rbac::{Permission, SYSTEM_ROLES_VERSION, ShareableOwners, SystemRole};
use store::StoreError;
use tokio_postgres::Client;
use uuid::Uuid;

use crate::support::{APP_ROLE, TestDb, begin, new_organization, read};

/// The last version without custom roles, and the last one without system roles.
const BEFORE_CUSTOM_ROLES: &str = "20261125101000";
const BEFORE_SYSTEM_ROLES: &str = "20261125110000";

const ACME: OrganizationId = OrganizationId(Uuid::from_u128(0xac));
const BETA: OrganizationId = OrganizationId(Uuid::from_u128(0xbe));
const GONE: OrganizationId = OrganizationId(Uuid::from_u128(0x90));
const ADA: UserId = UserId(Uuid::from_u128(0xa));
const BOT: UserId = UserId(Uuid::from_u128(0xb));

fn sql(text: &str) -> String {
    let ids = [
        ("$acme", ACME.0),
        ("$beta", BETA.0),
        ("$gone", GONE.0),
        ("$ada", ADA.0),
        ("$bot", BOT.0),
    ];
    let text = ids.iter().fold(text.to_owned(), |text, (name, id)| {
        text.replace(name, &format!("'{id}'"))
    });
    format!("SET bursar.actor_name = 'test'; {text}")
}

/// Before anything of this was thought of.
const PEOPLE: &str = "
    INSERT INTO organizations (id, name, \"default\") VALUES ($acme, 'acme', true), ($beta, 'beta', false);
    INSERT INTO organizations (id, name, deleted) VALUES ($gone, 'gone', true);
    INSERT INTO users (id, username, email, login_type) VALUES
        ($ada, 'ada', 'a', 'password'), ($bot, 'bot', 'b', 'none');
    INSERT INTO organization_members (organization_id, user_id, roles) VALUES
        ($acme, $ada, '{organization-auditor}'), ($acme, $bot, '{}'), ($beta, $ada, '{}');";

/// While organizations had roles of their own, and no name among them meant anything else.
const CLASHES: &str = r#"
    INSERT INTO custom_roles (id, organization_id, name, display_name, org_permissions) VALUES
        (gen_random_uuid(), $acme, 'Organization-Member', '',
            '[{"negate": false, "resource_type": "group", "action": "delete"}]'),
        (gen_random_uuid(), $beta, 'organization-service-account', 'Robots', '[]'),
        (gen_random_uuid(), $acme, 'writer', 'Writer', '[]');
    UPDATE organization_members SET roles = '{organization-auditor,Organization-Member,writer}'
        WHERE organization_id = $acme AND user_id = $ada;
    UPDATE organizations SET default_org_member_roles =
        '{organization-service-account,organization-workspace-access}' WHERE id = $beta;"#;

/// A test's database at the version before system roles, with all of the above.
async fn before() -> (TestDb, Client) {
    let db = TestDb::empty().await;
    let owner = db.url(LocalRole::Owner).await;
    let at = db::migrate_to(&owner, APP_ROLE, BEFORE_CUSTOM_ROLES).await;
    assert_eq!(at.unwrap().version.as_deref(), Some(BEFORE_CUSTOM_ROLES));
    let client = db.client(LocalRole::Owner).await;
    client.batch_execute(&sql(PEOPLE)).await.unwrap();
    let at = db::migrate_to(&owner, APP_ROLE, BEFORE_SYSTEM_ROLES).await;
    assert_eq!(at.unwrap().applied, [BEFORE_SYSTEM_ROLES]);
    client.batch_execute(&sql(CLASHES)).await.unwrap();
    (db, client)
}

async fn texts(client: &Client, query: &str) -> Vec<String> {
    let rows = client.query(&sql_query(query), &[]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

fn sql_query(query: &str) -> String {
    let text = sql(query);
    text.split_once("; ").unwrap().1.to_owned()
}

/// What is kept in the database, and when it was written.
async fn system_rows(client: &Client) -> Vec<String> {
    let query = "SELECT concat_ws(' ', organization_id, name, definition_version, xmin, org_permissions, \
        member_permissions) FROM custom_roles WHERE is_system ORDER BY organization_id, name";
    texts(client, query).await
}

async fn audited(client: &Client) -> i64 {
    let query = "SELECT count(*) FROM audit_logs";
    client.query_one(query, &[]).await.unwrap().get(0)
}

/// What a server does as it starts.
async fn reconcile(store: &Database) -> ReconcileReport {
    let mut unit = begin(store).await;
    unit.system_role_lock().await.unwrap();
    let ReconcilePlan { writes, report } = plan(&unit.system_role_list(None).await.unwrap());
    if !writes.is_empty() {
        unit.system_role_upsert(&writes).await.unwrap();
    }
    unit.commit().await.unwrap();
    report
}

async fn kept(store: &Database, organization: OrganizationId) -> Vec<StoredSystemRole> {
    let mut unit = read(store).await;
    let found = unit.system_role_list(Some(organization)).await.unwrap();
    found.into_iter().flat_map(|found| found.roles).collect()
}

fn defined(settings: ShareableOwners) -> Vec<StoredSystemRole> {
    let defined = |role: &SystemRole| StoredSystemRole::defined(*role, settings);
    SystemRole::ALL.iter().map(defined).collect()
}

#[tokio::test]
async fn organizations_of_before_get_their_roles() {
    let (db, client) = before().await;
    let owner = db.url(LocalRole::Owner).await;
    db::migrate(&owner, APP_ROLE).await.unwrap();

    // Placeholders for every organization there ever was, and settings as they were in effect.
    let placeholders = "SELECT count(*)::text || ' ' || count(DISTINCT organization_id) FROM custom_roles \
        WHERE is_system AND definition_version = 0 AND org_permissions = '[]' AND member_permissions = '[]'";
    assert_eq!(texts(&client, placeholders).await, ["6 3"]);
    let settings = "SELECT DISTINCT shareable_workspace_owners FROM organizations";
    assert_eq!(texts(&client, settings).await, ["everyone"]);

    // Before any server has written anything, the row says that the program's definition counts.
    let store = db.store().await;
    let before = read(&store).await.subject_roles_get(ADA).await.unwrap();
    let before = before.unwrap().organizations;
    assert_eq!(before.len(), 2);
    for organization in &before {
        let kept = organization.system_role.as_ref().unwrap();
        assert_eq!(
            (kept.role, kept.definition_version),
            (SystemRole::OrganizationMember, 0)
        );
    }

    let report = reconcile(&store).await;
    assert_eq!(
        (report.organizations, report.count(ChangeCause::Placeholder)),
        (2, 4)
    );
    for organization in [ACME, BETA] {
        assert_eq!(
            kept(&store, organization).await,
            defined(ShareableOwners::Everyone)
        );
    }
    let (rows, lines) = (system_rows(&client).await, audited(&client).await);
    let report = reconcile(&store).await;
    assert_eq!((report.changes, report.unchanged), (Vec::new(), 4));
    assert_eq!(
        (system_rows(&client).await, audited(&client).await),
        (rows, lines)
    );
}

/// What had one of the names has another one, in everybody's hands, and it is told.
#[tokio::test]
async fn roles_of_their_own_that_clash_are_renamed() {
    let (db, client) = before().await;
    let owner = db.url(LocalRole::Owner).await;
    let migrated = db::migrate(&owner, APP_ROLE).await.unwrap();
    let own = "SELECT concat_ws(' ', display_name, jsonb_array_length(org_permissions)) FROM custom_roles \
        WHERE NOT is_system AND name LIKE 'custom-____________' ORDER BY display_name";
    assert_eq!(
        texts(&client, own).await,
        ["Organization-Member 1", "Robots 0"]
    );
    let held = "SELECT m.roles = ARRAY['organization-auditor', r.name, 'writer'] \
        FROM organization_members AS m JOIN custom_roles AS r \
            ON r.organization_id = m.organization_id AND r.display_name = 'Organization-Member' \
        WHERE m.organization_id = $acme AND m.user_id = $ada";
    let held = client.query_one(&sql_query(held), &[]).await.unwrap();
    assert!(held.get::<_, bool>(0));
    let by_default = "SELECT o.default_org_member_roles = ARRAY[r.name, 'organization-workspace-access'] \
        FROM organizations AS o JOIN custom_roles AS r \
            ON r.organization_id = o.id AND r.display_name = 'Robots' WHERE o.id = $beta";
    let by_default = client.query_one(&sql_query(by_default), &[]).await.unwrap();
    assert!(by_default.get::<_, bool>(0));
    let said = |what: &str, old: &str| {
        let mut lines = migrated.changed.iter();
        let said = lines.any(|line| line.starts_with(what) && line.contains(old));
        assert!(said, "{what} {old}: {migrated:?}");
    };
    said(
        "assign_org_role custom-",
        "\"old\": \"Organization-Member\"",
    );
    said(
        "assign_org_role custom-",
        "\"old\": \"organization-service-account\"",
    );
    said("organization_member ada", "Organization-Member");
    said("organization beta", "organization-service-account");
    let lines = "SELECT actor_name FROM audit_logs WHERE resource_type = 'assign_org_role' AND action = 'write'";
    assert_eq!(texts(&client, lines).await, ["migration", "migration"]);
}

#[tokio::test]
async fn going_back_and_forth_again_keeps_the_organizations_own_roles() {
    let (db, client) = before().await;
    let owner = db.url(LocalRole::Owner).await;
    db::migrate(&owner, APP_ROLE).await.unwrap();
    let store = db.store().await;
    reconcile(&store).await;
    drop(store);
    let own = "SELECT concat_ws(' ', organization_id, name, display_name, org_permissions) FROM custom_roles \
        WHERE name NOT IN ('organization-member', 'organization-service-account') ORDER BY 1";
    let before = texts(&client, own).await;
    assert_eq!(before.len(), 3);

    let back = db::migrate_to(&owner, APP_ROLE, BEFORE_SYSTEM_ROLES).await;
    assert_eq!(back.unwrap().version.as_deref(), Some(BEFORE_SYSTEM_ROLES));
    let all = "SELECT count(*)::text FROM custom_roles";
    assert_eq!(texts(&client, all).await, ["3"]);
    let forth = db::migrate(&owner, APP_ROLE).await.unwrap();
    assert_eq!(forth.changed, [""; 0], "nothing clashes any more");
    assert_eq!(texts(&client, own).await, before);
    let report = reconcile(&db.store().await).await;
    assert_eq!(report.count(ChangeCause::Placeholder), 4);
}

#[tokio::test]
async fn a_newer_definition_is_never_lowered_and_nothing_flaps() {
    let db = TestDb::new().await;
    let client = db.client(LocalRole::Owner).await;
    client.batch_execute(&sql(PEOPLE)).await.unwrap();
    let store = db.store().await;
    reconcile(&store).await;

    // The newer program writes one organization's roles, with something that this one cannot even read.
    let newer = format!(
        r#"UPDATE custom_roles SET definition_version = {}, member_permissions = '[]', org_permissions =
            '[{{"negate": false, "resource_type": "organization", "action": "read"}},
              {{"negate": false, "resource_type": "spaceship", "action": "launch"}}]'
            WHERE is_system AND organization_id = $acme"#,
        SYSTEM_ROLES_VERSION + 1
    );
    client.batch_execute(&sql(&newer)).await.unwrap();
    let rows = system_rows(&client).await;
    for _ in 0..3 {
        // This one, as it starts again and again; the newer one, which finds what it wrote.
        let report = reconcile(&store).await;
        assert_eq!(
            (report.newer, report.unchanged, report.changes.len()),
            (2, 2, 0)
        );
        assert_eq!(system_rows(&client).await, rows);
    }

    // Nor does a mistake of this program lower it: the database refuses.
    let mut unit = begin(&store).await;
    let older = StoredSystemRole::defined(SystemRole::OrganizationMember, ShareableOwners::None);
    let lowered = unit.system_role_upsert(&[(ACME, older)]).await;
    assert!(
        matches!(&lowered, Err(StoreError::Violated(rule)) if rule == "custom_roles_newer_definition"),
        "{lowered:?}"
    );
    drop(unit);
    assert_eq!(system_rows(&client).await, rows);

    // People are judged by what the newer one wrote, as far as it is understood.
    let ada = read(&store)
        .await
        .subject_roles_get(ADA)
        .await
        .unwrap()
        .unwrap();
    let acme = ada
        .organizations
        .iter()
        .find(|found| found.id == ACME)
        .unwrap();
    let newer = acme.system_role.as_ref().unwrap();
    assert!(newer.newer());
    let reads = Permission::allow(rbac::ResourceType::Organization, rbac::Action::Read);
    assert_eq!(
        (&newer.org_permissions, newer.member_permissions.len()),
        (&vec![reads], 0)
    );
}

/// What can happen to a row by hand, and how it is found.
#[tokio::test]
async fn what_somebody_did_to_the_rows_is_put_right_and_named() {
    let db = TestDb::new().await;
    let client = db.client(LocalRole::Owner).await;
    let store = db.store().await;
    let mut unit = begin(&store).await;
    let organization = new_organization("acme");
    unit.organization_create(&organization).await.unwrap();
    unit.commit().await.unwrap();
    let id = organization.id;
    assert!(
        kept(&store, id)
            .await
            .iter()
            .all(|role| role.definition_version == 0)
    );
    reconcile(&store).await;
    let check = async |statement: &str, cause: Option<ChangeCause>| {
        client.batch_execute(&sql(statement)).await.unwrap();
        let report = reconcile(&store).await;
        let causes: Vec<_> = report.changes.iter().map(|change| change.cause).collect();
        assert_eq!(causes, Vec::from_iter(cause), "{statement}");
        if cause.is_some() {
            let wanted = defined(ShareableOwners::Everyone);
            assert_eq!(kept(&store, id).await, wanted, "{statement}");
        }
    };
    check(
        "DELETE FROM custom_roles WHERE name = 'organization-member'",
        Some(ChangeCause::Missing),
    )
    .await;
    check(
        "UPDATE custom_roles SET org_permissions = '[]' WHERE name = 'organization-member'",
        Some(ChangeCause::Differs),
    )
    .await;
    check(
        "UPDATE custom_roles SET org_permissions = org_permissions || '[{\"what\": \"ever\"}]'::jsonb \
         WHERE name = 'organization-member'",
        Some(ChangeCause::Differs),
    )
    .await;
    check(
        "UPDATE custom_roles SET is_system = false WHERE name = 'organization-member'",
        Some(ChangeCause::Missing),
    )
    .await;
    check(
        "UPDATE custom_roles SET name = 'Organization-Member' WHERE name = 'organization-member'",
        Some(ChangeCause::Missing),
    )
    .await;
    check(
        "UPDATE custom_roles SET org_permissions = org_permissions || org_permissions WHERE is_system",
        None,
    )
    .await;
    let rows = "SELECT count(*)::text FROM custom_roles";
    assert_eq!(texts(&client, rows).await, ["2"]);
}
