//! Who loses access to a shared workspace when: the switches over sharing, and departures.

use bursar_sdk::Client;
use serde_json::{Value, json};
use testkit::{ServerOptions, TestServer, World};

use crate::{
    support::{Answer, Person, ask, ask_text, get, is, person, send},
    workspace_acl::Scene,
    workspaces::{listed, share, workspace},
};

/// Asks another server than the world's.
async fn at(
    server: &TestServer,
    world: &World,
    caller: &Client,
    method: &str,
    path: &str,
) -> Answer {
    let url = format!("{}/api/v2{path}", server.url());
    let request = world.http.request(method.parse().unwrap(), url);
    let token = caller.token().unwrap().expose().to_owned();
    send(request.header("Bursar-Session-Token", token).body("{")).await
}

#[tokio::test]
async fn the_deployments_switch_hides_what_is_shared_and_keeps_it() {
    let scene = Scene::new().await;
    let Scene {
        world,
        una,
        ben,
        eve,
        path,
        ..
    } = &scene;
    let options = ServerOptions {
        disable_workspace_sharing: true,
        ..ServerOptions::default()
    };
    let off = TestServer::start(&world.database, &options).await.unwrap();
    let words = "Workspace sharing is disabled for this deployment.";
    let acl = format!("{path}/acl");
    for method in ["GET", "PATCH", "DELETE"] {
        for (who, caller, status) in [
            ("its owner", &una.client, 403),
            ("site owner", &world.cast.owner, 403),
            ("who may use it", &ben.client, 404),
            ("a stranger", &eve.client, 404),
        ] {
            let answer = at(&off, world, caller, method, &acl).await;
            assert_eq!(answer.status, status, "{who} {method}: {}", answer.text);
            assert_eq!(answer.message() == words, status == 403, "{who} {method}");
        }
    }
    let list = "/organizations/acme/workspaces?shared=true";
    for (caller, see, all, shared) in [
        (&ben.client, 404, 0, 0),
        (&una.client, 200, 1, 0),
        (&world.cast.owner, 200, 1, 0),
    ] {
        is(&at(&off, world, caller, "GET", path).await, see);
        let count =
            async |list: &str| at(&off, world, caller, "GET", list).await.json()["count"].as_u64();
        assert_eq!(count("/organizations/acme/workspaces").await, Some(all));
        assert_eq!(count(list).await, Some(shared));
    }
    let shown = at(&off, world, &una.client, "GET", path).await.json();
    assert_eq!(shown["shared"], false);
    // A server without the switch: everything is as it was.
    assert!(scene.sees(ben).await);
    assert_eq!(listed(world, &ben.client, "shared=true").await.1, 1);
    assert_eq!(scene.acl().await[0].len(), 1);
}

#[tokio::test]
async fn an_organization_may_keep_its_people_from_sharing() {
    let scene = Scene::new().await;
    let Scene {
        world,
        una,
        ben,
        eve,
        path,
        ..
    } = &scene;
    // Ada signs in with a password; Una is a service account.
    let adas = workspace(world, &world.cast.member, "adas").await;
    let body = json!({"user_roles": {ben.id.to_string(): "use"}});
    is(&share(world, &world.cast.member, &adas, &body).await, 204);
    let nobody = "Workspace sharing is disabled for this organization.";
    let robots = "Only workspaces of service accounts can be shared in this organization.";
    let settings = "/organizations/acme/settings/workspace-sharing";
    for (rule, unas, adas_words) in [
        ("service_accounts", None, Some(robots)),
        ("none", Some(nobody), Some(nobody)),
        ("everyone", None, None),
    ] {
        let body = json!({"shareable_workspace_owners": rule});
        is(
            &ask(world, &world.cast.owner, "PATCH", settings, &body).await,
            200,
        );
        for (owner, path, words) in [
            (&una.client, path, unas),
            (&world.cast.member, &adas, adas_words),
        ] {
            for method in ["GET", "PATCH"] {
                let acl = format!("{path}/acl");
                let garbage = if words.is_some() { "{" } else { "{}" };
                let answer = ask_text(world, owner, method, &acl, garbage).await;
                let status = words.map_or(if method == "GET" { 200 } else { 204 }, |_| 403);
                assert_eq!(
                    answer.status, status,
                    "{rule} {path} {method}: {}",
                    answer.text
                );
                if let Some(words) = words {
                    assert_eq!(answer.message(), words, "{rule}");
                }
            }
            is(
                &ask_text(world, &eve.client, "PATCH", &format!("{path}/acl"), "{").await,
                404,
            );
        }
        // What was shared against the rule has ended, and does not come back.
        is(&get(world, &ben.client, &adas).await, 404);
        assert_eq!(scene.sees(ben).await, rule == "service_accounts");
    }
}

#[tokio::test]
async fn access_follows_memberships_at_once_and_grants_do_not_come_back() {
    let scene = Scene::new().await;
    let Scene {
        world, ben, eve, ..
    } = &scene;
    let owner = &world.cast.owner;
    let in_acme = |person: &Person| format!("/organizations/acme/members/{}", person.id);
    // By their own entry.
    is(
        &ask(world, owner, "DELETE", &in_acme(ben), &Value::Null).await,
        204,
    );
    assert!(!scene.sees(ben).await);
    is(
        &ask(world, owner, "POST", &in_acme(ben), &Value::Null).await,
        200,
    );
    assert!(
        !scene.sees(ben).await,
        "who comes back is not whom it was shared with"
    );
    assert_eq!(scene.acl().await, [vec![], vec![]]);
    // By a group.
    let builders = format!("/groups/{}", world.cast.group_id);
    scene
        .grant(&json!({"group_roles": {world.cast.group_id.to_string(): "use"}}))
        .await;
    for (change, sees) in [
        ("add_users", true),
        ("remove_users", false),
        ("add_users", true),
    ] {
        let body = json!({change: [eve.id]});
        is(&ask(world, owner, "PATCH", &builders, &body).await, 200);
        assert_eq!(scene.sees(eve).await, sees, "{change}");
        assert_eq!(
            listed(world, &eve.client, "shared=true").await.1,
            u64::from(sees)
        );
    }
    is(
        &ask(world, owner, "DELETE", &builders, &Value::Null).await,
        200,
    );
    assert!(!scene.sees(eve).await);
    // By being in the organization.
    let acme = world.cast.organization_id.to_string();
    scene.grant(&json!({"group_roles": {acme: "use"}})).await;
    let late = person(world, "late", &[]).await;
    assert!(!scene.sees(&late).await);
    is(
        &ask(world, owner, "POST", &in_acme(&late), &Value::Null).await,
        200,
    );
    assert!(scene.sees(&late).await && scene.sees(eve).await);
    is(
        &ask(world, owner, "DELETE", &in_acme(&late), &Value::Null).await,
        204,
    );
    assert!(!scene.sees(&late).await && scene.sees(eve).await);
    // Its owner may leave as well: it sleeps then, and an administrator looks after it.
    is(
        &ask(world, owner, "DELETE", &in_acme(&scene.una), &Value::Null).await,
        204,
    );
    assert!(!scene.sees(eve).await && !scene.sees(&scene.una).await);
    let found = get(world, owner, &scene.path).await.json();
    assert!(found["dormant_at"].is_string(), "{found}");
}
