//! Whose account an address leads to: nobody's by a likeness, and nobody's that the provider does not vouch for.

use std::time::{Duration, Instant};

use bursar_sdk::LoginType;
use serde_json::json;

use super::{Browser, Scene};

#[tokio::test]
async fn a_subject_with_white_space_around_it_is_another_person() {
    let scene = Scene::new().await;
    let (_, ada) = scene.signed_in().await;
    for (number, sub) in ["ada-1 ", " ada-1", "ada-1\u{3000}"].iter().enumerate() {
        let email = format!("eve-{number}@example.com");
        scene
            .issuer
            .person(json!({"sub": sub, "email": email, "email_verified": true}));
        let (_, eve) = scene.signed_in().await;
        assert_ne!(eve.id, ada.id, "{sub:?}");
        assert_eq!(eve.email, email);
    }
}

#[tokio::test]
async fn an_address_that_only_looks_alike_takes_nobodys_account() {
    let scene = Scene::new().await;
    for name in ["kate", "kim"] {
        let email = format!("{name}@example.com");
        scene.account(name, &email, LoginType::Password).await;
    }
    for (email, kind) in [
        // A Kelvin sign and a capital I with a dot, which become Latin letters in lower case.
        ("\u{212a}ate@example.com", "account_linked"),
        ("k\u{130}m@example.com", "account_linked"),
        ("kate@example.com\u{3000}", "email_missing"),
        (" kate@example.com", "email_missing"),
    ] {
        scene
            .issuer
            .person(json!({"sub": "eve-1", "email": email, "email_verified": true}));
        let page = scene.sign_in().await;
        assert_eq!(
            (page.status, page.kind().as_str()),
            (403, kind),
            "{email:?}"
        );
    }
    assert_eq!(scene.count("user_links").await, 0);
    // The case of Latin letters does not matter.
    scene
        .issuer
        .person(json!({"sub": "kate-1", "email": "KATE@Example.com", "email_verified": true}));
    assert_eq!(scene.signed_in().await.1.username, "kate");
}

#[tokio::test]
async fn where_the_provider_never_says_verified_people_sign_up_but_take_nobodys_account() {
    let scene = Scene::with(|oidc| {
        oidc.oidc_ignore_email_verified = true;
        oidc.oidc_email_domain = vec!["example.com".to_owned()];
    })
    .await;
    scene
        .account("bob", "bob@example.com", LoginType::Oidc)
        .await;
    for (email, kind) in [
        ("owner@example.com", "email_unverified"),
        ("BOB@example.com", "email_unverified"),
        ("eve@evil.example", "email_domain"),
    ] {
        scene.issuer.person(json!({"sub": "eve-1", "email": email}));
        let page = scene.sign_in().await;
        assert_eq!((page.status, page.kind().as_str()), (403, kind), "{email}");
    }
    // A no is a no.
    scene
        .issuer
        .person(json!({"sub": "eve-1", "email": "eve@example.com", "email_verified": false}));
    assert_eq!(scene.sign_in().await.kind(), "email_unverified");
    assert_eq!(scene.count("user_links").await, 0);

    let silent = json!({"sub": "ada-1", "preferred_username": "ada", "email": "ada@example.com"});
    scene.issuer.person(silent);
    let (_, ada) = scene.signed_in().await;
    assert_eq!(
        (ada.username.as_str(), ada.email.as_str()),
        ("ada", "ada@example.com")
    );
    assert_eq!(scene.signed_in().await.1.id, ada.id);
    // Whoever has the address next is somebody else.
    scene
        .issuer
        .person(json!({"sub": "ada-2", "email": "ada@example.com"}));
    assert_eq!(scene.sign_in().await.kind(), "email_unverified");
    // The provider's word is one here as well.
    scene
        .issuer
        .person(json!({"sub": "bob-1", "email": "bob@example.com", "email_verified": true}));
    assert_eq!(scene.signed_in().await.1.username, "bob");
}

#[tokio::test]
async fn a_sign_in_does_not_stand_in_the_way_of_the_accounts_end() {
    let scene = Scene::new().await;
    let (_, first) = scene.signed_in().await;
    let browser = Browser::new();
    let answer = browser.leave(&scene.server, "").await;
    // As the end of an account does it: the account, its links, its mark.
    let ending = scene.database.owner().await.unwrap();
    ending
        .batch_execute(&format!(
            "BEGIN; SELECT set_config('bursar.actor_name', 'test', true); \
             SELECT id FROM users WHERE id = '{}' FOR UPDATE",
            first.id
        ))
        .await
        .unwrap();
    let pid: i32 = ending
        .query_one("SELECT pg_backend_pid()", &[])
        .await
        .unwrap()
        .get(0);
    let finish = async {
        let watching = scene.database.owner().await.unwrap();
        let waits = "SELECT EXISTS (SELECT 1 FROM pg_locks \
            WHERE NOT granted AND $1 = ANY (pg_blocking_pids(pid)))";
        let end = Instant::now() + Duration::from_secs(30);
        loop {
            let row = watching.query_one(waits, &[&pid]).await.unwrap();
            if row.get(0) {
                break;
            }
            assert!(Instant::now() < end, "the sign-in waits for nothing");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        ending
            .batch_execute(&format!(
                "SET LOCAL lock_timeout = '500ms'; DELETE FROM user_links WHERE user_id = '{id}'; \
                 UPDATE users SET deleted = true WHERE id = '{id}'; COMMIT",
                id = first.id
            ))
            .await
            .unwrap();
    };
    let (page, ()) = tokio::join!(browser.go(&scene.server, &answer), finish);
    // The person begins anew.
    assert_eq!(page.status, 303, "{page:?}");
    let second = browser.session(&scene.server).user_get("me").await.unwrap();
    assert_ne!(second.id, first.id);
}
