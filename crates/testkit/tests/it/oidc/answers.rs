//! What the browser brings back: once, to the one that began, whole; and where it goes then.

use reqwest::StatusCode;
use testkit::{ServerOptions, TestServer, server::ACCESS_URL};
use url::Url;

use super::{Browser, Scene};

/// An answer with a parameter changed, or taken away.
fn changed(answer: &str, name: &str, value: Option<&str>) -> String {
    let mut url = Url::parse(answer).unwrap();
    let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let kept = pairs.into_iter().filter(|(key, _)| key != name);
    let added = value.map(|value| (name.to_owned(), value.to_owned()));
    let query: Vec<_> = kept.chain(added).collect();
    url.query_pairs_mut().clear().extend_pairs(query);
    url.to_string()
}

#[tokio::test]
async fn a_browser_is_signed_in_and_goes_where_it_wanted() {
    let scene = Scene::new().await;
    let browser = Browser::new();
    let answer = browser
        .leave(&scene.server, "?redirect=/chats/1%3Fx%3D%2F%2Fy")
        .await;
    let kept = browser.cookie_names();
    assert!(
        kept[0].starts_with("bursar_oidc_") && kept.len() == 1,
        "{kept:?}"
    );
    let page = browser.go(&scene.server, &answer).await;
    assert_eq!(page.status, 303, "{page:?}");
    assert_eq!(page.location.as_deref(), Some("/chats/1?x=//y"));
    for cookie in &page.cookies {
        for part in ["HttpOnly", "SameSite=Lax"] {
            assert!(cookie.contains(part), "{cookie}");
        }
    }
    // What was kept for coming back is gone; what is left is the session.
    assert_eq!(browser.cookie_names(), ["bursar_session"]);
    let user = browser.session(&scene.server).user_get("me").await.unwrap();
    assert_eq!(user.username, "ada-lovelace");
    assert_eq!(scene.count("oidc_logins").await, 0);
}

#[tokio::test]
async fn an_answer_counts_once() {
    let scene = Scene::new().await;
    let browser = Browser::new();
    let answer = browser.leave(&scene.server, "").await;
    let cookies = browser.cookies.lock().unwrap().clone();
    assert_eq!(browser.go(&scene.server, &answer).await.status, 303);
    // The same browser, and with the cookie that was taken from it, on any server.
    let replica = TestServer::start(&scene.database, &options(&scene))
        .await
        .unwrap();
    for server in [&scene.server, &replica] {
        assert_eq!(browser.go(server, &answer).await.kind(), "sign_in_unknown");
        let again = Browser::new();
        *again.cookies.lock().unwrap() = cookies.clone();
        assert_eq!(again.go(server, &answer).await.kind(), "sign_in_unknown");
    }
    assert_eq!(scene.issuer.requests("token"), 1);
}

fn options(scene: &Scene) -> ServerOptions {
    ServerOptions {
        oidc: Some(scene.issuer.options().unwrap()),
        ..ServerOptions::default()
    }
}

#[tokio::test]
async fn another_server_takes_the_answer_as_well() {
    let scene = Scene::new().await;
    let replica = TestServer::start(&scene.database, &options(&scene))
        .await
        .unwrap();
    let browser = Browser::new();
    let answer = browser.leave(&scene.server, "").await;
    assert_eq!(browser.go(&replica, &answer).await.status, 303);
    let (_, there) = browser.signed_in(&replica).await;
    let (_, here) = scene.signed_in().await;
    assert_eq!(here.id, there.id);
}

#[tokio::test]
async fn an_answer_is_for_the_browser_that_began() {
    let scene = Scene::new().await;
    let (ada, eve) = (Browser::new(), Browser::new());
    let answer = ada.leave(&scene.server, "").await;
    // Eve has no cookie, then one of her own sign-in, then one of the right name.
    assert_eq!(
        eve.go(&scene.server, &answer).await.kind(),
        "sign_in_unknown"
    );
    eve.leave(&scene.server, "").await;
    assert_eq!(
        eve.go(&scene.server, &answer).await.kind(),
        "sign_in_unknown"
    );
    let (name, (_, path)) = ada
        .cookies
        .lock()
        .unwrap()
        .first_key_value()
        .map(|(n, c)| (n.clone(), c.clone()))
        .unwrap();
    eve.cookies
        .lock()
        .unwrap()
        .insert(name, ("x".repeat(48), path));
    assert_eq!(
        eve.go(&scene.server, &answer).await.kind(),
        "sign_in_unknown"
    );
    // All that took nothing away from Ada.
    assert_eq!(ada.go(&scene.server, &answer).await.status, 303);
    assert_eq!(scene.issuer.requests("token"), 1);
}

#[tokio::test]
async fn tabs_of_a_browser_do_not_disturb_each_other() {
    let scene = Scene::new().await;
    let browser = Browser::new();
    let one = browser.leave(&scene.server, "?redirect=/one").await;
    let two = browser.leave(&scene.server, "?redirect=/two").await;
    for (answer, path) in [(two, "/two"), (one, "/one")] {
        let page = browser.go(&scene.server, &answer).await;
        assert_eq!(page.location.as_deref(), Some(path), "{page:?}");
    }
}

#[tokio::test]
async fn an_answer_must_be_whole() {
    let scene = Scene::new().await;
    let check = async |name: &str, value: Option<&str>, status: u16, kind: &str| {
        let browser = Browser::new();
        let answer = browser.leave(&scene.server, "").await;
        let page = browser
            .go(&scene.server, &changed(&answer, name, value))
            .await;
        assert_eq!(
            (page.status, page.kind().as_str()),
            (status, kind),
            "{name} {value:?}"
        );
    };
    check("state", None, 400, "answer_incomplete").await;
    check("state", Some("x"), 400, "sign_in_unknown").await;
    check("state", Some("%00"), 400, "sign_in_unknown").await;
    check("code", None, 400, "answer_incomplete").await;
    check("code", Some(&"x".repeat(5000)), 400, "answer_incomplete").await;
    check("code", Some("code-that-never-was"), 400, "code_refused").await;
    check(
        "iss",
        Some("https://evil.example"),
        400,
        "answer_incomplete",
    )
    .await;
    // RFC 9207: whoever answers may say who it is.
    let browser = Browser::new();
    let answer = browser.leave(&scene.server, "").await;
    let answer = changed(&answer, "iss", Some(&scene.issuer.url()));
    assert_eq!(browser.go(&scene.server, &answer).await.status, 303);
}

#[tokio::test]
async fn a_refusal_of_the_provider_is_passed_on_without_its_words() {
    let scene = Scene::new().await;
    for (refusal, kind) in [
        ("access_denied", "access_denied"),
        ("login_required", "provider_refused"),
        ("<script>alert(1)</script>", "provider_refused"),
    ] {
        scene
            .issuer
            .play(|play| play.refusal = Some(refusal.to_owned()));
        let page = scene.sign_in().await;
        assert_eq!((page.status, page.kind().as_str()), (403, kind));
        assert!(!page.text.contains("script"), "{page:?}");
    }
    assert_eq!(scene.issuer.requests("token"), 0);
}

#[tokio::test]
async fn a_sign_in_ends_by_the_clock_of_the_database() {
    let scene = Scene::new().await;
    let (early, late) = (Browser::new(), Browser::new());
    let (in_time, too_late) = (
        early.leave(&scene.server, "").await,
        late.leave(&scene.server, "").await,
    );
    scene
        .database
        .shift_clock("9 minutes 50 seconds")
        .await
        .unwrap();
    assert_eq!(early.go(&scene.server, &in_time).await.status, 303);
    scene
        .database
        .shift_clock("10 minutes 10 seconds")
        .await
        .unwrap();
    assert_eq!(
        late.go(&scene.server, &too_late).await.kind(),
        "sign_in_unknown"
    );
    // Those that have ended are forgotten when another begins.
    late.leave(&scene.server, "").await;
    scene.database.shift_clock("30 minutes").await.unwrap();
    late.leave(&scene.server, "").await;
    assert_eq!(scene.count("oidc_logins").await, 1);
}

#[tokio::test]
async fn only_so_many_sign_ins_are_kept_and_the_newest_stay() {
    let scene = Scene::new().await;
    let (old, new) = (Browser::new(), Browser::new());
    let early = old.leave(&scene.server, "").await;
    let fill = "INSERT INTO oidc_logins (state_hash, browser_hash, nonce, pkce_verifier, redirect, expires_at) \
        SELECT sha256(n::text::bytea), sha256(n::text::bytea), 'n', 'v', '/', bursar_now() + interval '10 minutes' \
        FROM generate_series(1, 10005) AS n";
    scene
        .database
        .owner()
        .await
        .unwrap()
        .batch_execute(fill)
        .await
        .unwrap();
    let late = new.leave(&scene.server, "").await;
    assert_eq!(scene.count("oidc_logins").await, 10_000);
    assert_eq!(
        old.go(&scene.server, &early).await.kind(),
        "sign_in_unknown"
    );
    assert_eq!(new.go(&scene.server, &late).await.status, 303);
}

#[tokio::test]
async fn a_browser_is_sent_nowhere_else() {
    let scene = Scene::new().await;
    let browser = Browser::new();
    for bad in [
        "https://evil.example/",
        "//evil.example",
        "/%5Cevil.example",
        "/%0A/evil.example",
    ] {
        let start = format!("{ACCESS_URL}/api/v2/users/oidc/login?redirect={bad}");
        let page = browser.go(&scene.server, &start).await;
        assert_eq!(
            (page.status, page.kind().as_str()),
            (400, "redirect_invalid"),
            "{bad}"
        );
    }
    assert_eq!(scene.count("oidc_logins").await, 0);
}

#[tokio::test]
async fn a_deployment_says_which_ways_in_it_has() {
    let scene = Scene::with(|oidc| oidc.oidc_sign_in_text = "Acme".to_owned()).await;
    let methods = scene.server.nobody().auth_method_list().await.unwrap();
    assert!(methods.password.enabled && methods.oidc.enabled);
    assert_eq!(methods.oidc.sign_in_text, "Acme");
    let without = TestServer::start(&scene.database, &ServerOptions::default())
        .await
        .unwrap();
    let methods = without.nobody().auth_method_list().await.unwrap();
    assert!(methods.password.enabled && !methods.oidc.enabled);
    for path in ["login", "callback?code=a&state=b"] {
        let url = format!("{}/api/v2/users/oidc/{path}", without.url());
        let answer = reqwest::get(url).await.unwrap();
        assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    }
}
