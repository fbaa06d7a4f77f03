//! What an answer of status success holds: `data` of the shape that was asked for, or an error in one of the forms
//! that the portal has for them.

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, value::RawValue};

use crate::{Malformation, wire::Object, withheld::Withheld};

/// How many of the portal's errors are kept for the log.
const MOST_DETAILS: usize = 5;

/// The outermost object.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, default)]
    data: Option<&'a RawValue>,
    #[serde(borrow, default)]
    errors: Option<&'a RawValue>,
}

/// Errors among the data, where no GraphQL server puts them, but the portal does.
#[derive(Deserialize)]
struct InData<'a> {
    #[serde(borrow, default)]
    errors: Option<&'a RawValue>,
}

/// Reads the data of an answer. With errors in either place nothing of it is believed.
///
/// # Errors
/// All but [`Malformation::TooLarge`].
pub(crate) fn read<T: DeserializeOwned>(
    body: &[u8],
    withheld: &Withheld,
) -> Result<T, Malformation> {
    let Object(envelope): Object<Envelope<'_>> =
        serde_json::from_slice(body).map_err(|_error| Malformation::NotJson)?;
    if let Some(details) = errors(envelope.errors, withheld) {
        return Err(Malformation::TopLevelErrors { details });
    }
    let data = envelope.data.ok_or(Malformation::NoData)?.get();
    let in_data: InData<'_> = shaped(data)?;
    if let Some(details) = errors(in_data.errors, withheld) {
        return Err(Malformation::DataErrors { details });
    }
    shaped(data)
}

/// Reads JSON of a shape. What is said of an error is where it is; the library's words would repeat values.
fn shaped<'a, T: Deserialize<'a>>(json: &'a str) -> Result<T, Malformation> {
    let mut deserializer = serde_json::Deserializer::from_str(json);
    let read = serde_path_to_error::deserialize(&mut deserializer);
    let Object(data) = read.map_err(|error: serde_path_to_error::Error<serde_json::Error>| {
        let at = error.path().to_string();
        Malformation::Shape { at }
    })?;
    Ok(data)
}

/// The errors, if it is not blank: null, false, an empty list, object or text.
fn errors(found: Option<&RawValue>, withheld: &Withheld) -> Option<Vec<String>> {
    let Ok(found) = serde_json::from_str::<Value>(found?.get()) else {
        // Nested too deeply to be read, so not blank.
        return Some(Vec::new());
    };
    let said = match found {
        Value::Null | Value::Bool(false) => return None,
        Value::String(text) if text.trim().is_empty() => return None,
        Value::Array(list) if list.is_empty() => return None,
        Value::Object(fields) if fields.is_empty() => return None,
        Value::Array(list) => list,
        one => vec![one],
    };
    let told = |error: &Value| {
        let message = error.get("message").unwrap_or(error);
        let text = message.as_str().map(str::to_owned);
        withheld.detail(&text.unwrap_or_else(|| message.to_string()))
    };
    Some(said.iter().take(MOST_DETAILS).map(told).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read_number(body: &str) -> Result<u8, Malformation> {
        #[derive(Deserialize)]
        struct Data {
            number: u8,
        }
        read::<Data>(body.as_bytes(), &Withheld::new(["s3cret-of-ours".into()]))
            .map(|data| data.number)
    }

    #[test]
    fn errors_are_found_in_both_places() {
        let top = |details: &[&str]| {
            Err(Malformation::TopLevelErrors {
                details: details.iter().map(|text| (*text).to_owned()).collect(),
            })
        };
        let check = |errors: Value, expected: Result<u8, Malformation>| {
            let beside = json!({"data": {"number": 7}, "errors": errors}).to_string();
            assert_eq!(read_number(&beside), expected, "{errors}");
            let inside = json!({"data": {"number": 7, "errors": errors}}).to_string();
            let expected = expected.map_err(|error| match error {
                Malformation::TopLevelErrors { details } => Malformation::DataErrors { details },
                other => other,
            });
            assert_eq!(read_number(&inside), expected, "{errors}");
        };
        for blank in [
            json!(null),
            json!([]),
            json!({}),
            json!(""),
            json!(" "),
            json!(false),
        ] {
            check(blank, Ok(7));
        }
        check(json!("Not Found"), top(&["Not Found"]));
        check(json!(["a", {"message": "b", "path": []}]), top(&["a", "b"]));
        check(json!({"message": "a"}), top(&["a"]));
        check(json!([null]), top(&["null"]));
        check(json!(true), top(&["true"]));
        check(json!(0), top(&["0"]));
        check(
            json!([1, 2, 3, 4, 5, 6, 7]),
            top(&["1", "2", "3", "4", "5"]),
        );
        check(
            json!(["key s3cret-of-ours"]),
            top(&["(withheld: it repeats a secret)"]),
        );
    }

    #[test]
    fn what_was_not_asked_for_is_told_by_its_place() {
        let shape = |at: &str| Err(Malformation::Shape { at: at.to_owned() });
        let check = |body: &str, expected| assert_eq!(read_number(body), expected, "{body}");
        check(
            r#"{"data":{"number":7,"more":[{}]},"extensions":{}}"#,
            Ok(7),
        );
        for none in [r#"{}"#, r#"{"data":null}"#, r#"{"errors":[]}"#] {
            check(none, Err(Malformation::NoData));
        }
        check(r#"{"data":[]}"#, shape("."));
        check(r#"{"data":"s3cret"}"#, shape("."));
        check(r#"{"data":{}}"#, shape("."));
        check(r#"{"data":{"number":"s3cret"}}"#, shape("number"));
        check(r#"{"data":{"number":256}}"#, shape("number"));
        for no_json in [
            "",
            "{",
            "<html>",
            "[]",
            "null",
            "7",
            r#"{"data":{"number":7}} x"#,
        ] {
            check(no_json, Err(Malformation::NotJson));
        }
        let deep = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        check(
            &format!(r#"{{"data":{{"number":7,"more":{}}}}}"#, deep(100_000)),
            Ok(7),
        );
        check(
            &format!(r#"{{"data":{{"number":{}}}}}"#, deep(100_000)),
            shape("number"),
        );
        let deep_errors = format!(r#"{{"errors":{}}}"#, deep(100_000));
        check(
            &deep_errors,
            Err(Malformation::TopLevelErrors { details: vec![] }),
        );
        #[derive(Debug, Deserialize, PartialEq)]
        struct Anything {}
        assert_eq!(
            read::<Anything>(b"{\"data\":{\"a\":\"\xff\"}}", &Withheld::default()),
            Err(Malformation::NotJson)
        );
    }
}
