//! Groups over HTTP: names, people, the Everyone group.

use futures_util::future::join_all;
use serde_json::{Value, json};
use testkit::World;
use uuid::Uuid;

use crate::scenes::play_all;
use crate::support::{ask, get, is, lines, member, person, refused, world};

async fn names(world: &World, caller: &bursar_sdk::Client, path: &str) -> Vec<String> {
    let answer = get(world, caller, path).await;
    is(&answer, 200);
    let groups = answer.json();
    let name = |group: &Value| group["name"].as_str().unwrap().to_owned();
    groups.as_array().unwrap().iter().map(name).collect()
}

const NAMES: &str = r#"
    409 POST /organizations/acme/groups {"name": "night-SHIFT"} => name
    400 POST /organizations/acme/groups {"name": ""} => name
    400 POST /organizations/acme/groups {"name": "a b"} => name
    400 POST /organizations/acme/groups {"name": "-"} => name
    400 POST /organizations/acme/groups {"name": "me"} => name
    400 POST /organizations/acme/groups {"name": "a\u0000"} => name
    201 POST /organizations/default/groups {"name": "Night-Shift"}
"#;

const CHANGES: &str = r#"
    400 GET /groups?organization=nowhere => organization
    400 GET /groups?has_member=nobody => has_member
    400 GET /groups?organization=%00 => organization
    200 PATCH /groups/<it> {"name": "Day-Shift", "display_name": "", "avatar_url": "https://example.com/x.png"}
    409 PATCH /groups/<it> {"name": "builders"} => name
    400 PATCH /groups/<it> {"display_name": "a\u0000b"} => display_name
    200 GET /groups/<it>
    200 DELETE /groups/<it>
    404 GET /groups/<it>
    404 DELETE /groups/<it>
"#;

#[tokio::test]
async fn a_group_is_made_listed_changed_and_removed() {
    let world = world().await;
    let (owner, acme) = (&world.cast.owner, world.cast.organization_id);
    let body = json!({"name": "Night-Shift", "display_name": "Night", "quota_allowance": 5});
    let made = ask(&world, owner, "POST", "/organizations/acme/groups", &body).await;
    is(&made, 201);
    let made = made.json();
    let expected = json!({
        "id": made["id"], "name": "Night-Shift", "display_name": "Night", "organization_id": acme,
        "organization_name": "acme", "organization_display_name": "Acme", "members": [],
        "total_member_count": 0, "avatar_url": "", "quota_allowance": 0, "source": "user",
    });
    assert_eq!(made, expected);
    let id = made["id"].as_str().unwrap();
    let found = get(&world, owner, &format!("/groups/{id}")).await;
    assert_eq!(found.json(), made);
    play_all(&world, owner, &[], NAMES).await;

    let all = [
        "builders",
        "Everyone",
        "Night-Shift",
        "Everyone",
        "Night-Shift",
    ];
    let of_ada = format!("/groups?organization={acme}&has_member=ada");
    for (caller, path, expected) in [
        (owner, "/groups", &all[..]),
        (owner, "/groups?organization=acme", &all[..3]),
        (owner, "/organizations/acme/groups", &all[..3]),
        (owner, &of_ada, &all[..2]),
        (&world.cast.member, "/groups?has_member=me", &all[..2]),
        (&world.cast.member, "/groups", &all[..3]),
    ] {
        assert_eq!(names(&world, caller, path).await, expected, "{path}");
    }
    play_all(&world, owner, &[("<it>", &id)], CHANGES).await;
}

#[tokio::test]
async fn people_come_and_go_all_or_none() {
    let world = world().await;
    let owner = &world.cast.owner;
    let (eve, mia) = (
        member(&world, "eve", &[]).await.id,
        member(&world, "mia", &[]).await.id,
    );
    let stranger = person(&world, "stranger", &[]).await.id;
    let path = format!("/groups/{}", world.cast.group_id);
    let ada = world.cast.member_id;
    let nobody = Uuid::from_u128(7);
    let rows = [
        (
            json!({"add_users": [eve, mia, eve]}),
            200,
            vec!["ada", "eve", "mia"],
        ),
        (json!({"add_users": [eve]}), 409, vec!["ada", "eve", "mia"]),
        (
            json!({"remove_users": [mia, stranger, nobody]}),
            200,
            vec!["ada", "eve"],
        ),
        (
            json!({"add_users": [mia, stranger]}),
            400,
            vec!["ada", "eve"],
        ),
        (json!({"add_users": [mia, nobody]}), 400, vec!["ada", "eve"]),
        (
            json!({"add_users": [mia], "remove_users": [mia]}),
            400,
            vec!["ada", "eve"],
        ),
        (
            json!({"add_users": [mia], "name": "everyone"}),
            409,
            vec!["ada", "eve"],
        ),
        (json!({"add_users": ["mia"]}), 400, vec!["ada", "eve"]),
        (
            json!({"add_users": null, "remove_users": null, "name": ""}),
            200,
            vec!["ada", "eve"],
        ),
        (
            json!({"add_users": [mia], "remove_users": [eve, ada]}),
            200,
            vec!["mia"],
        ),
    ];
    for (body, status, expected) in rows {
        is(&ask(&world, owner, "PATCH", &path, &body).await, status);
        let group = owner.group_get(world.cast.group_id).await.unwrap();
        let names: Vec<_> = group
            .members
            .iter()
            .map(|user| user.username.as_str())
            .collect();
        assert_eq!(names, expected, "{body}");
    }
    // More people than a statement can name: told, not tripped over.
    let crowd: Vec<_> = (0..25_000).map(Uuid::from_u128).collect();
    for key in ["add_users", "remove_users"] {
        let answer = ask(&world, owner, "PATCH", &path, &json!({key: &crowd})).await;
        assert!(matches!(answer.status, 200 | 400), "{key}: {answer:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_many_adds_somebody() {
    let world = world().await;
    let owner = &world.cast.owner;
    let eve = member(&world, "eve", &[]).await.id;
    let path = format!("/groups/{}", world.cast.group_id);
    let body = json!({"add_users": [eve]});
    let answers = join_all((0..12).map(|_| ask(&world, owner, "PATCH", &path, &body))).await;
    let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!((statuses[0], &statuses[1..]), (200, &[409; 11][..]));
    let mut added = 0;
    for answer in &answers {
        added += lines(&world, answer.request_id()).await.len();
    }
    assert_eq!(added, 1);
}

#[tokio::test]
async fn the_everyone_group_follows_the_organization_and_takes_orders_from_nobody() {
    let world = world().await;
    let (owner, acme) = (&world.cast.owner, world.cast.organization_id);
    let path = format!("/groups/{acme}");
    let ada = world.cast.member_id;
    for body in [
        json!({"add_users": [ada]}),
        json!({"remove_users": [ada]}),
        json!({"name": "all"}),
    ] {
        is(&ask(&world, owner, "PATCH", &path, &body).await, 400);
    }
    is(
        &ask(&world, owner, "DELETE", &path, &Value::Null).await,
        400,
    );
    is(
        &ask(
            &world,
            owner,
            "PATCH",
            &path,
            &json!({"display_name": "All of us"}),
        )
        .await,
        200,
    );
    // It carries a budget like any other, which holds for who is in no other.
    let budget = json!({"spend_limit_micros": 7});
    is(
        &ask(&world, owner, "PUT", &format!("{path}/ai/budget"), &budget).await,
        200,
    );
    let eve = member(&world, "eve", &[]).await;
    let spend = eve.client.spend_get("me").await.unwrap();
    let limit = spend.effective_budget.unwrap().spend_limit_micros;
    assert_eq!(
        (spend.effective_group_id, limit, spend.remaining_micros),
        (Some(acme), 7, Some(7))
    );
    let everyone = eve.client.group_get(acme).await.unwrap();
    assert_eq!(
        (
            everyone.name.as_str(),
            everyone.display_name.as_str(),
            everyone.total_member_count
        ),
        ("Everyone", "All of us", 3)
    );
    // A member sees how many there are, and of the people itself.
    assert_eq!(
        everyone
            .members
            .iter()
            .map(|user| user.id)
            .collect::<Vec<_>>(),
        [eve.id]
    );
}

#[tokio::test]
async fn groups_are_for_who_may() {
    let world = world().await;
    let group = world.cast.group_id;
    let colleague = member(&world, "colleague", &[]).await.client;
    let outsider = person(&world, "outsider", &[]).await.client;
    let keeper = member(&world, "keeper", &["organization-user-admin"])
        .await
        .client;
    let reader = member(&world, "reader", &["organization-auditor"])
        .await
        .client;
    // Who, then the statuses of reading, changing, making and removing.
    let rows = [
        ("member", &world.cast.member, [200, 404, 404, 404]),
        ("colleague", &colleague, [200, 404, 404, 404]),
        ("auditor", &reader, [200, 404, 404, 404]),
        ("outsider", &outsider, [404, 404, 404, 404]),
        ("keeper", &keeper, [200, 200, 201, 200]),
    ];
    for (who, caller, [read, change, make, remove]) in rows {
        let path = format!("/groups/{group}");
        let nothing = json!({"display_name": "Builders"});
        let named = json!({"name": format!("of-{who}")});
        for (method, path, body, status) in [
            ("GET", path.as_str(), Value::Null, read),
            ("PATCH", &path, nothing, change),
            ("POST", "/organizations/acme/groups", named, make),
            ("DELETE", &path, Value::Null, remove),
        ] {
            let answer = ask(&world, caller, method, path, &body).await;
            assert_eq!(answer.status, status, "{who} {method}: {}", answer.text);
        }
    }
    for bad in ["x", "0", "%00", "builders"] {
        is(
            &get(&world, &world.cast.owner, &format!("/groups/{bad}")).await,
            400,
        );
    }
    refused(world.cast.owner.group_get(Uuid::nil()).await, 404);
}
