//! Why a field could not be answered, and what is said of it. Missing and forbidden look alike, and what happened inside
//! is logged, never told.

use async_graphql::{Error, ErrorExtensions, Value};
use store::StoreError;

use crate::error::chain;

/// What is said of what does not exist or may not be known of, of organizations that are none, and of rights that lack.
pub(super) const HIDDEN: &str = "The resource that you are attempting to access does not exist or you don't have permission \
                          to perform this action";

/// What programs tell failures apart by: the extension `code`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Code {
    /// It does not exist, or the caller must not know of it.
    Hidden,
    /// An argument has a value that it cannot have.
    InvalidArgument,
    /// The feature is switched off.
    FeatureDisabled,
    /// More than may be changed at once.
    BatchTooLarge,
    /// Somebody is named twice.
    DuplicateUser,
    /// Somebody does not exist.
    UserNotFound,
    /// Somebody is not in the organization.
    UserOutsideNamespace,
    /// Nothing was ever set for the subscription.
    CapNotFound,
    /// Too many requests.
    RateLimited,
    /// The database cannot be reached.
    Unavailable,
    /// Something happened that should not.
    Internal,
}

impl Code {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Hidden => "NOT_FOUND_OR_FORBIDDEN",
            Self::InvalidArgument => "INVALID_ARGUMENT",
            Self::FeatureDisabled => "FEATURE_DISABLED",
            Self::BatchTooLarge => "BATCH_TOO_LARGE",
            Self::DuplicateUser => "DUPLICATE_USER",
            Self::UserNotFound => "USER_NOT_FOUND",
            Self::UserOutsideNamespace => "USER_OUTSIDE_NAMESPACE",
            Self::CapNotFound => "CAP_NOT_FOUND",
            Self::RateLimited => "RATE_LIMITED",
            Self::Unavailable => "UNAVAILABLE",
            Self::Internal => "INTERNAL",
        }
    }
}

/// Why a field could not be answered.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// What the store says, in words that are not the caller's.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What the caller is told.
    #[error("{message}")]
    Told {
        /// For programs.
        code: Code,
        /// For people.
        message: String,
        /// What programs are told beside the code.
        more: Vec<(&'static str, Value)>,
    },
}

impl Failure {
    /// One that is told in these words.
    pub(super) fn told(code: Code, message: impl Into<String>) -> Self {
        let message = message.into();
        Self::Told {
            code,
            message,
            more: Vec::new(),
        }
    }

    /// The same, with something more for programs.
    pub(super) fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        if let Self::Told { more, .. } = &mut self {
            more.push((name, value.into()));
        }
        self
    }

    /// The one refusal.
    pub(super) const fn hidden() -> Self {
        Self::Store(StoreError::NotFound)
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        let (code, message, more) = match failure {
            Failure::Told {
                code,
                message,
                more,
            } => (code, message, more),
            Failure::Store(error) => {
                let (code, message) = of_store(&error);
                (code, message, Vec::new())
            }
        };
        Self::new(message).extend_with(|_, extensions| {
            extensions.set("code", code.as_str());
            for (name, value) in more {
                extensions.set(name, value);
            }
        })
    }
}

/// What a field that may be null answers. A failure makes it null and is told beside; all other fields stand.
pub(super) type Field<T> = Option<Result<T, Error>>;

/// A field's answer.
pub(super) fn field<T>(outcome: Result<Option<T>, Failure>) -> Field<T> {
    outcome.map_err(Error::from).transpose()
}

fn of_store(error: &StoreError) -> (Code, String) {
    match error {
        StoreError::NotFound | StoreError::Denied { .. } => (Code::Hidden, HIDDEN.to_owned()),
        StoreError::Refused(reason) => (Code::InvalidArgument, reason.clone()),
        StoreError::Unavailable(_) => {
            tracing::warn!(error = %chain(error), "the database is not available");
            let message = "The server is not able to answer now. Try again in a moment.";
            (Code::Unavailable, message.to_owned())
        }
        error => {
            tracing::error!(error = %chain(error), "a field could not be answered");
            (Code::Internal, "Internal server error".to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_and_forbidden_look_alike_and_nothing_internal_is_told() {
        let told = |error: StoreError| Error::from(Failure::from(error));
        let denied = StoreError::Denied {
            action: rbac::Action::Update,
            resource: rbac::ResourceType::BudgetCap,
        };
        let hidden = told(StoreError::NotFound);
        assert_eq!(hidden.message, HIDDEN);
        assert_eq!(told(denied), hidden);
        let inside = told(StoreError::Internal("a secret".into()));
        assert_eq!(inside.message, "Internal server error");
        assert!(!format!("{inside:?}").contains("secret"));
    }
}
