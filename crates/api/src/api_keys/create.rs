//! A new API token.

use auth::{NewToken, token_create};
use axum::{Json, extract::State, http::StatusCode};
use bursar_sdk::{CreateTokenRequest, GenerateApiKeyResponse, Secret};
use chrono::Duration;
use model::{IdSource, Name, UserId};
use rbac::{ScopeError, ScopeSet};
use secrecy::ExposeSecret;

use crate::{
    ApiState,
    error::ApiResult,
    extract::{JsonBody, PathParams, Session},
    validate::{Checked, both, parse, wrong},
};

/// How long a token lives when nobody says.
const LIFETIME: Duration = Duration::days(30);
/// How long a token may live.
const LIFETIME_MAX: Duration = Duration::days(365);

/// Make an API token. It is shown this once.
///
/// It can have no more scopes and no wider allow-list than what the caller signed in with.
#[utoipa::path(
    post,
    path = "/users/{user}/keys/tokens",
    tag = "api keys",
    params(("user" = String, Path, description = "An id, a username or `me`.")),
    request_body = CreateTokenRequest,
    responses(
        (status = 201, description = "The token.", body = GenerateApiKeyResponse),
        (status = 409, description = "The name is taken.", body = bursar_sdk::ErrorBody),
    ),
)]
pub(crate) async fn api_key_create(
    State(state): State<ApiState>,
    Session(caller): Session,
    PathParams(user): PathParams<String>,
    JsonBody(body): JsonBody<CreateTokenRequest>,
) -> ApiResult<(StatusCode, Json<GenerateApiKeyResponse>)> {
    let user = caller.store.read().await?.users().user_find(&user).await?;
    let token = new_token(user.id, &body, state.auth.ids.as_ref())?;
    let made = token_create(&caller, token).await?;
    let key = Secret::new(made.token.expose_secret());
    Ok((StatusCode::CREATED, Json(GenerateApiKeyResponse { key })))
}

fn new_token(user_id: UserId, body: &CreateTokenRequest, ids: &dyn IdSource) -> Checked<NewToken> {
    let name = token_name(&body.token_name, ids);
    let ((token_name, lifetime), scopes) = both(both(name, lifetime(body.lifetime)), scopes(body))?;
    Ok(NewToken {
        user_id,
        token_name,
        lifetime,
        scopes,
    })
}

/// The name given, or one that nobody has yet.
fn token_name(name: &str, ids: &dyn IdSource) -> Checked<Name> {
    if !name.is_empty() {
        return parse("token_name", name);
    }
    let (_, random) = ids.next().as_u64_pair();
    parse("token_name", &format!("token-{random:016x}"))
}

/// A lifetime in nanoseconds, as existing clients send it; zero is none given.
fn lifetime(nanoseconds: i64) -> Checked<Duration> {
    match Duration::nanoseconds(nanoseconds) {
        zero if zero.is_zero() => Ok(LIFETIME),
        negative if negative < Duration::zero() => wrong("lifetime", "must not be negative"),
        long if long > LIFETIME_MAX => wrong(
            "lifetime",
            format_args!("must not exceed {} days", LIFETIME_MAX.num_days()),
        ),
        // The database counts in microseconds.
        given => Ok(given.max(Duration::microseconds(1))),
    }
}

fn scopes(body: &CreateTokenRequest) -> Checked<ScopeSet> {
    let older = body.scope.iter().filter(|_| body.scopes.is_empty());
    let names: Vec<&String> = body.scopes.iter().chain(older).collect();
    let allow_list = body.allow_list.as_ref();
    let allow_list: Option<Vec<String>> =
        allow_list.map(|list| list.iter().map(ToString::to_string).collect());
    ScopeSet::parse(&names, allow_list.as_deref()).or_else(|error| match error {
        ScopeError::Name(_) => wrong("scopes", error),
        ScopeError::AllowList(_) => wrong("allow_list", error),
    })
}

#[cfg(test)]
mod tests {
    use model::UuidV7Source;
    use uuid::Uuid;

    use super::*;

    const DAY: i64 = 24 * 3600 * 1_000_000_000;

    fn read(json: &str) -> Checked<NewToken> {
        let body: CreateTokenRequest = serde_json::from_str(json).unwrap();
        new_token(UserId(Uuid::nil()), &body, &UuidV7Source)
    }

    #[test]
    fn a_token_has_a_name_and_lives_for_a_while() {
        let check = |json: &str, expected: Result<i64, &[&str]>| {
            let found = read(json).map(|token| token.lifetime.num_days());
            let found = found.map_err(|e| e.into_iter().map(|e| e.field).collect::<Vec<_>>());
            let expected = expected.map_err(|e| e.iter().map(ToString::to_string).collect());
            assert_eq!(found, expected, "{json}");
        };
        check("{}", Ok(30));
        check(
            &format!(r#"{{"token_name": "ci", "lifetime": {}}}"#, 7 * DAY),
            Ok(7),
        );
        check(&format!(r#"{{"lifetime": {}}}"#, 365 * DAY), Ok(365));
        check(
            &format!(r#"{{"lifetime": {}}}"#, 365 * DAY + 1),
            Err(&["lifetime"]),
        );
        check(
            r#"{"lifetime": -1, "token_name": "-"}"#,
            Err(&["token_name", "lifetime"]),
        );
        check(r#"{"scopes": ["nonsense"]}"#, Err(&["scopes"]));
        check(r#"{"scope": "application_connect"}"#, Err(&["scopes"]));
        check(r#"{"scope": "all"}"#, Ok(30));
        check(
            r#"{"scopes": ["group:read"], "allow_list": ["group:*"]}"#,
            Ok(30),
        );
        check(r#"{"allow_list": ["nonsense"]}"#, Err(&["allow_list"]));
    }

    #[test]
    fn a_token_without_a_name_gets_one_of_its_own() {
        let (one, other) = (read("{}").unwrap(), read("{}").unwrap());
        assert_ne!(one.token_name, other.token_name);
    }
}
