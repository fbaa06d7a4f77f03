//! The gateway behind the house's real sign-in and authorized store, over a store in memory.

use std::{sync::Arc, time::Duration};

use auth::{AccessHint, AuthState, NewToken, gateway_caller, login, token_create};
use axum::body::Body;
use chrono::DateTime;
use dbauthz::{
    Authorized,
    fake::{FakeStore, State},
};
use http::{HeaderMap, HeaderValue, Request};
use http_body_util::BodyExt;
use model::{
    OrganizationId, ProviderId, SystemClock, UserId, UuidV7Source,
    organizations::OrganizationMember,
    prices::ProviderKind,
    providers::Provider,
    users::{LoginType, User, UserStatus},
};
use rbac::ScopeSet;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use tokio::sync::mpsc;
use tower::ServiceExt;
use uuid::Uuid;

use super::rig::{Spoken, config, prices};
use crate::{
    AskFor, Gateway, GatewayDeps,
    access::{Access, Denial},
    router,
};

const ANN: UserId = UserId(Uuid::from_u128(0xa1));
const PASSWORD: &str = "correct horse";

struct World {
    store: FakeStore,
    auth: AuthState,
    session: SecretString,
}

async fn world() -> World {
    let store = FakeStore::default();
    let authorized = Authorized::new(Arc::new(store.clone()));
    let auth = AuthState::new(
        authorized,
        Arc::new(SystemClock),
        Arc::new(UuidV7Source),
        None,
    );
    let hash = auth.passwords.hash(PASSWORD).await.unwrap();
    let at = DateTime::UNIX_EPOCH;
    let ann = User {
        id: ANN,
        email: "ann@example.com".parse().unwrap(),
        username: "ann".parse().unwrap(),
        name: String::new(),
        status: UserStatus::Active,
        login_type: LoginType::Password,
        roles: Vec::new(),
        organization_ids: vec![OrganizationId(Uuid::from_u128(0x0c))],
        created_at: at,
        updated_at: at,
        last_seen_at: None,
    };
    let provider = Provider {
        id: ProviderId(Uuid::from_u128(3)),
        name: "openai".parse().unwrap(),
        kind: ProviderKind::OpenAi,
        base_url: "http://127.0.0.1:9/v1".parse().unwrap(),
        created_at: at,
        updated_at: at,
    };
    *store.state() = State {
        users: vec![ann],
        hashes: [(ANN, hash)].into(),
        providers: vec![provider],
        ..State::default()
    };
    let session = login(&auth, "ann@example.com", PASSWORD, None)
        .await
        .unwrap()
        .token;
    World {
        store,
        auth,
        session,
    }
}

fn signed(name: &'static str, value: &str) -> HeaderMap {
    [(
        http::HeaderName::from_static(name),
        HeaderValue::from_str(value).unwrap(),
    )]
    .into_iter()
    .collect()
}

impl World {
    async fn enter(
        &self,
        headers: &HeaderMap,
        provider: &str,
    ) -> Result<crate::access::Entry, Denial> {
        Access::enter(&self.auth, headers, &http::Extensions::new(), provider).await
    }

    /// A token of Ann's with these scopes.
    async fn token(&self, scopes: &[&str]) -> HeaderMap {
        let headers = signed("x-api-key", self.session.expose_secret());
        let caller = gateway_caller(&self.auth, &headers, &http::Extensions::new())
            .await
            .unwrap();
        let token = NewToken {
            user_id: ANN,
            token_name: "narrow".parse().unwrap(),
            lifetime: chrono::Duration::days(1),
            scopes: ScopeSet::parse(scopes, None::<&[&str]>).unwrap(),
        };
        let created = token_create(&caller, token).await.unwrap();
        signed("x-api-key", created.token.expose_secret())
    }
}

#[tokio::test]
async fn a_member_may_use_a_provider_by_any_sign_in_header() {
    let world = world().await;
    let key = world.session.expose_secret();
    for headers in [
        signed("x-api-key", key),
        signed("authorization", &format!("Bearer {key}")),
    ] {
        let entry = world.enter(&headers, "openai").await.unwrap();
        assert_eq!(entry.user_id, ANN);
        assert_eq!(entry.key.expose_secret(), "sk-fake");
        assert!(key.starts_with(&entry.api_key_id));
        assert!(
            !format!("{entry:?}").contains("sk-fake"),
            "the key must not be printable"
        );
    }
    let headers = signed("x-api-key", key);
    for missing in ["nothing", "no name", "me"] {
        let denial = world.enter(&headers, missing).await.unwrap_err();
        assert!(
            matches!(denial, Denial::NoProvider),
            "{missing}: {denial:?}"
        );
    }
    let cookie = signed("cookie", &format!("bursar_session={key}"));
    for headers in [cookie, HeaderMap::new(), signed("x-api-key", "sk-1")] {
        let denial = world.enter(&headers, "openai").await.unwrap_err();
        assert!(matches!(denial, Denial::Unauthorized(_)), "{denial:?}");
    }
}

#[tokio::test]
async fn a_token_without_the_right_learns_nothing_about_providers() {
    let world = world().await;
    let narrow = world.token(&["user:read"]).await;
    for provider in ["openai", "nothing", "no name"] {
        let denial = world.enter(&narrow, provider).await.unwrap_err();
        assert!(
            matches!(denial, Denial::Forbidden),
            "{provider}: {denial:?}"
        );
    }
    let wide = world.token(&["ai_provider:use"]).await;
    assert!(world.enter(&wide, "openai").await.is_ok());
}

#[tokio::test]
async fn the_ledgers_word_reaches_the_client() {
    let world = world().await;
    let (_hints, hints) = mpsc::channel(1);
    let gateway = Gateway::new(GatewayDeps {
        authorized: world.auth.authorized.clone(),
        auth: world.auth.clone(),
        prices: prices(),
        clock: Arc::new(SystemClock),
        ids: Arc::new(UuidV7Source),
        config: config(),
        hints,
    });
    let gateway = gateway.unwrap();
    gateway.start().await.unwrap();
    let request = Request::post("/api/v2/ai-gateway/openai/v1/chat/completions")
        .header(
            "authorization",
            format!("Bearer {}", world.session.expose_secret()),
        )
        .body(Body::from(Spoken::OpenAi.body(Some(50), false).to_string()))
        .unwrap();
    // This store refuses every reservation.
    let answer = router(gateway.clone()).oneshot(request).await.unwrap();
    assert_eq!(answer.status(), 403);
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(body["error"]["code"], "insufficient_quota");
    gateway.shutdown(Duration::from_secs(5)).await;
    let calls = world.store.calls();
    for expected in ["lease_renew", "ledger_batch", "lease_end"] {
        assert!(calls.contains(&expected), "{expected}: {calls:?}");
    }
}

/// The provider's end is none of the caller's access, whose end is told by the hub and by the store.
#[tokio::test]
async fn access_ends_with_the_callers_and_not_with_the_provider() {
    let world = world().await;
    let hub = world.auth.access.clone();
    let looking = tokio::spawn(hub.clone().run(Duration::from_secs(3_600)));
    let headers = signed("x-api-key", world.session.expose_secret());
    let presence = world.enter(&headers, "openai").await.unwrap().presence;
    assert!(presence.confirm().await.is_ok());
    let mut ended = Box::pin(presence.ended());
    let mut soon = async |most| tokio::time::timeout(most, &mut ended).await;
    // Rights that change without the right to use providers end nothing.
    world.store.state().providers.clear();
    let ann = |change: fn(&mut User)| change(world.store.state().users.first_mut().unwrap());
    ann(|ann| ann.roles = vec!["auditor".to_owned()]);
    hub.hint(AccessHint::Subject(ANN.0));
    assert!(soon(Duration::from_millis(300)).await.is_err());
    let denial = presence.confirm().await.unwrap_err();
    assert!(matches!(denial, Denial::NoProvider), "{denial:?}");
    ann(|ann| ann.status = UserStatus::Suspended);
    hub.hint(AccessHint::Subject(ANN.0));
    let denial = soon(Duration::from_secs(20)).await.unwrap();
    assert!(matches!(denial, Denial::Unauthorized(_)), "{denial:?}");
    let denial = presence.confirm().await.unwrap_err();
    assert!(matches!(denial, Denial::Unauthorized(_)), "{denial:?}");
    looking.abort();
}

/// Somebody for whom something is asked presents no key, and must be able to act where it is asked for.
#[tokio::test]
async fn something_is_asked_for_somebody_as_they_stand_now() {
    let world = world().await;
    let organization = OrganizationId(Uuid::from_u128(0x0c));
    let whom = AskFor {
        user_id: ANN,
        organization_id: organization,
        request_id: None,
    };
    let enter = async |provider| Access::enter_for(&world.auth, whom, provider).await;
    // She is a member of nothing yet.
    let denial = enter("openai").await.unwrap_err();
    assert!(matches!(denial, Denial::Unauthorized(_)), "{denial:?}");
    let member = OrganizationMember {
        organization_id: organization,
        user_id: ANN,
        username: "ann".parse().unwrap(),
        name: String::new(),
        email: String::new(),
        roles: Vec::new(),
        global_roles: Vec::new(),
        created_at: DateTime::UNIX_EPOCH,
        updated_at: DateTime::UNIX_EPOCH,
    };
    world.store.state().members.push(member);
    let entry = enter("openai").await.unwrap();
    assert_eq!((entry.user_id, entry.api_key_id.as_str()), (ANN, "chat"));
    assert!(entry.presence.confirm().await.is_ok());
    let denial = enter("nothing").await.unwrap_err();
    assert!(matches!(denial, Denial::NoProvider), "{denial:?}");
    // Whoever leaves is asked for no longer.
    world.store.state().members.clear();
    let denial = entry.presence.confirm().await.unwrap_err();
    assert!(matches!(denial, Denial::Unauthorized(_)), "{denial:?}");
}
