//! What the answers of all changes have in common.

use async_graphql::SimpleObject;

use super::super::{failure::Code, ids::GlobalId};

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
    /// Which of the given rows it is about.
    index: Option<i32>,
    /// Whom it is about.
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

    fn one(code: Code, message: &str) -> Self {
        Self {
            errors: vec![message.to_owned()],
            details: vec![ErrorDetail {
                code: code.as_str().to_owned(),
                message: message.to_owned(),
                index: None,
                user_id: None,
            }],
        }
    }
}
