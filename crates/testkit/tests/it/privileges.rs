//! Attempts to get more than was given: each is refused, and leaves everything as it was.

use bursar::demo::PASSWORD;
use bursar_sdk::UserStatus;
use serde_json::{Value, json};

use crate::{
    scenes::play_all,
    support::{Person, ask, get, is, login, member, person, request, roles, send, site, world},
};

const BY_A_MANAGER_OF_PEOPLE: &str = r#"
    403 PUT /users/owner/password {"password": "taken-over-by-me"}
    403 PUT /users/boss/password {"password": "taken-over-by-me"}
    403 PUT /users/peer/password {"password": "taken-over-by-me"}
    403 PUT /users/owner/status/suspend
    403 DELETE /users/owner
    403 PUT /users/owner/roles {"roles": []}
    403 PUT /users/ada/roles {"roles": ["owner"]}
    403 PUT /users/ada/roles {"roles": ["user-admin"]}
    400 PUT /users/<me>/roles {"roles": ["owner", "user-admin"]}
    400 PUT /users/me/roles {"roles": ["owner"]}
    404 POST /users/owner/keys/tokens {}
    404 POST /users/ada/keys/tokens {}
    403 PUT /organizations/acme/members/ada/roles {"roles": ["organization-admin"]}
    404 POST /ai/providers {"name": "x", "type": "openai", "base_url": "http://127.0.0.1:9", "api_key": "k"}
    404 POST /organizations {"name": "mine"}
    404 DELETE /organizations/acme
    400 DELETE /users/<me>
    400 PUT /users/<me>/status/suspend
    200 POST /organizations/acme/members/<me>
    400 PUT /organizations/acme/members/<me>/roles {"roles": ["organization-admin"]}
"#;

#[tokio::test]
async fn a_manager_of_people_does_not_become_an_owner() {
    let world = world().await;
    let manager = site(&world, "user-admin").await;
    let other = person(&world, "peer", &[]).await;
    member(&world, "boss", &["organization-admin"]).await;
    let owner = &world.cast.owner;
    let peer = roles(&["user-admin"]);
    owner.user_roles_update(other.id, &peer).await.unwrap();
    let me: &[(&str, &dyn std::fmt::Display)] = &[("<me>", &manager.id)];
    play_all(&world, &manager.client, me, BY_A_MANAGER_OF_PEOPLE).await;
    // A body cannot give what its fields do not have.
    let body = json!({
        "email": "x@example.com", "username": "x", "login_type": "none", "organization_ids": [],
        "roles": ["owner"], "site_roles": ["owner"], "rbac_roles": ["owner"], "id": world.cast.member_id,
    });
    let made = ask(&world, &manager.client, "POST", "/users", &body).await;
    is(&made, 201);
    assert_eq!(made.json()["roles"], json!([]));
    assert_ne!(made.json()["id"], json!(world.cast.member_id));
    let nobody = world.server.nobody();
    login(nobody, "owner@example.com", PASSWORD).await.unwrap();
    assert_eq!(
        owner.user_get("owner").await.unwrap().status,
        UserStatus::Active
    );
}

const BY_AN_ORGANIZATIONS_ADMIN: &str = r#"
    404 PUT /users/ada/roles {"roles": ["owner"]}
    404 PUT /users/ada/roles {"roles": []}
    400 PUT /users/me/roles {"roles": ["owner"]}
    404 PUT /users/ada/password {"password": "taken-over-by-me"}
    404 PUT /users/owner/password {"password": "taken-over-by-me"}
    404 PUT /users/ada/status/suspend
    404 DELETE /users/ada
    404 POST /users/ada/keys/tokens {}
    404 POST /users {"email": "x@y", "username": "x", "login_type": "none", "organization_ids": ["<acme>"]}
    400 PUT /organizations/acme/members/me/roles {"roles": ["organization-admin"]}
    403 PUT /organizations/acme/members/ada/roles {"roles": ["owner"]}
    404 PUT /groups/<main>/ai/budget {"spend_limit_micros": 1}
    404 PATCH /groups/<main> {"display_name": "X"}
    404 POST /organizations/<main>/members/<other>
    404 POST /organizations/<main>/groups {"name": "x"}
    404 DELETE /organizations/<main>
    400 PATCH /groups/<group> {"add_users": ["<other>"]} => add_users
"#;

const BY_ITS_USER_ADMIN: &str = r#"
    403 PUT /organizations/acme/members/ada/roles {"roles": ["organization-admin"]}
    403 PUT /organizations/acme/members/ada/roles {"roles": ["organization-user-admin"]}
    403 PUT /organizations/acme/members/boss/roles {"roles": []}
    403 DELETE /organizations/acme/members/boss
    404 PATCH /organizations/acme {"display_name": "X"}
    404 DELETE /organizations/acme
"#;

#[tokio::test]
async fn an_organizations_admin_stays_in_the_organization() {
    let world = world().await;
    let boss = member(&world, "boss", &["organization-admin"]).await;
    let keeper = member(&world, "keeper", &["organization-user-admin"]).await;
    let other = person(&world, "other", &[]).await;
    let main = world.cast.owner.organization_get("main").await.unwrap().id;
    let more: &[(&str, &dyn std::fmt::Display)] = &[("<main>", &main), ("<other>", &other.id)];
    play_all(&world, &boss.client, more, BY_AN_ORGANIZATIONS_ADMIN).await;
    play_all(&world, &keeper.client, more, BY_AN_ORGANIZATIONS_ADMIN).await;
    play_all(&world, &keeper.client, more, BY_ITS_USER_ADMIN).await;
}

const BY_A_MEMBER: &str = r#"
    404 PUT /groups/<group>/ai/budget {"spend_limit_micros": 1000000000000}
    404 DELETE /groups/<group>/ai/budget
    404 PUT /groups/<acme>/ai/budget {"spend_limit_micros": 1000000000000}
    404 PATCH /groups/<rich> {"add_users": ["<ada>"]}
    404 PATCH /groups/<group> {"remove_users": ["<ada>"]}
    404 DELETE /groups/<group>
    404 POST /organizations/acme/groups {"name": "mine"}
    400 PUT /organizations/acme/members/me/roles {"roles": ["organization-admin"]}
    400 PUT /users/me/roles {"roles": ["owner"]}
    404 POST /organizations/main/members/me
    404 DELETE /organizations/acme/members/me
    404 DELETE /users/me
    404 POST /users {"email": "x@y", "username": "x", "login_type": "none", "organization_ids": []}
    404 GET /users/owner/keys/tokens
    404 GET /users/owner/roles
"#;

#[tokio::test]
async fn a_member_does_not_raise_the_own_limit() {
    let world = world().await;
    let ada = &world.cast.member;
    let rich = json!({"name": "rich"});
    let path = "/organizations/acme/groups";
    let rich = ask(&world, &world.cast.owner, "POST", path, &rich)
        .await
        .json();
    let before = get(&world, ada, "/users/me/ai/spend").await.text;
    let rich = rich["id"].as_str().unwrap();
    play_all(&world, ada, &[("<rich>", &rich)], BY_A_MEMBER).await;
    assert_eq!(get(&world, ada, "/users/me/ai/spend").await.text, before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_owner_stays_whatever_owners_do_at_once() {
    let world = world().await;
    let (one, two) = (
        person(&world, "one", &[]).await,
        person(&world, "two", &[]).await,
    );
    let owner = &world.cast.owner;
    for who in [&one, &two] {
        let owners = roles(&["owner"]);
        owner.user_roles_update(who.id, &owners).await.unwrap();
    }
    is(
        &ask(&world, &one.client, "DELETE", "/users/owner", &Value::Null).await,
        200,
    );
    // The two that are left stop each other, at the same moment, again and again.
    let suspend = async |by: &Person, other: &Person| {
        let path = format!("/users/{}/status/suspend", other.id);
        ask(&world, &by.client, "PUT", &path, &Value::Null)
            .await
            .status
    };
    for _ in 0..8 {
        let both = tokio::join!(suspend(&one, &two), suspend(&two, &one));
        let [first, second] = [&one, &two].map(|who| get(&world, &who.client, "/users/me"));
        let alive = (first.await.status, second.await.status);
        let (by, other) = match alive {
            (200, 401) => (&one, &two),
            (401, 200) => (&two, &one),
            none_or_both => panic!("{both:?} {none_or_both:?}"),
        };
        by.client.user_activate(other.id).await.unwrap();
    }
    let ends = r#"
        200 PUT /users/two/roles {"roles": []}
        400 PUT /users/one/roles {"roles": []}
        200 PUT /users/two/status/suspend
        400 PUT /users/one/status/suspend
        400 DELETE /users/one
    "#;
    play_all(&world, &one.client, &[], ends).await;
}

#[tokio::test]
async fn what_is_taken_is_gone_at_once() {
    let world = world().await;
    let owner = &world.cast.owner;
    let boss = member(&world, "boss", &["organization-admin"]).await;
    let path = format!("/groups/{}/ai/budget", world.cast.group_id);
    let body = json!({"spend_limit_micros": 1_000_000});
    is(&ask(&world, &boss.client, "PUT", &path, &body).await, 200);
    let none = roles(&[]);
    let taken = owner.organization_member_roles_update("acme", "boss", &none);
    taken.await.unwrap();
    is(&ask(&world, &boss.client, "PUT", &path, &body).await, 404);
    is(&get(&world, &boss.client, &path).await, 200);
    owner
        .organization_member_delete("acme", "boss")
        .await
        .unwrap();
    is(&get(&world, &boss.client, &path).await, 404);
    let auditor = roles(&["auditor"]);
    owner.user_roles_update("boss", &auditor).await.unwrap();
    is(&get(&world, &boss.client, &path).await, 200);
    owner.user_suspend("boss").await.unwrap();
    is(&get(&world, &boss.client, &path).await, 401);
    // Nor does the gateway serve who is out, whichever header brings the token.
    owner.user_suspend("ada").await.unwrap();
    let token = world.cast.member_token.expose();
    for name in ["bursar-session-token", "coder-session-token", "x-api-key"] {
        for provider in ["openai", "anthropic"] {
            let path = format!("/api/v2/aibridge/{provider}/v1/models");
            is(
                &send(request(&world, "GET", &path).header(name, token)).await,
                401,
            );
        }
    }
    assert!(world.fake.requests().is_empty());
}
