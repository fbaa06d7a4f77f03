//! Organizations and memberships over HTTP.

use bursar_sdk::{PatchGroupRequest, UpdateOrganizationRequest};
use serde_json::{Value, json};

use crate::{
    scenes::play_all,
    support::{ask, get, is, lines, member, person, refused, site, world},
};

const NAMES: &str = r#"
    409 POST /organizations {"name": "BETA"} => name
    409 POST /organizations {"name": "acme"} => name
    400 POST /organizations {"name": "default"} => name
    400 POST /organizations {"name": "Default"} => name
    400 POST /organizations {"name": "a--b"} => name
    400 POST /organizations {"name": "me"} => name
    400 POST /organizations {"name": ""} => name
    400 POST /organizations {"name": "a\u0000"} => name
    400 POST /organizations {"name": 5} => name
    400 POST /organizations {} => name
    400 POST /organizations {"name": "x", "display_name": "a\u0000", "icon": "\u0000"} => display_name icon
    409 PATCH /organizations/beta {"name": "ACME"} => name
    400 PATCH /organizations/beta {"name": "default"} => name
    400 PATCH /organizations/beta {"name": "a--b"} => name
    200 PATCH /organizations/beta {"name": ""}
    200 PATCH /organizations/beta {"name": "BETA"}
    200 PATCH /organizations/beta {}
"#;

const GONE: &str = r#"
    404 GET /organizations/<beta>
    404 GET /organizations/beta
    404 GET /organizations/<beta>/members
    404 GET /organizations/beta/groups
    404 POST /organizations/<beta>/members/ada
    404 POST /organizations/<beta>/groups {"name": "x"}
    404 PATCH /organizations/<beta> {"display_name": "x"}
    404 DELETE /organizations/<beta>
    404 GET /groups/<beta>
    404 PUT /groups/<beta>/ai/budget {"spend_limit_micros": 5}
    404 POST /users {"email": "x@y", "username": "x", "login_type": "none", "organization_ids": ["<beta>"]}
    404 POST /users {"email": "x@y", "username": "x", "login_type": "none", "organization_ids": ["<acme>", "<ada>"]}
    404 GET /users/x
    201 POST /organizations {"name": "Beta"}
    400 DELETE /organizations/default
"#;

#[tokio::test]
async fn an_organization_is_found_by_id_and_name_changed_and_removed() {
    let world = world().await;
    let owner = &world.cast.owner;
    let body = json!({"name": "Beta", "description": "Second", "more": {"x": 1}});
    let made = ask(&world, owner, "POST", "/organizations", &body).await;
    is(&made, 201);
    let made = made.json();
    let id = made["id"].as_str().unwrap().to_owned();
    let (display_name, default) = (json!("Beta"), json!(false));
    assert_eq!(
        (&made["name"], &made["description"], &made["icon"]),
        (&display_name, &json!("Second"), &json!(""))
    );
    assert_eq!(
        (&made["display_name"], &made["is_default"]),
        (&display_name, &default)
    );
    for name in [&id, "Beta", "beta", "BETA"] {
        let found = get(&world, owner, &format!("/organizations/{name}")).await;
        assert_eq!(found.json(), made);
    }
    let first = owner.organization_get("default").await.unwrap();
    assert!(first.is_default);
    assert_eq!(owner.organization_get("main").await.unwrap(), first);
    play_all(&world, owner, &[], NAMES).await;

    let changed = UpdateOrganizationRequest {
        display_name: Some("The second".to_owned()),
        description: Some(String::new()),
        ..Default::default()
    };
    let changed = owner.organization_update("beta", &changed).await.unwrap();
    assert_eq!(
        (changed.display_name.as_str(), changed.description.as_str()),
        ("The second", "")
    );
    let gone = owner.organization_delete(&id).await.unwrap();
    assert_eq!(gone.message, "Organization has been deleted.");
    play_all(&world, owner, &[("<beta>", &id)], GONE).await;

    let renamed = UpdateOrganizationRequest {
        name: Some("headquarters".to_owned()),
        ..Default::default()
    };
    owner
        .organization_update("default", &renamed)
        .await
        .unwrap();
    let found = owner.organization_get("headquarters").await.unwrap();
    assert!(found.is_default);
}

#[tokio::test]
async fn members_are_listed_to_who_may_read_them_in_the_shape_of_existing_clients() {
    let world = world().await;
    let acme = world.cast.organization_id;
    let boss = member(&world, "boss", &["organization-admin"]).await;
    let list = get(&world, &boss.client, "/organizations/acme/members").await;
    let list = list.json();
    let rows = list.as_array().unwrap().iter();
    let names: Vec<_> = rows.map(|row| row["username"].clone()).collect();
    assert_eq!(names, ["ada", "boss", "owner"]);
    let roles = json!([{"name": "organization-admin", "display_name": "Organization Admin"}]);
    for (key, expected) in [
        ("user_id", json!(boss.id)),
        ("organization_id", json!(acme)),
        ("roles", roles),
        ("global_roles", json!([])),
        ("email", json!("boss@example.com")),
    ] {
        assert_eq!(list[1][key], expected, "{key}");
    }
    let owner = json!([{"name": "owner", "display_name": "Owner"}]);
    assert_eq!(list[2]["global_roles"], owner);

    // Who is not in it does not learn that it exists.
    let outsider = person(&world, "outsider", &[]).await.client;
    is(
        &get(&world, &outsider, "/organizations/acme/members").await,
        404,
    );
    is(&get(&world, &outsider, "/organizations/acme").await, 404);
    assert_eq!(
        get(&world, &outsider, "/organizations").await.json(),
        json!([])
    );
    let own = world.cast.member.organization_list().await.unwrap();
    assert_eq!(
        own.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(),
        ["acme"]
    );
    let auditor = site(&world, "auditor").await.client;
    assert_eq!(
        auditor
            .organization_member_list("acme")
            .await
            .unwrap()
            .len(),
        3
    );
}

#[tokio::test]
async fn joining_and_leaving_move_the_everyone_group_and_leaving_ends_the_group_memberships() {
    let world = world().await;
    let (owner, acme) = (&world.cast.owner, world.cast.organization_id);
    let eve = person(&world, "eve", &[]).await;
    let everyone = async || -> Vec<String> {
        let group = owner.group_get(acme).await.unwrap();
        let names: Vec<_> = group
            .members
            .into_iter()
            .map(|user| user.username)
            .collect();
        assert_eq!(
            u64::try_from(names.len()).unwrap(),
            group.total_member_count
        );
        names
    };
    let path = "/organizations/acme/members/eve";
    assert_eq!(everyone().await, ["ada", "owner"]);
    let joined = ask(&world, owner, "POST", path, &Value::Null).await;
    is(&joined, 200);
    let joined = joined.json();
    assert_eq!(
        (&joined["user_id"], &joined["roles"]),
        (&json!(eve.id), &json!([]))
    );
    is(&ask(&world, owner, "POST", path, &Value::Null).await, 409);
    assert_eq!(everyone().await, ["ada", "eve", "owner"]);
    // She sees the organization at once, by the token that she had.
    eve.client.organization_get("acme").await.unwrap();
    let adding = PatchGroupRequest {
        add_users: vec![eve.id],
        ..Default::default()
    };
    let group = world.cast.group_id;
    owner.group_update(group, &adding).await.unwrap();
    let spend = eve.client.spend_get("me").await.unwrap();
    assert_eq!(spend.effective_group_id, Some(group));

    let left = ask(&world, owner, "DELETE", path, &Value::Null).await;
    is(&left, 204);
    // Newest first: the group memberships went before the membership did.
    let gone = lines(&world, left.request_id()).await;
    let gone: Vec<_> = gone
        .iter()
        .map(|line| line.resource_type.as_str())
        .collect();
    assert_eq!(gone, ["organization_member", "group_member"]);
    is(&ask(&world, owner, "DELETE", path, &Value::Null).await, 404);
    assert_eq!(everyone().await, ["ada", "owner"]);
    assert_eq!(owner.group_get(group).await.unwrap().total_member_count, 1);
    refused(eve.client.organization_get("acme").await, 404);
    refused(eve.client.group_get(group).await, 404);
    let spend = eve.client.spend_get("me").await.unwrap();
    assert_eq!(spend.effective_group_id, None);
}

const ROLES: &str = r#"
    403 PUT /organizations/acme/members/ada/roles {"roles": ["owner"]}
    403 PUT /organizations/acme/members/ada/roles {"roles": ["nonsense"]}
    403 PUT /organizations/acme/members/ada/roles {"roles": ["organization-admin:x"]}
    403 PUT /organizations/acme/members/ada/roles {"roles": ["\u0000"]}
    400 PUT /organizations/acme/members/ada/roles {"roles": [1]} => roles[0]
    400 PUT /organizations/acme/members/ada/roles []
    400 PUT /organizations/acme/members/ada/roles {} => roles
    200 PUT /organizations/acme/members/ada/roles {"roles": null}
    404 PUT /organizations/acme/members/eve/roles {"roles": []}
    404 PUT /organizations/acme/members/nobody/roles {"roles": []}
"#;

/// A right in one organization is none in another.
const ELSEWHERE: &str = r#"
    404 POST /organizations/main/members/owner
    404 POST /organizations/main/members/boss
    404 PATCH /organizations/main {"display_name": "X"}
    404 POST /organizations {"name": "mine"}
    200 POST /organizations/acme/members/eve
    204 DELETE /organizations/acme/members/eve
"#;

#[tokio::test]
async fn roles_of_members_are_given_by_who_may() {
    let world = world().await;
    let owner = &world.cast.owner;
    person(&world, "eve", &[]).await;
    let path = "/organizations/acme/members/ada/roles";
    let given = json!({"roles": ["organization-auditor", "organization-member"]});
    let answer = ask(&world, owner, "PUT", path, &given).await;
    is(&answer, 200);
    let expected =
        json!([{"name": "organization-auditor", "display_name": "Organization Auditor"}]);
    assert_eq!(answer.json()["roles"], expected);
    assert_eq!(answer.json()["user_id"], json!(world.cast.member_id));
    play_all(&world, owner, &[], ROLES).await;
    let boss = member(&world, "boss", &["organization-admin"]).await.client;
    play_all(&world, &boss, &[], ELSEWHERE).await;
}
