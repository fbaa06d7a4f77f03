//! Many at once: one wins where only one can, the others are told why, and nobody trips over anybody.

use futures_util::{StreamExt, future::join_all, stream};
use serde_json::{Value, json};
use testkit::World;

use crate::{
    scenes::{Scene, scenes},
    support::{ask, ask_text, is, member, world},
};

/// Sends the same request twelve times at once; one is answered with `won`, the others with `lost`.
async fn one_wins(world: &World, (method, path, body): (&str, &str, Value), won: u16, lost: u16) {
    let owner = &world.cast.owner;
    let answers = join_all((0..12).map(|_| ask(world, owner, method, path, &body))).await;
    let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(
        (statuses[0], &statuses[1..]),
        (won, &[lost; 11][..]),
        "{method} {path}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_many_makes_it_and_one_removes_it() {
    let world = world().await;
    let user = json!({
        "email": "eve@example.com", "username": "eve", "login_type": "none",
        "organization_ids": [world.cast.organization_id],
    });
    let provider =
        json!({"name": "p", "type": "openai", "base_url": "http://127.0.0.1:9/v1", "api_key": "k"});
    let makes = [
        ("/users", user),
        ("/users/eve/keys/tokens", json!({"token_name": "ci"})),
        ("/organizations", json!({"name": "beta"})),
        ("/organizations/acme/groups", json!({"name": "night"})),
        ("/ai/providers", provider),
    ];
    for (path, body) in makes {
        one_wins(&world, ("POST", path, body), 201, 409).await;
    }
    let owner = &world.cast.owner;
    one_wins(
        &world,
        ("POST", "/organizations/beta/members/eve", Value::Null),
        200,
        409,
    )
    .await;
    let night = owner.organization_group_list("acme").await.unwrap();
    let night = night.iter().find(|group| group.name == "night").unwrap().id;
    let key = owner.api_key_list("eve").await.unwrap().remove(0).id;
    for (path, status) in [
        ("/organizations/beta/members/eve".to_owned(), 204),
        (format!("/groups/{night}"), 200),
        ("/organizations/beta".to_owned(), 200),
        ("/ai/providers/p".to_owned(), 204),
        (format!("/users/eve/keys/{key}"), 204),
        ("/users/eve".to_owned(), 200),
    ] {
        one_wins(&world, ("DELETE", &path, Value::Null), status, 404).await;
    }
}

/// Whatever their statuses: the zero is for none.
const ACTS: &str = r#"
    0 POST /organizations/acme/members/eve
    0 DELETE /organizations/acme/members/eve
    0 PATCH /groups/<group> {"add_users": ["<eve>"]}
    0 PATCH /groups/<group> {"remove_users": ["<eve>", "<ada>"]}
    0 PATCH /groups/<group> {"add_users": ["<eve>", "<ada>"]}
    0 PUT /organizations/acme/members/eve/roles {"roles": ["organization-auditor"]}
    0 PUT /groups/<group>/ai/budget {"spend_limit_micros": 5}
    0 DELETE /groups/<group>/ai/budget
    0 PUT /groups/<acme>/ai/budget {"spend_limit_micros": 5}
    0 POST /organizations/acme/groups {"name": "builders"}
    0 PATCH /organizations/acme {"description": "x"}
    0 PUT /users/eve/status/suspend
    0 PUT /users/eve/status/activate
    0 PUT /users/eve/roles {"roles": ["auditor"]}
    0 POST /users/eve/keys/tokens {}
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_who_change_the_same_organization_at_once_wait_for_each_other() {
    let world = world().await;
    let (owner, group) = (&world.cast.owner, world.cast.group_id);
    let eve = member(&world, "eve", &[]).await.id;
    let acts = scenes(&world, &[("<eve>", &eve)], ACTS);
    let many = (0..600).map(|number| acts[number * 7 % acts.len()].clone());
    let check = async |scene: Scene| {
        let Scene {
            method,
            path,
            body,
            line,
            ..
        } = scene;
        let answer = ask_text(&world, owner, &method, &path, body).await;
        assert!(answer.status < 500, "{line}: {answer:?}");
    };
    stream::iter(many).for_each_concurrent(12, check).await;
    // In the end everything goes at once.
    let path = format!("/groups/{group}");
    let ends = [
        ("DELETE", "/organizations/acme"),
        ("DELETE", path.as_str()),
        ("DELETE", "/users/eve"),
    ];
    let ends = join_all(
        ends.iter()
            .map(|(method, path)| ask(&world, owner, method, path, &Value::Null)),
    )
    .await;
    assert!(
        ends.iter().all(|answer| matches!(answer.status, 200 | 404)),
        "{ends:?}"
    );
    is(&ends[0], 200);
    let sql = "SELECT (SELECT count(*) FROM group_members) + (SELECT count(*) FROM group_ai_budgets) \
               + (SELECT count(*) FROM organization_members WHERE organization_id = $1)";
    let database = world.database.owner().await.unwrap();
    let left: i64 = database
        .query_one(sql, &[&world.cast.organization_id])
        .await
        .unwrap()
        .get(0);
    assert_eq!(left, 0);
}
