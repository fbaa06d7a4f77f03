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
    // The same for one that is not known, where such a one is not ignored.
    if let Some(unknown) = quoted(&detail, "unknown field `") {
        return ValidationError {
            field: unknown.to_owned(),
            detail: "is not known".to_owned(),
        };
    }
    let end = detail.rfind(" at line ").unwrap_or(detail.len());
    ValidationError {
        field: path,
        detail: plain(detail.get(..end).unwrap_or(&detail)),
    }
}

/// serde's words without names of the program's own types, and chrono's with what they are about.
fn plain(detail: &str) -> String {
    if UNREADABLE_TIMES.contains(&detail) {
        return "must be a time by RFC 3339, such as `2027-01-01T00:00:00Z`".to_owned();
    }
    let Some((found, expected)) = detail.split_once(", expected ") else {
        return detail.to_owned();
    };
    let whole = |range: &str| match found.strip_prefix("invalid value: ") {
        Some(_) => format!("a whole number from {range}"),
        None => "a whole number".to_owned(),
    };
    let expected = match expected {
        "i32" => whole("-2147483648 to 2147483647"),
        "i64" => whole("-9223372036854775808 to 9223372036854775807"),
        "u8" => whole("0 to 255"),
        "u16" => whole("0 to 65535"),
        "u32" => whole("0 to 4294967295"),
        "u64" | "usize" => whole("0 to 18446744073709551615"),
        "a sequence" => "a list".to_owned(),
        name if name.starts_with("struct ") => "an object".to_owned(),
        words => words.to_owned(),
    };
    format!("{found}, expected {expected}")
}

/// All that chrono says of texts that are no times.
const UNREADABLE_TIMES: &[&str] = &[
    "input contains invalid characters",
    "input is out of range",
    "no possible date and time matching input",
    "input is not enough for unique date and time",
    "premature end of input",
    "trailing input",
];

fn quoted<'a>(text: &'a str, before: &str) -> Option<&'a str> {
    text.strip_prefix(before)?.split('`').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn complaints_name_no_types_of_the_program() {
        let check = |said: &str, told: &str| assert_eq!(plain(said), told);
        check(
            "invalid type: floating point `1.5`, expected i64",
            "invalid type: floating point `1.5`, expected a whole number",
        );
        check(
            "invalid type: null, expected struct UpdateUserRequest",
            "invalid type: null, expected an object",
        );
        check(
            "unknown variant `x`, expected `a` or `b`",
            "unknown variant `x`, expected `a` or `b`",
        );
        check(
            "invalid value: integer `-1`, expected u16",
            "invalid value: integer `-1`, expected a whole number from 0 to 65535",
        );
        check(
            "invalid type: map, expected a sequence",
            "invalid type: map, expected a list",
        );
        check("expected value", "expected value");
        let time = "must be a time by RFC 3339, such as `2027-01-01T00:00:00Z`";
        for text in [
            "soon",
            "2027-01-01",
            "2027-01-01T00:00:00Zx",
            "2027-13-01T00:00:00Z",
        ] {
            let error = text.parse::<chrono::DateTime<chrono::Utc>>().unwrap_err();
            check(&error.to_string(), time);
        }
    }
}
