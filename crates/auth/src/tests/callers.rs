//! The extractor, over a router: which key is found where, and who is let in.

use axum::{
    Router,
    body::Body,
    routing::{get, post},
};
use chrono::Duration;
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use model::{Name, users::UserStatus};
use rbac::{Action, Object, ScopeSet};
use secrecy::ExposeSecret;
use tower::ServiceExt;
use uuid::Uuid;

use super::{ANN, BOB, ORG, World, world};
use crate::{
    AuthError, AuthState, Caller, NewToken, RequestId, gateway_caller, same_site, session_cookie,
    session_cookie_removed, token_create,
};

const SIGNED_OUT: &str =
    "You are signed out or your session has expired. Please sign in again to continue.";

/// Says who calls.
async fn who(caller: Caller) -> String {
    caller.username.to_string()
}

async fn ask(auth: &AuthState, request: Request<Body>) -> (StatusCode, String) {
    let router = Router::new()
        .route("/", get(who).merge(post(who)))
        .with_state(auth.clone());
    let response = router.oneshot(request).await.unwrap();
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

/// Names and values.
type Headers<'a> = &'a [(&'a str, &'a str)];

fn request(method: &str, headers: Headers<'_>) -> Request<Body> {
    let mut request = Request::builder().method(method).uri("/");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Body::empty()).unwrap()
}

fn refusal(message: &str) -> String {
    serde_json::json!({ "message": message }).to_string()
}

#[tokio::test]
async fn the_first_place_that_holds_a_key_decides() {
    let world = world().await;
    let (ann, bob) = (world.sign_in(ANN).await, world.sign_in(BOB).await);
    let (ann, bob) = (ann.expose_secret(), bob.expose_secret());
    let bearer = format!("Bearer {ann}");
    let lower = format!("bearer  {ann}");
    let cookie = format!("theme=dark; bursar_session={ann}; other=1");
    let basic = "Basic YTpi";
    let of_another = format!("coder_session_token={ann}");
    let (bursar, coder) = ("Bursar-Session-Token", "Coder-Session-Token");
    let rows: &[(Headers<'_>, Option<&str>)] = &[
        (&[], None),
        (&[(bursar, ann)], Some("ann")),
        (&[(coder, ann)], Some("ann")),
        (&[("Authorization", &bearer)], Some("ann")),
        (&[("Authorization", &lower)], Some("ann")),
        (&[("Cookie", &cookie)], Some("ann")),
        (
            &[("Cookie", "theme=dark"), ("Cookie", &cookie)],
            Some("ann"),
        ),
        (&[(coder, ann), (bursar, bob)], Some("bob")),
        (&[("Authorization", &bearer), (coder, bob)], Some("bob")),
        (&[("Cookie", &cookie), (coder, bob)], Some("bob")),
        // What is empty or of another scheme is no key.
        (&[(bursar, ""), ("Cookie", &cookie)], Some("ann")),
        (
            &[("Authorization", basic), ("Cookie", &cookie)],
            Some("ann"),
        ),
        (
            &[("Authorization", "Bearer "), ("Cookie", &cookie)],
            Some("ann"),
        ),
        // A wrong key is not passed over for a good one.
        (&[(bursar, "nonsense"), ("Cookie", &cookie)], None),
        (&[(bursar, "\u{e4}"), ("Cookie", &cookie)], None),
        // These belong to others.
        (&[("x-api-key", ann)], None),
        (&[("Authorization", ann)], None),
        (&[("Cookie", &of_another)], None),
        (&[("Cookie", "bursar_session=")], None),
    ];
    for (headers, expected) in rows {
        let found = ask(&world.auth, request("GET", headers)).await;
        let expected = match expected {
            Some(name) => (StatusCode::OK, (*name).to_owned()),
            None => (StatusCode::UNAUTHORIZED, refusal(SIGNED_OUT)),
        };
        assert_eq!(found, expected, "{headers:?}");
    }
}

#[tokio::test]
async fn a_cookie_needs_this_sites_origin_to_write() {
    let world = world().await;
    let ann = world.sign_in(ANN).await;
    let ann = ann.expose_secret();
    let cookie = format!("bursar_session={ann}");
    let check = async |method, headers: Headers<'_>, expected| {
        let (status, body) = ask(&world.auth, request(method, headers)).await;
        assert_eq!(status, expected, "{method} {headers:?} {body}");
    };
    let host = ("Host", "bursar.example");
    let (cookie, ours) = (
        ("Cookie", cookie.as_str()),
        ("Origin", "https://bursar.example"),
    );
    let theirs = ("Origin", "https://evil.example");
    check("GET", &[host, cookie, theirs], StatusCode::OK).await;
    check("POST", &[host, cookie, ours], StatusCode::OK).await;
    check("POST", &[host, cookie], StatusCode::FORBIDDEN).await;
    check("POST", &[host, cookie, theirs], StatusCode::FORBIDDEN).await;
    check("POST", &[host, cookie, ours, theirs], StatusCode::FORBIDDEN).await;
    let upgrade = ("Upgrade", "websocket");
    check(
        "GET",
        &[host, cookie, theirs, upgrade],
        StatusCode::FORBIDDEN,
    )
    .await;
    check("GET", &[host, cookie, ours, upgrade], StatusCode::OK).await;
    // A header is not sent by a browser unasked.
    let header = ("Bursar-Session-Token", ann);
    check("POST", &[host, header, theirs], StatusCode::OK).await;
}

#[tokio::test]
async fn pages_of_other_sites_sign_nobody_in_and_make_no_first_account() {
    let mut auth = super::empty().auth;
    auth.access_url = Some("https://bursar.example/base".parse().unwrap());
    let check = |headers: Headers<'_>, expected: bool| {
        let (parts, _) = request("POST", headers).into_parts();
        assert_eq!(same_site(&auth, &parts).is_ok(), expected, "{headers:?}");
    };
    let host = ("Host", "127.0.0.1:7080");
    check(&[host], true);
    check(&[host, ("Origin", "http://127.0.0.1:7080")], true);
    check(&[host, ("Origin", "https://bursar.example")], true);
    check(&[host, ("Origin", "https://evil.example")], false);
    check(&[host, ("Origin", "http://127.0.0.1:8080")], false);
    check(&[host, ("Origin", "null")], false);
    check(&[host, ("Origin", "")], false);
}

#[tokio::test]
async fn keys_that_ended_and_people_who_may_not_act_stay_outside() {
    let world = world().await;
    let token = world.sign_in(ANN).await;
    let text = token.expose_secret();
    let check = async |text: &str, message: &str| {
        let request = request("GET", &[("Bursar-Session-Token", text)]);
        let expected = (StatusCode::UNAUTHORIZED, refusal(message));
        assert_eq!(ask(&world.auth, request).await, expected, "{text}");
    };
    // The id is right, the secret is not.
    let (id, _) = text.split_once('-').unwrap();
    check(&format!("{id}-0000000000000000000000"), SIGNED_OUT).await;
    check("0000000000-0000000000000000000000", SIGNED_OUT).await;

    world.store.state().users[0].status = UserStatus::Suspended;
    let suspended = "Your account is suspended. Contact an admin to reactivate your account.";
    check(text, suspended).await;
    check(&format!("{id}-0000000000000000000000"), SIGNED_OUT).await;
    world.store.state().users[0].status = UserStatus::Active;

    world.store.state().now += Duration::hours(24);
    check(text, SIGNED_OUT).await;
    world.store.state().now -= Duration::seconds(1);
    assert_eq!(world.caller(&token).await.user_id, ANN);

    world.store.state().keys[0].0.scopes = vec!["from-the-future".to_owned()];
    check(text, SIGNED_OUT).await;
    world.store.state().keys.clear();
    check(text, SIGNED_OUT).await;
}

#[tokio::test]
async fn roles_groups_and_implied_roles_become_the_subject() {
    let world = world().await;
    let ann = world.caller(&world.sign_in(ANN).await).await;
    let bob = world.caller(&world.sign_in(BOB).await).await;
    let check = |caller: &Caller, action, object: Object, expected: bool| {
        let found = caller.store.subject().allows(action, &object);
        assert_eq!(found, expected, "{} {action} {object:?}", caller.username);
    };
    let [org, other] = [ORG.0, Uuid::from_u128(0xff)];
    check(&ann, Action::Read, Object::user(ANN.0), true);
    check(&ann, Action::Read, Object::user(BOB.0), false);
    check(&ann, Action::Use, Object::ai_provider(None), true);
    check(&ann, Action::Read, Object::organization(org), false);
    // By the site role, by the organization role, by the role that comes with membership.
    check(&bob, Action::Read, Object::audit_log(None), true);
    check(&bob, Action::Update, Object::organization(org), true);
    check(&bob, Action::Update, Object::organization(other), false);
    check(
        &bob,
        Action::Create,
        Object::new(rbac::ResourceType::Chat)
            .owner(BOB.0)
            .in_org(org),
        true,
    );
}

async fn narrow(world: &World, name: &str, scopes: &[&str]) -> Caller {
    let caller = world.caller(&world.sign_in(BOB).await).await;
    let token = NewToken {
        user_id: BOB,
        token_name: name.parse().unwrap(),
        lifetime: Duration::days(7),
        scopes: ScopeSet::parse(scopes, None::<&[&str]>).unwrap(),
    };
    let created = token_create(&caller, token).await.unwrap();
    assert_eq!(
        created.key.expires_at,
        created.key.created_at + Duration::days(7)
    );
    world.caller(&created.token).await
}

#[tokio::test]
async fn a_token_is_narrowed_by_its_scopes() {
    let world = world().await;
    let caller = narrow(&world, "reader", &["audit_log:read"]).await;
    let subject = caller.store.subject();
    assert!(subject.allows(Action::Read, &Object::audit_log(None)));
    assert!(!subject.allows(Action::Read, &Object::user(BOB.0)));
    let more = NewToken {
        user_id: BOB,
        token_name: "more".parse().unwrap(),
        lifetime: Duration::days(7),
        scopes: ScopeSet::all(),
    };
    assert!(
        token_create(&caller, more.clone())
            .await
            .unwrap_err()
            .hidden()
    );
    let caller = narrow(&world, "minter", &["api_key:create"]).await;
    let refused = token_create(&caller, more).await.unwrap_err();
    assert!(refused.to_string().contains("its own scopes"), "{refused}");
}

#[tokio::test]
async fn the_gateway_takes_any_header_and_no_cookie() {
    let world = world().await;
    let token = world.sign_in(ANN).await;
    let text = token.expose_secret();
    let check = async |name: &str, value: &str, expected: Option<&str>| {
        let (parts, ()) = Request::builder()
            .header(name, value)
            .body(())
            .unwrap()
            .into_parts();
        let found = gateway_caller(&world.auth, &parts.headers, &parts.extensions).await;
        let found = found.map(|caller| caller.username);
        match expected {
            Some(username) => assert_eq!(found.unwrap(), username.parse::<Name>().unwrap()),
            None => assert!(matches!(
                found,
                Err(AuthError::Missing | AuthError::Invalid)
            )),
        }
    };
    check("x-api-key", text, Some("ann")).await;
    check("authorization", &format!("Bearer {text}"), Some("ann")).await;
    check("bursar-session-token", text, Some("ann")).await;
    check("coder-session-token", text, Some("ann")).await;
    check("cookie", &format!("bursar_session={text}"), None).await;
    check("x-api-key", "sk-ant-0", None).await;
    check("x-api-key", "", None).await;
}

#[tokio::test]
async fn the_request_id_goes_along_to_the_audit_log() {
    let world = world().await;
    let token = world.sign_in(ANN).await;
    let mut request = request("GET", &[("x-api-key", token.expose_secret())]);
    let id = Uuid::from_u128(7);
    request.extensions_mut().insert(RequestId(id));
    let (parts, _) = request.into_parts();
    let caller = gateway_caller(&world.auth, &parts.headers, &parts.extensions)
        .await
        .unwrap();
    assert_eq!(caller.request_id, Some(id));
    drop(caller.store.begin().await.unwrap());
    let contexts = world.store.contexts();
    let last = contexts.last().unwrap();
    assert_eq!((last.user_id, last.actor_name.as_str()), (Some(ANN), "ann"));
    assert_eq!(last.request_id, Some(id));
}

#[tokio::test]
async fn cookies_are_kept_from_scripts_and_other_sites() {
    let mut auth = super::empty().auth;
    let token = "abcdefghij-ABCDEFGHIJKLMNOPQRSTUV".into();
    let text = |value: http::HeaderValue| value.to_str().unwrap().to_owned();
    assert_eq!(
        text(session_cookie(&auth, &token)),
        "bursar_session=abcdefghij-ABCDEFGHIJKLMNOPQRSTUV; Path=/; Max-Age=86400; HttpOnly; \
         SameSite=Lax"
    );
    auth.access_url = Some("https://bursar.example".parse().unwrap());
    assert!(text(session_cookie(&auth, &token)).ends_with("; Secure"));
    assert!(session_cookie(&auth, &token).is_sensitive());
    let removed = text(session_cookie_removed(&auth));
    assert!(
        removed.starts_with("bursar_session=; Path=/; Max-Age=0;"),
        "{removed}"
    );
}
