//! A provider that is down, slow or of bad manners.

use std::time::{Duration, Instant};

use serde_json::json;
use testkit::{
    issuer::{Claims, Endpoint},
    server::ACCESS_URL,
};

use super::{Browser, Scene};

/// A deployment that does not wait long.
async fn impatient() -> Scene {
    Scene::with(|oidc| oidc.oidc_timeout = Duration::from_secs(2)).await
}

/// Asks until the answer is yes, for a while.
async fn eventually(ask: impl AsyncFn() -> bool) {
    let end = Instant::now() + Duration::from_secs(30);
    while !ask().await {
        assert!(Instant::now() < end, "never");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_provider_may_be_down_at_the_start_and_later() {
    let scene = impatient().await;
    let start = format!("{ACCESS_URL}/api/v2/users/oidc/login");
    for (endpoint, status, kind) in [
        (Endpoint::Fails, 503, "provider_unreachable"),
        (Endpoint::Hangs, 503, "provider_unreachable"),
        (Endpoint::Huge, 502, "provider_failed"),
        (Endpoint::Redirects, 502, "provider_failed"),
        (Endpoint::Garbage, 502, "provider_failed"),
    ] {
        scene.issuer.play(|play| play.discovery = endpoint);
        // A failure is remembered for a moment.
        eventually(async || {
            let page = Browser::new().go(&scene.server, &start).await;
            (page.status, page.kind()) == (status, kind.to_owned())
        })
        .await;
    }
    // Whoever has a password does not need it.
    scene.owner.user_get("me").await.unwrap();
    scene.issuer.play(|play| play.discovery = Endpoint::Works);
    eventually(async || Browser::new().go(&scene.server, &start).await.status == 303).await;
    // What is known is used while it is down again.
    scene.issuer.play(|play| play.discovery = Endpoint::Fails);
    scene.signed_in().await;
}

#[tokio::test]
async fn a_provider_whose_addresses_are_no_good_is_not_used() {
    for (name, address) in [
        ("token_endpoint", "http://169.254.169.254/token"),
        ("token_endpoint", "ftp://127.0.0.1/token"),
        ("authorization_endpoint", "javascript:alert(1)"),
        ("userinfo_endpoint", "http://[fe80::1]/userinfo"),
        ("jwks_uri", "file:///etc/passwd"),
        ("issuer", "http://127.0.0.1:1"),
    ] {
        let scene = impatient().await;
        let changed = Claims::from_iter([(name.to_owned(), json!(address))]);
        scene.issuer.play(|play| play.metadata = changed);
        let start = format!("{ACCESS_URL}/api/v2/users/oidc/login");
        let page = Browser::new().go(&scene.server, &start).await;
        assert_eq!(page.kind(), "provider_failed", "{name} {address}");
        assert!(!page.text.contains("169.254"), "{page:?}");
    }
}

#[tokio::test]
async fn a_token_endpoint_of_bad_manners_signs_nobody_in() {
    let scene = impatient().await;
    for (endpoint, status, kind) in [
        (Endpoint::Fails, 502, "provider_failed"),
        (Endpoint::Hangs, 503, "provider_unreachable"),
        (Endpoint::Huge, 502, "provider_failed"),
        (Endpoint::Redirects, 502, "provider_failed"),
        (Endpoint::Garbage, 502, "provider_failed"),
        (Endpoint::Works, 303, ""),
    ] {
        scene.issuer.play(|play| play.token = endpoint);
        let page = scene.sign_in().await;
        let found = if page.status == 303 {
            String::new()
        } else {
            page.kind()
        };
        assert_eq!(
            (page.status, found.as_str()),
            (status, kind),
            "{endpoint:?}"
        );
    }
}

#[tokio::test]
async fn a_userinfo_endpoint_of_bad_manners_signs_nobody_in() {
    let scene = impatient().await;
    let ada = json!({"sub": "ada-1", "nickname": "ada"});
    let userinfo = ada.as_object().cloned();
    scene.issuer.play(|play| play.userinfo = userinfo.clone());
    for (endpoint, status, kind) in [
        (Endpoint::Fails, 502, "provider_failed"),
        (Endpoint::Hangs, 503, "provider_unreachable"),
        (Endpoint::Huge, 502, "provider_failed"),
        (Endpoint::Redirects, 502, "provider_failed"),
        (Endpoint::Garbage, 502, "provider_failed"),
        (Endpoint::Works, 303, ""),
    ] {
        scene.issuer.play(|play| play.userinfo_endpoint = endpoint);
        let page = scene.sign_in().await;
        let found = if page.status == 303 {
            String::new()
        } else {
            page.kind()
        };
        assert_eq!(
            (page.status, found.as_str()),
            (status, kind),
            "{endpoint:?}"
        );
    }
    // It must speak of the person whom the token is about.
    for other in [
        json!({"sub": "eve-1"}),
        json!({"nickname": "ada"}),
        json!({"sub": 1}),
    ] {
        scene
            .issuer
            .play(|play| play.userinfo = other.as_object().cloned());
        assert_eq!(scene.sign_in().await.kind(), "token_invalid", "{other}");
    }
}

#[tokio::test]
async fn another_secret_than_the_providers_is_no_ones_fault_but_the_operators() {
    let scene = Scene::with(|oidc| oidc.oidc_client_secret_file = None).await;
    let page = scene.sign_in().await;
    assert_eq!(
        (page.status, page.kind().as_str()),
        (502, "provider_failed")
    );
}
