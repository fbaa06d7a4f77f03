//! What the answers of all changes have in common.

use async_graphql::SimpleObject;

use ::caps::{CapsError, PortalError};

use super::super::{
    failure::{AT_PORTAL, Code, Failure, unconfirmed},
    ids::GlobalId,
};

/// What is said when a person's own cap is to be set and nothing was ever set for the subscription.
const NO_RECORD: &str = "Subscription budget cap not found";

/// An error of a change, for programs: the same that `errors` says in words.
#[derive(Debug, Clone, SimpleObject)]
#[graphql(name = "BudgetCapErrorDetail")]
pub(super) struct ErrorDetail {
    /// What programs tell errors apart by.
    code: String,
    /// The words.
    message: String,
    /// Which of the given rows it is about; `null` when it is about the change as a whole, as all errors of payloads are
    /// so far. What is wrong with a single row is among the top-level errors, with `index` and `userId` in its extensions.
    index: Option<i32>,
    /// Whom it is about; `null` as `index` is.
    user_id: Option<GlobalId>,
}

/// The errors of a change, in both forms.
#[derive(Debug, Default)]
pub(super) struct Errors {
    pub(super) errors: Vec<String>,
    pub(super) details: Vec<ErrorDetail>,
}

impl Errors {
    /// That nothing was ever set for the subscription.
    pub(super) fn no_record() -> Self {
        Self::one(Code::CapNotFound, NO_RECORD)
    }

    /// What the portal says, in its own words.
    fn rejected(texts: &[String]) -> Self {
        let mut all = Self::default();
        for text in texts {
            all.add(Code::PortalRejected, text);
        }
        all
    }

    fn one(code: Code, message: &str) -> Self {
        let mut all = Self::default();
        all.add(code, message);
        all
    }

    /// Adds one about the change as a whole: neither a missing record nor a place is about a row, and which row the portal
    /// means, if any, its words do not say in a way that programs could rely on.
    fn add(&mut self, code: Code, message: &str) {
        self.errors.push(message.to_owned());
        self.details.push(ErrorDetail {
            code: code.as_str().to_owned(),
            message: message.to_owned(),
            index: None,
            user_id: None,
        });
    }
}

/// What is set now; nothing, and the reasons, when the place where caps live does not do it.
///
/// # Errors
/// When nobody knows what is set now, and those of the store.
pub(super) fn changed<T>(outcome: Result<T, CapsError>) -> Result<(Option<T>, Errors), Failure> {
    let error = match outcome {
        Ok(stored) => return Ok((Some(stored), Errors::default())),
        Err(error) => error,
    };
    match &error {
        CapsError::AtPortal => Ok((None, Errors::one(Code::AtPortal, AT_PORTAL))),
        CapsError::Portal(portal) => match &**portal {
            PortalError::Rejected(texts) => Ok((None, Errors::rejected(texts))),
            _ => Err(unconfirmed(&error)),
        },
        CapsError::Partly(_) | CapsError::Changing => Err(unconfirmed(&error)),
        CapsError::Store(_) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use store::StoreError;

    use super::*;

    fn of_portal(error: PortalError) -> CapsError {
        CapsError::Portal(Arc::new(error))
    }

    fn codes(errors: &Errors) -> Vec<&str> {
        errors.details.iter().map(|one| &*one.code).collect()
    }

    #[test]
    fn what_the_portal_rejects_passes_through_word_for_word() {
        let texts = ["Subscription budget cap not found", "and more"].map(str::to_owned);
        let rejected = PortalError::Rejected(texts.to_vec());
        let (stored, errors) = changed::<()>(Err(of_portal(rejected))).unwrap();
        assert_eq!((stored, &*errors.errors), (None, &texts[..]));
        assert_eq!(codes(&errors), ["PORTAL_REJECTED"; 2]);
        let messages: Vec<&String> = errors.details.iter().map(|one| &one.message).collect();
        assert_eq!(messages, [&texts[0], &texts[1]]);
    }

    #[test]
    fn what_cannot_be_set_here_is_an_error_of_the_payload_and_a_failure_is_none() {
        let (_, errors) = changed::<()>(Err(CapsError::AtPortal)).unwrap();
        assert_eq!(errors.errors, ["Set at the customers portal"]);
        assert_eq!(codes(&errors), ["CAPS_AT_PORTAL"]);
        let (stored, errors) = changed(Ok(1)).unwrap();
        assert_eq!((stored, errors.errors.len()), (Some(1), 0));
        assert!(changed::<()>(Err(of_portal(PortalError::TimedOut))).is_err());
        assert!(changed::<()>(Err(StoreError::NotFound.into())).is_err());
    }
}
