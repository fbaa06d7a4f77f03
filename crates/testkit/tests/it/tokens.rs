//! API tokens over HTTP: their form and life, and that a narrow one does and mints nothing wider.

use bursar_sdk::{AllowListTarget, ApiKeyLoginType, Client, CreateTokenRequest};
use serde_json::json;

use crate::{
    scenes::play_all,
    support::{ask, get, is, member, person, refused, site, world},
};

const DAY: i64 = 24 * 3600 * 1_000_000_000;

/// A token of these scopes, and of this allow-list unless it is `*:*`.
async fn narrowed(by: &Client, scopes: &[&str], allow_list: &[String]) -> Client {
    let token = by.api_key_create("me", &asked(scopes, allow_list)).await;
    by.with_token(token.unwrap().key)
}

fn asked(scopes: &[&str], allow_list: &[String]) -> CreateTokenRequest {
    let target = |entry: &String| {
        let (kind, id) = entry.split_once(':').unwrap();
        AllowListTarget {
            kind: kind.to_owned(),
            id: id.to_owned(),
        }
    };
    CreateTokenRequest {
        scopes: scopes.iter().map(ToString::to_string).collect(),
        allow_list: Some(allow_list.iter().map(target).collect()),
        ..Default::default()
    }
}

fn all() -> Vec<String> {
    vec!["*:*".to_owned()]
}

const BAD_TOKENS: &str = r#"
    409 POST /users/me/keys/tokens {"token_name": "CI"} => token_name
    400 POST /users/me/keys/tokens {"lifetime": -1} => lifetime
    400 POST /users/me/keys/tokens {"lifetime": 31536000000000001} => lifetime
    400 POST /users/me/keys/tokens {"lifetime": 9223372036854775807} => lifetime
    400 POST /users/me/keys/tokens {"lifetime": 9223372036854775808} => lifetime
    400 POST /users/me/keys/tokens {"lifetime": "30d"} => lifetime
    400 POST /users/me/keys/tokens {"token_name": "a b"} => token_name
    400 POST /users/me/keys/tokens {"token_name": "a\u0000"} => token_name
    400 POST /users/me/keys/tokens {"scopes": ["nonsense:read"]} => scopes
    400 POST /users/me/keys/tokens {"scopes": ["group:read\u0000"]} => scopes
    400 POST /users/me/keys/tokens {"scope": "application_connect"} => scopes
    400 POST /users/me/keys/tokens {"allow_list": ["group"]} => allow_list
    400 POST /users/me/keys/tokens {"allow_list": [{"type": "group", "id": "x"}]} => allow_list
    400 POST /users/me/keys/tokens {"allow_list": [5]} => allow_list[0]
"#;

#[tokio::test]
async fn a_token_is_shown_once_and_listed_without_its_secret() {
    let world = world().await;
    let ada = &world.cast.member;
    let body = json!({"token_name": "ci", "lifetime": 7 * DAY, "scopes": ["group:read"]});
    let made = ask(&world, ada, "POST", "/users/me/keys/tokens", &body).await;
    is(&made, 201);
    let text = made.json()["key"].as_str().unwrap().to_owned();
    let (id, secret) = text.split_once('-').unwrap();
    assert_eq!((id.len(), secret.len()), (10, 22));
    assert!(text.bytes().filter(u8::is_ascii_alphanumeric).count() == 32);

    let listed = get(&world, ada, "/users/ada/keys/tokens").await;
    assert!(!listed.text.contains(secret) && !listed.text.contains("hash"));
    let keys = ada.api_key_list("me").await.unwrap();
    let names: Vec<_> = keys.iter().map(|key| key.token_name.as_str()).collect();
    assert_eq!(names, ["ci", "laptop"]);
    assert_eq!(
        (keys[0].id.as_str(), keys[0].lifetime_seconds),
        (id, 7 * 24 * 3600)
    );
    assert_eq!(
        (&keys[0].scopes[..], keys[0].login_type),
        (&["group:read".to_owned()][..], ApiKeyLoginType::Token)
    );
    assert_eq!(
        (&keys[1].scopes[..], keys[1].allow_list[0].to_string()),
        (&["all".to_owned()][..], "*:*".to_owned())
    );

    play_all(&world, ada, &[], BAD_TOKENS).await;
    ada.api_key_delete("me", id).await.unwrap();
    refused(ada.with_token(text.as_str()).user_get("me").await, 401);
    refused(ada.api_key_delete("me", id).await, 404);
}

#[tokio::test]
async fn keys_belong_to_their_owners() {
    let world = world().await;
    let (owner, ada) = (&world.cast.owner, &world.cast.member);
    let eve = member(&world, "eve", &["organization-admin"]).await;
    let key = ada.api_key_list("me").await.unwrap().remove(0).id;
    refused(eve.client.api_key_list("ada").await, 404);
    refused(eve.client.api_key_delete("ada", &key).await, 404);
    // Nor by calling it one's own.
    refused(eve.client.api_key_delete("me", &key).await, 404);
    refused(
        eve.client
            .api_key_create("ada", &CreateTokenRequest::default())
            .await,
        404,
    );
    refused(owner.api_key_delete("eve", &key).await, 404);
    for odd in [
        "x",
        "%00",
        "a%00b",
        "..%2f",
        "%f0%9f%92%a5",
        &"x".repeat(5_000),
    ] {
        is(
            &ask(
                &world,
                owner,
                "DELETE",
                &format!("/users/ada/keys/{odd}"),
                &json!(null),
            )
            .await,
            404,
        );
    }
    ada.user_get("me").await.unwrap();
    owner.api_key_delete("ada", &key).await.unwrap();
    refused(ada.user_get("me").await, 401);
    // Not even who manages people acts in their name.
    let manager = site(&world, "user-admin").await;
    refused(
        manager
            .client
            .api_key_create("ada", &CreateTokenRequest::default())
            .await,
        404,
    );
    refused(
        manager
            .client
            .api_key_create("owner", &CreateTokenRequest::default())
            .await,
        404,
    );
}

#[tokio::test]
async fn a_token_ends_by_the_clock_and_with_a_logout() {
    let world = world().await;
    let ada = &world.cast.member;
    let token = async |lifetime| {
        let body = CreateTokenRequest {
            lifetime,
            ..Default::default()
        };
        ada.with_token(ada.api_key_create("me", &body).await.unwrap().key)
    };
    refused(token(1).await.user_get("me").await, 401);
    let (two_days, zero) = (token(2 * DAY).await, token(0).await);
    world.database.shift_clock("47 hours").await.unwrap();
    two_days.user_get("me").await.unwrap();
    world.database.shift_clock("49 hours").await.unwrap();
    refused(two_days.user_get("me").await, 401);
    zero.logout().await.unwrap();
    refused(zero.user_get("me").await, 401);
    // What may not end keys does not end itself.
    let reader = narrowed(ada, &["user:read"], &all()).await;
    refused(reader.logout().await, 404);
    reader.user_get("me").await.unwrap();
}

/// Own scopes and allow-list, those asked for (`-` is an empty list), and what comes of it. Without `base` or
/// wider scopes nothing could be minted at all.
const MINTED: &str = "
    base | *:* | group:read | *:* | made
    base | *:* | group:read user:read | group:<group> | made
    base | *:* | group:update | *:* | refused
    base | *:* | group:* | *:* | refused
    base | *:* | all | *:* | refused
    base | *:* | coder:all | *:* | refused
    base | *:* | - | *:* | refused
    base | *:* | api_key:create | - | made
    base | keys group:<group> | group:read | group:<group> | made
    base | keys group:<group> | group:read | group:<acme> | refused
    base | keys group:<group> | group:read | group:* | refused
    base | keys group:<group> | group:read | *:* | refused
    base | keys group:* | group:read | group:<acme> | made
    all | keys group:<group> | all | *:* | refused
    all | keys group:<group> | all | keys group:<group> | made
    api_key:* user:* | *:* | api_key:* | *:* | made
    api_key:* user:* | *:* | api_key:delete | *:* | made
    api_key:create user:read | *:* | api_key:* | *:* | refused
";

#[tokio::test]
async fn a_token_mints_only_what_its_own_scopes_and_allow_list_cover() {
    let world = world().await;
    let owner = &world.cast.owner;
    let (group, acme) = (world.cast.group_id, world.cast.organization_id);
    let table = MINTED
        .replace("<group>", &group.to_string())
        .replace("<acme>", &acme.to_string())
        .replace("base", "api_key:create user:read group:read")
        .replace("keys", "api_key:* user:*");
    for line in table.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let words = line
            .split(" | ")
            .map(|part| part.split(' ').filter(|word| *word != "-"));
        let words: Vec<Vec<_>> = words.map(Iterator::collect).collect();
        let list = |entries: &[&str]| entries.iter().map(ToString::to_string).collect::<Vec<_>>();
        let token = narrowed(owner, &words[0], &list(&words[1])).await;
        let asked = asked(&words[2], &list(&words[3]));
        // For another it is no different.
        for user in ["me", "ada"] {
            let outcome = token.api_key_create(user, &asked).await;
            if words[4] == ["made"] {
                outcome.unwrap_or_else(|error| panic!("{line} for {user}: {error:?}"));
            } else {
                let refusal = refused(outcome, 400);
                assert!(refusal.message.contains("scopes and allow-list"), "{line}");
            }
        }
    }
    // Without an allow-list the new token would have a wider one.
    let own = ["api_key:*".to_owned(), "user:*".to_owned()];
    let token = narrowed(owner, &["all"], &own).await;
    let wide = CreateTokenRequest::default();
    refused(token.api_key_create("me", &wide).await, 400);
}

/// What tokens of the owner may do: scopes and allow-list, then requests.
const NARROW: &[(&[&str], &[&str], &str)] = &[
    (
        &["group:read"],
        &["*:*"],
        r#"
        200 GET /groups/<group>
        200 GET /groups/<group>/ai/budget
        404 PUT /groups/<group>/ai/budget {"spend_limit_micros": 1}
        404 DELETE /groups/<group>/ai/budget
        404 PATCH /groups/<group> {"display_name": "X"}
        404 DELETE /groups/<group>
        404 GET /users/me
        404 GET /organizations/acme
        403 GET /ai-gateway/openai/v1/models
    "#,
    ),
    (
        &["group:update"],
        &["*:*"],
        r#"
        200 PUT /groups/<group>/ai/budget {"spend_limit_micros": 1}
        404 GET /groups/<group>/ai/budget
        404 GET /groups/<group>
        404 DELETE /groups/<group>
    "#,
    ),
    (
        &["group:*"],
        &["group:<group>"],
        r#"
        200 GET /groups/<group>
        200 PUT /groups/<group>/ai/budget {"spend_limit_micros": 1}
        404 GET /groups/<acme>
        404 PUT /groups/<acme>/ai/budget {"spend_limit_micros": 1}
    "#,
    ),
    (
        &["all"],
        &["group:<group>"],
        r#"
        200 GET /groups/<group>
        404 GET /groups/<acme>
        404 GET /users/me
        403 GET /ai-gateway/openai/v1/models
    "#,
    ),
    (
        &["all"],
        &[],
        r#"
        404 GET /groups/<group>
        404 GET /users/me
        403 GET /ai-gateway/openai/v1/models
        404 DELETE /groups/<group>
    "#,
    ),
    (
        &["ai_provider:use"],
        &["*:*"],
        r#"
        200 GET /ai-gateway/openai/v1/models
        404 GET /users/me
        404 DELETE /ai/providers/openai
    "#,
    ),
    (
        &["user:read"],
        &["*:*"],
        r#"
        200 GET /users/me
        200 GET /users/ada/ai/spend
        404 PUT /users/ada/status/suspend
        404 PUT /users/ada/password {"password": "taken-over-by-me"}
        404 POST /users/me/keys/tokens {"scopes": ["user:read"]}
        404 DELETE /users/ada
        403 GET /ai-gateway/openai/v1/models
    "#,
    ),
];

#[tokio::test]
async fn a_narrow_token_of_the_owner_does_no_more_than_it_says() {
    let world = world().await;
    let owner = &world.cast.owner;
    let group = world.cast.group_id.to_string();
    for (scopes, allow_list, requests) in NARROW {
        let list = allow_list
            .iter()
            .map(|entry| entry.replace("<group>", &group));
        let token = narrowed(owner, scopes, &list.collect::<Vec<_>>()).await;
        play_all(&world, &token, &[], requests).await;
    }
    // Lists hold what the token may read.
    let one = vec![format!("group:{group}")];
    for (scopes, list, expected) in [
        ("group:read", all(), 3),
        ("group:read", one, 1),
        ("user:read", all(), 0),
        ("all", vec![], 0),
    ] {
        let token = narrowed(owner, &[scopes], &list).await;
        let found = get(&world, &token, "/groups").await.json();
        assert_eq!(
            found.as_array().unwrap().len(),
            expected,
            "{scopes} {list:?}"
        );
    }
    let user = narrowed(owner, &["ai_provider:use"], &all()).await;
    assert_eq!(get(&world, &user, "/ai/providers").await.json(), json!([]));
}

#[tokio::test]
async fn a_scope_gives_nobody_a_right() {
    let world = world().await;
    let eve = person(&world, "eve", &[]).await.client;
    let group = world.cast.group_id;
    for scopes in [
        &["all"][..],
        &["group:*", "api_key:*", "user:*", "ai_provider:*"],
    ] {
        let token = narrowed(&eve, scopes, &all()).await;
        is(&get(&world, &token, &format!("/groups/{group}")).await, 404);
        is(&get(&world, &token, "/users/owner").await, 404);
        is(
            &ask(
                &world,
                &token,
                "DELETE",
                "/ai/providers/openai",
                &json!(null),
            )
            .await,
            404,
        );
        is(&get(&world, &token, "/users/me").await, 200);
    }
}
