//! Signing in over HTTP: the first account, headers and cookie, wrong passwords, password changes, ends.

use bursar::demo::PASSWORD;
use bursar_sdk::{CreateFirstUserRequest, UpdateUserPasswordRequest, UserListQuery};
use futures_util::future::join_all;
use serde_json::json;
use testkit::{ServerOptions, TestDatabase, TestServer};

use crate::support::{Answer, ask, is, login, person, refused, request, send, world};

const ADA: &str = "ada@example.com";
const SIGNED_OUT: &str =
    "You are signed out or your session has expired. Please sign in again to continue.";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_account_is_made_once_however_many_race() {
    let database = TestDatabase::create().await.unwrap();
    let server = TestServer::start(&database, &ServerOptions::default())
        .await
        .unwrap();
    let nobody = server.nobody();
    refused(nobody.first_user_exists().await, 404);
    let first = |number: usize, password: &str| CreateFirstUserRequest {
        email: format!("owner{number}@example.com"),
        username: format!("owner{number}"),
        name: String::new(),
        password: password.into(),
    };
    let short = refused(nobody.first_user_create(&first(0, "short")).await, 400);
    assert_eq!(short.validations[0].field, "password");

    let bodies: Vec<_> = (0..12).map(|number| first(number, PASSWORD)).collect();
    let outcomes = join_all(bodies.iter().map(|body| nobody.first_user_create(body))).await;
    let mut made = None;
    for (number, outcome) in outcomes.into_iter().enumerate() {
        match outcome {
            Ok(ids) => assert_eq!(made.replace((number, ids)).map(|(n, _)| n), None),
            lost => {
                let lost = refused(lost, 400);
                assert_eq!(lost.message, "The initial user has already been created.");
            }
        }
    }
    let (number, ids) = made.expect("somebody wins");
    nobody.first_user_exists().await.unwrap();
    let email = format!("owner{number}@example.com");
    let owner = login(nobody, &email, PASSWORD).await.unwrap();
    let people = owner.user_list(&UserListQuery::default()).await.unwrap();
    assert_eq!((people.count, people.users[0].id), (1, ids.user_id));
    assert_eq!(people.users[0].roles[0].name, "owner");
    assert_eq!(people.users[0].organization_ids, [ids.organization_id]);
    let organizations = owner.organization_list().await.unwrap();
    assert_eq!(organizations.len(), 1);
    assert!(organizations[0].is_default && organizations[0].id == ids.organization_id);
    server.stop().await.unwrap();
}

/// The status, the method, and the headers. A write is one that is refused for its body (400), once the caller
/// is known.
const WAYS_IN: &str = "
    401 GET
    200 GET bursar-session-token: <token>
    400 PUT coder-session-token: <token>
    400 PUT authorization: Bearer <token> | origin: https://evil.example
    401 GET authorization: <token>
    200 GET authorization: Basic eDp5 | cookie: <cookie>
    401 GET x-api-key: <token>
    401 GET bursar-session-token: <wrong>
    401 GET bursar-session-token: <wrong> | cookie: <cookie>
    401 GET bursar-session-token: <wrong> | coder-session-token: <token>
    200 GET cookie: <cookie>
    200 GET cookie: <cookie> | origin: https://evil.example
    403 GET cookie: <cookie> | upgrade: websocket
    403 PUT cookie: <cookie>
    403 PUT cookie: <cookie> | origin: null
    403 PUT cookie: <cookie> | origin: https://evil.example
    403 PUT cookie: <cookie> | origin: <site>.evil.example
    400 PUT cookie: <cookie> | origin: <site>
    401 PUT cookie: bursar_session=x | origin: <site>
";

#[tokio::test]
async fn signing_in_is_possible_by_each_header_and_by_the_cookie_of_this_site_only() {
    let world = world().await;
    let nobody = world.server.nobody();
    let body = json!({"email": "ADA@example.com", "password": PASSWORD});
    let answer = ask(&world, nobody, "POST", "/users/login", &body).await;
    is(&answer, 201);
    let token = answer.json()["session_token"].as_str().unwrap().to_owned();
    let cookie = answer.headers["set-cookie"].to_str().unwrap();
    let first = format!("bursar_session={token};");
    for part in [first.as_str(), "Path=/", "HttpOnly", "SameSite=Lax"] {
        assert!(cookie.contains(part), "{cookie}");
    }

    let cookie = format!("theme=dark; bursar_session={token}");
    let wrong = format!("{}-{}", "x".repeat(10), "y".repeat(22));
    let table = WAYS_IN
        .replace("<token>", &token)
        .replace("<cookie>", &cookie)
        .replace("<wrong>", &wrong)
        .replace("<site>", &world.server.url());
    for line in table.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let mut words = line.splitn(3, ' ');
        let (status, method) = (words.next().unwrap(), words.next().unwrap());
        let path = match method {
            "GET" => "/api/v2/users/me",
            _ => "/api/v2/users/me/password",
        };
        let mut asked = request(&world, method, path);
        for header in words
            .next()
            .into_iter()
            .flat_map(|headers| headers.split(" | "))
        {
            let (name, value) = header.split_once(": ").unwrap();
            asked = asked.header(name, value);
        }
        let answer = send(asked).await;
        assert_eq!(answer.status.to_string(), status, "{line}: {}", answer.text);
        if answer.status == 401 {
            assert_eq!(answer.message(), SIGNED_OUT);
        }
    }
    // The gateway never takes the cookie.
    let models = request(&world, "GET", "/api/v2/ai-gateway/openai/v1/models");
    is(&send(models.header("cookie", &cookie)).await, 401);

    let session = nobody.with_token(token);
    assert_eq!(session.logout().await.unwrap().message, "Logged out!");
    let after = refused(session.user_get("me").await, 401);
    assert_eq!(after.message, SIGNED_OUT);
}

#[tokio::test]
async fn a_page_of_another_site_signs_nobody_in() {
    let world = world().await;
    let site = world.server.url();
    let foreign = format!("{site}.evil.example");
    for path in ["/api/v2/users/login", "/api/v2/users/first"] {
        for (origin, expected) in [
            (foreign.as_str(), 403),
            ("https://evil.example", 403),
            ("null", 403),
            (&site, if path.ends_with("login") { 201 } else { 400 }),
        ] {
            let body = json!({"email": ADA, "username": "x", "password": PASSWORD});
            let asked = request(&world, "POST", path).header("origin", origin);
            let answer = send(asked.json(&body)).await;
            assert_eq!(answer.status, expected, "{path} {origin}: {}", answer.text);
            assert_eq!(answer.headers.contains_key("set-cookie"), expected == 201);
        }
    }
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_address_are_answered_alike() {
    let world = world().await;
    let nobody = world.server.nobody();
    person(&world, "robot", &[]).await;
    let attempt = async |email: &str, password: &str| {
        let body = json!({"email": email, "password": password});
        ask(&world, nobody, "POST", "/users/login", &body).await
    };
    let wrong = attempt(ADA, "wrong").await;
    is(&wrong, 401);
    for email in [
        "nobody@example.com",
        "robot@example.com",
        "no address",
        "",
        "a\0@b",
    ] {
        let other = attempt(email, "wrong").await;
        assert_eq!((other.status, &other.text), (401, &wrong.text), "{email}");
        let names = |answer: &Answer| {
            let names = answer.headers.keys().map(ToString::to_string);
            names.collect::<Vec<_>>()
        };
        assert_eq!(names(&other), names(&wrong));
    }
    // Only who knows the password learns that the account is suspended.
    world.cast.owner.user_suspend("ada").await.unwrap();
    assert_eq!(attempt(ADA, "wrong").await.text, wrong.text);
    let suspended = attempt(ADA, PASSWORD).await;
    is(&suspended, 401);
    assert!(suspended.message().contains("suspended"));

    // After ten wrong tries the name must wait, known or not.
    for email in ["eve@example.com", "owner@example.com"] {
        for _ in 0..10 {
            is(&attempt(email, "wrong").await, 401);
        }
        let many = attempt(email, PASSWORD).await;
        is(&many, 429);
        let after: u64 = many.headers["retry-after"]
            .to_str()
            .unwrap()
            .parse()
            .unwrap();
        assert!((1..=300).contains(&after), "{after}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crowd_that_signs_in_at_once_is_served_or_told_to_come_again() {
    let world = world().await;
    let attempts = (0..100).map(|number| {
        let email = format!("nobody{number}@example.com");
        let body = json!({"email": email, "password": "wrong"});
        let world = &world;
        async move { ask(world, world.server.nobody(), "POST", "/users/login", &body).await }
    });
    for answer in join_all(attempts).await {
        match answer.status {
            401 => {}
            503 => assert!(answer.headers.contains_key("retry-after")),
            other => panic!("{other}: {}", answer.text),
        }
    }
}

#[tokio::test]
async fn a_password_change_ends_the_other_sessions_and_leaves_the_tokens() {
    let world = world().await;
    let (nobody, token) = (world.server.nobody(), &world.cast.member);
    let here = login(nobody, ADA, PASSWORD).await.unwrap();
    let there = login(nobody, ADA, PASSWORD).await.unwrap();
    let change = |old: Option<&str>, new: &str| UpdateUserPasswordRequest {
        old_password: old.map(Into::into),
        password: new.into(),
    };
    let new = "new-correct-horse";
    for (old, new, field) in [
        (None, new, "old_password"),
        (Some("wrong-password"), new, "old_password"),
        (Some(PASSWORD), "short", "password"),
        (Some(PASSWORD), PASSWORD, "password"),
    ] {
        let refusal = refused(
            here.user_password_update("me", &change(old, new)).await,
            400,
        );
        assert_eq!(refusal.validations[0].field, field, "{refusal:?}");
    }
    there.user_get("me").await.unwrap();
    let by_name = change(Some(PASSWORD), new);
    here.user_password_update("ada", &by_name).await.unwrap();
    here.user_get("me").await.unwrap();
    refused(there.user_get("me").await, 401);
    token.user_get("me").await.unwrap();
    refused(login(nobody, ADA, PASSWORD).await, 401);
    login(nobody, ADA, new).await.unwrap();

    // The owner needs no old password, and then every session ends.
    let owner = &world.cast.owner;
    owner
        .user_password_update("ada", &change(None, PASSWORD))
        .await
        .unwrap();
    refused(here.user_get("me").await, 401);
    token.user_get("me").await.unwrap();
    login(nobody, ADA, PASSWORD).await.unwrap();
    // Whoever cannot sign in gets no password, and nobody changes one of somebody else's without the right.
    person(&world, "robot", &[]).await;
    refused(
        owner
            .user_password_update("robot", &change(None, new))
            .await,
        400,
    );
    refused(
        token
            .user_password_update("owner", &change(None, new))
            .await,
        404,
    );
    refused(
        token
            .user_password_update("nobody", &change(None, new))
            .await,
        404,
    );
}

#[tokio::test]
async fn a_session_ends_by_the_clock_of_the_database() {
    let world = world().await;
    let session = login(world.server.nobody(), ADA, PASSWORD).await.unwrap();
    world
        .database
        .shift_clock("23 hours 59 minutes")
        .await
        .unwrap();
    session.user_get("me").await.unwrap();
    world
        .database
        .shift_clock("24 hours 1 minute")
        .await
        .unwrap();
    assert_eq!(
        refused(session.user_get("me").await, 401).message,
        SIGNED_OUT
    );
    // The token lives for thirty days.
    world.cast.member.user_get("me").await.unwrap();
    world.database.shift_clock("31 days").await.unwrap();
    refused(world.cast.member.user_get("me").await, 401);
}
