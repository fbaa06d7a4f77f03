//! The OpenAPI document, and ways to walk it.

use anyhow::Context;
use serde_json::Value;

/// The document as it is checked in.
pub(super) fn generate(document: &Value) -> anyhow::Result<String> {
    Ok(serde_json::to_string_pretty(document)? + "\n")
}

/// One operation of the document.
pub(super) struct Operation<'a> {
    /// The method in capitals.
    pub(super) method: String,
    /// The path, with `{parameters}`.
    pub(super) path: &'a str,
    /// The repository method's name.
    pub(super) id: &'a str,
    /// The operation itself.
    pub(super) body: &'a Value,
}

impl<'a> Operation<'a> {
    /// Its parameters of one place: `path` or `query`.
    pub(super) fn parameters(&self, place: &str) -> Vec<&'a Value> {
        let all = self.body.get("parameters").and_then(Value::as_array);
        let here = |parameter: &&Value| text(parameter, "in") == Some(place);
        all.into_iter().flatten().filter(here).collect()
    }

    /// The schema of its JSON request body.
    pub(super) fn request(&self) -> Option<&'a Value> {
        self.body
            .pointer("/requestBody/content/application~1json/schema")
    }

    /// Whether its request body is a file.
    pub(super) fn uploads(&self) -> bool {
        self.body.get("requestBody").is_some() && self.request().is_none()
    }

    /// Whether it has an answer of success.
    pub(super) fn succeeds(&self) -> bool {
        let responses = self.body.get("responses").and_then(Value::as_object);
        let mut statuses = responses.into_iter().flat_map(|all| all.keys());
        statuses.any(|status| status.starts_with('2'))
    }

    /// The schema of its first answer of success; `None` when that has no JSON body.
    pub(super) fn response(&self) -> Option<&'a Value> {
        let responses = self.body.get("responses")?.as_object()?;
        let (_, success) = responses
            .iter()
            .find(|(status, _)| status.starts_with('2'))?;
        success.pointer("/content/application~1json/schema")
    }
}

/// All operations, in the document's order.
pub(super) fn operations(document: &Value) -> anyhow::Result<Vec<Operation<'_>>> {
    let paths = document
        .get("paths")
        .and_then(Value::as_object)
        .context("no paths")?;
    let mut found = Vec::new();
    for (path, item) in paths {
        for (method, body) in item.as_object().context("a path that is no object")? {
            let Some(id) = text(body, "operationId") else {
                continue;
            };
            found.push(Operation {
                method: method.to_uppercase(),
                path,
                id,
                body,
            });
        }
    }
    Ok(found)
}

/// A text member of an object.
pub(super) fn text<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get(key).and_then(Value::as_str)
}

/// The name of the schema that a `$ref` points to.
pub(super) fn reference(schema: &Value) -> Option<&str> {
    text(schema, "$ref")?.rsplit('/').next()
}

/// The types of a schema: OpenAPI 3.1 allows one or a list of them.
pub(super) fn types(schema: &Value) -> Vec<&str> {
    match schema.get("type") {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(many)) => many.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}
