//! Many at once on one ACL: nothing is lost, and nobody keeps what they lost.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::{
    support::{Person, ask, get, is, member, world},
    workspaces::{share, workspace},
};

const ACCESS: &[&str] = &["organization-workspace-access"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_changes_at_once_are_all_kept() {
    let world = world().await;
    let una = member(&world, "una", ACCESS).await;
    let path = workspace(&world, &una.client, "plans").await;
    let mut people = Vec::new();
    for number in 0..20 {
        people.push(member(&world, &format!("p{number}"), &[]).await);
    }
    let grant = async |person: &Person| {
        let body = json!({"user_roles": {person.id.to_string(): "use"}});
        share(&world, &una.client, &path, &body).await
    };
    for answer in join_all(people.iter().map(grant)).await {
        is(&answer, 204);
    }
    let acl = get(&world, &una.client, &format!("{path}/acl"))
        .await
        .json();
    assert_eq!(acl["users"].as_array().unwrap().len(), 20);
    // And so are as many removals.
    let take = async |person: &Person| {
        let body = json!({"user_roles": {person.id.to_string(): ""}});
        share(&world, &una.client, &path, &body).await
    };
    for answer in join_all(people[1..].iter().map(take)).await {
        is(&answer, 204);
    }
    let acl = get(&world, &una.client, &format!("{path}/acl"))
        .await
        .json();
    assert_eq!(acl["users"][0]["username"], "p0");
    assert_eq!(acl["users"].as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_leaves_meanwhile_keeps_nothing() {
    let world = world().await;
    let una = member(&world, "una", ACCESS).await;
    let eve = member(&world, "eve", &[]).await;
    let path = workspace(&world, &una.client, "plans").await;
    let place = format!("/organizations/acme/members/{}", eve.id);
    for _ in 0..8 {
        let grants = (0..4).map(|number| {
            let role = if number % 2 == 0 { "use" } else { "admin" };
            json!({"user_roles": {eve.id.to_string(): role}})
        });
        let grants: Vec<_> = grants.collect();
        let grants = join_all(
            grants
                .iter()
                .map(|body| share(&world, &una.client, &path, body)),
        );
        let leave = ask(&world, &world.cast.owner, "DELETE", &place, &Value::Null);
        let (granted, left) = tokio::join!(grants, leave);
        is(&left, 204);
        for answer in granted {
            assert!(matches!(answer.status, 204 | 400), "{answer:?}");
        }
        let acl = get(&world, &una.client, &format!("{path}/acl"))
            .await
            .json();
        assert_eq!(acl["users"], json!([]));
        is(
            &ask(&world, &world.cast.owner, "POST", &place, &Value::Null).await,
            200,
        );
        is(&get(&world, &eve.client, &path).await, 404);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_shared_against_a_rule_that_comes_meanwhile() {
    let world = world().await;
    let una = member(&world, "una", ACCESS).await;
    let eve = member(&world, "eve", &[]).await;
    let path = workspace(&world, &una.client, "plans").await;
    let settings = "/organizations/acme/settings/workspace-sharing";
    let rule = async |rule: &str| {
        let body = json!({"shareable_workspace_owners": rule});
        ask(&world, &world.cast.owner, "PATCH", settings, &body).await
    };
    for _ in 0..8 {
        let body = json!({"user_roles": {eve.id.to_string(): "use"}});
        let grants = join_all((0..4).map(|_| share(&world, &una.client, &path, &body)));
        let (granted, closed) = tokio::join!(grants, rule("none"));
        is(&closed, 200);
        for answer in granted {
            assert!(matches!(answer.status, 204 | 403), "{answer:?}");
        }
        is(&get(&world, &eve.client, &path).await, 404);
        is(&rule("everyone").await, 200);
        is(&get(&world, &eve.client, &path).await, 404);
    }
}
