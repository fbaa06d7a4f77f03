//! The provider's endpoints.

use std::{collections::BTreeMap, convert::Infallible, sync::Arc};

use axum::{
    Json, Router,
    body::{Body, Bytes},
    extract::{Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use futures_util::stream;
use ring::digest;
use serde_json::{Value, json};
use url::{Url, form_urlencoded};

use super::{Begun, CLIENT_ID, CLIENT_SECRET, Claims, Endpoint, Shared, keys::base64url, token};

/// The parameters of a query or a form.
type Parameters = BTreeMap<String, String>;
type Playing = State<Arc<Shared>>;

pub(super) fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/.well-known/openid-configuration", get(discovery))
        .route("/jwks", get(jwks))
        .route("/authorize", get(authorize))
        .route("/token", post(token_endpoint))
        .route("/userinfo", get(userinfo))
        .with_state(shared)
}

/// What an endpoint answers instead of what it should.
async fn trouble(endpoint: Endpoint) -> Option<Response> {
    match endpoint {
        Endpoint::Works => None,
        Endpoint::Fails => Some(StatusCode::INTERNAL_SERVER_ERROR.into_response()),
        Endpoint::Hangs => std::future::pending().await,
        Endpoint::Huge => {
            let part = Bytes::from(vec![b' '; 64 * 1024]);
            let parts = stream::repeat_with(move || Ok::<_, Infallible>(part.clone()));
            let json = [(header::CONTENT_TYPE, "application/json")];
            Some((json, Body::from_stream(parts)).into_response())
        }
        Endpoint::Redirects => {
            let there = [(header::LOCATION, "/jwks")];
            Some((StatusCode::TEMPORARY_REDIRECT, there).into_response())
        }
        Endpoint::Garbage => Some("<html>What a nice provider</html>".into_response()),
    }
}

async fn discovery(State(shared): Playing) -> Response {
    let endpoint = {
        let mut inner = shared.inner();
        inner.count("discovery");
        inner.play.discovery
    };
    if let Some(answer) = trouble(endpoint).await {
        return answer;
    }
    let (issuer, inner) = (shared.issuer(), shared.inner());
    let document = json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "jwks_uri": format!("{issuer}/jwks"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        // A good provider does not sign with HMAC; this one says that it might.
        "id_token_signing_alg_values_supported": ["ES256", "EdDSA", "HS256", "none"],
        "code_challenge_methods_supported": ["S256"],
    });
    let mut document: Claims = document.as_object().cloned().unwrap_or_default();
    if inner.play.userinfo.is_some() {
        document.insert(
            "userinfo_endpoint".to_owned(),
            format!("{issuer}/userinfo").into(),
        );
    }
    document.extend(inner.play.metadata.clone());
    Json(document).into_response()
}

async fn jwks(State(shared): Playing) -> Json<Value> {
    let mut inner = shared.inner();
    inner.count("jwks");
    Json(inner.keys.published())
}

async fn authorize(State(shared): Playing, Query(asked): Query<Parameters>) -> Response {
    let mut inner = shared.inner();
    inner.count("authorize");
    let asked = |name: &str| asked.get(name).cloned().unwrap_or_default();
    let good = asked("response_type") == "code"
        && asked("client_id") == CLIENT_ID
        && asked("code_challenge_method") == "S256"
        && asked("code_challenge").len() == 43
        && asked("scope").split(' ').any(|scope| scope == "openid");
    let Some(mut back) = Url::parse(&asked("redirect_uri")).ok().filter(|_| good) else {
        return (StatusCode::BAD_REQUEST, "this is no request for a sign-in").into_response();
    };
    let answer = match inner.play.refusal.clone() {
        Some(error) => ("error", error),
        None => {
            let begun = Begun {
                nonce: Some(asked("nonce")).filter(|nonce| !nonce.is_empty()),
                challenge: asked("code_challenge"),
                redirect_uri: asked("redirect_uri"),
                max_age: !asked("max_age").is_empty(),
                person: inner.play.person.clone(),
            };
            let code = inner.fresh("code");
            inner.codes.insert(code.clone(), begun);
            ("code", code)
        }
    };
    back.query_pairs_mut()
        .append_pair(answer.0, &answer.1)
        .append_pair("state", &asked("state"));
    (StatusCode::FOUND, [(header::LOCATION, back.to_string())]).into_response()
}

async fn token_endpoint(State(shared): Playing, headers: HeaderMap, body: Bytes) -> Response {
    let endpoint = {
        let mut inner = shared.inner();
        inner.count("token");
        inner.play.token
    };
    if let Some(answer) = trouble(endpoint).await {
        return answer;
    }
    let form: Parameters = form_urlencoded::parse(&body).into_owned().collect();
    if !authenticated(&headers) {
        return refusal(StatusCode::UNAUTHORIZED, "invalid_client");
    }
    let issuer = shared.issuer();
    let mut inner = shared.inner();
    let text = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
    // A code is good once.
    let begun = inner.codes.remove(text("code"));
    let proof = digest::digest(&digest::SHA256, text("code_verifier").as_bytes());
    let begun = begun.filter(|begun| {
        text("grant_type") == "authorization_code"
            && begun.challenge == base64url(proof.as_ref())
            && begun.redirect_uri == text("redirect_uri")
    });
    let Some(begun) = begun else {
        return refusal(StatusCode::BAD_REQUEST, "invalid_grant");
    };
    let Ok(id_token) = token::id_token(&inner, &issuer, &begun) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let access_token = inner.fresh("access");
    let said = inner.play.userinfo.clone().unwrap_or_default();
    inner
        .tokens
        .insert(access_token.clone(), Value::Object(said));
    Json(json!({
        "access_token": access_token, "token_type": "Bearer", "expires_in": 300, "id_token": id_token,
    }))
    .into_response()
}

fn refusal(status: StatusCode, error: &str) -> Response {
    (
        status,
        Json(json!({"error": error, "error_description": "No."})),
    )
        .into_response()
}

/// Whether the client showed its secret by HTTP Basic, both parts encoded as RFC 6749 wants it.
fn authenticated(headers: &HeaderMap) -> bool {
    let value = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    let encoded = value.and_then(|value| value.strip_prefix("Basic "));
    let bytes = encoded.and_then(|text| BASE64_STANDARD.decode(text).ok());
    let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    text == Some(format!("{}:{}", encode(CLIENT_ID), encode(CLIENT_SECRET)))
}

async fn userinfo(State(shared): Playing, headers: HeaderMap) -> Response {
    let endpoint = {
        let mut inner = shared.inner();
        inner.count("userinfo");
        inner.play.userinfo_endpoint
    };
    if let Some(answer) = trouble(endpoint).await {
        return answer;
    }
    let value = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    let token = value
        .and_then(|value| value.strip_prefix("Bearer "))
        .unwrap_or_default();
    match shared.inner().tokens.get(token) {
        Some(said) => Json(said.clone()).into_response(),
        None => StatusCode::UNAUTHORIZED.into_response(),
    }
}
