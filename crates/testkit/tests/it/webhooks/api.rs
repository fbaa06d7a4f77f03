//! Webhooks over HTTP: their secrets are shown once at most, and only owners set them.

use bursar_sdk::{CreateWebhookResponse, WebhookDelivery};
use serde_json::{Value, json};
use testkit::World;
use uuid::Uuid;

use crate::support::{ask, get, is, lines, member, site, world};

const PATH: &str = "/notifications/webhooks";
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

async fn make(world: &World, body: &Value) -> CreateWebhookResponse {
    let answer = ask(world, &world.cast.owner, "POST", PATH, body).await;
    is(&answer, 201);
    serde_json::from_str(&answer.text).unwrap()
}

#[tokio::test]
async fn a_secret_is_shown_once_and_never_again() {
    let world = world().await;
    let owner = &world.cast.owner;
    let made = make(
        &world,
        &json!({"name": "pager", "url": "https://hooks.example.com/in"}),
    )
    .await;
    let given = json!({"name": "siren", "url": "https://hooks.example.com/in", "secret": SECRET});
    assert_eq!(make(&world, &given).await.secret.expose(), SECRET);
    let first = made.secret.expose().to_owned();
    assert!(first.starts_with("whsec_"));
    let one = format!("{PATH}/{}", made.webhook.id);
    let changed = json!({"name": "Beeper", "secret": SECRET, "enabled": false});
    let changed = ask(&world, owner, "PATCH", &one, &changed).await;
    is(&changed, 200);
    assert_eq!(changed.json()["enabled"], false);
    let ping = ask(&world, owner, "POST", &format!("{one}/ping"), &Value::Null).await;
    is(&ping, 202);
    let delivery: WebhookDelivery = serde_json::from_str(&ping.text).unwrap();
    let again = format!("{one}/deliveries/{}/redeliver", delivery.id);
    is(&ask(&world, owner, "POST", &again, &Value::Null).await, 202);
    let mut texts = vec![changed.text.clone(), ping.text];
    for path in [
        PATH,
        &one,
        &format!("{one}/deliveries"),
        "/audit?limit=1000",
    ] {
        let answer = get(&world, owner, path).await;
        is(&answer, 200);
        texts.push(answer.text);
    }
    assert!(texts[2].contains("Beeper") && texts[4].contains("\"ping\""));
    let sql = "SELECT string_agg(w::text || encode(w.ciphertext, 'escape'), '') FROM webhooks AS w";
    let database = world.database.owner().await.unwrap();
    texts.push(database.query_one(sql, &[]).await.unwrap().get(0));
    texts.push(owner.metrics().await.unwrap());
    for text in texts {
        for secret in [first.as_str(), SECRET, "MfKQ9r8G"] {
            assert!(!text.contains(secret), "{text}");
        }
    }
    // That it changed is told.
    let line = lines(&world, changed.request_id()).await.remove(0);
    assert!(line.diff["ciphertext"].secret && !line.diff.contains_key("url"));
    assert_eq!(line.resource_target, "Beeper");
    is(&ask(&world, owner, "DELETE", &one, &Value::Null).await, 204);
    is(&get(&world, owner, &one).await, 404);
    is(&get(&world, owner, &format!("{one}/deliveries")).await, 404);
}

/// What each field refuses, and how.
fn wrong_fields() -> Vec<(&'static str, Value, u16)> {
    vec![
        ("name", json!("OTHER"), 409),
        ("name", json!("a b"), 400),
        ("url", json!("http://169.254.169.254/latest"), 400),
        ("url", json!("http://2852039166/"), 400),
        ("url", json!("http://127.0.0.1:9/in"), 400),
        ("url", json!("http://[::1]/in"), 400),
        ("url", json!("http://10.0.0.1/in"), 400),
        ("url", json!("http://100.64.0.1/in"), 400),
        ("url", json!("http://[::ffff:192.168.0.1]/in"), 400),
        ("url", json!("https://a:b@example.com/in"), 400),
        ("url", json!("https://example.com/in#x"), 400),
        ("url", json!("ftp://example.com/in"), 400),
        ("secret", json!("hunter2"), 400),
        ("secret", json!("whsec_c2hvcnQ="), 400),
        ("organization_id", json!(Uuid::from_u128(7)), 400),
    ]
}

#[tokio::test]
async fn names_addresses_secrets_and_organizations_are_checked() {
    let world = world().await;
    let owner = &world.cast.owner;
    let good = json!({"name": "pager", "url": "https://hooks.example.com/in?t=1"});
    let made = make(&world, &good).await;
    let one = format!("{PATH}/{}", made.webhook.id);
    let other = json!({"name": "other", "url": "https://hooks.example.com/in"});
    make(&world, &other).await;
    let here = world.cast.organization_id;
    for (field, value, status) in wrong_fields() {
        let answer = ask(&world, owner, "PATCH", &one, &json!({field: value})).await;
        assert_eq!(
            (answer.status, answer.fields()),
            (status, vec![field.to_owned()]),
            "{value}"
        );
        let mut body = good.clone();
        body["name"] = json!("third");
        body[field] = value.clone();
        let answer = ask(&world, owner, "POST", PATH, &body).await;
        assert_eq!(
            (answer.status, answer.fields()),
            (status, vec![field.to_owned()]),
            "{value}"
        );
    }
    let narrowed = ask(
        &world,
        owner,
        "PATCH",
        &one,
        &json!({"organization_id": here}),
    )
    .await;
    assert_eq!(narrowed.json()["organization_id"], json!(here));
    let widened = ask(
        &world,
        owner,
        "PATCH",
        &one,
        &json!({"organization_id": null}),
    )
    .await;
    assert_eq!(widened.json()["organization_id"], Value::Null);
    for path in [
        format!("{PATH}/nothing"),
        format!("{one}/deliveries?limit=0"),
    ] {
        is(&get(&world, owner, &path).await, 400);
    }
    let missing = Uuid::from_u128(8);
    is(&get(&world, owner, &format!("{PATH}/{missing}")).await, 404);
    let nothing = format!("{one}/deliveries/{missing}/redeliver");
    is(
        &ask(&world, owner, "POST", &nothing, &Value::Null).await,
        404,
    );
}

#[tokio::test]
async fn deliveries_are_paged_by_the_last_one_seen() {
    let world = world().await;
    let owner = &world.cast.owner;
    let body = json!({"name": "pager", "url": "https://hooks.example.com/", "enabled": false});
    let made = make(&world, &body).await;
    let one = format!("{PATH}/{}", made.webhook.id);
    let mut sent = Vec::new();
    for _ in 0..5 {
        let ping = ask(&world, owner, "POST", &format!("{one}/ping"), &Value::Null).await;
        sent.push(ping.json()["id"].as_str().unwrap().to_owned());
    }
    sent.reverse();
    let mut seen: Vec<String> = Vec::new();
    while seen.len() < sent.len() {
        let before = seen
            .last()
            .map(|id| format!("&before={id}"))
            .unwrap_or_default();
        let page = get(&world, owner, &format!("{one}/deliveries?limit=2{before}"))
            .await
            .json();
        let page = page.as_array().unwrap();
        assert!((1..=2).contains(&page.len()));
        seen.extend(
            page.iter()
                .map(|row| row["id"].as_str().unwrap().to_owned()),
        );
    }
    assert_eq!(seen, sent);
}

#[tokio::test]
async fn owners_set_webhooks_auditors_see_them_and_nobody_else_knows_of_them() {
    let world = world().await;
    let made = make(
        &world,
        &json!({"name": "pager", "url": "https://hooks.example.com/", "enabled": false}),
    )
    .await;
    let one = format!("{PATH}/{}", made.webhook.id);
    let owner = &world.cast.owner;
    let ping = ask(&world, owner, "POST", &format!("{one}/ping"), &Value::Null).await;
    let delivery = ping.json()["id"].as_str().unwrap().to_owned();
    let auditor = site(&world, "auditor").await.client;
    let others = [
        world.cast.member.clone(),
        member(&world, "boss", &["organization-admin"]).await.client,
        site(&world, "user-admin").await.client,
    ];
    let reads = [PATH.to_owned(), one.clone(), format!("{one}/deliveries")];
    let writes = [
        (
            "POST",
            PATH.to_owned(),
            json!({"name": "mine", "url": "https://a.example.com/"}),
        ),
        ("PATCH", one.clone(), json!({"enabled": false})),
        ("POST", format!("{one}/ping"), Value::Null),
        (
            "POST",
            format!("{one}/deliveries/{delivery}/redeliver"),
            Value::Null,
        ),
        ("DELETE", one.clone(), Value::Null),
    ];
    for path in &reads {
        is(&get(&world, &auditor, path).await, 200);
        for other in &others {
            is(&get(&world, other, path).await, 404);
        }
    }
    for (method, path, body) in &writes {
        for caller in others.iter().chain([&auditor]) {
            is(&ask(&world, caller, method, path, body).await, 404);
        }
    }
}
