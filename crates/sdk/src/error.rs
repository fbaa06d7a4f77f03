//! The body of every answer that is not the one asked for.

use serde::{Deserialize, Serialize};

use crate::AiBudgetRefusal;

/// What went wrong, in words for the caller.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ErrorBody {
    /// One sentence that a person can act on.
    pub message: String,
    /// More about it, for whoever debugs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// What is wrong with single fields of the request.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub validations: Vec<ValidationError>,
    /// Of a refusal for want of budget: the figures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<Box<AiBudgetRefusal>>,
}

/// What is wrong with one field of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ValidationError {
    /// The field, as a path into the body, or the query parameter.
    pub field: String,
    /// What is wrong with it.
    pub detail: String,
}

/// An answer that says only that something was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Message {
    /// What was done.
    pub message: String,
}
