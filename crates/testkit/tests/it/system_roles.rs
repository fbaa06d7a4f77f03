//! The roles that come with membership as organizations keep them, over HTTP.

use bursar_sdk::{AuthorizationAnswer, Client};
use rbac::SYSTEM_ROLES_VERSION;
use serde_json::json;
use testkit::{ServerOptions, TestServer, World};

use crate::{
    scenes::play_all,
    support::{ask, brief, get, is, lines, member, world},
};

/// Where the rule is.
pub(crate) const SETTINGS: &str = "/organizations/acme/settings/workspace-sharing";

/// Runs SQL as somebody who works in the database by hand.
async fn by_hand(world: &World, statement: &str) {
    let client = world.database.owner().await.unwrap();
    let acme = world.cast.organization_id.to_string();
    let statement = statement.replace("$acme", &format!("'{acme}'"));
    let statement = format!("SET bursar.actor_name = 'by hand'; {statement}");
    client.batch_execute(&statement).await.unwrap();
}

/// The stored roles of the cast's organization: name, version and how many permissions.
async fn stored(world: &World) -> Vec<String> {
    let query = "SELECT concat_ws(' ', name, definition_version, \
            jsonb_array_length(org_permissions || member_permissions)) \
        FROM custom_roles WHERE is_system AND organization_id = $1 ORDER BY name";
    let client = world.database.owner().await.unwrap();
    let acme = world.cast.organization_id;
    let rows = client.query(query, &[&acme]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

/// Whether somebody may do this to anything of a type in the cast's organization.
async fn may(world: &World, who: &Client, action: &str, resource: &str) -> bool {
    let acme = world.cast.organization_id;
    let object = json!({"resource_type": resource, "organization_id": acme});
    let body = json!({"checks": {"it": {"object": object, "action": action}}});
    let answer = ask(world, who, "POST", "/authcheck", &body).await;
    is(&answer, 200);
    let answer: AuthorizationAnswer = serde_json::from_value(answer.json()["it"].clone()).unwrap();
    answer.allowed()
}

#[tokio::test]
async fn an_organization_is_made_with_its_roles_as_they_are_to_be() {
    let world = world().await;
    let (member, service_account) = ("organization-member", "organization-service-account");
    let complete = |rows: &[String]| {
        let whole = |name: &str, row: &String| {
            row.starts_with(&format!("{name} {SYSTEM_ROLES_VERSION} ")) && !row.ends_with(" 0")
        };
        rows.len() == 2 && whole(member, &rows[0]) && whole(service_account, &rows[1])
    };
    let rows = stored(&world).await;
    assert!(complete(&rows), "{rows:?}");
    // So is the first one, which comes with the first account.
    let query = "SELECT count(*) FROM custom_roles WHERE is_system AND definition_version = 0";
    let database = world.database.owner().await.unwrap();
    assert_eq!(
        database
            .query_one(query, &[])
            .await
            .unwrap()
            .get::<_, i64>(0),
        0
    );

    let body = json!({"name": "beta", "shareable_workspace_owners": "none"});
    let made = ask(&world, &world.cast.owner, "POST", "/organizations", &body).await;
    is(&made, 201);
    assert_eq!(made.json()["shareable_workspace_owners"], "none");
    assert_eq!(made.json()["workspace_sharing_disabled"], true);
    let written: Vec<_> = lines(&world, made.request_id())
        .await
        .iter()
        .map(brief)
        .collect();
    let roles = written
        .iter()
        .filter(|line| line.contains("assign_org_role"));
    assert_eq!(
        roles.count(),
        4,
        "made and filled in one request: {written:?}"
    );
}

#[tokio::test]
async fn a_row_decides_when_it_is_new_enough_and_the_program_else() {
    let world = world().await;
    let ada = &world.cast.member;
    let check = async |statement: &str, reads: bool, deletes: bool| {
        by_hand(&world, statement).await;
        assert_eq!(
            may(&world, ada, "read", "group").await,
            reads,
            "{statement}"
        );
        assert_eq!(
            may(&world, ada, "delete", "group").await,
            deletes,
            "{statement}"
        );
        // Membership itself is there all the while.
        assert!(
            may(&world, ada, "read", "organization").await,
            "{statement}"
        );
    };
    check("SELECT 1", true, false).await;
    check("DELETE FROM custom_roles WHERE is_system", true, false).await;
    // As the trigger leaves it for an organization that a program makes which knows nothing of this: the
    // definition of this one counts at once.
    check(
        "INSERT INTO custom_roles (id, organization_id, name, is_system) \
         SELECT gen_random_uuid(), id, 'organization-member', true FROM organizations",
        true,
        false,
    )
    .await;
    // As a newer program writes it; it grants what this one does not, and takes something away.
    let newer = r#"UPDATE custom_roles SET definition_version = 99, org_permissions =
            '[{"negate": false, "resource_type": "organization", "action": "read"},
              {"negate": false, "resource_type": "spaceship", "action": "launch"},
              {"negate": false, "resource_type": "group", "action": "delete"}]'"#;
    check(newer, false, true).await;

    // This program cannot say what the newer one's roles hold by another rule, so it leaves the rule alone too.
    let owner = &world.cast.owner;
    let body = json!({"shareable_workspace_owners": "none"});
    for path in [SETTINGS, "/organizations/acme"] {
        let refused = ask(&world, owner, "PATCH", path, &body).await;
        is(&refused, 400);
        assert!(
            refused.message().starts_with("A newer server defines"),
            "{refused:?}"
        );
    }
    let unchanged = json!({"shareable_workspace_owners": "everyone", "display_name": "Acme again"});
    is(
        &ask(&world, owner, "PATCH", "/organizations/acme", &unchanged).await,
        200,
    );
    let refused = ask(&world, ada, "PATCH", SETTINGS, &body).await;
    is(&refused, 403);

    // An older server starts beside it: nothing is lowered, nobody's rights change.
    let kept = stored(&world).await;
    let options = ServerOptions::default();
    let other = TestServer::start(&world.database, &options).await.unwrap();
    let now = stored(&world).await;
    assert_eq!(now[0], kept[0]);
    let figures = other.nobody().metrics().await.unwrap();
    let newer = "bursar_system_roles_reconciled_total{outcome=\"newer\"}";
    assert!(figures.contains(newer), "{figures}");
    check("SELECT 1", false, true).await;
}

#[tokio::test]
async fn a_server_puts_right_what_it_finds_as_it_starts() {
    let world = world().await;
    let before = stored(&world).await;
    by_hand(
        &world,
        "DELETE FROM custom_roles WHERE name = 'organization-member'; \
         UPDATE custom_roles SET org_permissions = '[]' WHERE is_system AND organization_id = $acme",
    )
    .await;
    assert_ne!(stored(&world).await, before);
    let options = ServerOptions::default();
    let (one, other) = tokio::join!(
        TestServer::start(&world.database, &options),
        TestServer::start(&world.database, &options)
    );
    assert!(one.is_ok() && other.is_ok());
    assert_eq!(stored(&world).await, before);
    // Two started at once, and each row was written once: for `main` and `acme` one missing, and one repaired.
    let query = "SELECT count(*) FROM audit_logs WHERE actor_name = 'role-reconciler'";
    let database = world.database.owner().await.unwrap();
    assert_eq!(
        database
            .query_one(query, &[])
            .await
            .unwrap()
            .get::<_, i64>(0),
        3
    );
}

const NOBODYS: &str = r#"
    403 PUT /organizations/acme/members/ada/roles {"roles": ["organization-service-account"]}
    400 POST /organizations/acme/members/roles {"name": "organization-member"}
    400 POST /organizations/acme/members/roles {"name": "Organization-Service-Account"}
    400 PUT /organizations/acme/members/roles {"name": "organization-member"}
    400 PUT /organizations/acme/members/roles {"name": "organization-service-account"}
    400 DELETE /organizations/acme/members/roles/organization-member
    400 DELETE /organizations/acme/members/roles/organization-service-account
    400 PATCH /organizations/acme {"default_org_member_roles": ["organization-service-account"]}
"#;

#[tokio::test]
async fn nobody_sees_gives_changes_or_deletes_what_comes_with_membership() {
    let world = world().await;
    let before = stored(&world).await;
    let admin = member(&world, "boss", &["organization-admin"]).await;
    for caller in [&world.cast.owner, &admin.client] {
        play_all(&world, caller, &[], NOBODYS).await;
        let listed = get(&world, caller, "/organizations/acme/members/roles").await;
        is(&listed, 200);
        assert!(listed.text.contains("organization-admin"));
        assert!(
            !listed.text.contains("\"organization-member\""),
            "{listed:?}"
        );
        assert!(
            !listed.text.contains("organization-service-account"),
            "{listed:?}"
        );
    }
    assert_eq!(stored(&world).await, before);
    // It is implied, so naming it names nothing.
    let named = json!({"roles": ["organization-member"]});
    let path = "/organizations/acme/members/ada/roles";
    let answer = ask(&world, &world.cast.owner, "PUT", path, &named).await;
    is(&answer, 200);
    assert_eq!(answer.json()["roles"], json!([]));
}
