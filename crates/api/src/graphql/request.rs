//! What a client asks for: read from a body or an address, and held to the bounds that need no schema.

use async_graphql::Variables;
use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::{Value, json};

/// The most characters that all documents of a request may have together.
const MAX_QUERY_CHARS: usize = 10_000;
/// The most documents in one request.
const MAX_BATCH: usize = 20;
/// How deep brackets of a document may stand in each other, before anything reads it.
const MAX_BRACKETS: usize = 64;
/// How deep values of variables may stand in each other.
const MAX_VARIABLE_DEPTH: usize = 32;
/// The most elements of one list or object among the variables.
const MAX_VARIABLE_WIDTH: usize = 50_000;
/// The most elements of all variables.
const MAX_VARIABLE_ELEMENTS: usize = 100_000;

/// Why a request is answered before anything is executed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rejection {
    pub(super) status: StatusCode,
    pub(super) message: String,
}

impl Rejection {
    pub(super) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { status, message }
    }

    fn unprocessable(message: &str) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, message)
    }

    fn bad(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }
}

impl IntoResponse for Rejection {
    fn into_response(self) -> Response {
        let body = json!({"errors": [{"message": self.message}]});
        (self.status, Json(body)).into_response()
    }
}

/// One document and what goes with it.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Asked {
    #[serde(default)]
    pub(super) query: Option<String>,
    #[serde(default)]
    pub(super) operation_name: Option<String>,
    #[serde(default)]
    variables: Option<Value>,
}

impl Asked {
    /// The variables: an object, or a text that is one.
    ///
    /// # Errors
    /// When they are neither, or too many.
    pub(super) fn variables(&mut self) -> Result<Variables, Rejection> {
        let given = match self.variables.take() {
            Some(Value::String(text)) if text.trim().is_empty() => return Ok(Variables::default()),
            Some(Value::String(text)) => serde_json::from_str(&text)
                .ok()
                .ok_or_else(|| Rejection::bad("Variables must be a JSON object"))?,
            Some(value) => value,
            None => Value::Null,
        };
        match given {
            Value::Null => Ok(Variables::default()),
            Value::Object(_) => {
                let mut elements = 0;
                if bounded(&given, 0, &mut elements) {
                    Ok(Variables::from_json(given))
                } else {
                    Err(Rejection::unprocessable("Variables too large"))
                }
            }
            _ => Err(Rejection::bad("Variables must be a JSON object")),
        }
    }
}

fn bounded(value: &Value, depth: usize, elements: &mut usize) -> bool {
    let width = match value {
        Value::Array(all) => all.len(),
        Value::Object(all) => all.len(),
        _ => return true,
    };
    *elements = elements.saturating_add(width);
    if depth >= MAX_VARIABLE_DEPTH
        || width > MAX_VARIABLE_WIDTH
        || *elements > MAX_VARIABLE_ELEMENTS
    {
        return false;
    }
    match value {
        Value::Array(all) => all.iter().all(|one| bounded(one, depth + 1, elements)),
        Value::Object(all) => all.values().all(|one| bounded(one, depth + 1, elements)),
        _ => true,
    }
}

/// What a request asks for: one document, or several that are answered as a list.
#[derive(Debug)]
pub(super) enum Batch {
    One(Box<Asked>),
    Many(Vec<Asked>),
}

/// Reads the body of a POST.
///
/// # Errors
/// When it is no JSON of the right form, or too large.
pub(super) fn of_body(bytes: &[u8]) -> Result<Batch, Rejection> {
    let wrong = |error: serde_json::Error| Rejection::bad(format!("Invalid JSON: {error}"));
    // A list stands for several; serde would take one for the fields of an object, too.
    if bytes.trim_ascii_start().starts_with(b"[") {
        let all: Vec<Value> = serde_json::from_slice(bytes).map_err(wrong)?;
        if all.is_empty() {
            return Err(Rejection::unprocessable("Query batch is empty"));
        }
        if all.len() > MAX_BATCH {
            return Err(Rejection::unprocessable("Query batch too large"));
        }
        let all: Vec<Asked> = all.into_iter().map(one).collect::<Result<_, _>>()?;
        sized(&all)?;
        return Ok(Batch::Many(all));
    }
    let asked = one(serde_json::from_slice(bytes).map_err(wrong)?)?;
    sized(std::slice::from_ref(&asked))?;
    Ok(Batch::One(Box::new(asked)))
}

fn one(value: Value) -> Result<Asked, Rejection> {
    if !value.is_object() {
        return Err(Rejection::bad("A request must be a JSON object"));
    }
    serde_json::from_value(value)
        .map_err(|error| Rejection::bad(format!("Invalid request: {error}")))
}

/// Reads the parameters of a GET.
///
/// # Errors
/// When they cannot be read or are too large.
pub(super) fn of_query(query: &str) -> Result<Batch, Rejection> {
    let mut asked = Asked::default();
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        match &*name {
            "query" => asked.query = Some(value.into_owned()),
            "operationName" if !value.is_empty() => asked.operation_name = Some(value.into_owned()),
            "variables" => asked.variables = Some(Value::String(value.into_owned())),
            _ => {}
        }
    }
    sized(std::slice::from_ref(&asked))?;
    Ok(Batch::One(Box::new(asked)))
}

fn sized(all: &[Asked]) -> Result<(), Rejection> {
    let texts = || all.iter().filter_map(|one| one.query.as_deref());
    let chars: usize = texts().map(|text| text.chars().count()).sum();
    if chars > MAX_QUERY_CHARS {
        return Err(Rejection::unprocessable("Query too large"));
    }
    if texts().any(|text| brackets(text) > MAX_BRACKETS) {
        return Err(Rejection::unprocessable("Query nested too deeply"));
    }
    Ok(())
}

/// Where a byte of a document stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Code,
    Comment,
    Text,
    Block,
}

/// How deep brackets stand in each other, at most. One that opens counts wherever it stands; one that closes does only
/// where it surely closes one, so not in a comment, nor in a string.
fn brackets(text: &str) -> usize {
    let (mut open, mut most) = (0_usize, 0);
    let mut place = Place::Code;
    let mut rest = text.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        let quotes = rest.starts_with(b"\"\"\"");
        let mut taken = 1;
        match (place, byte) {
            (_, b'{' | b'[' | b'(') => open += 1,
            (Place::Code, b'}' | b']' | b')') => open = open.saturating_sub(1),
            (Place::Code, b'#') => place = Place::Comment,
            (Place::Comment, b'\n') => place = Place::Code,
            (Place::Code, b'"') if quotes => (place, taken) = (Place::Block, 3),
            (Place::Code, b'"') => place = Place::Text,
            (Place::Text, b'\\') if matches!(after.first(), Some(b'\\' | b'"')) => taken = 2,
            (Place::Text, b'"') => place = Place::Code,
            (Place::Block, b'\\') if after.starts_with(b"\"\"\"") => taken = 4,
            (Place::Block, b'"') if quotes => (place, taken) = (Place::Code, 3),
            _ => {}
        }
        most = most.max(open);
        rest = rest.get(taken..).unwrap_or_default();
    }
    most
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(found: Result<Batch, Rejection>, expected: Result<usize, (u16, &str)>) {
        let found = found.map(|batch| match batch {
            Batch::One(_) => 1,
            Batch::Many(all) => all.len(),
        });
        match (found, expected) {
            (Ok(found), Ok(expected)) => assert_eq!(found, expected),
            (Err(found), Err((status, message))) => {
                assert_eq!(found.status.as_u16(), status, "{found:?}");
                assert!(found.message.starts_with(message), "{found:?}");
            }
            (found, expected) => panic!("{found:?} instead of {expected:?}"),
        }
    }

    #[test]
    fn what_closes_nothing_does_not_hide_how_deep_brackets_stand() {
        let check = |text: &str, deep: usize| assert_eq!(brackets(text), deep, "{text}");
        check("{ a(x: [1, 2]) { b } c }", 3);
        let hiding = [
            "#]\n",
            r#""]" "#,
            r#""\"]" "#,
            "\"\\\\\"#]\n",
            r#""""]""" "#,
            r#""""\"""]""" "#,
        ];
        for hides in hiding {
            let open = format!("[{hides}").repeat(70);
            let close = "]".repeat(70);
            check(&format!("{{ a(x: {open}1{close}) }}"), 72);
        }
        // Many side by side are not deep, and no character is cut.
        check(&r#"{ a(x: "é\é\"") } "#.repeat(100), 2);
        check(&format!("[{}]", r##"{id: "#"}, "##.repeat(200)), 2);
    }

    #[test]
    fn a_body_is_one_request_or_a_list_of_them() {
        let body = |value: &Value| of_body(value.to_string().as_bytes());
        check(body(&json!({"query": "{ a }", "extensions": {}})), Ok(1));
        check(body(&json!({})), Ok(1));
        check(body(&json!([{"query": "{ a }"}, {}])), Ok(2));
        check(body(&json!([])), Err((422, "Query batch is empty")));
        check(body(&json!(vec![json!({}); 20])), Ok(20));
        check(
            body(&json!(vec![json!({}); 21])),
            Err((422, "Query batch too large")),
        );
        check(body(&json!([["{ a }"]])), Err((400, "A request must be")));
        check(body(&json!("{ a }")), Err((400, "A request must be")));
        check(body(&json!({"query": 5})), Err((400, "Invalid request")));
        check(of_body(b"{"), Err((400, "Invalid JSON")));
        check(of_body(b""), Err((400, "Invalid JSON")));
    }

    #[test]
    fn documents_are_bounded_over_the_batch() {
        let body = |value: &Value| of_body(value.to_string().as_bytes());
        let long = |chars: usize| json!({"query": "é".repeat(chars)});
        check(body(&long(10_000)), Ok(1));
        check(body(&long(10_001)), Err((422, "Query too large")));
        check(body(&json!([long(5_000), long(5_000)])), Ok(2));
        check(
            body(&json!([long(5_000), long(5_001)])),
            Err((422, "Query too large")),
        );
        check(
            of_query(&format!("query={}", "a".repeat(10_001))),
            Err((422, "Query too large")),
        );
        let deep = "[".repeat(101);
        check(
            body(&json!({"query": deep})),
            Err((422, "Query nested too deeply")),
        );
        check(body(&json!({"query": "(){}[]".repeat(200)})), Ok(1));
    }

    #[test]
    fn variables_are_an_object_or_its_text_and_bounded() {
        let check = |variables: Value, expected: Result<usize, u16>| {
            let mut asked = Asked {
                variables: Some(variables.clone()),
                ..Asked::default()
            };
            let found = asked.variables();
            let found = found.map(|all| all.len());
            assert_eq!(found.map_err(|error| error.status.as_u16()), expected);
        };
        check(Value::Null, Ok(0));
        check(json!(""), Ok(0));
        check(json!({"a": 1, "b": 2}), Ok(2));
        check(json!("{\"a\": 1}"), Ok(1));
        check(json!("{"), Err(400));
        check(json!([1]), Err(400));
        let nested = |levels| (0..levels).fold(json!(1), |inner, _| json!([inner]));
        check(json!({"a": nested(31)}), Ok(1));
        check(json!({"a": nested(32)}), Err(422));
        check(json!({"a": vec![0; 50_000]}), Ok(1));
        check(json!({"a": vec![0; 50_001]}), Err(422));
        check(
            json!({"a": vec![0; 50_000], "b": vec![0; 50_000]}),
            Err(422),
        );
    }

    #[test]
    fn a_query_has_the_same_parameters() {
        let batch = of_query("query=%7B+a+%7D&variables=%7B%22x%22%3A1%7D&operationName=A&more=1");
        let Ok(Batch::One(mut asked)) = batch else {
            panic!("{batch:?}");
        };
        assert_eq!(asked.query.as_deref(), Some("{ a }"));
        assert_eq!(asked.operation_name.as_deref(), Some("A"));
        assert_eq!(asked.variables().unwrap().len(), 1);
    }
}
