//! Features over HTTP: who switches them, what is refused, and that every server sees a switch at once.

use bursar_sdk::{FeatureFlagDeleteQuery, UpsertFeatureFlagRequest};
use serde_json::{Value, json};
use testkit::{ServerOptions, TestServer, World};
use uuid::Uuid;

use crate::support::{ask, brief, get, is, lines, member, refused, site, world};

const FEATURE: &str = "budget_caps_graphql_api";
const PATH: &str = "/feature-flags/budget_caps_graphql_api";

const fn switch(enabled: bool, organization_id: Option<Uuid>) -> UpsertFeatureFlagRequest {
    UpsertFeatureFlagRequest {
        enabled,
        organization_id,
    }
}

/// What a server tells of the feature: whether it is on for the deployment, and the switches.
async fn told(world: &World, server: &TestServer) -> (bool, Vec<(Option<Uuid>, bool)>) {
    let owner = server.as_caller(&world.cast.owner);
    let flag = owner.feature_flag_get(FEATURE).await.unwrap();
    assert!(flag.default_enabled && !flag.description.is_empty());
    assert_eq!(
        owner.feature_flag_list().await.unwrap(),
        std::slice::from_ref(&flag)
    );
    let switches = flag.switches.iter();
    let switches = switches.map(|one| (one.organization_id, one.enabled));
    (flag.enabled, switches.collect())
}

#[tokio::test]
async fn a_switch_is_seen_by_every_server_at_once() {
    let world = world().await;
    let other = TestServer::start(&world.database, &ServerOptions::default()).await;
    let other = other.unwrap();
    let (owner, acme) = (&world.cast.owner, Some(world.cast.organization_id));
    assert_eq!(told(&world, &other).await, (true, vec![]));
    let set = async |body| {
        let set = owner.feature_flag_upsert(FEATURE, &body).await.unwrap();
        assert_eq!(
            (set.organization_id, set.enabled),
            (body.organization_id, body.enabled)
        );
        set
    };
    let remove = async |organization_id| {
        let query = FeatureFlagDeleteQuery { organization_id };
        owner.feature_flag_delete(FEATURE, &query).await
    };
    let both = async |expected: (bool, Vec<(Option<Uuid>, bool)>)| {
        for server in [&world.server, &other] {
            assert_eq!(told(&world, server).await, expected);
        }
    };
    let first = set(switch(false, None)).await;
    both((false, vec![(None, false)])).await;
    assert_eq!(set(switch(false, None)).await, first);
    set(switch(true, acme)).await;
    both((false, vec![(None, false), (acme, true)])).await;
    remove(None).await.unwrap();
    both((true, vec![(acme, true)])).await;
    remove(acme).await.unwrap();
    both((true, vec![])).await;
    refused(remove(acme).await, 404);
    other.stop().await.unwrap();
}

#[tokio::test]
async fn owners_switch_features_without_admin_mode_and_nobody_else_does() {
    let world = world().await;
    let owner = &world.cast.owner;
    let acme = world.cast.organization_id;
    let others = [
        world.cast.member.clone(),
        member(&world, "boss", &["organization-admin"]).await.client,
        site(&world, "auditor").await.client,
        site(&world, "user-admin").await.client,
    ];
    let of_acme = format!("{PATH}?organization_id={acme}");
    let requests = [
        ("GET", "/feature-flags", Value::Null, 200),
        ("GET", PATH, Value::Null, 200),
        ("PUT", PATH, json!({"enabled": false}), 200),
        (
            "PUT",
            PATH,
            json!({"enabled": true, "organization_id": acme}),
            200,
        ),
        ("DELETE", &of_acme, Value::Null, 204),
        ("DELETE", PATH, Value::Null, 204),
    ];
    for (method, path, body, status) in requests {
        for other in &others {
            is(&ask(&world, other, method, path, &body).await, 404);
        }
        is(&ask(&world, owner, method, path, &body).await, status);
    }
}

#[tokio::test]
async fn what_is_switched_where_is_checked_and_written_down() {
    let world = world().await;
    let owner = &world.cast.owner;
    let check = async |method: &str, path: &str, body: Value, status: u16, fields: &[&str]| {
        let answer = ask(&world, owner, method, path, &body).await;
        is(&answer, status);
        assert_eq!(answer.fields(), fields, "{method} {path} {body}");
    };
    let nowhere = Uuid::from_u128(7);
    let unknown = "/feature-flags/teleportation";
    check("GET", unknown, Value::Null, 404, &[]).await;
    check("PUT", unknown, json!({"enabled": true}), 404, &[]).await;
    check("DELETE", unknown, Value::Null, 404, &[]).await;
    check("DELETE", PATH, Value::Null, 404, &[]).await;
    let place = json!({"enabled": true, "organization_id": nowhere});
    check("PUT", PATH, place, 400, &["organization_id"]).await;
    check("PUT", PATH, json!({}), 400, &["enabled"]).await;
    check("PUT", PATH, json!({"enabled": "no"}), 400, &["enabled"]).await;
    let query = format!("{PATH}?organization_id=acme");
    check("DELETE", &query, Value::Null, 400, &["organization_id"]).await;
    assert_eq!(get(&world, owner, PATH).await.json()["switches"], json!([]));

    let acme = world.cast.organization_id;
    let steps = [
        ("PUT", json!({"enabled": false}), vec!["create"]),
        ("PUT", json!({"enabled": false}), vec![]),
        ("PUT", json!({"enabled": true}), vec!["write"]),
        (
            "PUT",
            json!({"enabled": true, "organization_id": acme}),
            vec!["create"],
        ),
        ("DELETE", Value::Null, vec!["delete"]),
    ];
    for (method, body, actions) in steps {
        let answer = ask(&world, owner, method, PATH, &body).await;
        let written = lines(&world, answer.request_id()).await;
        let expected: Vec<_> = actions
            .iter()
            .map(|action| format!("{action} feature_flag {FEATURE}"))
            .collect();
        let written: Vec<_> = written.iter().map(brief).collect();
        assert_eq!(written, expected, "{method} {body}");
    }
}
