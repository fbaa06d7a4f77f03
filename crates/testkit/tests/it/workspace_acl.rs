//! ACLs of workspaces over HTTP: the order of checks, spellings of ids, switches, and who loses what when.

use bursar_sdk::Client;
use serde_json::{Value, json};
use testkit::World;
use uuid::Uuid;

use crate::{
    support::{Answer, Person, ask, ask_text, get, is, lines, member, person, world},
    workspaces::{share, workspace},
};

pub(crate) const ACCESS: &[&str] = &["organization-workspace-access"];
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
pub(crate) struct Scene {
    pub(crate) world: World,
    pub(crate) una: Person,
    pub(crate) ben: Person,
    pub(crate) eve: Person,
    pub(crate) path: String,
}

impl Scene {
    pub(crate) async fn new() -> Self {
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

    pub(crate) async fn grant(&self, body: &Value) {
        is(
            &share(&self.world, &self.una.client, &self.path, body).await,
            204,
        );
    }

    pub(crate) async fn sees(&self, caller: &Person) -> bool {
        let answer = get(&self.world, &caller.client, &self.path).await;
        assert!(matches!(answer.status, 200 | 404), "{answer:?}");
        answer.status == 200
    }

    /// The people and groups of the ACL with their roles.
    pub(crate) async fn acl(&self) -> [Vec<(String, String)>; 2] {
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
    let nobody = Uuid::from_u128(7).to_string();
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
}

/// Whoever else may share it cannot bind its owner, who could then neither change that entry nor end all.
#[tokio::test]
async fn the_owner_is_given_no_entry() {
    let scene = Scene::new().await;
    let Scene { una, ben, .. } = &scene;
    scene
        .grant(&json!({"user_roles": {ben.id.to_string(): "admin"}}))
        .await;
    for role in ["use", "admin"] {
        let body = json!({"user_roles": {una.id.to_string(): role}}).to_string();
        let answer = scene.patch(&ben.client, &body).await;
        is(&answer, 400);
        let owns = format!("user_roles: user with ID {} owns the workspace", una.id);
        assert_eq!(complaints(&answer), [owns]);
    }
    let path = format!("{}/acl", scene.path);
    let ended = ask(&scene.world, &una.client, "DELETE", &path, &Value::Null).await;
    is(&ended, 204);
    assert!(!scene.sees(ben).await);
}

/// Before whatever else is wrong, in any spelling and with any role.
#[tokio::test]
async fn ones_own_entry_cannot_be_changed() {
    let scene = Scene::new().await;
    let una = &scene.una;
    let me = una.id.to_string();
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
}

#[tokio::test]
async fn all_that_is_wrong_is_told_together_and_nothing_written() {
    let scene = Scene::new().await;
    let Scene { una, ben, eve, .. } = &scene;
    let nobody = Uuid::from_u128(7).to_string();
    let outsider = person(&scene.world, "outsider", &[]).await.id.to_string();
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

#[tokio::test]
async fn every_change_of_a_workspace_is_recorded_once() {
    let world = world().await;
    let una = member(&world, "una", &["organization-workspace-access"]).await;
    let [ben, eve] = [
        member(&world, "ben", &[]).await,
        member(&world, "eve", &[]).await,
    ];
    let path = workspace(&world, &una.client, "plans").await;
    let id = |person: &Person| person.id.to_string();
    let acl = |roles: &[(&Person, &str)]| -> Value {
        let roles = roles.iter().map(|(person, role)| (id(person), json!(role)));
        json!({"user_roles": roles.collect::<serde_json::Map<_, _>>()})
    };
    let side = |roles: &[(&Person, &str)]| acl(roles)["user_roles"].clone();
    for (body, old, new) in [
        (
            acl(&[(&ben, "use"), (&eve, "use")]),
            side(&[]),
            side(&[(&ben, "use"), (&eve, "use")]),
        ),
        (
            acl(&[(&ben, "admin"), (&eve, "use")]),
            side(&[(&ben, "use")]),
            side(&[(&ben, "admin")]),
        ),
        (acl(&[(&ben, "")]), side(&[(&ben, "admin")]), side(&[])),
    ] {
        let answer = share(&world, &una.client, &path, &body).await;
        is(&answer, 204);
        let written = lines(&world, answer.request_id()).await;
        let [line] = &written[..] else {
            panic!("{written:?}")
        };
        assert_eq!(line.diff["user_acl"].old, old, "{body}");
        assert_eq!(line.diff["user_acl"].new, new, "{body}");
        assert_eq!(
            (line.resource_type.as_str(), line.resource_target.as_str()),
            ("workspace", "plans")
        );
    }
    // A change that changes nothing is no change.
    for body in [json!({}), acl(&[(&eve, "use"), (&ben, "")])] {
        let answer = share(&world, &una.client, &path, &body).await;
        is(&answer, 204);
        assert_eq!(lines(&world, answer.request_id()).await.len(), 0);
    }
    // An attempt without the right to it is recorded with its status.
    for (caller, body, status) in [
        (&eve.client, acl(&[(&ben, "use")]), 403),
        (&ben.client, acl(&[(&ben, "use")]), 404),
        (&una.client, acl(&[(&una, "use")]), 400),
    ] {
        let answer = share(&world, caller, &path, &body).await;
        is(&answer, status);
        let written = lines(&world, answer.request_id()).await;
        let [line] = &written[..] else {
            panic!("{written:?}")
        };
        assert_eq!(
            (line.status_code, line.resource_type.as_str()),
            (status, "workspace")
        );
    }
}
