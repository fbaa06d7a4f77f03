//! Why a request was not answered as asked, and the one place that turns that into HTTP.

mod acl;
mod admin_mode;
mod answer;
mod chats;
mod constraints;
mod external_usage;

use std::{error::Error as StdError, time::Duration};

use auth::{
    AdminModeError, AuthError, LoginError, OidcError, PasswordError, PasswordUpdateError,
    SetupError,
};
use axum::{
    Json,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use bursar_sdk::{AiBudgetRefusal, ValidationError};
use chat::{Closed, StreamError};
use dbauthz::{AclError, ChatCallError, ExternalUsageError};
use model::caps::CapScope;
use rbac::ResourceType;
use store::StoreError;

pub(crate) use chats::ChatCall;
pub(crate) use external_usage::HoldConflict;

/// The result of a handler.
pub(crate) type ApiResult<T> = Result<T, ApiError>;

/// Why a request was not answered as asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApiError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Acl(#[from] AclError),
    #[error(transparent)]
    ExternalUsage(#[from] ExternalUsageError),
    /// Something cannot be done with a chat.
    #[error("the chat is not for that")]
    Chat {
        call: ChatCall,
        #[source]
        error: ChatCallError,
    },
    /// Parts of what is to be said cannot be; texts that begin with the place.
    #[error("the content cannot be said")]
    Content(Vec<String>),
    /// A file is larger than a file may be.
    #[error("the file is too large")]
    FileTooLarge,
    /// Somebody brings more files in a minute than they may.
    #[error("too many files were brought")]
    UploadsTooMany {
        /// In how long there is room again.
        retry_after: Duration,
    },
    /// The caller has so many streams open, as many as one person may.
    #[error("the caller has {0} streams open")]
    TooManyStreams(usize),
    /// No limit has room for what another gateway asks for.
    #[error("the budget has no room")]
    Budget(Box<AiBudgetRefusal>),
    /// Caps live elsewhere, and which a subscription has is not known at the moment.
    #[error("the caps are not known")]
    CapsUnknown(CapScope),
    /// What another gateway holds cannot be changed like this.
    #[error("the hold cannot be changed like this")]
    Hold(HoldConflict),
    #[error(transparent)]
    Auth(#[from] AuthError),
    #[error(transparent)]
    Login(#[from] LoginError),
    #[error(transparent)]
    Oidc(#[from] OidcError),
    #[error(transparent)]
    Setup(#[from] SetupError),
    #[error(transparent)]
    PasswordUpdate(#[from] PasswordUpdateError),
    #[error(transparent)]
    AdminMode(#[from] AdminModeError),
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// Fields of the body have values that they cannot have.
    #[error("the body is not valid")]
    Body {
        message: &'static str,
        validations: Vec<ValidationError>,
    },
    /// Parameters of the query have values that they cannot have.
    #[error("the query is not valid")]
    Query(Vec<ValidationError>),
    /// The request as a whole cannot be answered; what is said of it.
    #[error("{0}")]
    Request(String),
    /// The same with more of it.
    #[error("{message}")]
    Detailed {
        message: &'static str,
        detail: &'static str,
    },
    /// The body is not JSON; why not.
    #[error("the body is not JSON")]
    Json(String),
    /// The body is larger than [`crate::BODY_LIMIT`].
    #[error("the body is too large")]
    BodyTooLarge,
    /// The body could not be read to its end.
    #[error("the body could not be read")]
    BodyUnread,
    /// A part of the path should be a UUID.
    #[error("`{0}` is no UUID")]
    Uuid(String),
    /// A part of the path is no text.
    #[error("the path is not UTF-8")]
    Path,
    /// The caller may not do this to something that they may know of; of which type.
    #[error("the caller may read this `{0}` and no more")]
    Forbidden(ResourceType),
    /// A custom role cannot be like this; what is said of it.
    #[error("{message}")]
    CustomRole {
        message: &'static str,
        detail: Option<String>,
    },
    /// The organization has no custom role of this name.
    #[error("there is no custom role `{0}`")]
    NoCustomRole(model::Name),
    /// The route belongs to a feature that is off.
    #[error("the feature `{0}` is off")]
    FeatureOff(&'static str),
    /// No such route.
    #[error("no such route")]
    Route,
    /// The route does not know this method.
    #[error("the method is not allowed")]
    Method,
    /// A handler panicked; it has been logged.
    #[error("a handler panicked")]
    Panic,
}

impl ApiError {
    /// The thing does not exist.
    pub(crate) const fn not_found() -> Self {
        Self::Store(StoreError::NotFound)
    }

    /// What an error of a call about a chat is told as.
    pub(crate) fn of_chat(call: ChatCall) -> impl FnOnce(ChatCallError) -> Self {
        move |error| Self::Chat { call, error }
    }

    /// What kept somebody from a thing that they have just read in the same unit: that it exists is no secret, so a
    /// refusal is told as one (403), not hidden (404). For the endpoints whose table says so.
    pub(crate) fn of_readable(error: StoreError) -> Self {
        match error {
            StoreError::Denied { resource, .. } => Self::Forbidden(resource),
            error => Self::Store(error),
        }
    }
}

/// Why there is no stream: who may not read the chat when it would begin is told what a new request is told.
impl From<StreamError> for ApiError {
    fn from(error: StreamError) -> Self {
        match error {
            StreamError::Store(error) => error.into(),
            StreamError::TooMany(most) => Self::TooManyStreams(most),
            StreamError::Closed(Closed::SignedOut) => AuthError::Invalid.into(),
            StreamError::Closed(Closed::Revoked | Closed::Gone) => Self::not_found(),
            StreamError::Closed(closed @ (Closed::Stopping | Closed::Behind)) => {
                StoreError::Unavailable(closed.reason().into()).into()
            }
        }
    }
}

/// What is wrong with fields of the body.
impl From<Vec<ValidationError>> for ApiError {
    fn from(validations: Vec<ValidationError>) -> Self {
        Self::Body {
            message: "Validation failed.",
            validations,
        }
    }
}

/// Put into the answer of a request that the caller had no right to, so that it is recorded.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Refused(pub(crate) ResourceType);

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let answer = answer::of(&self);
        let mut response = (answer.status, Json(answer.body)).into_response();
        if let Some(after) = answer.retry_after {
            let seconds = HeaderValue::from(after.as_secs().max(1));
            response.headers_mut().insert(header::RETRY_AFTER, seconds);
        }
        if let Some(refused) = answer.refused {
            response.extensions_mut().insert(refused);
        }
        response
    }
}

/// An error and its sources, for the log.
pub(crate) fn chain(error: &dyn StdError) -> String {
    std::iter::successors(Some(error), |error| (*error).source())
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}

/// Answers a path that nothing listens on.
pub(crate) async fn route_not_found() -> ApiError {
    ApiError::Route
}

/// Answers a method that a path does not know.
pub(crate) async fn method_not_allowed() -> ApiError {
    ApiError::Method
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_refused_is_told_to_the_recorder_only() {
        let denied = StoreError::Denied {
            action: rbac::Action::Update,
            resource: ResourceType::Group,
        };
        let response = ApiError::from(denied).into_response();
        let refused = response
            .extensions()
            .get::<Refused>()
            .map(|refused| refused.0);
        assert_eq!(refused, Some(ResourceType::Group));
        let response = ApiError::not_found().into_response();
        assert!(response.extensions().get::<Refused>().is_none());
    }

    #[test]
    fn what_the_caller_may_know_of_is_refused_and_not_hidden() {
        let check = |error: StoreError, status: u16, refused: bool| {
            let shown = format!("{error:?}");
            let response = ApiError::of_readable(error).into_response();
            assert_eq!(response.status().as_u16(), status, "{shown}");
            let recorded = response.extensions().get::<Refused>().is_some();
            assert_eq!(recorded, refused, "{shown}");
        };
        let denied = StoreError::Denied {
            action: rbac::Action::Update,
            resource: ResourceType::Organization,
        };
        check(denied, 403, true);
        check(StoreError::NotFound, 404, false);
        check(StoreError::Refused("no".into()), 400, false);
    }

    #[test]
    fn a_client_is_told_when_to_come_again() {
        let error = StoreError::Unavailable("x".into());
        let response = ApiError::from(error).into_response();
        assert_eq!(response.headers().get(header::RETRY_AFTER).unwrap(), "1");
    }
}
