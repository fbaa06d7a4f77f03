//! The audit log over HTTP: a line for each change, with its values, its actor and its request.

use bursar::demo::PASSWORD;
use bursar_sdk::{AuditListQuery, AuditLog};
use serde_json::{Value, json};
use testkit::World;

use crate::{
    scenes::{Scene, play, scenes},
    support::{brief, get, lines, login, world},
};

/// Plays a scene as the owner and checks the lines that it left, sorted, which it returns.
async fn changes(world: &World, scene: &Scene) -> Vec<AuditLog> {
    let owner = &world.cast.owner;
    let answer = play(world, owner, scene).await;
    let mut found = lines(world, answer.request_id()).await;
    found.sort_by_key(brief);
    let told: Vec<_> = found.iter().map(brief).collect();
    assert_eq!(told.join(", "), scene.expected, "{}", scene.line);
    let me = owner.user_get("me").await.unwrap().id;
    for line in &found {
        assert_eq!(line.request_id, Some(answer.request_id()));
        let user = line.user.as_ref().unwrap();
        assert_eq!((user.id, user.username.as_str()), (me, "owner"));
        assert_eq!(line.actor_name, "owner");
        assert!((200..300).contains(&line.status_code));
        assert!(line.description.starts_with("{user} "));
    }
    found
}

async fn one_change(world: &World, text: &str) -> Vec<AuditLog> {
    let scene = scenes(world, &[], text).remove(0);
    changes(world, &scene).await
}

/// Checks what the only column of the only line changed from and to.
#[track_caller]
fn only(lines: &[AuditLog], column: &str, old: &Value, new: &Value) {
    let [line] = lines else {
        panic!("{lines:?}");
    };
    assert_eq!(line.diff.keys().collect::<Vec<_>>(), [column]);
    let field = &line.diff[column];
    assert_eq!((&field.old, &field.new, field.secret), (old, new, false));
}

const ORGANIZATION: &str = r#"
    201 POST /organizations {"name": "beta"} => create assign_org_role organization-member, create assign_org_role organization-service-account, create group Everyone, create organization beta, create organization_member owner, write assign_org_role organization-member, write assign_org_role organization-service-account
    200 PATCH /organizations/beta {"display_name": "B"} => write organization beta
    200 PATCH /organizations/beta {"display_name": "B"} =>
    200 POST /organizations/beta/members/ada => create organization_member ada
    200 PUT /organizations/beta/members/ada/roles {"roles": ["organization-auditor"]} => write organization_member ada
    201 POST /organizations/beta/groups {"name": "g"} => create group g
"#;

/// What goes with something is told too, and by the name that it had.
const GROUP: &str = r#"
    200 PATCH /groups/<g> {"name": "h", "add_users": ["<ada>"]} => create group_member ada, write group h
    200 PATCH /groups/<g> {"remove_users": ["<ada>"]} => delete group_member ada
    200 PATCH /groups/<g> {"add_users": ["<ada>"]} => create group_member ada
    200 PUT /groups/<g>/ai/budget {"spend_limit_micros": 5} => create ai_budget h
    200 PUT /groups/<g>/ai/budget {"spend_limit_micros": 6} => write ai_budget h
    200 PUT /groups/<g>/ai/budget {"spend_limit_micros": 6} =>
    204 DELETE /groups/<g>/ai/budget => delete ai_budget h
    200 PUT /groups/<g>/ai/budget {"spend_limit_micros": 7} => create ai_budget h
    200 DELETE /groups/<g> => delete ai_budget h, delete group h, delete group_member ada
    201 POST /organizations/beta/groups {"name": "g"} => create group g
    200 PUT /groups/<beta>/ai/budget {"spend_limit_micros": 5} => create ai_budget Everyone
    200 DELETE /organizations/beta => delete ai_budget Everyone, delete group Everyone, delete group g, delete organization beta, delete organization_member ada, delete organization_member owner
"#;

#[tokio::test]
async fn changes_of_organizations_and_groups_leave_their_lines() {
    let world = world().await;
    let mut found = Vec::new();
    for scene in scenes(&world, &[], ORGANIZATION) {
        found.push(changes(&world, &scene).await);
    }
    let beta = found[0][0].organization_id.unwrap();
    let all = found.iter().flatten();
    assert!(
        all.into_iter()
            .all(|line| line.organization_id == Some(beta))
    );
    only(&found[1], "display_name", &json!("beta"), &json!("B"));
    only(
        &found[4],
        "roles",
        &json!([]),
        &json!(["organization-auditor"]),
    );
    assert_eq!(found[4][0].resource_id, world.cast.member_id.to_string());
    let group = found[5][0].resource_id.clone();

    let mut found = Vec::new();
    for scene in scenes(&world, &[("<g>", &group), ("<beta>", &beta)], GROUP) {
        found.push(changes(&world, &scene).await);
    }
    assert_eq!(found[0][0].diff["group_id"].new, json!(group));
    let name = &found[0][1].diff["name"];
    assert_eq!((&name.old, &name.new), (&json!("g"), &json!("h")));
    let limit = |step: usize| {
        let field = &found[step][0].diff["spend_limit_micros"];
        (field.old.as_i64(), field.new.as_i64())
    };
    assert_eq!(limit(3), (None, Some(5)));
    only(&found[4], "spend_limit_micros", &json!(5), &json!(6));
    assert_eq!(limit(6), (Some(6), None));
    assert_eq!(limit(8), (Some(7), None));
}

const PERSON: &str = r#"
    201 POST /users {"email": "e@example.com", "username": "eve", "password": "first-secret", "organization_ids": ["<acme>"]} => create organization_member eve, create user eve
    200 PUT /users/eve/roles {"roles": ["auditor"]} => write user eve
    200 PUT /users/eve/status/suspend => write user eve
    200 PUT /users/eve/status/suspend =>
    200 PUT /users/eve/status/activate => write user eve
"#;

/// The change of the password ends the session, which is told too.
const PERSON_WITH_KEYS: &str = r#"
    204 PUT /users/eve/password {"password": "second-secret"} => delete api_key , write user eve
    201 POST /users/eve/keys/tokens {"token_name": "ci"} => create api_key ci
    201 POST /users/eve/keys/tokens {"token_name": "cd", "scopes": ["group:read"]} => create api_key cd
    200 DELETE /users/eve => delete api_key cd, delete api_key ci, delete organization_member eve, delete user eve
"#;

#[tokio::test]
async fn changes_of_people_and_keys_leave_their_lines_without_the_secrets() {
    let world = world().await;
    let mut found = Vec::new();
    for scene in scenes(&world, &[], PERSON) {
        found.push(changes(&world, &scene).await);
    }
    assert_eq!(found[0][1].diff["email"].new, json!("e@example.com"));
    let hash = &found[0][1].diff["hashed_password"];
    assert_eq!((hash.secret, &hash.new), (true, &json!("")));
    only(&found[1], "roles", &json!([]), &json!(["auditor"]));
    only(&found[2], "status", &json!("active"), &json!("suspended"));

    let session = login(world.server.nobody(), "e@example.com", "first-secret")
        .await
        .unwrap();
    let mut found = Vec::new();
    for scene in scenes(&world, &[], PERSON_WITH_KEYS) {
        found.push(changes(&world, &scene).await);
    }
    let password = &found[0][1].diff;
    assert!(password["hashed_password"].secret && password.len() == 1);
    assert_eq!(found[2][0].diff["scopes"].new, json!(["group:read"]));
    assert!(found[2][0].diff["hashed_secret"].secret);

    let log = get(&world, &world.cast.owner, "/audit?limit=1000")
        .await
        .text;
    let token = session.token().unwrap().expose();
    let (_, secret) = token.split_once('-').unwrap();
    for secret in [
        "first-secret",
        "second-secret",
        PASSWORD,
        secret,
        "$argon2",
        "\\\\x",
    ] {
        assert!(!log.contains(secret), "{secret}");
    }
}

#[tokio::test]
async fn who_signs_in_and_who_sets_up_are_told() {
    let world = world().await;
    let of = |kind: &str, user: Option<&str>| AuditListQuery {
        resource_type: Some(kind.to_owned()),
        user: user.map(ToOwned::to_owned),
        limit: Some(1_000),
        ..Default::default()
    };
    let owner = &world.cast.owner;
    let own = owner.audit_list(&of("api_key", Some("ada"))).await.unwrap();
    assert!(own.count >= Some(2) && own.audit_logs.iter().all(|line| line.actor_name == "ada"));
    let people = owner.audit_list(&of("user", None)).await.unwrap();
    let first = people.audit_logs.last().unwrap();
    assert_eq!(
        (&first.user, first.resource_target.as_str()),
        (&None, "owner")
    );
    assert!(first.request_id.is_some() && !first.actor_name.is_empty());
}

#[tokio::test]
async fn changes_of_providers_leave_their_lines_without_the_keys() {
    let world = world().await;
    let made = r#"201 POST /ai/providers {"name": "near", "type": "openai", "base_url": "http://127.0.0.1:9/v1", "api_key": "sk-1-SECRET"} => create ai_provider near"#;
    let found = one_change(&world, made).await;
    let hidden = |column: &str| found[0].diff[column].secret;
    assert!(["ciphertext", "nonce", "key_id"].into_iter().all(hidden));
    let moved = r#"200 PATCH /ai/providers/near {"base_url": "http://127.0.0.1:8/v1", "api_key": "sk-2-SECRET"} => write ai_provider near"#;
    let found = one_change(&world, moved).await;
    let address = &found[0].diff["base_url"];
    assert_eq!(
        (&address.old, &address.new),
        (
            &json!("http://127.0.0.1:9/v1"),
            &json!("http://127.0.0.1:8/v1")
        )
    );
    assert!(found[0].diff["ciphertext"].secret);
    one_change(
        &world,
        "204 DELETE /ai/providers/near => delete ai_provider near",
    )
    .await;
    let log = get(&world, &world.cast.owner, "/audit?limit=1000").await;
    assert!(!log.text.contains("SECRET"));
}
