//! Which status, words and fields each error is answered with.

use std::{borrow::Cow, error::Error as StdError, time::Duration};

use auth::{AuthError, LoginError, OidcError, PasswordError, PasswordUpdateError, SetupError};
use axum::http::StatusCode;
use bursar_sdk::{ErrorBody, ValidationError};
use rbac::ResourceType;
use store::StoreError;

use super::{
    ApiError, Refused,
    acl::acl,
    admin_mode::admin_mode,
    chain, chats,
    constraints::{taken, violated},
    external_usage::{budget, caps_unknown, external_usage, hold},
};

/// What is said of a thing that does not exist or that the caller must not know of.
pub(super) const HIDDEN: &str = "Resource not found or you do not have access to this resource";
/// What is said of a thing that the caller may know of but not do this to.
pub(super) const FORBIDDEN: &str = "Forbidden.";
/// What is said when something happened that should not.
const INTERNAL: &str = "An internal server error occurred.";
/// What is said when the database cannot be reached.
const UNAVAILABLE: &str = "The server is not able to answer now. Try again in a moment.";
/// What is said when more passwords wait to be hashed than the server admits.
const BUSY: &str = "Too many people are signing in. Try again in a moment.";
/// An answer in the making.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) body: ErrorBody,
    pub(super) retry_after: Option<Duration>,
    pub(super) refused: Option<Refused>,
}

impl Answer {
    pub(super) fn new(status: StatusCode, message: impl Into<Cow<'static, str>>) -> Self {
        let message = message.into().into_owned();
        let body = ErrorBody {
            message,
            detail: None,
            validations: Vec::new(),
            budget: None,
        };
        Self {
            status,
            body,
            retry_after: None,
            refused: None,
        }
    }

    pub(super) fn bad(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    pub(super) fn detail(mut self, detail: impl Into<String>) -> Self {
        self.body.detail = Some(detail.into());
        self
    }

    pub(super) fn validations(mut self, validations: Vec<ValidationError>) -> Self {
        self.body.validations = validations;
        self
    }

    pub(super) fn field(self, field: &str, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        self.validations(vec![ValidationError {
            field: field.to_owned(),
            detail,
        }])
    }

    pub(super) fn retry_after(mut self, after: Duration) -> Self {
        self.retry_after = Some(after);
        self
    }

    pub(super) fn refused(mut self, resource: ResourceType) -> Self {
        self.refused = Some(Refused(resource));
        self
    }
}

/// The answer to an error. What nobody should see is logged here.
pub(super) fn of(error: &ApiError) -> Answer {
    match error {
        ApiError::Acl(error) => acl(error),
        ApiError::Chat { call, error } => chats::chat(*call, error),
        ApiError::Content(problems) => chats::content(problems.iter().cloned()),
        ApiError::FileTooLarge => Answer::new(StatusCode::PAYLOAD_TOO_LARGE, "File too large."),
        ApiError::UploadsTooMany { retry_after } => chats::uploads_too_many(*retry_after),
        ApiError::TooManyStreams(most) => chats::too_many_streams(*most),
        ApiError::ExternalUsage(error) => external_usage(error),
        ApiError::Budget(refusal) => budget(refusal),
        ApiError::CapsUnknown(scope) => caps_unknown(*scope),
        ApiError::Hold(why) => hold(*why),
        ApiError::Store(error) | ApiError::Auth(AuthError::Store(error)) => store(error),
        ApiError::Auth(error) => Answer::new(error.status(), error.message()),
        ApiError::Login(error) => login(error),
        ApiError::Oidc(error) => oidc(error),
        ApiError::Setup(error) => setup(error),
        ApiError::PasswordUpdate(error) => password_update(error),
        ApiError::AdminMode(error) => admin_mode(error),
        ApiError::Password(error) => password(error),
        ApiError::Body {
            message,
            validations,
        } => Answer::bad(*message).validations(validations.clone()),
        ApiError::Query(validations) => {
            Answer::bad("Query parameters have invalid values.").validations(validations.clone())
        }
        ApiError::Request(message) => Answer::bad(message.clone()),
        ApiError::Detailed { message, detail } => Answer::bad(*message).detail(*detail),
        ApiError::Json(why) => Answer::bad("Request body must be valid JSON.").detail(why),
        ApiError::BodyTooLarge => {
            Answer::new(StatusCode::PAYLOAD_TOO_LARGE, "Request body too large.")
        }
        ApiError::BodyUnread => Answer::bad("Failed to read request body."),
        ApiError::Uuid(text) => Answer::bad(format!("Invalid UUID {text:?}.")),
        ApiError::Path => Answer::bad("The path must be valid UTF-8."),
        ApiError::Forbidden(resource) => {
            Answer::new(StatusCode::FORBIDDEN, FORBIDDEN).refused(*resource)
        }
        ApiError::CustomRole { message, detail } => {
            let answer = Answer::bad(*message);
            match detail {
                Some(detail) => answer.detail(detail),
                None => answer,
            }
        }
        ApiError::NoCustomRole(name) => Answer::new(
            StatusCode::NOT_FOUND,
            format!("No custom role with the name {name} found"),
        ),
        ApiError::FeatureOff(feature) => Answer::new(
            StatusCode::FORBIDDEN,
            format!("The feature `{feature}` is not enabled on this deployment."),
        ),
        ApiError::Route => Answer::new(StatusCode::NOT_FOUND, "Route not found."),
        ApiError::Method => Answer::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "Method not allowed on this route.",
        ),
        ApiError::Panic => Answer::new(StatusCode::INTERNAL_SERVER_ERROR, INTERNAL),
    }
}

/// What a refusal of the store looks like. Missing and forbidden look alike; a role that somebody who may
/// assign roles may not assign is told with its reason.
pub(super) fn store(error: &StoreError) -> Answer {
    match error {
        StoreError::NotFound => Answer::new(StatusCode::NOT_FOUND, HIDDEN),
        StoreError::Denied { resource, .. } => {
            Answer::new(StatusCode::NOT_FOUND, HIDDEN).refused(*resource)
        }
        StoreError::RoleNotAssignable { resource, reason } => {
            Answer::new(StatusCode::FORBIDDEN, sentence(reason)).refused(*resource)
        }
        StoreError::NotGrantable { reason } => Answer::bad("Failed to update role permissions")
            .detail(reason)
            .refused(ResourceType::AssignOrgRole),
        StoreError::NoDefaultRole(_) => Answer::bad("Invalid default_org_member_roles entry.")
            .field("default_org_member_roles", error.to_string()),
        StoreError::Taken(constraint) => taken(constraint),
        StoreError::Violated(constraint) => violated(constraint),
        StoreError::Refused(reason) => Answer::bad(sentence(reason)),
        StoreError::Unavailable(_) => {
            tracing::warn!(error = %chain(error), "the database is not available");
            Answer::new(StatusCode::SERVICE_UNAVAILABLE, UNAVAILABLE)
                .retry_after(Duration::from_secs(1))
        }
        StoreError::Internal(_) => internal(error),
    }
}

fn login(error: &LoginError) -> Answer {
    match error {
        LoginError::Incorrect | LoginError::Suspended => {
            Answer::new(StatusCode::UNAUTHORIZED, error.message())
        }
        LoginError::TooMany { retry_after } => {
            Answer::new(StatusCode::TOO_MANY_REQUESTS, error.message()).retry_after(*retry_after)
        }
        LoginError::Password(error) => password(error),
        LoginError::Store(error) => store(error),
    }
}

/// Why nobody was signed in at the identity provider: in words, and as one word for programs.
fn oidc(error: &OidcError) -> Answer {
    match error {
        OidcError::Store(error @ StoreError::Unavailable(_)) => store(error),
        // Nobody is signed in yet: what the store says of rights and rows is not for them.
        OidcError::Store(error) => internal(error),
        error => {
            let answer = Answer::new(error.status(), error.message()).detail(error.kind());
            if error.status() == StatusCode::SERVICE_UNAVAILABLE {
                answer.retry_after(Duration::from_secs(1))
            } else {
                answer
            }
        }
    }
}

fn setup(error: &SetupError) -> Answer {
    match error {
        SetupError::AlreadyDone => Answer::bad("The initial user has already been created."),
        SetupError::Policy(policy) => invalid("password", policy.to_string()),
        SetupError::Password(error) => password(error),
        SetupError::Store(error) => store(error),
    }
}

fn password_update(error: &PasswordUpdateError) -> Answer {
    match error {
        PasswordUpdateError::OldMissing => invalid("old_password", "must be given"),
        PasswordUpdateError::OldIncorrect => {
            Answer::bad("Old password is incorrect.").field("old_password", "is incorrect")
        }
        PasswordUpdateError::TooMany { retry_after } => Answer::new(
            StatusCode::TOO_MANY_REQUESTS,
            "Too many attempts. Try again later.",
        )
        .retry_after(*retry_after),
        PasswordUpdateError::Same => invalid("password", "must differ from the old password"),
        PasswordUpdateError::Policy(policy) => invalid("password", policy.to_string()),
        PasswordUpdateError::Password(error) => password(error),
        PasswordUpdateError::Store(error) => store(error),
    }
}

/// Why a password was not hashed. Too many at once is no failure: it passes.
pub(super) fn password(error: &PasswordError) -> Answer {
    match error {
        PasswordError::Busy => {
            Answer::new(StatusCode::SERVICE_UNAVAILABLE, BUSY).retry_after(Duration::from_secs(1))
        }
        PasswordError::Hash(_) | PasswordError::Interrupted(_) => internal(error),
    }
}

pub(super) fn invalid(field: &str, detail: impl Into<String>) -> Answer {
    Answer::bad("Validation failed.").field(field, detail)
}

fn internal(error: &dyn StdError) -> Answer {
    tracing::error!(error = %chain(error), "a request failed unexpectedly");
    Answer::new(StatusCode::INTERNAL_SERVER_ERROR, INTERNAL)
}

/// A reason in the style of errors, as a sentence for people.
fn sentence(reason: &str) -> String {
    let mut chars = reason.chars();
    let first = chars
        .next()
        .map(|first| first.to_uppercase().collect::<String>());
    let mut text = first.unwrap_or_default();
    text.push_str(chars.as_str());
    if !text.ends_with(['.', '!', '?']) {
        text.push('.');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{super::constraints::TAKEN, *};

    #[test]
    fn errors_of_the_store_have_one_answer_each() {
        let check = |error: StoreError, status: u16, message: &str, field: Option<&str>| {
            let shown = format!("{error:?}");
            let answer = store(&error);
            assert_eq!(answer.status.as_u16(), status, "{shown}");
            assert_eq!(answer.body.message, message, "{shown}");
            let fields = answer
                .body
                .validations
                .first()
                .map(|error| error.field.as_str());
            assert_eq!(fields, field, "{shown}");
        };
        let boxed = || Box::<dyn StdError + Send + Sync>::from("the host `db-1` is down");
        let denied = StoreError::Denied {
            action: rbac::Action::Update,
            resource: ResourceType::Group,
        };
        check(StoreError::NotFound, 404, HIDDEN, None);
        check(denied, 404, HIDDEN, None);
        let not_assignable = StoreError::RoleNotAssignable {
            resource: ResourceType::AssignOrgRole,
            reason: "no".into(),
        };
        check(not_assignable, 403, "No.", None);
        check(
            StoreError::Taken("users_email_key".into()),
            409,
            "A user with this e-mail address already exists.",
            Some("email"),
        );
        check(StoreError::Taken("another".into()), 409, TAKEN, None);
        check(
            StoreError::NotGrantable {
                reason: "no".into(),
            },
            400,
            "Failed to update role permissions",
            None,
        );
        check(
            StoreError::NoDefaultRole("x".into()),
            400,
            "Invalid default_org_member_roles entry.",
            Some("default_org_member_roles"),
        );
        check(
            StoreError::Refused("the last owner stays".into()),
            400,
            "The last owner stays.",
            None,
        );
        check(
            StoreError::Violated("group_members_organization_member_fkey".into()),
            400,
            "Every member of a group must belong to its organization.",
            Some("add_users"),
        );
        check(
            StoreError::Violated("user_ai_budget_overrides_must_be_group_member".into()),
            400,
            "User is not a member of the referenced group.",
            Some("group_id"),
        );
        check(StoreError::Unavailable(boxed()), 503, UNAVAILABLE, None);
        check(StoreError::Internal(boxed()), 500, INTERNAL, None);
    }

    #[test]
    fn what_clients_of_the_reference_look_for_is_said_word_for_word() {
        let check = |error: ApiError, status: u16, message: &str| {
            let answer = of(&error);
            let told = (answer.status.as_u16(), &*answer.body.message);
            assert_eq!(told, (status, message));
        };
        let forbidden = ApiError::Forbidden(ResourceType::AiModelPrice);
        check(forbidden, 403, "Forbidden.");
        check(ApiError::BodyUnread, 400, "Failed to read request body.");
        check(ApiError::BodyTooLarge, 413, "Request body too large.");
        let json = ApiError::Json("why".into());
        check(json, 400, "Request body must be valid JSON.");
        let query = ApiError::Query(Vec::new());
        check(query, 400, "Query parameters have invalid values.");
    }

    #[test]
    fn too_many_passwords_at_once_are_no_failure_of_the_server() {
        let answer = login(&LoginError::Password(PasswordError::Busy));
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(answer.retry_after, Some(Duration::from_secs(1)));
    }

    #[test]
    fn reasons_become_sentences() {
        let check = |reason: &str, expected: &str| assert_eq!(sentence(reason), expected);
        check("the last owner stays", "The last owner stays.");
        check("`x` is taken.", "`x` is taken.");
        check("", ".");
    }
}
