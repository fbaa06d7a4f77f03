//! Why nobody was signed in by OpenID Connect, and what the browser is told.

use std::error::Error;

use http::StatusCode;
use store::StoreError;

/// A cause that is logged, never shown.
type Cause = Box<dyn Error + Send + Sync>;

/// Why nobody was signed in.
#[derive(Debug, thiserror::Error)]
pub enum OidcError {
    /// The path to return to leads elsewhere.
    #[error("the path to return to is none of this site")]
    Redirect,
    /// The server works on as many sign-ins as it may.
    #[error("too many sign-ins are under way")]
    Busy,
    /// The provider does not answer, or not in time.
    #[error("the identity provider cannot be reached")]
    Unreachable(#[source] Cause),
    /// The provider answers what no provider should.
    #[error("the identity provider's answer cannot be used")]
    Provider(#[source] Cause),
    /// The answer lacks a part, or comes from elsewhere.
    #[error("the answer that the browser brought is not complete")]
    Answer,
    /// There is no such sign-in: it ended, was answered before, or another browser began it.
    #[error("the sign-in is not known to this browser")]
    State,
    /// The person did not agree.
    #[error("the person was not let in by the identity provider")]
    AccessDenied,
    /// The provider gave another reason not to sign in.
    #[error("the identity provider refused: `{0}`")]
    Refused(String),
    /// The provider does not take its code back.
    #[error("the identity provider did not accept its code: `{0}`")]
    Code(String),
    /// What the provider says of the person cannot be trusted.
    #[error("what the identity provider says of the person cannot be trusted")]
    Token(#[source] Cause),
    /// The provider tells no e-mail address, and an account needs one.
    #[error("there is no e-mail address among the claims")]
    EmailMissing,
    /// The provider does not say that the address is the person's own.
    #[error("the e-mail address is not verified")]
    EmailUnverified,
    /// The address is of a domain that is not admitted.
    #[error("the domain of the e-mail address is not admitted")]
    EmailDomain,
    /// The person has no account, and nobody gets one by signing in.
    #[error("the person has no account")]
    Signups,
    /// The deployment's first account, its owner, was not made yet, and is made otherwise.
    #[error("the first account was not made yet")]
    Setup,
    /// The account is a service account.
    #[error("the account is a service account")]
    ServiceAccount,
    /// The account belongs to another person of the same provider.
    #[error("the account belongs to another person of the provider")]
    Linked,
    /// The account may not act.
    #[error("the account is suspended")]
    Suspended,
    /// Only a session has admin mode, and the caller came with an API token.
    #[error("an API token has no admin mode but its scope")]
    NotASession,
    /// The provider does not say that the person has just proved who they are.
    #[error("the person did not sign in anew at the identity provider")]
    NotAnew,
    /// Somebody else signed in there than the one whose session it is.
    #[error("another person signed in at the identity provider")]
    AnotherPerson,
    /// The store failed.
    #[error("the store failed")]
    Store(#[from] StoreError),
}

impl OidcError {
    /// The error's name for programs, which stays the same.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Redirect => "redirect_invalid",
            Self::Busy => "busy",
            Self::Unreachable(_) => "provider_unreachable",
            Self::Provider(_) => "provider_failed",
            Self::Answer => "answer_incomplete",
            Self::State => "sign_in_unknown",
            Self::AccessDenied => "access_denied",
            Self::Refused(_) => "provider_refused",
            Self::Code(_) => "code_refused",
            Self::Token(_) => "token_invalid",
            Self::EmailMissing => "email_missing",
            Self::EmailUnverified => "email_unverified",
            Self::EmailDomain => "email_domain",
            Self::Signups => "signups_off",
            Self::Setup => "setup_missing",
            Self::ServiceAccount => "service_account",
            Self::Linked => "account_linked",
            Self::Suspended => "account_suspended",
            Self::NotASession => "no_session",
            Self::NotAnew => "not_signed_in_anew",
            Self::AnotherPerson => "another_person",
            Self::Store(_) => "internal",
        }
    }

    /// The status to answer with; that of a failed store is the API's business.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        match self {
            Self::Redirect | Self::Answer | Self::State | Self::Code(_) => StatusCode::BAD_REQUEST,
            Self::Busy | Self::Unreachable(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Provider(_) => StatusCode::BAD_GATEWAY,
            Self::Token(_) | Self::Suspended => StatusCode::UNAUTHORIZED,
            Self::AccessDenied
            | Self::Refused(_)
            | Self::EmailMissing
            | Self::EmailUnverified
            | Self::EmailDomain
            | Self::Signups
            | Self::Setup
            | Self::ServiceAccount
            | Self::Linked
            | Self::NotASession
            | Self::NotAnew
            | Self::AnotherPerson => StatusCode::FORBIDDEN,
            Self::Store(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The text for the person.
    #[must_use]
    pub const fn message(&self) -> &'static str {
        match self {
            Self::Redirect => "The address to return to must be a path of this site.",
            Self::Busy => "Too many people are signing in. Please try again.",
            Self::Unreachable(_) => {
                "The identity provider cannot be reached. Please try again in a moment."
            }
            Self::Provider(_) => {
                "The identity provider gave an answer that cannot be used. Contact an administrator."
            }
            Self::Answer => "The identity provider's answer is not complete. Please sign in again.",
            Self::State => {
                "This sign-in has ended, or it was begun in another browser. Please sign in again."
            }
            Self::AccessDenied => "The sign-in was cancelled or refused at the identity provider.",
            Self::Refused(_) => "The identity provider refused the sign-in.",
            Self::Code(_) => {
                "The identity provider did not confirm the sign-in. Please sign in again."
            }
            Self::Token(_) => "What the identity provider says of you could not be verified.",
            Self::EmailMissing => {
                "The identity provider does not tell your e-mail address, which an account needs."
            }
            Self::EmailUnverified => {
                "The identity provider does not say that your e-mail address is verified. Verify it there, \
                 then sign in again."
            }
            Self::EmailDomain => {
                "Your e-mail address is of a domain that may not sign in here. Contact an administrator."
            }
            Self::Signups => "You have no account here. Ask an administrator to make one.",
            Self::Setup => {
                "This deployment has no owner yet. Its first account is made before anybody signs in here."
            }
            Self::ServiceAccount => {
                "The account with your e-mail address is a service account, which cannot sign in."
            }
            Self::Linked => {
                "The account with your e-mail address belongs to another person at the identity provider. \
                 Contact an administrator."
            }
            Self::Suspended => {
                "Your account is suspended. Contact an admin to reactivate your account."
            }
            Self::NotASession => {
                "Admin mode is for whoever is signed in. An API token takes the scope `admin_mode`."
            }
            Self::NotAnew => {
                "The identity provider does not say that you have just signed in there. Please try again."
            }
            Self::AnotherPerson => {
                "Somebody else signed in at the identity provider than the one who is signed in here."
            }
            Self::Store(_) => "An internal error occurred.",
        }
    }

    /// Whether the person proved who they are, and was refused for who they are: worth a line in the audit log.
    pub(super) const fn of_a_known_person(&self) -> bool {
        matches!(
            self,
            Self::EmailMissing
                | Self::EmailUnverified
                | Self::EmailDomain
                | Self::Signups
                | Self::ServiceAccount
                | Self::Linked
                | Self::Suspended
        )
    }
}

/// An error and its sources, for the log.
pub(super) fn chain(error: &dyn Error) -> String {
    std::iter::successors(Some(error), |error| (*error).source())
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}
