//! What these tests have in common: raw requests, people with roles, and what refusals say.

use std::fmt::Debug;

use bursar_sdk::{
    ApiError, AuditAction, AuditListQuery, AuditLog, Client, CreateTokenRequest, CreateUserRequest,
    LoginType, LoginWithPasswordRequest, UpdateRolesRequest, client::Error,
};
use fakeprovider::Script;
use model::Micros;
use reqwest::{Method, RequestBuilder, header::HeaderMap};
use serde_json::Value;
use testkit::World;
use uuid::Uuid;

/// A world whose member may spend a dollar.
pub(crate) async fn world() -> World {
    World::new(Script::default(), Micros::USD).await.unwrap()
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The words of a refusal; the gateway's are in the provider's shape.
    pub(crate) fn message(&self) -> String {
        let body = self.json();
        let message = body["message"].as_str();
        let message = message.or_else(|| body["error"]["message"].as_str());
        message.unwrap_or_else(|| panic!("{self:?}")).to_owned()
    }

    /// The fields that the answer complains about.
    pub(crate) fn fields(&self) -> Vec<String> {
        let body = self.json();
        let validations = body["validations"].as_array().cloned().unwrap_or_default();
        let field = |one: &Value| one["field"].as_str().unwrap().to_owned();
        validations.iter().map(field).collect()
    }

    pub(crate) fn request_id(&self) -> Uuid {
        let id = self.headers["x-request-id"].to_str().unwrap();
        id.parse().unwrap()
    }
}

/// A request to the world's server, as nobody yet.
pub(crate) fn request(world: &World, method: &str, path: &str) -> RequestBuilder {
    let method = Method::from_bytes(method.as_bytes()).unwrap();
    world
        .http
        .request(method, format!("{}{path}", world.server.url()))
}

/// Sends a request and checks what every answer has: an id, and for a refusal words in JSON; never a 500.
pub(crate) async fn send(request: RequestBuilder) -> Answer {
    let shown = format!("{request:?}");
    let response = request
        .send()
        .await
        .unwrap_or_else(|e| panic!("{shown}: {e:?}"));
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let text = response.text().await.unwrap();
    let answer = Answer {
        status,
        headers,
        text,
    };
    assert!(!answer.request_id().is_nil());
    assert!(status < 500 || status == 503, "{shown}: {answer:?}");
    if status >= 400 {
        assert_eq!(answer.headers["content-type"], "application/json");
        assert!(!answer.message().is_empty(), "{shown}");
    }
    answer
}

/// Sends a body of text, `path` being what follows `/api/v2`.
pub(crate) async fn ask_text(
    world: &World,
    caller: &Client,
    method: &str,
    path: &str,
    body: impl Into<reqwest::Body>,
) -> Answer {
    let mut request = request(world, method, &format!("/api/v2{path}")).body(body);
    if let Some(token) = caller.token() {
        request = request.header("Bursar-Session-Token", token.expose());
    }
    send(request).await
}

/// Sends a body of JSON, or none for `null`.
pub(crate) async fn ask(
    world: &World,
    caller: &Client,
    method: &str,
    path: &str,
    body: &Value,
) -> Answer {
    let text = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    ask_text(world, caller, method, path, text).await
}

/// Reads, `path` being what follows `/api/v2`.
pub(crate) async fn get(world: &World, caller: &Client, path: &str) -> Answer {
    ask(world, caller, "GET", path, &Value::Null).await
}

/// Asks and checks the status.
#[track_caller]
pub(crate) fn is(answer: &Answer, status: u16) {
    assert_eq!(answer.status, status, "{}", answer.text);
}

/// The server's refusal.
#[track_caller]
pub(crate) fn refused<T: Debug>(outcome: Result<T, Error>, status: u16) -> ApiError {
    let error = outcome.unwrap_err();
    let refusal = error.api().unwrap_or_else(|| panic!("{error:?}"));
    assert_eq!(refusal.status.as_u16(), status, "{refusal:?}");
    refusal.clone()
}

/// Somebody who acts by an API token.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    pub(crate) id: Uuid,
    pub(crate) client: Client,
}

/// An account without a password, with a token that the owner made for it.
pub(crate) async fn person(world: &World, name: &str, organizations: &[Uuid]) -> Person {
    let owner = &world.cast.owner;
    let user = owner
        .user_create(&CreateUserRequest {
            email: format!("{name}@example.com"),
            username: name.to_owned(),
            name: String::new(),
            password: None,
            login_type: Some(LoginType::None),
            organization_ids: organizations.to_vec(),
        })
        .await
        .unwrap();
    let token = CreateTokenRequest::default();
    let token = owner.api_key_create(user.id, &token).await.unwrap();
    Person {
        id: user.id,
        client: owner.with_token(token.key),
    }
}

/// Somebody with a site role, in no organization.
pub(crate) async fn site(world: &World, role: &str) -> Person {
    let made = person(world, &format!("site-{role}"), &[]).await;
    let roles = roles(&[role]);
    let owner = &world.cast.owner;
    owner.user_roles_update(made.id, &roles).await.unwrap();
    made
}

/// A member of the cast's organization with roles there.
pub(crate) async fn member(world: &World, name: &str, given: &[&str]) -> Person {
    let acme = world.cast.organization_id;
    let made = person(world, name, &[acme]).await;
    let roles = roles(given);
    let owner = &world.cast.owner;
    owner
        .organization_member_roles_update(acme, made.id, &roles)
        .await
        .unwrap();
    made
}

/// A request for these roles.
pub(crate) fn roles(names: &[&str]) -> UpdateRolesRequest {
    UpdateRolesRequest {
        roles: names.iter().map(ToString::to_string).collect(),
    }
}

/// Signs in.
pub(crate) async fn login(nobody: &Client, email: &str, password: &str) -> Result<Client, Error> {
    let body = LoginWithPasswordRequest {
        email: email.to_owned(),
        password: password.into(),
    };
    let session = nobody.login(&body).await?;
    Ok(nobody.with_token(session.session_token))
}

/// The audit lines of a request, as the owner sees them.
pub(crate) async fn lines(world: &World, request: Uuid) -> Vec<AuditLog> {
    let query = AuditListQuery {
        request_id: Some(request),
        limit: Some(1_000),
        ..Default::default()
    };
    let found = world.cast.owner.audit_list(&query).await.unwrap();
    assert_eq!(
        found.count.map(|count| usize::try_from(count).unwrap()),
        Some(found.audit_logs.len())
    );
    found.audit_logs
}

/// An audit line in short: action, type, target.
pub(crate) fn brief(line: &AuditLog) -> String {
    let action = match line.action {
        AuditAction::Create => "create",
        AuditAction::Write => "write",
        AuditAction::Delete => "delete",
    };
    format!("{action} {} {}", line.resource_type, line.resource_target)
}
