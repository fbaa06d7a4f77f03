//! Alerts over HTTP: what is spent through the gateway is in the inboxes of those whom it concerns soon after.

use bursar_sdk::{
    Client, NotificationListQuery, UpdateAiBudgetSettingsRequest, UpsertGroupAiBudgetRequest,
};
use fakeprovider::Script;
use model::Micros;
use serde_json::{Value, json};
use testkit::World;

use crate::{
    calls::{Spoken, ask, settled, until},
    support::{self, is, member, person, roles},
};

/// A world whose provider charges an eighth of a dollar for each request, whatever the bound said.
pub(crate) async fn dear(limit: i64) -> World {
    let script = Script {
        extra_prompt_tokens: 50_000,
        ..Script::default()
    };
    World::new(script, Micros(limit)).await.unwrap()
}

/// Which texts of which thresholds somebody was sent, oldest first.
pub(crate) async fn inbox(caller: &Client) -> Vec<(String, String)> {
    let query = NotificationListQuery::default();
    let found = caller.notification_list(&query).await.unwrap();
    let mut told: Vec<_> = found
        .notifications
        .into_iter()
        .map(|one| (one.template_id, one.data["threshold"].clone()))
        .collect();
    told.reverse();
    told
}

/// Waits until somebody was sent so many.
pub(crate) async fn until_told(caller: &Client, count: usize) {
    until("a message", || async { inbox(caller).await.len() >= count }).await;
}

fn told(template: &str, thresholds: &[&str]) -> Vec<(String, String)> {
    let one = |threshold: &&str| {
        (
            format!("ai_budget_threshold_{template}"),
            (*threshold).to_owned(),
        )
    };
    thresholds.iter().map(one).collect()
}

async fn spend(world: &World) {
    let answer = ask(world, Spoken::OpenAi, &Spoken::OpenAi.body(10, false)).await;
    assert_eq!(answer.status(), 200);
    settled(&world.database).await;
}

async fn limit(world: &World, micros: i64) {
    let budget = UpsertGroupAiBudgetRequest {
        spend_limit_micros: micros,
        ..Default::default()
    };
    let owner = &world.cast.owner;
    let set = owner
        .group_budget_upsert(world.cast.group_id, &budget)
        .await;
    set.unwrap();
}

#[tokio::test]
async fn what_is_spent_is_told_to_whom_it_concerns() {
    let world = dear(140_000).await;
    let (owner, ada) = (&world.cast.owner, &world.cast.member);
    let boss = member(&world, "boss", &["organization-admin"]).await.client;
    let colleague = member(&world, "colleague", &[]).await.client;
    let stranger = person(&world, "stranger", &[]).await.client;
    let main = owner.organization_get("default").await.unwrap().id;
    let foreign = person(&world, "foreign", &[main]).await;
    let admin = roles(&["organization-admin"]);
    owner
        .organization_member_roles_update(main, foreign.id, &admin)
        .await
        .unwrap();

    spend(&world).await;
    until_told(ada, 2).await;
    assert_eq!(inbox(ada).await, told("user", &["50", "85"]));
    for admin in [&boss, owner] {
        assert_eq!(inbox(admin).await, told("admin", &["50", "85"]));
    }
    // A limit that is lowered below what is spent is told of as well.
    limit(&world, 100_000).await;
    until_told(ada, 3).await;
    assert_eq!(inbox(ada).await, told("user", &["50", "85", "100"]));
    assert_eq!(inbox(&boss).await.len(), 3);
    // Raised and reached again, it is told again.
    limit(&world, 1_000_000).await;
    let unmarked = async || {
        let sql = "SELECT count(*) FROM ai_budget_alerts WHERE cleared_at IS NULL";
        let client = world.database.owner().await.unwrap();
        client.query_one(sql, &[]).await.unwrap().get::<_, i64>(0) == 0
    };
    until("the end of the marks", unmarked).await;
    limit(&world, 200_000).await;
    until_told(ada, 4).await;
    let last = inbox(ada).await.pop();
    assert_eq!(last, told("user", &["50"]).pop());
    for nobody in [&colleague, &stranger, &foreign.client] {
        assert_eq!(inbox(nobody).await, []);
    }
}

#[tokio::test]
async fn thresholds_are_the_deployments() {
    let world = dear(1_000_000).await;
    let (owner, ada) = (&world.cast.owner, &world.cast.member);
    let shown = owner.budget_settings_get().await.unwrap();
    assert_eq!(shown.alert_thresholds, [50, 85, 100]);
    let path = "/ai/budget-settings";
    let patch = async |caller: &Client, body: Value| {
        support::ask(&world, caller, "PATCH", path, &body).await
    };
    for wrong in [
        json!([0]),
        json!([1001]),
        json!([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]),
    ] {
        let answer = patch(owner, json!({"alert_thresholds": wrong})).await;
        is(&answer, 400);
        assert_eq!(answer.fields(), ["alert_thresholds"]);
    }
    let ok = json!({"alert_thresholds": [90, 10, 10]});
    is(&patch(ada, ok.clone()).await, 404);
    let answer = patch(owner, ok).await;
    is(&answer, 200);
    assert_eq!(answer.json()["alert_thresholds"], json!([10, 90]));
    let lines = support::lines(&world, answer.request_id()).await;
    assert_eq!(lines[0].diff["alert_thresholds"].new, json!([10, 90]));

    spend(&world).await;
    until_told(ada, 1).await;
    assert_eq!(inbox(ada).await, told("user", &["10"]));
    let lower = UpdateAiBudgetSettingsRequest {
        alert_thresholds: Some(vec![11, 12, 90]),
        ..Default::default()
    };
    owner.budget_settings_update(&lower).await.unwrap();
    until_told(ada, 3).await;
    assert_eq!(inbox(ada).await, told("user", &["10", "11", "12"]));
}
