//! Reading one claim: a text, a list of texts, or nothing. Whatever else it is, nobody guesses.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

/// The greatest number of values of a claim. More than any provider puts into a token.
pub const CLAIM_VALUES_MAX: usize = 1_000;

/// Where a provider says which claims it has not sent itself (OpenID Connect Core 1.0, section 5.6.2).
const CLAIM_NAMES: &str = "_claim_names";

/// What a claim says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClaimValues {
    /// There is no such claim, or it is `null`.
    Absent,
    /// Its values, possibly none.
    Values(BTreeSet<String>),
}

/// Why a claim cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// It is of another shape.
    #[error("is neither a text nor a list of texts")]
    Shape,
    /// It holds more than [`CLAIM_VALUES_MAX`] values.
    #[error("holds more than {CLAIM_VALUES_MAX} values")]
    TooMany,
    /// The provider has it, but sent only a hint where to fetch it: some do for people in many groups.
    #[error("was not sent, only a hint where it could be fetched")]
    Elsewhere,
}

/// Reads the claim of this name among a person's claims; when there is none, the name is taken as a path
/// with dots, such as `realm_access.roles`. A text is one value, whatever it holds; empty texts are none.
///
/// # Errors
/// [`Unreadable`]: then nothing may be concluded, in particular not that the person lost something.
pub fn claim_values(claims: &Value, name: &str) -> Result<ClaimValues, Unreadable> {
    let claims = claims.as_object().ok_or(Unreadable::Shape)?;
    let values = match found(claims, name) {
        None if elsewhere(claims, name) => return Err(Unreadable::Elsewhere),
        None | Some(Value::Null) => return Ok(ClaimValues::Absent),
        Some(Value::String(text)) => vec![text],
        Some(Value::Array(list)) => texts(list)?,
        Some(_) => return Err(Unreadable::Shape),
    };
    let values: BTreeSet<String> = values
        .into_iter()
        .filter(|text| !text.is_empty())
        .cloned()
        .collect();
    if values.len() > CLAIM_VALUES_MAX {
        return Err(Unreadable::TooMany);
    }
    Ok(ClaimValues::Values(values))
}

fn found<'a>(claims: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    if let Some(value) = claims.get(name) {
        return Some(value);
    }
    let mut parts = name.split('.');
    let first = claims.get(parts.next()?)?;
    parts.try_fold(first, |value, part| value.get(part))
}

fn texts(list: &[Value]) -> Result<Vec<&String>, Unreadable> {
    fn text(value: &Value) -> Result<&String, Unreadable> {
        match value {
            Value::String(text) => Ok(text),
            _ => Err(Unreadable::Shape),
        }
    }
    list.iter().map(text).collect()
}

/// Whether the provider names the claim, or what its path begins with, among those that it did not send.
fn elsewhere(claims: &Map<String, Value>, name: &str) -> bool {
    let first = name.split('.').next().unwrap_or(name);
    let named = claims.get(CLAIM_NAMES).and_then(Value::as_object);
    named.is_some_and(|named| named.contains_key(name) || named.contains_key(first))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(claims: &Value, name: &str, expected: Result<Option<&[&str]>, Unreadable>) {
        let expected = expected.map(|values| match values {
            None => ClaimValues::Absent,
            Some(values) => ClaimValues::Values(values.iter().map(ToString::to_string).collect()),
        });
        assert_eq!(claim_values(claims, name), expected, "{name} of {claims}");
    }

    #[test]
    fn a_claim_is_a_text_or_a_list_of_texts() {
        for (value, expected) in [
            (json!("admins"), Ok(Some(&["admins"][..]))),
            (json!("a,b c"), Ok(Some(&["a,b c"][..]))),
            (json!(""), Ok(Some(&[][..]))),
            (json!([]), Ok(Some(&[][..]))),
            (json!(["b", "a", "b", ""]), Ok(Some(&["a", "b"][..]))),
            (json!(null), Ok(None)),
            (json!(true), Err(Unreadable::Shape)),
            (json!(7), Err(Unreadable::Shape)),
            (json!({"admins": true}), Err(Unreadable::Shape)),
            (json!(["a", 7]), Err(Unreadable::Shape)),
            (json!(["a", null]), Err(Unreadable::Shape)),
            (json!([["a"]]), Err(Unreadable::Shape)),
        ] {
            check(&json!({ "groups": value }), "groups", expected);
        }
    }

    #[test]
    fn a_name_is_taken_as_it_is_before_it_is_taken_as_a_path() {
        let claims = json!({
            "realm_access": {"roles": ["deep"], "": {"x": "y"}},
            "https://example.com/roles": ["shallow"],
            "a.b": "whole", "a": {"b": "parts"}, "text": "t",
        });
        check(&claims, "realm_access.roles", Ok(Some(&["deep"])));
        check(&claims, "https://example.com/roles", Ok(Some(&["shallow"])));
        check(&claims, "a.b", Ok(Some(&["whole"])));
        check(&claims, "realm_access", Err(Unreadable::Shape));
        check(&claims, "realm_access.more", Ok(None));
        check(&claims, "realm_access..x", Ok(Some(&["y"])));
        check(&claims, "text.t", Ok(None));
        check(&claims, "nothing", Ok(None));
        check(&claims, "", Ok(None));
    }

    #[test]
    fn what_is_no_set_of_claims_says_nothing() {
        for claims in [json!(null), json!([]), json!("groups"), json!(["groups"])] {
            check(&claims, "groups", Err(Unreadable::Shape));
        }
    }

    #[test]
    fn a_claim_that_is_kept_elsewhere_is_not_an_absent_one() {
        let claims = json!({
            "_claim_names": {"groups": "src1", "realm": "src1"},
            "_claim_sources": {"src1": {"endpoint": "https://example.com/groups"}},
        });
        check(&claims, "groups", Err(Unreadable::Elsewhere));
        check(&claims, "realm.roles", Err(Unreadable::Elsewhere));
        check(&claims, "roles", Ok(None));
        let sent = json!({"_claim_names": {"groups": "src1"}, "groups": ["a"]});
        check(&sent, "groups", Ok(Some(&["a"])));
        check(&json!({"_claim_names": "groups"}), "groups", Ok(None));
    }

    #[test]
    fn there_is_an_end_to_values() {
        let list =
            |count: usize| json!({"g": (0..count).map(|n| n.to_string()).collect::<Vec<_>>()});
        assert!(claim_values(&list(CLAIM_VALUES_MAX), "g").is_ok());
        check(&list(CLAIM_VALUES_MAX + 1), "g", Err(Unreadable::TooMany));
    }
}
