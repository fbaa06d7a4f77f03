//! Spend that other gateways report: what is wrong with a report, what is recorded, and what is sent again.

use bursar_sdk::{
    AiCredentialKind, AiTokenCounts, AiUsageReport, AiUsageReportStatus, Change, Client,
    ReportAiUsageRequest, ReportedAiUsageEvent,
};
use model::Micros;
use serde_json::{Value, json};
use testkit::{TestDatabase, World};
use uuid::Uuid;

use crate::{
    calls::{balanced, events},
    support::{ask, is, member, refused, world},
};

pub(crate) const HIDDEN: &str = "Resource not found or you do not have access to this resource";

/// What somebody spent with another gateway.
pub(crate) fn spent(key: &str, user: &str, micros: i64) -> AiUsageReport {
    AiUsageReport {
        idempotency_key: key.to_owned(),
        user: user.to_owned(),
        provider: "openai".to_owned(),
        model: "gpt-4o".to_owned(),
        cost_micros: Change::Set(micros),
        ..Default::default()
    }
}

/// Reports it.
pub(crate) async fn report(
    by: &Client,
    events: &[AiUsageReport],
) -> Result<Vec<ReportedAiUsageEvent>, bursar_sdk::client::Error> {
    let request = ReportAiUsageRequest {
        events: events.to_vec(),
    };
    Ok(by.external_usage_create(&request).await?.events)
}

/// How many rows of a table there are.
pub(crate) async fn count(database: &TestDatabase, table: &str) -> i64 {
    let owner = database.owner().await.unwrap();
    let sql = format!("SELECT count(*) FROM {table}");
    owner.query_one(&sql, &[]).await.unwrap().get(0)
}

/// A good event with some fields others; the fields that are told to be wrong.
fn rows() -> Vec<(Value, Vec<&'static str>)> {
    let long = |length: usize| "x".repeat(length);
    vec![
        (json!({}), vec![]),
        (json!({"cost_micros": null}), vec![]),
        (json!({"cost_micros": 0, "more": 1}), vec![]),
        (json!({"cost_micros": 10_000_000_000_000_i64}), vec![]),
        (json!({"cost_micros": -1}), vec!["cost_micros"]),
        (
            json!({"cost_micros": 10_000_000_000_001_i64}),
            vec!["cost_micros"],
        ),
        (json!({"cost_micros": 1.5}), vec!["cost_micros"]),
        (json!({"cost_micros": "1"}), vec!["cost_micros"]),
        (json!({"idempotency_key": ""}), vec!["idempotency_key"]),
        (json!({"idempotency_key": "a b"}), vec!["idempotency_key"]),
        (json!({"idempotency_key": long(128)}), vec![]),
        (
            json!({"idempotency_key": long(129)}),
            vec!["idempotency_key"],
        ),
        (json!({"user": " "}), vec!["user"]),
        (json!({"provider": ""}), vec!["provider"]),
        (json!({"provider": long(65)}), vec!["provider"]),
        (json!({"provider": "a house of its own"}), vec![]),
        (json!({"model": "a\u{0}b"}), vec!["model"]),
        (json!({"model": long(513)}), vec!["model"]),
        (
            json!({"client": long(65), "response_model": "a\nb"}),
            vec!["client", "response_model"],
        ),
        (
            json!({"client": "", "provider_response_id": null, "tokens": null}),
            vec![],
        ),
        (json!({"credential_kind": "own"}), vec!["credential_kind"]),
        (json!({"occurred_at": "yesterday"}), vec!["occurred_at"]),
        (
            json!({"occurred_at": "+262142-01-01T00:00:00Z"}),
            vec!["occurred_at"],
        ),
        (json!({"occurred_at": "1999-01-01T00:00:00Z"}), vec![]),
        (json!({"tokens": {"input": -1}}), vec!["tokens.input"]),
        (
            json!({"tokens": {"input": 1_000_000_000_001_u64}}),
            vec!["tokens.input"],
        ),
        (
            json!({"tokens": {"output": 1, "reasoning": 2}}),
            vec!["tokens.reasoning"],
        ),
        (
            json!({"idempotency_key": "", "user": "", "provider": "", "model": "", "cost_micros": -1}),
            vec![
                "idempotency_key",
                "user",
                "provider",
                "model",
                "cost_micros",
            ],
        ),
    ]
}

#[tokio::test]
async fn all_that_is_wrong_with_a_report_is_told_and_nothing_recorded() {
    let world = world().await;
    let owner = &world.cast.owner;
    let good = |number: usize| {
        json!({
            "idempotency_key": format!("k{number}"), "user": "ada", "provider": "openai", "model": "gpt-4o",
            "cost_micros": 1,
        })
    };
    for (number, (change, wrong)) in rows().into_iter().enumerate() {
        let mut event = good(number);
        event
            .as_object_mut()
            .unwrap()
            .extend(change.as_object().unwrap().clone());
        let first = good(1_000 + number);
        let before = count(&world.database, "ai_usage_events").await;
        let body = json!({"events": [first, event]});
        let answer = ask(&world, owner, "POST", "/ai/usage", &body).await;
        is(&answer, if wrong.is_empty() { 200 } else { 400 });
        let wrong: Vec<_> = wrong
            .iter()
            .map(|field| format!("events[1].{field}"))
            .collect();
        assert_eq!(answer.fields(), wrong, "{change}");
        let after = count(&world.database, "ai_usage_events").await;
        assert_eq!(
            after - before,
            if wrong.is_empty() { 2 } else { 0 },
            "{change}"
        );
    }
    let without_cost = json!({"events": [{
        "idempotency_key": "x", "user": "ada", "provider": "openai", "model": "gpt-4o",
    }]});
    let answer = ask(&world, owner, "POST", "/ai/usage", &without_cost).await;
    is(&answer, 400);
    assert_eq!(answer.fields(), ["events[0].cost_micros"]);
    let many: Vec<Value> = (0..1_001).map(|number| good(2_000 + number)).collect();
    for events in [json!([]), json!(null), json!(many)] {
        let answer = ask(
            &world,
            owner,
            "POST",
            "/ai/usage",
            &json!({"events": events}),
        )
        .await;
        is(&answer, 400);
        assert_eq!(answer.fields(), ["events"]);
    }
    balanced(&world.database).await;
}

/// Usage of which everything is told.
fn detailed(usage: AiUsageReport) -> AiUsageReport {
    AiUsageReport {
        tokens: Some(AiTokenCounts {
            input: 10,
            cache_read: 20,
            cache_write_5m: 3,
            cache_write_1h: 4,
            output: 50,
            reasoning: 5,
            ..Default::default()
        }),
        client: Some("a-program".to_owned()),
        credential_kind: Some(AiCredentialKind::Byok),
        occurred_at: Some("2020-01-01T00:00:00Z".parse().unwrap()),
        response_model: Some("gpt-4o-2024".to_owned()),
        provider_response_id: Some("resp_1".to_owned()),
        ..usage
    }
}

#[tokio::test]
async fn what_is_reported_is_charged_at_once_and_stored_as_it_was_told() {
    let world = world().await;
    let (owner, ada, group) = (&world.cast.owner, &world.cast.member, world.cast.group_id);
    let first = detailed(spent("a", "ADA", 300_000));
    let unknown = AiUsageReport {
        cost_micros: Change::Remove,
        provider: "another house".to_owned(),
        ..spent("b", &world.cast.member_id.to_string(), 0)
    };
    // It passes the limit of a dollar, and is recorded all the same.
    let over = spent("c", "ada", 900_000);
    let reported = report(owner, &[first, unknown, over]).await.unwrap();
    let told: Vec<_> = reported
        .iter()
        .map(|one| {
            (
                one.idempotency_key.as_str(),
                one.status,
                one.effective_group_id,
                one.cost_micros,
            )
        })
        .collect();
    let recorded = AiUsageReportStatus::Recorded;
    assert_eq!(
        told,
        [
            ("a", recorded, Some(group), Some(300_000)),
            ("b", recorded, Some(group), None),
            ("c", recorded, Some(group), Some(900_000)),
        ]
    );
    assert_eq!(world.spend(ada).await.unwrap(), (1_200_000, 0));
    let stored = events(&world.database, world.cast.member_id).await;
    let by_cost = |cost: Option<i64>| stored.iter().find(|event| event.cost == cost).unwrap();
    let first = by_cost(Some(300_000));
    assert_eq!(first.tokens, [10, 20, 7, 50, 5]);
    assert!(!first.estimated && first.hold == 0 && first.over_hold == 0);
    assert_eq!(by_cost(Some(900_000)).over_hold, 900_000);
    assert_eq!(by_cost(None).over_hold, 0);
    let sql = "SELECT client, credential_kind, response_model, provider_response_id, \
        provider_id = (SELECT id FROM ai_providers WHERE name = 'openai'), created_at > now() - interval '1 hour', \
        api_key_id IN (SELECT id FROM api_keys WHERE user_id = $2) \
        FROM ai_usage_events WHERE id = $1";
    let database = world.database.owner().await.unwrap();
    let reporter = owner.user_get("me").await.unwrap().id;
    let row = database
        .query_one(sql, &[&reported[0].id, &reporter])
        .await
        .unwrap();
    let text = |column: usize| row.get::<_, Option<String>>(column);
    assert_eq!(text(0).as_deref(), Some("a-program"));
    assert_eq!(text(1).as_deref(), Some("byok"));
    assert_eq!(text(2).as_deref(), Some("gpt-4o-2024"));
    assert_eq!(text(3).as_deref(), Some("resp_1"));
    assert!([4, 5, 6].iter().all(|column| row.get::<_, bool>(*column)));
    let sql =
        "SELECT provider_id, provider_name, credential_kind FROM ai_usage_events WHERE id = $1";
    let row = database.query_one(sql, &[&reported[1].id]).await.unwrap();
    assert!(row.get::<_, Uuid>(0).is_nil());
    assert_eq!(row.get::<_, String>(1), "another house");
    assert_eq!(row.get::<_, String>(2), "centralized");
    balanced(&world.database).await;
}

/// What says something else under keys of `a`, `b`, `c` or of its own report is refused whole, and names those keys.
async fn contradict(world: &World) {
    let eve = member(world, "eve", &[]).await;
    let other_model = AiUsageReport {
        model: "gpt-5".to_owned(),
        ..spent("b", "ada", 7)
    };
    let other_person = spent("c", &eve.id.to_string(), 9);
    let new = || spent("new", "ada", 1);
    let rows: [(Vec<AiUsageReport>, &[&str]); 4] = [
        (vec![new(), spent("a", "ada", 6)], &["a"]),
        (vec![other_person, new(), other_model], &["b", "c"]),
        (vec![new(), spent("new", "ada", 2)], &["new"]),
        (vec![new(), spent("new", "eve", 1)], &["new"]),
    ];
    for (events, keys) in rows {
        let refusal = refused(report(&world.cast.owner, &events).await, 409);
        let named: Vec<_> = refusal
            .validations
            .iter()
            .map(|one| one.detail.clone())
            .collect();
        let expected: Vec<_> = keys
            .iter()
            .map(|key| format!("`{key}` came with something else before"))
            .collect();
        assert_eq!(named, expected);
    }
}

#[tokio::test]
async fn a_key_is_charged_once_and_stands_for_one_thing() {
    let world = world().await;
    let (owner, ada) = (&world.cast.owner, &world.cast.member);
    let id = world.cast.member_id.to_string();
    let first = report(owner, &[spent("a", "ada", 5), spent("b", "ada", 7)])
        .await
        .unwrap();
    // Again, in another order, the person by another name, one of them twice, and something new among them.
    let again = [
        spent("b", &id, 7),
        spent("c", "ada", 9),
        spent("a", "Ada", 5),
        spent("c", &id, 9),
    ];
    let again = report(owner, &again).await.unwrap();
    let (recorded, duplicate) = (
        AiUsageReportStatus::Recorded,
        AiUsageReportStatus::Duplicate,
    );
    let status: Vec<_> = again.iter().map(|one| one.status).collect();
    assert_eq!(status, [duplicate, recorded, duplicate, duplicate]);
    let same = |one: &ReportedAiUsageEvent, other: &ReportedAiUsageEvent| {
        (one.id, one.effective_group_id, one.cost_micros)
            == (other.id, other.effective_group_id, other.cost_micros)
    };
    assert!(same(&again[0], &first[1]) && same(&again[2], &first[0]) && same(&again[1], &again[3]));
    assert_eq!(world.spend(ada).await.unwrap(), (21, 0));

    contradict(&world).await;
    assert_eq!(world.spend(ada).await.unwrap(), (21, 0));
    // Another reporter's keys are its own.
    let other = crate::support::site(&world, "owner").await;
    let theirs = report(&other.client, &[spent("a", "ada", 4)])
        .await
        .unwrap();
    assert_eq!(theirs[0].status, recorded);
    assert_eq!(world.spend(ada).await.unwrap(), (25, 0));
    // What was reported stands when the person is gone.
    owner.user_delete(world.cast.member_id).await.unwrap();
    let again = report(owner, &[spent("a", "ada", 5)]).await.unwrap();
    assert!(again[0].status == duplicate && same(&again[0], &first[0]));
    refused(report(owner, &[spent("d", "ada", 5)]).await, 404);
    balanced(&world.database).await;
}

#[tokio::test]
async fn reports_count_beside_the_gateway_against_the_same_limit() {
    let world = World::new(fakeprovider::Script::default(), Micros(50_000))
        .await
        .unwrap();
    let (owner, token) = (&world.cast.owner, &world.cast.member_token);
    let chat = testkit::chat_request("gpt-4o");
    assert_eq!(
        world
            .chat(&world.server, token, &chat)
            .await
            .unwrap()
            .status(),
        200
    );
    report(owner, &[spent("a", "ada", 60_000)]).await.unwrap();
    let refused = world.chat(&world.server, token, &chat).await.unwrap();
    assert_eq!(refused.status(), 403);
    // With a higher limit it goes on.
    let budget = bursar_sdk::UpsertGroupAiBudgetRequest {
        spend_limit_micros: 1_000_000,
        ..Default::default()
    };
    owner
        .group_budget_upsert(world.cast.group_id, &budget)
        .await
        .unwrap();
    assert_eq!(
        world
            .chat(&world.server, token, &chat)
            .await
            .unwrap()
            .status(),
        200
    );
    crate::calls::settled(&world.database).await;
    balanced(&world.database).await;
}
