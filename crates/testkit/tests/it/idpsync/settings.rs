//! The settings' shapes, what is refused, and what a preview tells.

use serde_json::{Value, json};
use testkit::World;
use uuid::Uuid;

use super::{GROUPS, ROLES, SITE, set};
use crate::{
    roles::made,
    scenes::play_all,
    support::{ask, brief, get, is, lines, member, person, world},
};

/// Changes a setting as the owner, checks what it is then, and tells the audit lines of the change.
async fn changed(world: &World, path: &str, body: Value, expected: Value) -> Vec<String> {
    let owner = &world.cast.owner;
    let answer = set(world, owner, path, &body).await;
    is(&answer, 200);
    assert_eq!(answer.json(), expected, "{path} {body}");
    assert_eq!(get(world, owner, path).await.json(), expected, "{path}");
    let lines = lines(world, answer.request_id()).await;
    lines.iter().map(brief).collect()
}

fn groups_off() -> Value {
    json!({"field": "", "mapping": {}, "regex_filter": null, "auto_create_missing_groups": false})
}

#[tokio::test]
async fn settings_are_off_at_first_and_change_by_parts() {
    let world = world().await;
    let (group, acme) = (world.cast.group_id, world.cast.organization_id);
    let off = json!({"field": "", "mapping": {}, "organization_assign_default": true});
    for (path, expected) in [
        (SITE, off),
        (ROLES, json!({"field": "", "mapping": {}})),
        (GROUPS, groups_off()),
    ] {
        let found = get(&world, &world.cast.owner, path).await;
        assert_eq!(found.json(), expected);
    }
    let orgs = json!({"field": "orgs", "mapping": {"a": [acme, acme], "b": null}, "more": 1});
    let with_default = |default: bool| {
        json!({
            "field": "orgs", "mapping": {"a": [acme], "b": []},
            "organization_assign_default": default,
        })
    };
    let without = json!({"organization_assign_default": false});
    // A change that changes nothing is no line.
    for (body, expected, line) in [
        (
            orgs,
            with_default(true),
            &["create idpsync_settings organization"][..],
        ),
        (
            without,
            with_default(false),
            &["write idpsync_settings organization"],
        ),
        (json!({}), with_default(false), &[]),
    ] {
        assert_eq!(changed(&world, SITE, body, expected).await, line);
    }
    let all = json!({
        "field": "realm_access.groups", "mapping": {"a": [group]}, "regex_filter": "^team-",
        "auto_create_missing_groups": true,
    });
    let line = changed(&world, GROUPS, all.clone(), all).await;
    assert_eq!(line, ["create idpsync_settings groups"]);
    // As programs in Go send the settings of a synchronization that is off.
    let none = json!({
        "field": "", "mapping": null, "regex_filter": null, "auto_create_missing_groups": false,
    });
    let line = changed(&world, GROUPS, none, groups_off()).await;
    assert_eq!(line, ["write idpsync_settings groups"]);
}

/// Another role of its name must not inherit its place.
#[tokio::test]
async fn a_role_that_is_gone_leaves_the_mapping() {
    let world = world().await;
    made(&world, "reviewer", &["group:read"], &[]).await;
    let both = json!({"field": "roles", "mapping": {"a": ["organization-admin", "reviewer"]}});
    let line = changed(&world, ROLES, both.clone(), both).await;
    assert_eq!(line, ["create idpsync_settings roles"]);
    let path = "/organizations/acme/members/roles/reviewer";
    let owner = &world.cast.owner;
    is(&ask(&world, owner, "DELETE", path, &Value::Null).await, 204);
    let rest = json!({"field": "roles", "mapping": {"a": ["organization-admin"]}});
    assert_eq!(get(&world, owner, ROLES).await.json(), rest);
}

const REFUSED: &str = r#"
    400 PATCH /organizations/acme/settings/idpsync/groups {"regex_filter": "("} => regex_filter
    400 PATCH /organizations/acme/settings/idpsync/groups {"regex_filter": "(?=a)"} => regex_filter
    400 PATCH /organizations/acme/settings/idpsync/groups {"regex_filter": "(a{1000}){1000}"} => regex_filter
    400 PATCH /organizations/acme/settings/idpsync/groups {"regex_filter": 5} => regex_filter
    400 PATCH /organizations/acme/settings/idpsync/groups {"field": "a\u0000"} => field
    400 PATCH /organizations/acme/settings/idpsync/groups {"mapping": {"": ["<group>"]}} => mapping
    400 PATCH /organizations/acme/settings/idpsync/groups {"mapping": {"\u0000": ["<group>"]}} => mapping
    400 PATCH /organizations/acme/settings/idpsync/groups {"mapping": {"a": ["builders"]}} => mapping.a[0]
    400 PATCH /organizations/acme/settings/idpsync/groups {"mapping": {"a": "<group>"}} => mapping.a
    400 PATCH /organizations/acme/settings/idpsync/groups {"mapping": {"a": ["<acme>"]}}
    400 PATCH /organizations/acme/settings/idpsync/groups {"mapping": {"a": ["<elsewhere>"]}}
    400 PATCH /organizations/acme/settings/idpsync/groups {"mapping": {"a": ["<ada>"]}}
    400 PATCH /organizations/acme/settings/idpsync/roles {"mapping": {"a": ["owner"]}}
    400 PATCH /organizations/acme/settings/idpsync/roles {"mapping": {"a": ["user-admin"]}}
    400 PATCH /organizations/acme/settings/idpsync/roles {"mapping": {"a": ["organization-member"]}}
    400 PATCH /organizations/acme/settings/idpsync/roles {"mapping": {"a": ["organization-service-account"]}}
    400 PATCH /organizations/acme/settings/idpsync/roles {"mapping": {"a": ["unheard-of"]}}
    400 PATCH /organizations/acme/settings/idpsync/roles {"mapping": {"a": [""]}}
    400 PATCH /organizations/acme/settings/idpsync/roles {"mapping": {"a": ["organization-admin:<acme>"]}}
    400 PATCH /settings/idpsync/organization {"mapping": {"a": ["<ada>"]}}
    400 PATCH /settings/idpsync/organization {"mapping": {"a": ["acme"]}} => mapping.a[0]
    400 PATCH /settings/idpsync/organization {"organization_assign_default": "yes"} => organization_assign_default
    404 PATCH /organizations/nowhere/settings/idpsync/groups {}
    404 GET /organizations/nowhere/settings/idpsync/roles
    400 POST /settings/idpsync/preview {} => claims
    404 POST /settings/idpsync/preview {"claims": {}, "user": "nobody"}
"#;

#[tokio::test]
async fn what_cannot_be_meant_is_refused_and_changes_nothing() {
    let world = world().await;
    let owner = &world.cast.owner;
    let body = json!({"name": "elsewhere"});
    let made = ask(
        &world,
        owner,
        "POST",
        "/organizations/default/groups",
        &body,
    )
    .await;
    let elsewhere: Uuid = made.json()["id"].as_str().unwrap().parse().unwrap();
    play_all(&world, owner, &[("<elsewhere>", &elsewhere)], REFUSED).await;
    let wide: Vec<_> = (0..1001).map(|n| (n.to_string(), json!([]))).collect();
    let wide: serde_json::Map<_, _> = wide.into_iter().collect();
    let answer = set(&world, owner, ROLES, &json!({ "mapping": wide })).await;
    assert_eq!(
        (answer.status, answer.fields()),
        (400, vec!["mapping".to_owned()])
    );
    for path in [SITE, GROUPS, ROLES] {
        assert_eq!(get(&world, owner, path).await.json()["mapping"], json!({}));
    }
}

const EVERYWHERE: &str = "/settings/idpsync/preview";
const IN_ACME: &str = "/organizations/acme/settings/idpsync/preview";

/// The claims, who signs in, and where it is asked; joined, left; groups joined, made, left; roles; warnings.
const PREVIEWS: &str = r#"
    {"orgs":"a","groups":["g","new"],"roles":["r"]} | | everywhere | <acme> | | <group> | new | | auditor | 0
    {"orgs":[],"groups":[],"roles":5}               | ada | everywhere | | <acme> | | | | | 0
    {"orgs":"a","groups":["g"],"roles":[]}          | ada | everywhere | | | | | | | 0
    {"groups":[],"roles":5}                         | ada | acme | | | | | <group> | | 1
    {"groups":["G"],"roles":["r"]}                  | | acme | | | | G | | auditor | 0
"#;

#[tokio::test]
async fn a_preview_tells_what_a_sign_in_would_do() {
    let world = world().await;
    let (group, acme) = (world.cast.group_id, world.cast.organization_id);
    for (path, body) in [
        (
            SITE,
            json!({"field": "orgs", "mapping": {"a": [acme]}, "organization_assign_default": false}),
        ),
        (
            GROUPS,
            json!({"field": "groups", "mapping": {"g": [group]}, "auto_create_missing_groups": true}),
        ),
        (
            ROLES,
            json!({"field": "roles", "mapping": {"r": ["organization-auditor"]}}),
        ),
    ] {
        is(&set(&world, &world.cast.owner, path, &body).await, 200);
    }
    let table = PREVIEWS.replace("<acme>", &acme.to_string());
    let table = table.replace("<group>", &group.to_string());
    let table = table.replace("auditor", "organization-auditor");
    for line in table.trim().lines() {
        let cells: Vec<_> = line.split('|').map(str::trim).collect();
        let words = |cell: usize| cells[cell].split_whitespace().collect::<Vec<_>>();
        let claims: Value = serde_json::from_str(cells[0]).unwrap();
        let user = words(1).pop();
        let path = if cells[2] == "acme" {
            IN_ACME
        } else {
            EVERYWHERE
        };
        let body = json!({"claims": claims, "user": user});
        let answer = ask(&world, &world.cast.owner, "POST", path, &body).await;
        is(&answer, 200);
        let told = answer.json();
        let roles = Some(words(8)).filter(|roles| !roles.is_empty());
        let inside = json!({
            "organization_id": acme, "groups_to_join": words(5), "groups_to_create": words(6),
            "groups_to_leave": words(7), "roles": roles,
        });
        let changes = (5..=8).any(|cell| !cells[cell].is_empty());
        let organizations: &[Value] = if changes { &[inside] } else { &[] };
        assert_eq!(told["organizations_to_join"], json!(words(3)), "{line}");
        assert_eq!(told["organizations_to_leave"], json!(words(4)), "{line}");
        assert_eq!(told["organizations"], json!(organizations), "{line}");
        let warnings = told["warnings"].as_array().unwrap().len();
        assert_eq!(warnings.to_string(), cells[9], "{line}");
        assert!(lines(&world, answer.request_id()).await.is_empty());
    }
}

#[tokio::test]
async fn a_preview_is_not_for_everybody() {
    let world = world().await;
    let reader = member(&world, "reader", &["organization-auditor"])
        .await
        .client;
    for caller in [&world.cast.member, &reader] {
        for path in [EVERYWHERE, IN_ACME] {
            for user in [Value::Null, json!("ada")] {
                let body = json!({"claims": {}, "user": user});
                is(&ask(&world, caller, "POST", path, &body).await, 404);
            }
        }
    }
    let keeper = member(&world, "keeper", &["organization-user-admin"])
        .await
        .client;
    let body = json!({"claims": {}, "user": "ada"});
    is(&ask(&world, &keeper, "POST", IN_ACME, &body).await, 200);
    is(&ask(&world, &keeper, "POST", EVERYWHERE, &body).await, 404);
    // Of people elsewhere it tells nothing.
    let body = json!({"claims": {}, "user": "outsider"});
    person(&world, "outsider", &[]).await;
    is(&ask(&world, &keeper, "POST", IN_ACME, &body).await, 404);
}
