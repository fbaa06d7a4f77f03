//! ACLs of workspaces over HTTP: the order of checks, spellings of ids, switches, and who loses what when.

use bursar_sdk::Client;
use serde_json::{Value, json};
use testkit::{ServerOptions, TestServer, World};
use uuid::Uuid;

use crate::{
    support::{Answer, Person, ask, ask_text, get, is, member, person, send, world},
    workspaces::{listed, share, workspace},
};

const ACCESS: &[&str] = &["organization-workspace-access"];
const OWN: &str = "Cannot change your own workspace sharing role.";
const INVALID: &str = "Invalid request to update workspace ACL.";

/// The complaints of an answer, as `field: detail`.
fn complaints(answer: &Answer) -> Vec<String> {
    let body = answer.json();
    let validations = body["validations"].as_array().cloned().unwrap_or_default();
    let text = |one: &Value, key: &str| one[key].as_str().unwrap().to_owned();
    let complaint = |one: &Value| format!("{}: {}", text(one, "field"), text(one, "detail"));
    validations.iter().map(complaint).collect()
}

/// An owner with a workspace, somebody who may use it, and somebody who may not.
struct Scene {
    world: World,
    una: Person,
    ben: Person,
    eve: Person,
    path: String,
}

impl Scene {
    async fn new() -> Self {
        let world = world().await;
        let una = member(&world, "una", ACCESS).await;
        let ben = member(&world, "ben", &[]).await;
        let eve = member(&world, "eve", &[]).await;
        let path = workspace(&world, &una.client, "plans").await;
        let scene = Self {
            world,
            una,
            ben,
            eve,
            path,
        };
        scene
            .grant(&json!({"user_roles": {scene.ben.id.to_string(): "use"}}))
            .await;
        scene
    }

    async fn patch(&self, caller: &Client, body: &str) -> Answer {
        let path = format!("{}/acl", self.path);
        ask_text(&self.world, caller, "PATCH", &path, body.to_owned()).await
    }

    async fn grant(&self, body: &Value) {
        is(
            &share(&self.world, &self.una.client, &self.path, body).await,
            204,
        );
    }

    async fn sees(&self, caller: &Person) -> bool {
        let answer = get(&self.world, &caller.client, &self.path).await;
        assert!(matches!(answer.status, 200 | 404), "{answer:?}");
        answer.status == 200
    }

    /// The people and groups of the ACL with their roles.
    async fn acl(&self) -> [Vec<(String, String)>; 2] {
        let answer = get(&self.world, &self.una.client, &format!("{}/acl", self.path)).await;
        is(&answer, 200);
        let body = answer.json();
        let entry = |name: &'static str| {
            move |one: &Value| {
                let text = |key: &str| one[key].as_str().unwrap().to_owned();
                (text(name), text("role"))
            }
        };
        let side = |side: &str, name| {
            body[side]
                .as_array()
                .unwrap()
                .iter()
                .map(entry(name))
                .collect()
        };
        [side("users", "username"), side("groups", "name")]
    }

    /// Runs SQL as somebody who works in the database by hand.
    async fn by_hand(&self, statement: &str) {
        let client = self.world.database.owner().await.unwrap();
        let statement = format!("SET bursar.actor_name = 'by hand'; {statement}");
        client.batch_execute(&statement).await.unwrap();
    }
}

#[tokio::test]
async fn what_is_wrong_is_told_in_this_order() {
    let scene = Scene::new().await;
    let Scene { una, ben, eve, .. } = &scene;
    let me = una.id.to_string();
    let nobody = Uuid::from_u128(7).to_string();
    let outsider = person(&scene.world, "outsider", &[]).await.id.to_string();
    let garbage = "{\"user_roles\"";
    let unknown = json!({"user_roles": {&nobody: "use"}}).to_string();
    for (who, caller, body, status) in [
        ("a stranger", &eve.client, garbage, 404),
        ("a stranger", &eve.client, unknown.as_str(), 404),
        ("a reader", &ben.client, garbage, 403),
        ("a reader", &ben.client, unknown.as_str(), 403),
        ("its owner", &una.client, garbage, 400),
        ("its owner", &una.client, "null", 400),
        ("its owner", &una.client, r#"{"user_roles": {"x": 5}}"#, 400),
        (
            "its owner",
            &una.client,
            r#"{"user_roles": null, "group_roles": {}}"#,
            204,
        ),
        ("its owner", &una.client, "{}", 204),
    ] {
        let answer = scene.patch(caller, body).await;
        assert_eq!(answer.status, status, "{who} {body}: {}", answer.text);
    }
    let words = scene.patch(&una.client, garbage).await.message();
    assert_eq!(words, "Request body must be valid JSON.");
    // One's own entry comes before whatever else is wrong, in any spelling and with any role.
    let spellings = [
        me.clone(),
        me.to_uppercase(),
        format!("{{{me}}}"),
        format!("urn:uuid:{me}"),
        me.replace('-', ""),
    ];
    for spelling in &spellings {
        for role in ["use", "", "nonsense"] {
            let body =
                json!({"user_roles": {spelling: role, "x": "y"}, "group_roles": {"z": "use"}});
            let answer = scene.patch(&una.client, &body.to_string()).await;
            is(&answer, 400);
            assert_eq!(
                (answer.message().as_str(), complaints(&answer)),
                (OWN, vec![]),
                "{body}"
            );
        }
    }
    // Then everything that is wrong, together.
    let body = json!({
        "user_roles": {
            "not-a-uuid": "use", &nobody: "use", &outsider: "admin", eve.id.to_string(): "owner",
            ben.id.to_string(): "", ben.id.to_string().to_uppercase(): "use",
        },
        "group_roles": {&nobody: "admin", "": "", eve.id.to_string(): "use"},
    });
    let answer = scene.patch(&una.client, &body.to_string()).await;
    is(&answer, 400);
    assert_eq!(answer.message(), INVALID);
    let mut found = complaints(&answer);
    let fields: Vec<_> = answer.fields();
    assert!(fields.is_sorted(), "groups come first: {fields:?}");
    let mut expected = vec![
        "group_roles:  is not a valid UUID.".to_owned(),
        format!("group_roles: group with ID {nobody} does not exist"),
        format!("group_roles: group with ID {} does not exist", eve.id),
        "user_roles: not-a-uuid is not a valid UUID.".to_owned(),
        "user_roles: role \"owner\" is not a valid workspace role".to_owned(),
        format!(
            "user_roles: user with ID {} is named more than once",
            ben.id
        ),
        format!("user_roles: user with ID {nobody} does not exist"),
        format!("user_roles: user with ID {outsider} does not exist"),
    ];
    found.sort();
    expected.sort();
    assert_eq!(found, expected);
    assert_eq!(
        scene.acl().await[0],
        [("ben".to_owned(), "use".to_owned())],
        "nothing was written"
    );
}

#[tokio::test]
async fn an_acl_shows_names_and_numbers_and_keeps_whom_a_change_does_not_name() {
    let scene = Scene::new().await;
    let Scene {
        world, ben, eve, ..
    } = &scene;
    let (acme, builders) = (world.cast.organization_id, world.cast.group_id);
    scene
        .grant(&json!({"user_roles": {eve.id.to_string().to_uppercase(): "admin"}}))
        .await;
    scene
        .grant(&json!({"group_roles": {
            builders.to_string(): "use", format!("{{{acme}}}"): "use",
        }}))
        .await;
    let answer = get(world, &eve.client, &format!("{}/acl", scene.path)).await;
    is(&answer, 200);
    assert!(!answer.text.contains('@'), "{answer:?}");
    let user = |person: &Person, name: &str, role: &str| json!({"id": person.id, "username": name, "name": "", "avatar_url": "", "role": role});
    let members = get(world, &world.cast.owner, &format!("/groups/{acme}"))
        .await
        .json();
    let group = |id: Uuid, name: &str, count: &Value| {
        json!({
            "id": id, "name": name, "display_name": "", "organization_id": acme, "members": [],
            "total_member_count": count, "avatar_url": "", "quota_allowance": 0, "source": "user",
            "organization_name": "acme", "organization_display_name": "Acme", "role": "use",
        })
    };
    let mut body = answer.json();
    for group in body["groups"].as_array_mut().unwrap() {
        group["display_name"] = json!("");
    }
    let expected = json!({
        "users": [user(ben, "ben", "use"), user(eve, "eve", "admin")],
        "groups": [
            group(builders, "builders", &json!(1)),
            group(acme, "Everyone", &members["total_member_count"]),
        ],
    });
    assert_eq!(body, expected);
    // Who vanished can be taken out, and what is not there may be removed.
    let nobody = Uuid::from_u128(9).to_string();
    let body = json!({
        "user_roles": {ben.id.to_string(): "", &nobody: ""},
        "group_roles": {builders.to_string(): "", &nobody: ""},
    });
    scene.grant(&body).await;
    let names = |side: &[(String, String)]| {
        side.iter()
            .map(|(name, _)| name.clone())
            .collect::<Vec<_>>()
    };
    let [users, groups] = scene.acl().await;
    assert_eq!(
        (names(&users), names(&groups)),
        (vec!["eve".to_owned()], vec!["Everyone".to_owned()])
    );
    let path = format!("{}/acl", scene.path);
    is(
        &ask(world, &scene.una.client, "DELETE", &path, &Value::Null).await,
        204,
    );
    assert_eq!(scene.acl().await, [vec![], vec![]]);
    is(
        &ask(world, &scene.una.client, "DELETE", &path, &Value::Null).await,
        204,
    );
}

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

#[tokio::test]
async fn a_suspended_person_gets_no_role_and_can_be_taken_out() {
    let scene = Scene::new().await;
    let Scene {
        world, ben, una, ..
    } = &scene;
    world.cast.owner.user_suspend(ben.id).await.unwrap();
    let id = ben.id.to_string();
    for (role, status) in [("admin", 400), ("use", 400), ("", 204), ("use", 400)] {
        let body = json!({"user_roles": {&id: role}});
        let answer = share(world, &una.client, &scene.path, &body).await;
        is(&answer, status);
        if status == 400 {
            let expected = format!("user_roles: user with ID {id} does not exist");
            assert_eq!(complaints(&answer), [expected]);
        }
    }
    // By hand too: what was deleted is nobody's.
    scene.by_hand("UPDATE workspaces SET deleted = true").await;
    is(&get(world, &una.client, &scene.path).await, 404);
}
