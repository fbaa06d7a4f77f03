//! Questions about rights: what is answered, to whom, and why.

use model::UserId;
use serde_json::{Value, json};

use crate::world::{Answer, GROUP, MEMBER, ORG, OWNER, STRANGER, World};

async fn ask(world: &World, who: UserId, query: &str, object: &Value, action: &str) -> Answer {
    let body = json!({"checks": {"it": {"object": object, "action": action}}});
    let path = format!("/api/v2/authcheck{query}");
    world.ask(Some(who), "POST", &path, &body.to_string()).await
}

async fn decided(world: &World, who: UserId, query: &str, object: &Value, action: &str) -> Value {
    let answer = ask(world, who, query, object, action).await;
    assert_eq!(answer.status.as_u16(), 200, "{object} {}", answer.text);
    answer.json()["it"].clone()
}

/// The words of an object: fields that are absent in a question are left out here.
fn of(resource: &str, more: &Value) -> Value {
    let mut object = json!({"resource_type": resource});
    for (key, value) in more.as_object().unwrap() {
        object[key] = value.clone();
    }
    object
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table of questions")]
async fn questions_are_answered_for_the_caller() {
    let world = World::new();
    let (org, member, owner) = (json!(ORG), json!(MEMBER), json!(OWNER));
    let rows = [
        (OWNER, "user", json!({}), "create", true),
        (MEMBER, "user", json!({}), "create", false),
        (MEMBER, "user", json!({"owner_id": "me"}), "read", true),
        (MEMBER, "user", json!({"owner_id": owner}), "read", false),
        (MEMBER, "user", json!({"owner_id": ""}), "read", false),
        (
            MEMBER,
            "group",
            json!({"organization_id": org}),
            "create",
            false,
        ),
        (
            OWNER,
            "group",
            json!({"organization_id": org}),
            "create",
            true,
        ),
        (
            MEMBER,
            "chat",
            json!({"organization_id": org, "owner_id": "me"}),
            "create",
            true,
        ),
        (
            MEMBER,
            "chat",
            json!({"any_org": true, "owner_id": "me"}),
            "create",
            true,
        ),
        (
            STRANGER,
            "chat",
            json!({"any_org": true, "owner_id": "me"}),
            "create",
            false,
        ),
        (
            MEMBER,
            "chat",
            json!({"organization_id": org, "owner_id": owner}),
            "read",
            false,
        ),
        // What does not exist is not allowed, not even to the owner.
        (OWNER, "spaceship", json!({}), "read", false),
        (OWNER, "user", json!({}), "fly", false),
        (OWNER, "user", json!({}), "ssh", false),
        // The row says whose it is, whatever the question says.
        (MEMBER, "user", json!({"resource_id": member}), "read", true),
        (
            MEMBER,
            "user",
            json!({"resource_id": owner, "owner_id": "me"}),
            "read",
            false,
        ),
        (
            MEMBER,
            "user",
            json!({"resource_id": owner, "owner_id": member}),
            "update_personal",
            false,
        ),
        (MEMBER, "group", json!({"resource_id": GROUP}), "read", true),
        (
            MEMBER,
            "group",
            json!({"resource_id": GROUP, "owner_id": "me"}),
            "update",
            false,
        ),
        (
            STRANGER,
            "group",
            json!({"resource_id": GROUP, "owner_id": "me"}),
            "read",
            false,
        ),
        (
            STRANGER,
            "organization",
            json!({"resource_id": org}),
            "read",
            false,
        ),
        (
            MEMBER,
            "organization",
            json!({"resource_id": org}),
            "read",
            true,
        ),
        (
            MEMBER,
            "organization_member",
            json!({"resource_id": member, "organization_id": org}),
            "read",
            true,
        ),
        (
            MEMBER,
            "organization_member",
            json!({"resource_id": member}),
            "read",
            false,
        ),
        // Rows that do not exist.
        (OWNER, "user", json!({"resource_id": GROUP}), "read", false),
        (OWNER, "group", json!({"resource_id": org}), "update", false),
        (
            OWNER,
            "chat",
            json!({"resource_id": GROUP, "owner_id": "me"}),
            "read",
            false,
        ),
    ];
    for (who, resource, more, action, expected) in rows {
        let object = of(resource, &more);
        let found = decided(&world, who, "", &object, action).await;
        assert_eq!(found, json!(expected), "{who} {action} {object}");
        // The reason never says otherwise.
        let why = decided(&world, who, "?explain=true", &object, action).await;
        assert_eq!(why["allowed"], json!(expected), "{who} {action} {object}");
    }
}

#[tokio::test]
async fn the_reason_names_what_decided() {
    let world = World::new();
    let own = json!({"resource_type": "user", "resource_id": MEMBER});
    let why = decided(&world, MEMBER, "?explain=true", &own, "read").await;
    let why = &why["explanation"];
    assert_eq!(why["roles"]["verdict"], "granted");
    let cause = &why["roles"]["cause"];
    assert_eq!(
        (&cause["level"], &cause["role"]),
        (&json!("user"), &json!("member"))
    );
    assert_eq!(cause["permission"], "user:read");
    assert_eq!(why["scope"]["cause"]["role"], "all");
    assert_eq!(why["allow_list"], "*:*");
    assert_eq!(why["acl"], json!({"verdict": "silent"}));
    let text = why["text"].as_str().unwrap();
    assert!(
        text.starts_with("allow user:read; roles: granted by"),
        "{text}"
    );

    let group = json!({"resource_type": "group", "resource_id": GROUP});
    let why = decided(&world, MEMBER, "?explain=true", &group, "update").await;
    assert_eq!(why["explanation"]["roles"], json!({"verdict": "silent"}));
    let why = decided(
        &world,
        OWNER,
        "?explain=true",
        &json!({"resource_type": "user"}),
        "ssh",
    )
    .await;
    assert_eq!(why["explanation"]["fault"], "undeclared_action");
    let unknown = json!({"resource_type": "spaceship"});
    let why = decided(&world, OWNER, "?explain=true", &unknown, "read").await;
    assert_eq!(why, json!({"allowed": false}));

    // A narrow token is told what narrows it.
    world.store.state().keys[0].0.scopes = vec!["user:read".to_owned()];
    let why = decided(
        &world,
        OWNER,
        "?explain=true",
        &json!({"resource_type": "user"}),
        "create",
    )
    .await;
    assert_eq!(why["allowed"], false);
    assert_eq!(why["explanation"]["roles"]["verdict"], "granted");
    assert_eq!(why["explanation"]["scope"], json!({"verdict": "silent"}));
}

#[tokio::test]
async fn the_rights_of_others_are_told_to_who_may_see_them_only() {
    let world = World::new();
    let group = json!({"resource_type": "group", "resource_id": GROUP});
    let user = json!({"resource_type": "user", "owner_id": "me"});
    let check = async |who: UserId, user: &str, object: &Value, action: &str, expected: u16| {
        let query = format!("?explain=true&user={user}");
        let answer = ask(&world, who, &query, object, action).await;
        assert_eq!(
            answer.status.as_u16(),
            expected,
            "{who} {user}: {}",
            answer.text
        );
        answer.json()["it"].clone()
    };
    let told = check(OWNER, "max", &group, "read", 200).await;
    assert_eq!(told["allowed"], true);
    let told = check(OWNER, "max", &group, "update", 200).await;
    assert_eq!(told["allowed"], false);
    let told = check(OWNER, "sam", &group, "read", 200).await;
    assert_eq!(told["allowed"], false);
    let told = check(OWNER, &MEMBER.to_string(), &user, "read", 200).await;
    assert_eq!(told["explanation"]["roles"]["cause"]["level"], "user");
    // Oneself under any name, and without more rights than the token has.
    for name in ["me", "max", "MAX", &MEMBER.to_string()] {
        let told = check(MEMBER, name, &group, "update", 200).await;
        assert_eq!(told["allowed"], false);
    }
    // Every member may see which roles there are, but not who holds them.
    check(MEMBER, "olga", &group, "read", 404).await;
    check(MEMBER, "nobody", &group, "read", 404).await;
    check(STRANGER, "max", &group, "read", 404).await;
    assert_eq!(world.calls("audit_refused"), 0, "a question is no write");
    // Nor does a token that may see people, but no roles.
    world.store.state().keys[0].0.scopes = vec!["user:read".to_owned()];
    check(OWNER, "max", &group, "read", 404).await;
    world.store.state().keys[0].0.scopes = vec!["assign_role:read".to_owned()];
    check(OWNER, "max", &group, "read", 404).await;
    // The row is looked up with the caller's rights.
    let enough = ["user:read", "assign_role:read", "organization:read"].map(str::to_owned);
    // Without the last, what the person may do in an organization that the token cannot see stays hidden.
    world.store.state().keys[0].0.scopes = enough[..2].to_vec();
    check(OWNER, "max", &group, "read", 404).await;
    world.store.state().keys[0].0.scopes = enough.to_vec();
    let told = check(OWNER, "max", &group, "read", 200).await;
    assert_eq!(told, json!({"allowed": false}));
}

#[tokio::test]
async fn many_questions_are_asked_at_once_and_not_too_many() {
    let world = World::new();
    let many = |count: usize, object: &Value| {
        let checks = (0..count).map(|number| {
            let check = json!({"object": object, "action": "read"});
            (number.to_string(), check)
        });
        let checks: serde_json::Map<String, Value> = checks.collect();
        json!({ "checks": checks }).to_string()
    };
    let post = async |body: &str| {
        world
            .ask(Some(OWNER), "POST", "/api/v2/authcheck", body)
            .await
    };
    let group = json!({"resource_type": "group", "resource_id": GROUP});
    let answer = post(&many(1_000, &group)).await;
    let answers = answer.json();
    let answers = answers.as_object().unwrap();
    assert_eq!(answers.len(), 1_000);
    assert!(answers.values().all(|allowed| *allowed == json!(true)));
    assert_eq!(world.calls("group_get"), 1, "a row is looked up once");
    let answer = post(&many(1_001, &group)).await;
    assert_eq!(answer.status.as_u16(), 400);
    assert_eq!(answer.json()["validations"][0]["field"], "checks");
    for body in [r#"{"checks": {}}"#, r#"{"checks": null}"#] {
        assert_eq!(post(body).await.json(), json!({}));
    }
}

#[tokio::test]
async fn questions_that_cannot_be_read_are_refused() {
    let world = World::new();
    let check = async |object: Value, field: &str| {
        let answer = ask(&world, OWNER, "", &object, "read").await;
        assert_eq!(answer.status.as_u16(), 400, "{object}: {}", answer.text);
        assert_eq!(answer.json()["validations"][0]["field"], field, "{object}");
    };
    check(json!({}), "checks.it.object.resource_type").await;
    check(
        json!({"resource_type": ""}),
        "checks.it.object.resource_type",
    )
    .await;
    check(
        of("user", &json!({"owner_id": "x"})),
        "checks.it.object.owner_id",
    )
    .await;
    check(
        of("user", &json!({"organization_id": "x"})),
        "checks.it.object.organization_id",
    )
    .await;
    check(
        of("user", &json!({"resource_id": "me"})),
        "checks.it.object.resource_id",
    )
    .await;
    let path = "/api/v2/authcheck?explain=maybe";
    let answer = world
        .ask(Some(OWNER), "POST", path, r#"{"checks": {}}"#)
        .await;
    assert_eq!(answer.status.as_u16(), 400);
    let answer = world.ask(None, "POST", "/api/v2/authcheck", "{").await;
    assert_eq!(answer.status.as_u16(), 401);
}

#[tokio::test]
async fn every_scope_is_listed_under_a_name_that_a_token_takes() {
    let world = World::new();
    let answer = world.get(Some(STRANGER), "/api/v2/auth/scopes").await;
    assert_eq!(answer.status.as_u16(), 200);
    let scopes = answer.json()["external"].clone();
    let mut scopes: Vec<String> = serde_json::from_value(scopes).unwrap();
    assert!(scopes.is_sorted() && scopes.contains(&"group:read".to_owned()));
    // That one asks for admin mode.
    let listed = scopes.len();
    scopes.retain(|scope| scope != "admin_mode");
    assert_eq!(scopes.len(), listed - 1);
    let body = json!({ "scopes": scopes }).to_string();
    let made = world
        .ask(Some(OWNER), "POST", "/api/v2/users/me/keys/tokens", &body)
        .await;
    assert_eq!(made.status.as_u16(), 201, "{}", made.text);
}
