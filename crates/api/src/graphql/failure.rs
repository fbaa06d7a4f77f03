//! Why a field could not be answered, and what is said of it. Missing and forbidden look alike, and what happened inside
//! is logged, never told.

use async_graphql::{Error, ErrorExtensions, Value};
use caps::{CapsError, PortalError};
use store::StoreError;

use crate::error::chain;

/// What is said of what does not exist or may not be known of, of organizations that are none, and of rights that lack.
pub(super) const HIDDEN: &str = "The resource that you are attempting to access does not exist or you don't have permission \
                          to perform this action";

/// What is said of what cannot be set from here.
pub(super) const AT_PORTAL: &str = "Set at the customers portal";

/// What is said where the portal is not asked.
const NO_CREDENTIALS: &str =
    "This deployment has no credentials to ask the customers portal with about this subscription.";

/// What is said of a change of which nobody knows whether it was made.
const MAYBE_DONE: &str = "The customers portal did not confirm the change, which may have been made all the same. \
                          Read the caps before you try again.";

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
    /// It is set at the customers portal, and not from here.
    AtPortal,
    /// The customers portal said no; the words are its own.
    PortalRejected,
    /// Why the place where caps live gave no answer.
    Place(&'static str),
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
            Self::AtPortal => "CAPS_AT_PORTAL",
            Self::PortalRejected => "PORTAL_REJECTED",
            Self::Place(code) => code,
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
    /// What the place where caps live says, in words that are not the caller's.
    #[error(transparent)]
    Caps(#[from] CapsError),
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

    /// What the store says, if it is the reason.
    pub(super) fn store(&self) -> Option<&StoreError> {
        match self {
            Self::Store(error) => Some(error),
            Self::Caps(CapsError::Store(error)) => Some(error),
            Self::Caps(_) | Self::Told { .. } => None,
        }
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
            Failure::Caps(error) => {
                let (code, message) = of_caps(&error);
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

/// Why caps could not be read. What the portal wrote is told only where it rejects a change.
fn of_caps(error: &CapsError) -> (Code, String) {
    let message = match error {
        CapsError::Store(error) => return of_store(error),
        CapsError::AtPortal => return (Code::AtPortal, AT_PORTAL.to_owned()),
        CapsError::Changing => "The caps are being changed. Try again in a moment.",
        CapsError::Portal(error) | CapsError::Partly(error) => match **error {
            PortalError::NoCredentials => NO_CREDENTIALS,
            _ => "The customers portal could not be read. Try again in a moment.",
        },
    };
    (place(error), message.to_owned())
}

/// What is said of a change that the portal did not confirm.
pub(super) fn unconfirmed(error: &CapsError) -> Failure {
    let message = match error {
        CapsError::Portal(error) => match **error {
            PortalError::NoCredentials => NO_CREDENTIALS,
            PortalError::BreakerOpen { .. } => {
                "The customers portal does not answer. Nothing was changed. Try again in a moment."
            }
            _ => MAYBE_DONE,
        },
        _ => MAYBE_DONE,
    };
    Failure::told(place(error), message)
}

fn place(error: &CapsError) -> Code {
    error.code().map_or(Code::Internal, Code::Place)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use chrono::DateTime;

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
        let through = CapsError::from(StoreError::NotFound);
        assert_eq!(Error::from(Failure::from(through)), hidden);
        let inside = told(StoreError::Internal("a secret".into()));
        assert_eq!(inside.message, "Internal server error");
        assert!(!format!("{inside:?}").contains("secret"));
    }

    #[test]
    fn what_the_portal_wrote_is_in_no_message() {
        let secret = || vec!["a secret".to_owned()];
        let all = [
            PortalError::Rejected(secret()),
            PortalError::Refused {
                status: 500,
                retry_after: None,
            },
            PortalError::TimedOut,
            PortalError::BreakerOpen {
                until: DateTime::UNIX_EPOCH,
            },
            PortalError::NoCredentials,
        ];
        for error in all {
            let code = error.code();
            let error = CapsError::Portal(Arc::new(error));
            let (written, read) = (unconfirmed(&error), Failure::from(error));
            for failure in [Error::from(written), Error::from(read)] {
                assert!(!format!("{failure:?}").contains("secret"), "{failure:?}");
                let told = failure.extensions.as_ref().and_then(|all| all.get("code"));
                assert_eq!(told, Some(&Value::from(code)));
            }
        }
    }

    #[test]
    fn a_change_that_was_not_asked_for_is_told_apart_from_one_that_may_be_made() {
        let check = |error: PortalError, expected: &str| {
            let found = unconfirmed(&CapsError::Portal(Arc::new(error))).to_string();
            assert!(found.contains(expected), "{found}");
        };
        check(PortalError::TimedOut, "may have been made");
        let until = DateTime::UNIX_EPOCH;
        let partly = CapsError::Partly(Arc::new(PortalError::BreakerOpen { until }));
        let found = unconfirmed(&partly).to_string();
        assert!(found.contains("may have been made"), "{found}");
        check(PortalError::BreakerOpen { until }, "Nothing was changed");
        check(PortalError::NoCredentials, "no credentials");
    }
}
