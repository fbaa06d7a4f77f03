//! From a person at the provider to an account here.

use bursar::demo::PASSWORD;
use bursar_sdk::{
    AuditListQuery, CreateFirstUserRequest, CreateTokenRequest, LoginType,
    PatchGroupSyncSettingsRequest, UpdateOrganizationRequest, UserListQuery, UserStatus,
};
use futures_util::future::join_all;
use serde_json::{Value, json};
use testkit::{ServerOptions, TestDatabase, TestIssuer, TestServer};

use super::{Browser, Page, Scene};
use crate::support::{login, refused};

/// A person whose address the provider vouches for.
fn person(sub: &str, name: &str) -> Value {
    json!({
        "sub": sub, "preferred_username": name, "email": format!("{name}@example.com"),
        "email_verified": true,
    })
}

fn refusal(page: &Page, status: u16, kind: &str) {
    assert_eq!(
        (page.status, page.kind().as_str()),
        (status, kind),
        "{page:?}"
    );
}

#[tokio::test]
async fn a_person_has_one_account_whatever_else_changes() {
    let scene = Scene::new().await;
    let (_, first) = scene.signed_in().await;
    assert_eq!(first.username, "ada-lovelace");
    assert_eq!(
        (first.name.as_str(), first.email.as_str()),
        ("Ada Lovelace", "ada.lovelace@example.com")
    );
    assert_eq!(
        (first.login_type, first.status),
        (LoginType::Oidc, UserStatus::Active)
    );
    let default = scene.owner.organization_get("default").await.unwrap().id;
    assert_eq!(first.organization_ids, [default]);
    assert!(first.roles.is_empty());
    // Another address, one that is not verified, and none.
    for claims in [
        json!({"sub": "ada-1", "email": "ada@new.example", "email_verified": true}),
        json!({"sub": "ada-1", "email": "owner@example.com", "email_verified": false}),
        json!({"sub": "ada-1"}),
    ] {
        scene.issuer.person(claims);
        let (_, again) = scene.signed_in().await;
        assert_eq!(again.id, first.id);
        assert_eq!(again.email, first.email);
    }
    // Another person with the same name gets another one.
    scene.issuer.person(json!({
        "sub": "ada-2", "preferred_username": "Ada Lovelace", "email": "a@b.example", "email_verified": "true",
    }));
    let (_, other) = scene.signed_in().await;
    assert_eq!(other.username, "Ada-Lovelace-2");
    assert_ne!(other.id, first.id);
}

#[tokio::test]
async fn whoever_signs_up_gets_what_every_member_has() {
    let scene = Scene::new().await;
    let roles = vec!["organization-admin".to_owned()];
    let update = UpdateOrganizationRequest {
        default_org_member_roles: Some(roles),
        ..UpdateOrganizationRequest::default()
    };
    let changed = scene.owner.organization_update("default", &update).await;
    let default = changed.unwrap().id;
    // The identity provider's people are added by the program, which holds no role that it could give by hand.
    let (ada, user) = scene.signed_in().await;
    assert_eq!(user.organization_ids, [default]);
    let mine = UpdateOrganizationRequest {
        display_name: Some("By a member".to_owned()),
        ..UpdateOrganizationRequest::default()
    };
    ada.organization_update("default", &mine).await.unwrap();
}

#[tokio::test]
async fn an_account_is_linked_by_an_address_that_the_provider_vouches_for() {
    let scene = Scene::new().await;
    let made = scene
        .account("ada", "Ada@Example.com", LoginType::Password)
        .await;
    let waiting = scene
        .account("bob", "bob@example.com", LoginType::Oidc)
        .await;
    for verified in [json!(false), json!("false"), json!(null)] {
        let mut claims = person("ada-1", "ada");
        claims["email_verified"] = verified;
        scene.issuer.person(claims);
        refusal(&scene.sign_in().await, 403, "email_unverified");
    }
    assert_eq!(scene.count("user_links").await, 0);
    for (sub, name, account) in [("ada-1", "ada", made.id), ("bob-1", "bob", waiting.id)] {
        scene.issuer.person(person(sub, name));
        let (_, user) = scene.signed_in().await;
        assert_eq!((user.id, user.username.as_str()), (account, name));
    }
    // The password goes on to be good, where there was one.
    login(scene.server.nobody(), "ada@example.com", PASSWORD)
        .await
        .unwrap();
    refused(
        login(scene.server.nobody(), "bob@example.com", "").await,
        401,
    );
    // Somebody else who has that address now is somebody else.
    scene.issuer.person(person("ada-2", "ada"));
    refusal(&scene.sign_in().await, 403, "account_linked");
    assert_eq!(scene.count("user_links").await, 2);
}

#[tokio::test]
async fn a_service_account_cannot_sign_in_whatever_the_provider_says() {
    let scene = Scene::new().await;
    let robot = scene
        .account("robot", "robot@example.com", LoginType::None)
        .await;
    scene.issuer.person(person("robot-1", "robot"));
    refusal(&scene.sign_in().await, 403, "service_account");
    refused(
        login(scene.server.nobody(), "robot@example.com", "").await,
        401,
    );
    // It acts by a token that an administrator makes, and nobody who may not become it.
    let request = CreateTokenRequest::default();
    let token = scene
        .owner
        .api_key_create(robot.id, &request)
        .await
        .unwrap();
    let robot = scene.server.nobody().with_token(token.key);
    assert_eq!(robot.user_get("me").await.unwrap().username, "robot");
    scene.issuer.person(person("ada-1", "ada"));
    let (ada, _) = scene.signed_in().await;
    refused(ada.api_key_create("robot", &request).await, 404);
    // Not even when the account was somebody's before.
    let sql = "SELECT set_config('bursar.actor_name', 'test', false); \
        UPDATE users SET login_type = 'none' WHERE username = 'ada'";
    scene
        .database
        .owner()
        .await
        .unwrap()
        .batch_execute(sql)
        .await
        .unwrap();
    refusal(&scene.sign_in().await, 403, "service_account");
}

#[tokio::test]
async fn a_suspended_account_stays_out() {
    let scene = Scene::new().await;
    let (session, ada) = scene.signed_in().await;
    scene.owner.user_suspend(ada.id).await.unwrap();
    refused(session.user_get("me").await, 401);
    let page = scene.sign_in().await;
    refusal(&page, 401, "account_suspended");
    assert!(
        page.text.contains("Contact an admin to reactivate"),
        "{page:?}"
    );
    scene.owner.user_activate(ada.id).await.unwrap();
    scene.signed_in().await;
    // Neither does one that is found by its address.
    let eve = scene
        .account("eve", "eve@example.com", LoginType::Password)
        .await;
    scene.owner.user_suspend(eve.id).await.unwrap();
    scene.issuer.person(person("eve-1", "eve"));
    refusal(&scene.sign_in().await, 401, "account_suspended");
}

#[tokio::test]
async fn a_deleted_account_is_nobodys_and_the_person_begins_anew() {
    let scene = Scene::new().await;
    let (_, first) = scene.signed_in().await;
    scene.owner.user_delete(first.id).await.unwrap();
    let (_, second) = scene.signed_in().await;
    assert_ne!(first.id, second.id);
    assert_eq!(second.username, "ada-lovelace");
}

#[tokio::test]
async fn where_nobody_signs_up_people_are_let_in_who_have_an_account() {
    let scene = Scene::with(|oidc| oidc.oidc_allow_signups = false).await;
    refusal(&scene.sign_in().await, 403, "signups_off");
    scene
        .account("ada", "ada.lovelace@example.com", LoginType::Oidc)
        .await;
    let (_, ada) = scene.signed_in().await;
    assert_eq!(ada.username, "ada");
}

#[tokio::test]
async fn only_people_of_the_named_domains_sign_in() {
    let domains = vec!["Example.com".to_owned(), "example.org".to_owned()];
    let scene = Scene::with(|oidc| oidc.oidc_email_domain = domains).await;
    scene.signed_in().await;
    for (email, kind) in [
        ("eve@example.com.evil.example", "email_domain"),
        ("eve@evil-example.com", "email_domain"),
        ("eve@sub.example.com", "email_domain"),
        ("", "email_missing"),
        ("eve", "email_missing"),
    ] {
        // Not even who was let in before.
        for sub in ["eve-1", "ada-1"] {
            scene
                .issuer
                .person(json!({"sub": sub, "email": email, "email_verified": true}));
            refusal(&scene.sign_in().await, 403, kind);
        }
    }
    scene
        .issuer
        .person(json!({"sub": "bob-1", "email": "bob@EXAMPLE.org", "email_verified": true}));
    assert_eq!(scene.signed_in().await.1.username, "bob");
}

#[tokio::test]
async fn an_account_needs_an_address() {
    let scene = Scene::new().await;
    scene.issuer.person(json!({"sub": "ada-1"}));
    let less = json!({"sub": "ada-1"});
    scene
        .issuer
        .play(|play| play.userinfo = less.as_object().cloned());
    refusal(&scene.sign_in().await, 403, "email_missing");
    // It may come from the userinfo endpoint.
    let more = person("ada-1", "ada");
    scene
        .issuer
        .play(|play| play.userinfo = more.as_object().cloned());
    assert_eq!(scene.signed_in().await.1.email, "ada@example.com");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_who_comes_for_the_first_time_many_times_at_once_has_one_account() {
    let scene = Scene::new().await;
    let tabs: Vec<_> = (0..8).map(|_| Browser::new()).collect();
    let arrived = join_all(tabs.iter().map(|tab| tab.signed_in(&scene.server))).await;
    let ids: std::collections::BTreeSet<_> = arrived.iter().map(|(_, user)| user.id).collect();
    assert_eq!(ids.len(), 1);
    let people = scene
        .owner
        .user_list(&UserListQuery::default())
        .await
        .unwrap();
    assert_eq!(people.count, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_new_people_do_not_block_each_other_where_claims_decide_about_groups() {
    let scene = Scene::new().await;
    let groups = PatchGroupSyncSettingsRequest {
        field: Some("groups".to_owned()),
        auto_create_missing_groups: Some(true),
        ..PatchGroupSyncSettingsRequest::default()
    };
    let set = scene.owner.idpsync_groups_update("default", &groups).await;
    set.unwrap();
    let mut answers = Vec::new();
    for number in 0..8 {
        let mut claims = person(&format!("new-{number}"), &format!("new-{number}"));
        claims["groups"] = json!(["makers"]);
        scene.issuer.person(claims);
        let browser = Browser::new();
        let answer = browser.leave(&scene.server, "").await;
        answers.push((browser, answer));
    }
    let pages = join_all(
        answers
            .iter()
            .map(|(browser, answer)| browser.go(&scene.server, answer)),
    );
    for page in pages.await {
        assert_eq!(page.status, 303, "{page:?}");
    }
    assert_eq!(scene.count("group_members").await, 8);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_several_who_claim_an_address_at_once_one_gets_the_account() {
    let scene = Scene::new().await;
    let mut answers = Vec::new();
    for number in 0..6 {
        scene
            .issuer
            .person(person(&format!("claimant-{number}"), "ada"));
        let browser = Browser::new();
        let answer = browser.leave(&scene.server, "").await;
        answers.push((browser, answer));
    }
    let pages = join_all(
        answers
            .iter()
            .map(|(browser, answer)| browser.go(&scene.server, answer)),
    );
    let pages = pages.await;
    let (lucky, others): (Vec<_>, Vec<_>) = pages.iter().partition(|page| page.status == 303);
    assert_eq!(lucky.len(), 1, "{pages:?}");
    others
        .iter()
        .for_each(|page| refusal(page, 403, "account_linked"));
    assert_eq!(scene.count("user_links").await, 1);
}

#[tokio::test]
async fn sign_ins_and_refusals_are_in_the_audit_log_without_secrets() {
    let scene = Scene::new().await;
    let (_, ada) = scene.signed_in().await;
    scene.owner.user_suspend(ada.id).await.unwrap();
    refusal(&scene.sign_in().await, 401, "account_suspended");
    let log = scene
        .owner
        .audit_list(&AuditListQuery::default())
        .await
        .unwrap();
    let line = |text: &str| {
        let shown = log
            .audit_logs
            .iter()
            .map(|entry| serde_json::to_string(entry).unwrap());
        shown
            .filter(|entry| entry.contains(text))
            .collect::<Vec<_>>()
    };
    assert_eq!(line(&format!("{} ada-1", scene.issuer.url())).len(), 1);
    assert_eq!(line("sign-in of ada-1 at").len(), 1);
    assert!(!line("identity-sync").is_empty());
    for secret in ["code-1", "access-", "verifier", "s3cret"] {
        assert_eq!(line(secret), [""; 0], "{secret}");
    }
}

#[tokio::test]
async fn nobody_signs_up_before_the_owner() {
    let issuer = TestIssuer::start().await.unwrap();
    let options = ServerOptions {
        oidc: Some(issuer.options().unwrap()),
        ..ServerOptions::default()
    };
    let database = TestDatabase::create().await.unwrap();
    let server = TestServer::start(&database, &options).await.unwrap();
    refusal(&Browser::new().sign_in(&server).await, 403, "setup_missing");
    let first = CreateFirstUserRequest {
        email: "owner@example.com".to_owned(),
        username: "owner".to_owned(),
        name: String::new(),
        password: PASSWORD.into(),
    };
    server.nobody().first_user_create(&first).await.unwrap();
    Browser::new().signed_in(&server).await;
}
