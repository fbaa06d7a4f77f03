//! How handlers get what a request brings; every failure is an [`ApiError`].

mod json;
mod path;
mod query;
mod session;

pub(crate) use json::JsonBody;
pub(crate) use path::{PathParams, id_param};
pub(crate) use query::QueryParams;
pub(crate) use session::{AiBridgeSession, CallerSlot, RequestIdOf, Session, Unsigned};

use bursar_sdk::ValidationError;

/// What serde says of a value, as a complaint about its field.
fn complaint<E: std::fmt::Display>(error: &serde_path_to_error::Error<E>) -> ValidationError {
    let detail = error.inner().to_string();
    let path = error.path().to_string();
    // serde tells the place of a missing field as its parent, and its name in words only.
    if let Some(missing) = quoted(&detail, "missing field `") {
        let field = if path == "." {
            missing.to_owned()
        } else {
            format!("{path}.{missing}")
        };
        return ValidationError {
            field,
            detail: "must be given".to_owned(),
        };
    }
    let detail = match detail.rfind(" at line ") {
        Some(end) => detail.get(..end).unwrap_or(&detail).to_owned(),
        None => detail,
    };
    ValidationError {
        field: path,
        detail,
    }
}

fn quoted<'a>(text: &'a str, before: &str) -> Option<&'a str> {
    text.strip_prefix(before)?.split('`').next()
}
