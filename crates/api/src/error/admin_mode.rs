//! Why a session was not put into admin mode.

use auth::AdminModeError;
use axum::http::StatusCode;
use rbac::ResourceType;

use super::answer::{Answer, invalid, password, store};

/// What is said of it. Tries to get in by another's session are written down.
pub(super) fn admin_mode(error: &AdminModeError) -> Answer {
    match error {
        AdminModeError::NotASession => Answer::new(
            StatusCode::FORBIDDEN,
            "Admin mode is for whoever is signed in. An API token takes the scope `admin_mode`.",
        )
        .detail("no_session"),
        AdminModeError::Oidc => Answer::new(
            StatusCode::FORBIDDEN,
            "You sign in at an identity provider: begin admin mode there, by way of \
             /api/v2/users/oidc/admin-mode.",
        )
        .detail("oidc"),
        AdminModeError::PasswordMissing => invalid("password", "must be given"),
        AdminModeError::Incorrect => Answer::new(StatusCode::UNAUTHORIZED, "Incorrect password.")
            .field("password", "is incorrect")
            .refused(ResourceType::ApiKey),
        AdminModeError::TooMany { retry_after } => Answer::new(
            StatusCode::TOO_MANY_REQUESTS,
            "Too many attempts. Try again later.",
        )
        .refused(ResourceType::ApiKey)
        .retry_after(*retry_after),
        AdminModeError::Password(error) => password(error),
        AdminModeError::Store(error) => store(error),
    }
}
