//! The rule of an organization about sharing workspaces, over HTTP: who sets it, how, and what follows at once.

use bursar_sdk::{Client, CreateOrganizationRequest, UpdateWorkspaceSharingSettingsRequest};
use fakeprovider::Script;
use futures_util::future::join_all;
use model::Micros;
use serde_json::{Value, json};
use testkit::{ServerOptions, TestServer, World};

use crate::{
    scenes::play_all,
    support::{Answer, ask, brief, get, is, lines, member, person, world},
    system_roles::SETTINGS,
    workspaces::{share, workspace},
};

const ACCESS: &[&str] = &["organization-workspace-access"];

/// The settings as a word and the older booleans write them.
fn shown(owners: &str, globally_disabled: bool) -> Value {
    let disabled = owners == "none";
    json!({
        "sharing_globally_disabled": globally_disabled,
        "sharing_disabled": disabled,
        "workspace_sharing_disabled": disabled,
        "shareable_workspace_owners": owners,
    })
}

async fn set(world: &World, owners: &str) -> Answer {
    let body = json!({"shareable_workspace_owners": owners});
    let answer = ask(world, &world.cast.owner, "PATCH", SETTINGS, &body).await;
    is(&answer, 200);
    answer
}

#[tokio::test]
async fn the_rule_is_set_by_its_word_and_by_the_older_ones() {
    let world = world().await;
    let owner = &world.cast.owner;
    let check = async |path: &str, body: Value, expected: &str| {
        let answer = ask(&world, owner, "PATCH", path, &body).await;
        is(&answer, 200);
        let now = get(&world, owner, SETTINGS).await.json();
        assert_eq!(now, shown(expected, false), "{body}");
        if path == SETTINGS {
            assert_eq!(answer.json(), now, "{body}");
        } else {
            let answer = answer.json();
            assert_eq!(
                answer["shareable_workspace_owners"],
                now["shareable_workspace_owners"]
            );
            assert_eq!(
                answer["workspace_sharing_disabled"],
                now["sharing_disabled"]
            );
        }
    };
    let now = get(&world, owner, SETTINGS).await.json();
    assert_eq!(now, shown("everyone", false));
    let own = "/organizations/acme";
    check(
        SETTINGS,
        json!({"shareable_workspace_owners": "none"}),
        "none",
    )
    .await;
    check(SETTINGS, json!({"sharing_disabled": false}), "everyone").await;
    check(SETTINGS, json!({"sharing_disabled": true}), "none").await;
    check(
        SETTINGS,
        json!({"shareable_workspace_owners": "service_accounts", "sharing_disabled": false}),
        "service_accounts",
    )
    .await;
    check(
        SETTINGS,
        json!({"workspace_sharing_disabled": true}),
        "none",
    )
    .await;
    check(
        SETTINGS,
        json!({"workspace_sharing_disabled": false, "shareable_workspace_owners": ""}),
        "everyone",
    )
    .await;
    check(own, json!({"workspace_sharing_disabled": true}), "none").await;
    check(
        own,
        json!({"shareable_workspace_owners": "service_accounts"}),
        "service_accounts",
    )
    .await;
    check(own, json!({"display_name": "Another"}), "service_accounts").await;
}

const BY_THE_OWNER: &str = r#"
    400 PATCH /organizations/acme/settings/workspace-sharing {} => shareable_workspace_owners
    400 PATCH /organizations/acme/settings/workspace-sharing {"shareable_workspace_owners": ""} => shareable_workspace_owners
    400 PATCH /organizations/acme/settings/workspace-sharing {"shareable_workspace_owners": "all"} => shareable_workspace_owners
    400 PATCH /organizations/acme/settings/workspace-sharing {"shareable_workspace_owners": "none", "sharing_disabled": false} => sharing_disabled
    400 PATCH /organizations/acme/settings/workspace-sharing {"shareable_workspace_owners": "everyone", "workspace_sharing_disabled": true} => workspace_sharing_disabled
    400 PATCH /organizations/acme/settings/workspace-sharing {"sharing_disabled": true, "workspace_sharing_disabled": false} => sharing_disabled
    400 PATCH /organizations/acme/settings/workspace-sharing {"sharing_disabled": "yes"}
    400 PATCH /organizations/acme {"shareable_workspace_owners": "all", "name": "a b"} => name shareable_workspace_owners
    400 POST /organizations {"name": "beta", "shareable_workspace_owners": "all"} => shareable_workspace_owners
    404 GET /organizations/nowhere/settings/workspace-sharing
    404 PATCH /organizations/nowhere/settings/workspace-sharing {"sharing_disabled": true}
"#;

const BY_A_MEMBER: &str = r#"
    200 GET /organizations/acme/settings/workspace-sharing
    403 PATCH /organizations/acme/settings/workspace-sharing {"sharing_disabled": true}
    404 PATCH /organizations/acme {"workspace_sharing_disabled": true}
"#;

const BY_ITS_ADMIN: &str = r#"
    200 GET /organizations/acme/settings/workspace-sharing
    200 PATCH /organizations/acme/settings/workspace-sharing {"sharing_disabled": false}
"#;

const BY_A_STRANGER: &str = r#"
    404 GET /organizations/acme/settings/workspace-sharing
    404 PATCH /organizations/acme/settings/workspace-sharing {"sharing_disabled": true}
"#;

#[tokio::test]
async fn the_rule_is_shown_to_members_and_set_by_who_may_change_the_organization() {
    let world = world().await;
    let owner = &world.cast.owner;
    play_all(&world, owner, &[], BY_THE_OWNER).await;
    let bad = json!({"shareable_workspace_owners": "all"});
    let answer = ask(&world, owner, "PATCH", SETTINGS, &bad).await;
    assert_eq!(
        answer.message(),
        "Invalid shareable workspace owners value."
    );
    play_all(&world, &world.cast.member, &[], BY_A_MEMBER).await;
    let admin = member(&world, "boss", &["organization-admin"]).await;
    play_all(&world, &admin.client, &[], BY_ITS_ADMIN).await;
    let stranger = person(&world, "stranger", &[]).await;
    play_all(&world, &stranger.client, &[], BY_A_STRANGER).await;
    assert_eq!(
        get(&world, owner, SETTINGS).await.json(),
        shown("everyone", false)
    );
    let nobody = world.server.nobody();
    is(&get(&world, nobody, SETTINGS).await, 401);

    // A refusal that the caller may know of is recorded as one.
    let body = json!({"sharing_disabled": true});
    let refused = ask(&world, &world.cast.member, "PATCH", SETTINGS, &body).await;
    is(&refused, 403);
    let recorded = lines(&world, refused.request_id()).await;
    assert_eq!(recorded.len(), 1);
    assert_eq!(
        (recorded[0].status_code, recorded[0].resource_type.as_str()),
        (403, "organization")
    );
}

#[tokio::test]
async fn a_change_of_the_rule_is_one_with_all_that_follows_from_it() {
    let world = world().await;
    let una = member(&world, "una", ACCESS).await;
    let ada = &world.cast.member;
    let user = json!({"user_roles": {una.id.to_string(): "use"}});
    let path = workspace(&world, ada, "people").await;
    let other = json!({"user_roles": {world.cast.member_id.to_string(): "admin"}});
    let robots = workspace(&world, &una.client, "robots").await;
    is(&share(&world, ada, &path, &user).await, 204);
    is(&share(&world, &una.client, &robots, &other).await, 204);
    let sees = async |who: &Client, path: &str| get(&world, who, path).await.status == 200;
    assert!(sees(&una.client, &path).await && sees(ada, &robots).await);

    // Una only holds tokens, so what she shares stays.
    let answer = set(&world, "service_accounts").await;
    let mut written: Vec<_> = lines(&world, answer.request_id())
        .await
        .iter()
        .map(brief)
        .collect();
    written.sort_unstable();
    let expected = [
        "write assign_org_role organization-member",
        "write organization acme",
        "write workspace people",
    ];
    assert_eq!(written, expected);
    assert!(!sees(&una.client, &path).await && sees(ada, &robots).await);

    let answer = set(&world, "none").await;
    assert_eq!(lines(&world, answer.request_id()).await.len(), 4);
    assert!(!sees(ada, &robots).await);
    set(&world, "everyone").await;
    assert!(!sees(&una.client, &path).await && !sees(ada, &robots).await);
}

#[tokio::test]
async fn where_the_deployment_lets_nobody_share_every_rule_reads_none() {
    let options = ServerOptions {
        disable_workspace_sharing: true,
        ..ServerOptions::default()
    };
    let world = World::with_options(Script::default(), Micros::USD, &options)
        .await
        .unwrap();
    let owner = &world.cast.owner;
    assert_eq!(
        get(&world, owner, SETTINGS).await.json(),
        shown("none", true)
    );
    let answer = set(&world, "service_accounts").await;
    assert_eq!(answer.json(), shown("none", true));
    // It is kept for when the switch is off again, say at a server that was started anew.
    let options = ServerOptions::default();
    let other = TestServer::start(&world.database, &options).await.unwrap();
    let now = other
        .as_caller(owner)
        .workspace_sharing_get("acme")
        .await
        .unwrap();
    assert_eq!(
        serde_json::to_value(now).unwrap(),
        shown("service_accounts", false)
    );
}

/// Whoever changes the rule, makes an organization or starts takes the same locks in the same order.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_at_two_servers_and_a_start_take_their_turns() {
    let world = world().await;
    let options = ServerOptions::default();
    let second = TestServer::start(&world.database, &options).await.unwrap();
    let owners = [&world.server, &second].map(|server| server.as_caller(&world.cast.owner));
    let change = async |round: usize| {
        let rule = ["none", "service_accounts", "everyone"][round % 3];
        let body = UpdateWorkspaceSharingSettingsRequest {
            shareable_workspace_owners: Some(rule.to_owned()),
            ..Default::default()
        };
        let owner = &owners[round % 2];
        let set = owner.workspace_sharing_update("acme", &body).await.unwrap();
        assert_eq!(serde_json::to_value(set).unwrap(), shown(rule, false));
    };
    let make = async |round: usize| {
        let new = CreateOrganizationRequest {
            name: format!("org-{round}"),
            ..CreateOrganizationRequest::default()
        };
        owners[round % 2].organization_create(&new).await.unwrap();
    };
    let (_, _, third) = tokio::join!(
        join_all((0..12).map(change)),
        join_all((0..6).map(make)),
        TestServer::start(&world.database, &options),
    );
    // Whichever change came last, the roles are those of its rule: a start finds nothing to write.
    third.unwrap().stop().await.unwrap();
    let before = written_by_starts(&world).await;
    let fourth = TestServer::start(&world.database, &options).await.unwrap();
    fourth.stop().await.unwrap();
    assert_eq!(written_by_starts(&world).await, before);
}

async fn written_by_starts(world: &World) -> i64 {
    let query = "SELECT count(*) FROM audit_logs WHERE actor_name = 'role-reconciler'";
    let database = world.database.owner().await.unwrap();
    database.query_one(query, &[]).await.unwrap().get(0)
}
