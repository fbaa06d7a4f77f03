//! Whether an answer is what the document says.

use chrono::DateTime;
use serde_json::{Value, json};
use uuid::Uuid;

/// The object that has the fields of all these.
fn joined(document: &Value, parts: &[Value]) -> Value {
    let (mut properties, mut required) = (serde_json::Map::new(), Vec::new());
    for part in parts {
        let part = match part["$ref"].as_str() {
            Some(reference) => document.pointer(reference.trim_start_matches('#')).unwrap(),
            None => part,
        };
        properties.extend(part["properties"].as_object().unwrap().clone());
        required.extend(part["required"].as_array().into_iter().flatten().cloned());
    }
    json!({"type": "object", "properties": properties, "required": required})
}

/// Checks types, required fields and formats, and that there is no field that the document does not know.
pub(super) fn valid(document: &Value, schema: &Value, value: &Value, at: &str) {
    if let Some(reference) = schema["$ref"].as_str() {
        let pointer = reference.strip_prefix('#').unwrap();
        return valid(document, document.pointer(pointer).unwrap(), value, at);
    }
    if let Some(choices) = schema["oneOf"].as_array() {
        let null = json!({"type": "null"});
        let choice = choices
            .iter()
            .find(|choice| (**choice == null) == value.is_null());
        return valid(document, choice.unwrap(), value, at);
    }
    if let Some(parts) = schema["allOf"].as_array() {
        return valid(document, &joined(document, parts), value, at);
    }
    let types: Vec<_> = match &schema["type"] {
        Value::Array(types) => types.iter().map(|kind| kind.as_str().unwrap()).collect(),
        Value::String(kind) => vec![kind],
        _ => return,
    };
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_i64() => "integer",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    assert!(types.contains(&kind), "{at}: {value} is no {types:?}");
    if let Some(words) = schema["enum"].as_array() {
        assert!(words.contains(value), "{at}: {value}");
    }
    match (schema["format"].as_str(), value.as_str()) {
        (Some("uuid"), Some(text)) => assert_eq!(text.parse::<Uuid>().unwrap().to_string(), text),
        (Some("date-time"), Some(text)) => drop(DateTime::parse_from_rfc3339(text).unwrap()),
        _ => {}
    }
    for (number, item) in value.as_array().into_iter().flatten().enumerate() {
        valid(document, &schema["items"], item, &format!("{at}[{number}]"));
    }
    let required = schema["required"].as_array().into_iter().flatten();
    for name in required {
        assert!(
            value.get(name.as_str().unwrap()).is_some(),
            "{at}: {name} is missing"
        );
    }
    for (name, field) in value.as_object().into_iter().flatten() {
        let at = format!("{at}.{name}");
        match (
            schema["properties"].get(name),
            schema.get("additionalProperties"),
        ) {
            (Some(known), _) => valid(document, known, field, &at),
            (None, Some(any)) => valid(document, any, field, &at),
            (None, None) => assert!(
                schema.get("properties").is_none(),
                "{at} is not in the document"
            ),
        }
    }
}
