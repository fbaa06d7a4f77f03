//! Lists of workspaces over HTTP: full pages, right counts, and nothing of what sleeps.

use bursar_sdk::Client;
use serde_json::json;

use crate::{
    support::{ask, get, is, member, person, world},
    workspaces::{listed, share, workspace},
};

#[tokio::test]
async fn lists_are_full_and_counted_right_for_whoever_asks() {
    let world = world().await;
    let access = &["organization-workspace-access"];
    let una = member(&world, "una", access).await;
    let ben = member(&world, "ben", access).await;
    let outsider = person(&world, "outsider", &[]).await;
    for number in 0..5 {
        let path = workspace(&world, &una.client, &format!("una-{number}")).await;
        let role = if number % 2 == 0 { "use" } else { "" };
        let acl = json!({"user_roles": {ben.id.to_string(): role}});
        is(&share(&world, &una.client, &path, &acl).await, 204);
    }
    workspace(&world, &ben.client, "bens").await;
    let check = async |caller: &Client, query: &str, names: &[&str], count: u64| {
        let found = listed(&world, caller, query).await;
        assert_eq!(
            (found.0, found.1),
            (names.iter().map(ToString::to_string).collect(), count),
            "{query}"
        );
    };
    let shared = ["una-0", "una-2", "una-4"];
    check(&ben.client, "", &["bens", "una-0", "una-2", "una-4"], 4).await;
    check(&ben.client, "limit=2&offset=1", &shared[..2], 4).await;
    check(&ben.client, "limit=2&offset=9", &[], 4).await;
    check(&ben.client, "shared=true", &shared, 3).await;
    check(
        &ben.client,
        "shared=false",
        &["bens", "una-0", "una-2", "una-4"],
        4,
    )
    .await;
    check(&ben.client, "owner=UNA&q=-2", &["una-2"], 1).await;
    check(&ben.client, &format!("owner={}", una.id), &shared, 3).await;
    check(&ben.client, "owner=me", &["bens"], 1).await;
    check(&ben.client, "owner=nobody", &[], 0).await;
    check(&ben.client, "q=%25", &[], 0).await;
    check(&una.client, "shared=true", &[], 0).await;
    // An owner sees everything, and nothing of it is shared with them.
    check(&world.cast.owner, "limit=1", &["bens"], 6).await;
    check(&world.cast.owner, "shared=true", &[], 0).await;
    is(
        &get(&world, &outsider.client, "/organizations/acme/workspaces").await,
        404,
    );
    let flags = get(
        &world,
        &una.client,
        "/organizations/acme/workspaces?owner=me",
    )
    .await
    .json();
    let flags: Vec<_> = flags["workspaces"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["shared"] == true)
        .collect();
    assert_eq!(flags, [true, false, true, false, true]);
}

#[tokio::test]
async fn what_sleeps_is_its_owners_alone() {
    let world = world().await;
    let una = member(&world, "una", &["organization-workspace-access"]).await;
    let ben = member(&world, "ben", &[]).await;
    let path = workspace(&world, &una.client, "plans").await;
    let acl = json!({"user_roles": {ben.id.to_string(): "admin"}});
    is(&share(&world, &una.client, &path, &acl).await, 204);
    let dormant = format!("{path}/dormant");
    for (asleep, status) in [(true, 404), (true, 404), (false, 200)] {
        let body = json!({"dormant": asleep});
        let answer = ask(&world, &una.client, "PUT", &dormant, &body).await;
        is(&answer, 200);
        assert_eq!(answer.json()["dormant_at"].is_string(), asleep);
        assert_eq!(answer.json()["shared"], !asleep);
        is(&get(&world, &ben.client, &path).await, status);
        assert_eq!(listed(&world, &ben.client, "").await.1, u64::from(!asleep));
        let question = json!({"checks": {"it": {
            "object": {"resource_type": "workspace", "resource_id": path.trim_start_matches("/workspaces/")},
            "action": "share",
        }}});
        let answer = ask(&world, &ben.client, "POST", "/authcheck", &question).await;
        assert_eq!(answer.json()["it"], !asleep);
        // Its owner goes on to share it.
        is(&get(&world, &una.client, &format!("{path}/acl")).await, 200);
    }
}

#[tokio::test]
async fn a_name_finds_nothing_of_the_deleted_account_that_had_it_before() {
    let world = world().await;
    let owner = &world.cast.owner;
    let first = member(&world, "twin", &["organization-workspace-access"]).await;
    workspace(&world, &first.client, "of-the-first").await;
    owner.user_delete("twin").await.unwrap();
    let second = member(&world, "twin", &["organization-workspace-access"]).await;
    workspace(&world, &second.client, "of-the-second").await;
    for (query, names) in [
        ("owner=twin".to_owned(), vec!["of-the-second"]),
        (format!("owner={}", second.id), vec!["of-the-second"]),
        (format!("owner={}", first.id), vec!["of-the-first"]),
    ] {
        let found = listed(&world, owner, &query).await;
        let names: Vec<String> = names.into_iter().map(ToOwned::to_owned).collect();
        assert_eq!(found.0, names, "{query}");
    }
}
