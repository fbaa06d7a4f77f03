//! Why a caller is not let in, and the answer that says so.

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::StatusCode;
use store::StoreError;

/// Why a caller is not let in.
#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    /// The request carries no key.
    #[error("no key was presented")]
    Missing,
    /// The key has no good form, is unknown or its secret is wrong.
    #[error("the key is not known")]
    Invalid,
    /// The key has ended.
    #[error("the key has expired")]
    Expired,
    /// The key's owner may not act.
    #[error("the account is suspended")]
    Suspended,
    /// The person for whom something is done is not in the organization any more in which it is done.
    #[error("the person is not a member of the organization")]
    NotMember,
    /// The cookie came with a request that another site started.
    #[error("the request comes from another site")]
    CrossOrigin,
    /// A page of another site sent a request that changes something before anybody is signed in.
    #[error("the request comes from a page of another site")]
    ForeignOrigin,
    /// The key could not be looked up.
    #[error("the key could not be looked up")]
    Store(#[from] StoreError),
}

impl AuthError {
    /// The status to answer with.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        match self {
            Self::Missing | Self::Invalid | Self::Expired | Self::Suspended => {
                StatusCode::UNAUTHORIZED
            }
            Self::NotMember | Self::CrossOrigin | Self::ForeignOrigin => StatusCode::FORBIDDEN,
            Self::Store(StoreError::Unavailable(_)) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Store(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The text for the caller. Unknown, wrong and ended keys get the same, which existing clients know.
    #[must_use]
    pub const fn message(&self) -> &'static str {
        match self {
            Self::Missing | Self::Invalid | Self::Expired => {
                "You are signed out or your session has expired. Please sign in again to continue."
            }
            Self::Suspended => {
                "Your account is suspended. Contact an admin to reactivate your account."
            }
            Self::NotMember => "You are not a member of this organization any more.",
            Self::CrossOrigin => {
                "A request that signs in by cookie must come from this site: its Origin header is \
                 missing or names another."
            }
            Self::ForeignOrigin => {
                "The request comes from a page of another site, which its Origin header names."
            }
            Self::Store(StoreError::Unavailable(_)) => {
                "The database is not available. Please try again."
            }
            Self::Store(_) => "An internal error occurred.",
        }
    }
}

impl IntoResponse for AuthError {
    fn into_response(self) -> Response {
        match &self {
            Self::Store(error) => tracing::error!(?error, "a key could not be looked up"),
            refused => tracing::debug!(reason = %refused, "a caller was not let in"),
        }
        (
            self.status(),
            Json(serde_json::json!({ "message": self.message() })),
        )
            .into_response()
    }
}
