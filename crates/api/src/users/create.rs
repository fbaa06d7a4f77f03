//! A new account.

use auth::password_check;
use axum::{Json, extract::State, http::StatusCode};
use bursar_sdk::{CreateUserRequest, LoginType as WireLoginType, Secret, User};
use model::{
    OrganizationId, UserId,
    users::{LoginType, NewUser, PasswordHash},
};

use super::wire;
use crate::{
    ApiState,
    error::ApiResult,
    extract::{JsonBody, Session},
    validate::{Checked, both, display_name, parse, username, wrong},
};

/// Make an account, and make it a member of organizations.
///
/// An account of the login type `none` cannot sign in: it acts through tokens that others make for it.
#[utoipa::path(
    post,
    path = "/users",
    tag = "users",
    request_body = CreateUserRequest,
    responses(
        (status = 201, description = "The account.", body = User),
        (status = 409, description = "Name or address is taken.", body = bursar_sdk::ErrorBody),
    ),
)]
pub(crate) async fn user_create(
    State(state): State<ApiState>,
    Session(caller): Session,
    JsonBody(body): JsonBody<CreateUserRequest>,
) -> ApiResult<(StatusCode, Json<User>)> {
    let mut new = new_user(&body, UserId(state.auth.ids.next()))?;
    if let Some(password) = &body.password {
        new.password_hash = Some(hash(&state, password).await?);
    }
    let mut unit = caller.store.begin().await?;
    let user = unit.users().user_create(&new).await?;
    unit.commit().await?;
    Ok((StatusCode::CREATED, Json(wire::user(user))))
}

/// The account asked for, its password not hashed yet.
fn new_user(body: &CreateUserRequest, id: UserId) -> Checked<NewUser> {
    let login = login(body.login_type, body.password.as_ref());
    let names = both(
        username("username", &body.username),
        display_name("name", &body.name),
    );
    let ((email, login_type), (username, name)) =
        both(both(parse("email", &body.email), login), names)?;
    let organization_ids = body
        .organization_ids
        .iter()
        .copied()
        .map(OrganizationId)
        .collect();
    Ok(NewUser {
        id,
        email,
        username,
        name,
        login_type,
        password_hash: None,
        roles: Vec::new(),
        organization_ids,
    })
}

fn login(kind: Option<WireLoginType>, password: Option<&Secret>) -> Checked<LoginType> {
    match (kind.unwrap_or(WireLoginType::Password), password) {
        (WireLoginType::None, None) => Ok(LoginType::None),
        (WireLoginType::Oidc, None) => Ok(LoginType::Oidc),
        (WireLoginType::None | WireLoginType::Oidc, Some(_)) => wrong(
            "password",
            "must be absent for an account that does not sign in by one",
        ),
        (WireLoginType::Password, None) => wrong("password", "must be given"),
        (WireLoginType::Password, Some(password)) => {
            password_check(password.expose()).or_else(|error| wrong("password", error))?;
            Ok(LoginType::Password)
        }
    }
}

async fn hash(state: &ApiState, password: &Secret) -> ApiResult<PasswordHash> {
    Ok(state.auth.passwords.hash(password.expose()).await?)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn an_account_is_checked_whole() {
        let check = |json: &str, expected: &[&str]| {
            let body: CreateUserRequest = serde_json::from_str(json).unwrap();
            let wrong = new_user(&body, UserId(Uuid::nil()))
                .err()
                .unwrap_or_default();
            let fields: Vec<_> = wrong.iter().map(|error| error.field.as_str()).collect();
            assert_eq!(fields, expected, "{json}");
        };
        let user = |more: &str| {
            format!(r#"{{"email": "a@b", "username": "a", "organization_ids": []{more}}}"#)
        };
        check(&user(r#", "password": "correct horse""#), &[]);
        check(&user(r#", "login_type": "none""#), &[]);
        check(&user(r#", "login_type": "none", "password": """#), &[]);
        check(
            &user(r#", "login_type": "none", "password": "correct horse""#),
            &["password"],
        );
        check(&user(""), &["password"]);
        check(&user(r#", "password": "short""#), &["password"]);
        check(
            r#"{"email": "a", "username": "-", "name": "\u0000", "organization_ids": null}"#,
            &["email", "password", "username", "name"],
        );
    }
}
