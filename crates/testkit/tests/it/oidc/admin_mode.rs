//! Proving again at the identity provider who one is, and being in admin mode then.

use bursar::demo::PASSWORD;
use bursar_sdk::{BeginAdminModeRequest, Client, CreateTokenRequest, LoginType};
use serde_json::json;
use testkit::{
    ServerOptions, TestServer,
    issuer::{Forge, Forgery},
    server::ACCESS_URL,
};
use url::Url;

use super::{Browser, Page, Scene};
use crate::support::{login, refused};

/// Leaves for the provider to prove who one is, and gives the address that leads back.
async fn leave(browser: &Browser, server: &TestServer, redirect: &str) -> String {
    let start = format!("{ACCESS_URL}/api/v2/users/oidc/admin-mode?redirect={redirect}");
    let left = browser.go(server, &start).await;
    assert_eq!(left.status, 303, "{left:?}");
    let location = left.location.unwrap();
    let asked = Url::parse(&location).unwrap();
    for (name, value) in [("max_age", "0"), ("prompt", "login")] {
        let found = asked.query_pairs().find(|(key, _)| key == name);
        assert_eq!(
            found.map(|(_, value)| value.into_owned()).as_deref(),
            Some(value)
        );
    }
    browser.go(server, &location).await.location.unwrap()
}

async fn prove(browser: &Browser, server: &TestServer) -> Page {
    let answer = leave(browser, server, "/caps").await;
    browser.go(server, &answer).await
}

async fn active(caller: &Client) -> bool {
    caller.admin_mode_get().await.unwrap().active
}

#[tokio::test]
async fn whoever_signs_in_there_begins_admin_mode_there() {
    let scene = Scene::new().await;
    let browser = Browser::new();
    let (ada, _) = browser.signed_in(&scene.server).await;
    let password = BeginAdminModeRequest {
        password: Some(PASSWORD.into()),
    };
    for body in [&BeginAdminModeRequest::default(), &password] {
        let refusal = refused(ada.admin_mode_begin(body).await, 403);
        assert_eq!(refusal.detail.as_deref(), Some("oidc"));
    }
    let page = prove(&browser, &scene.server).await;
    assert_eq!(
        (page.status, page.location.as_deref()),
        (303, Some("/caps")),
        "{page:?}"
    );
    assert_eq!(browser.cookie_names(), ["bursar_session"]);
    // It is the session that there was, and no other was made.
    assert_eq!(browser.session(&scene.server).token(), ada.token());
    let mode = ada.admin_mode_get().await.unwrap();
    assert!(mode.active && mode.expires_at.is_some(), "{mode:?}");
    let (other, _) = scene.signed_in().await;
    assert!(!active(&other).await);
    scene.database.shift_clock("61 minutes").await.unwrap();
    assert!(!active(&ada).await);
    assert_eq!(scene.count("oidc_logins").await, 0);
}

#[tokio::test]
async fn another_server_takes_the_answer_as_well() {
    let scene = Scene::new().await;
    let options = ServerOptions {
        oidc: Some(scene.issuer.options().unwrap()),
        ..ServerOptions::default()
    };
    let replica = TestServer::start(&scene.database, &options).await.unwrap();
    let browser = Browser::new();
    let (ada, _) = browser.signed_in(&scene.server).await;
    let answer = leave(&browser, &scene.server, "/").await;
    assert_eq!(browser.go(&replica, &answer).await.status, 303);
    assert!(active(&ada).await);
}

#[tokio::test]
async fn only_a_sign_in_of_now_counts() {
    let scene = Scene::new().await;
    let browser = Browser::new();
    let (ada, _) = browser.signed_in(&scene.server).await;
    let auth_time = |change: fn(&mut Forge)| {
        scene
            .issuer
            .play(|play| play.forgery = Some(Forgery::new(change)));
    };
    let changes: [fn(&mut Forge); 4] = [
        |forge| forge.claims["auth_time"] = json!(forge.claims["iat"].as_i64().unwrap() - 120),
        |forge| forge.claims["auth_time"] = json!(forge.claims["iat"].as_i64().unwrap() + 120),
        |forge| forge.claims["auth_time"] = json!(0),
        |forge| drop(forge.claims.as_object_mut().unwrap().remove("auth_time")),
    ];
    for change in changes {
        auth_time(change);
        let page = prove(&browser, &scene.server).await;
        assert_eq!(
            (page.status, page.kind().as_str()),
            (403, "not_signed_in_anew")
        );
        assert!(!active(&ada).await);
    }
    // Nor does the answer of a sign-in, for which nothing of the kind was asked.
    scene.issuer.play(|play| play.forgery = None);
    assert_eq!(browser.sign_in(&scene.server).await.status, 303);
    assert!(!active(&ada).await && !active(&browser.session(&scene.server)).await);
}

#[tokio::test]
async fn another_person_there_changes_nothing_here() {
    let scene = Scene::new().await;
    let browser = Browser::new();
    let (ada, _) = browser.signed_in(&scene.server).await;
    let bob = json!({
        "sub": "bob-1", "preferred_username": "bob", "email": "bob@example.com", "email_verified": true,
    });
    scene.issuer.person(bob);
    for known in [false, true] {
        let page = prove(&browser, &scene.server).await;
        assert_eq!(
            (page.status, page.kind().as_str()),
            (403, "another_person"),
            "{known}"
        );
        assert!(!active(&ada).await);
        // Who was not known here before gets no account by it either.
        let there = scene.owner.user_get("bob").await;
        assert_eq!(there.is_ok(), known);
        if !known {
            scene.signed_in().await;
        }
    }
}

#[tokio::test]
async fn an_answer_is_for_the_browser_and_the_session_that_began() {
    let scene = Scene::new().await;
    let (ada, eve) = (Browser::new(), Browser::new());
    let (client, user) = ada.signed_in(&scene.server).await;
    let answer = leave(&ada, &scene.server, "/").await;
    let stolen = eve.go(&scene.server, &answer).await;
    assert_eq!(stolen.kind(), "sign_in_unknown");
    assert_eq!(ada.go(&scene.server, &answer).await.status, 303);
    assert_eq!(
        ada.go(&scene.server, &answer).await.kind(),
        "sign_in_unknown"
    );
    assert!(active(&client).await);
    // A session that ended meanwhile has nothing to come back to.
    let answer = leave(&ada, &scene.server, "/").await;
    client.logout().await.unwrap();
    assert_eq!(
        ada.go(&scene.server, &answer).await.kind(),
        "sign_in_unknown"
    );
    let (_, again) = ada.signed_in(&scene.server).await;
    assert_eq!(again.id, user.id);
    let answer = leave(&ada, &scene.server, "/").await;
    scene.owner.user_suspend(user.id).await.unwrap();
    assert_eq!(
        ada.go(&scene.server, &answer).await.kind(),
        "account_suspended"
    );
}

#[tokio::test]
async fn whoever_has_a_password_may_prove_it_either_way() {
    let scene = Scene::new().await;
    let email = "ada.lovelace@example.com";
    scene.account("ada", email, LoginType::Password).await;
    let browser = Browser::new();
    let (ada, _) = browser.signed_in(&scene.server).await;
    let password = BeginAdminModeRequest {
        password: Some(PASSWORD.into()),
    };
    assert!(ada.admin_mode_begin(&password).await.unwrap().active);
    ada.admin_mode_end().await.unwrap();
    assert_eq!(prove(&browser, &scene.server).await.status, 303);
    assert!(active(&ada).await);
    login(scene.server.nobody(), email, PASSWORD).await.unwrap();
}

#[tokio::test]
async fn an_api_token_is_not_sent_there() {
    let scene = Scene::new().await;
    let new = CreateTokenRequest::default();
    let made = scene.owner.api_key_create("me", &new).await;
    let token = made.unwrap().key;
    let url = format!("{}/api/v2/users/oidc/admin-mode", scene.server.url());
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let ask = async |token: &str| {
        let answer = http.get(&url).bearer_auth(token).send().await.unwrap();
        answer.status().as_u16()
    };
    assert_eq!(ask(token.expose()).await, 403);
    assert_eq!(ask("nobody").await, 401);
}
