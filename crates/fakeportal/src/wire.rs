//! What it is asked: bodies of the forms that the real one knows, and of no other.

use axum::http::HeaderMap;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{ADMIN_EMAIL, ADMIN_TOKEN, books::Whose, record::Operation};

/// A request's body.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Body {
    pub(crate) query: String,
    pub(crate) variables: Variables,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Variables {
    pub(crate) namespace_id: Option<String>,
    pub(crate) license_key: Option<String>,
    pub(crate) entity_ids: Option<Vec<String>>,
    pub(crate) first: Option<usize>,
    pub(crate) after: Option<String>,
    #[serde(rename = "instanceId")]
    _instance_id: Option<String>,
    #[serde(rename = "startDate")]
    _start_date: Option<String>,
    #[serde(rename = "endDate")]
    _end_date: Option<String>,
    pub(crate) input: Option<Input>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Input {
    pub(crate) namespace_id: Option<String>,
    pub(crate) license_key: Option<String>,
    pub(crate) unique_instance_id: Option<String>,
    pub(crate) flat_user_cap: Option<Box<RawValue>>,
    pub(crate) flat_user_cap_enabled: Option<bool>,
    pub(crate) overrides: Option<Vec<InputOwn>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct InputOwn {
    pub(crate) entity_id: String,
    pub(crate) cap_amount: Box<RawValue>,
    pub(crate) enabled: bool,
}

/// The operation that a document names first.
pub(crate) fn operation(query: &str) -> Option<Operation> {
    let name = query.split(['(', ' ']).nth(1)?;
    Operation::ALL.into_iter().find(|one| one.name() == name)
}

impl Body {
    /// Whose subscription is asked for; else the status of a refusal: one of a namespace and a licence is named, and
    /// for a namespace the admin asks.
    pub(crate) fn whose(&self, headers: &HeaderMap) -> Result<Whose, u16> {
        let variables = &self.variables;
        let (namespace, key) = match &variables.input {
            Some(input) => (&input.namespace_id, &input.license_key),
            None => (&variables.namespace_id, &variables.license_key),
        };
        let header = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let admin = header("x-admin-email") == Some(ADMIN_EMAIL)
            && header("x-admin-token") == Some(ADMIN_TOKEN);
        match (namespace, key) {
            (Some(_), None) if !admin => Err(401),
            (Some(id), None) => Ok(Whose::Namespace(id.clone())),
            (None, Some(key)) => Ok(Whose::Licence(key.clone())),
            _ => Err(400),
        }
    }
}
