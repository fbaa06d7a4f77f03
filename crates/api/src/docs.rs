//! What every operation of the OpenAPI document has in common, added in one place.

use bursar_sdk::ErrorBody;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        Content, InfoBuilder, OpenApi, Ref, RefOr, Response, ResponseBuilder,
        path::{Operation, Parameter, ParameterIn, PathItem},
        security::{
            ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
        },
    },
};

/// The operations that nobody signed in may call. Every other one answers 401 to nobody.
pub const PUBLIC_OPERATIONS: &[&str] = &[
    "first_user_exists",
    "first_user_create",
    "login",
    "auth_method_list",
    "oidc_login",
    "oidc_callback",
    "chat_file_download_get",
    "build_info",
    "openapi_document",
    "healthz",
    "readyz",
    "metrics",
];

/// The ways to sign in, by name: a header, a bearer token, or the cookie of a browser.
const SCHEMES: [&str; 3] = ["session_token", "bearer", "cookie"];

/// Adds title, ways to sign in, and the answers of errors to the document of the routes.
pub(crate) fn complete(mut document: OpenApi) -> OpenApi {
    document.info = InfoBuilder::new()
        .title("Bursar")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(
            "Budgets, identities and audit for AI use in an organization.",
        ))
        .build();
    document.security = Some(signed_in());
    let components = document.components.get_or_insert_default();
    let header = ApiKey::Header(ApiKeyValue::new("Bursar-Session-Token"));
    let cookie = ApiKey::Cookie(ApiKeyValue::new(auth::SESSION_COOKIE));
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
    let [by_header, by_bearer, by_cookie] = SCHEMES;
    components.add_security_scheme(by_header, SecurityScheme::ApiKey(header));
    components.add_security_scheme(by_bearer, SecurityScheme::Http(bearer));
    components.add_security_scheme(by_cookie, SecurityScheme::ApiKey(cookie));
    components
        .schemas
        .insert(ErrorBody::name().into_owned(), ErrorBody::schema());
    let mut schemas = Vec::new();
    ErrorBody::schemas(&mut schemas);
    components.schemas.extend(schemas);
    for item in document.paths.paths.values_mut() {
        operations(item).for_each(complete_operation);
    }
    document
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    let PathItem {
        get,
        put,
        post,
        delete,
        patch,
        ..
    } = item;
    [get, put, post, delete, patch].into_iter().flatten()
}

fn complete_operation(operation: &mut Operation) {
    let id = operation.operation_id.as_deref().unwrap_or_default();
    if PUBLIC_OPERATIONS.contains(&id) {
        operation.security = Some(Vec::new());
    } else {
        add(operation, "401", "Nobody is signed in.");
    }
    let parameters = operation.parameters.iter().flatten();
    let places: Vec<_> = parameters.filter_map(place).collect();
    if !places.is_empty() || operation.request_body.is_some() {
        add(
            operation,
            "400",
            "The request is not valid; `validations` says which fields are not.",
        );
    }
    if places.contains(&ParameterIn::Path) {
        add(
            operation,
            "404",
            "It does not exist, or the caller must not know of it.",
        );
    }
    add(operation, "default", "Anything else.");
}

fn place(parameter: &RefOr<Parameter>) -> Option<ParameterIn> {
    match parameter {
        RefOr::T(parameter) => Some(parameter.parameter_in.clone()),
        RefOr::Ref(_) => None,
    }
}

fn add(operation: &mut Operation, status: &str, description: &str) {
    let responses = &mut operation.responses.responses;
    responses
        .entry(status.to_owned())
        .or_insert_with(|| RefOr::T(error(description)));
}

fn error(description: &str) -> Response {
    let schema = Ref::from_schema_name(ErrorBody::name());
    ResponseBuilder::new()
        .description(description)
        .content("application/json", Content::new(Some(schema)))
        .build()
}

fn signed_in() -> Vec<SecurityRequirement> {
    SCHEMES
        .iter()
        .map(|name| SecurityRequirement::new(*name, [""; 0]))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Path and operation of the whole document.
    fn all() -> Vec<(String, Operation)> {
        let mut document = crate::openapi();
        let items = document.paths.paths.iter_mut();
        items
            .flat_map(|(path, item)| operations(item).map(|o| (path.clone(), o.clone())))
            .collect()
    }

    #[test]
    fn operations_have_unique_names_and_words() {
        let mut seen = BTreeSet::new();
        for (path, operation) in all() {
            let id = operation.operation_id.unwrap_or_default();
            assert!(!id.is_empty(), "{path} has no name");
            assert!(operation.summary.is_some(), "{id} has no summary");
            assert!(
                operation.tags.is_some_and(|tags| tags.len() == 1),
                "{id} has no tag"
            );
            assert!(seen.insert(id.clone()), "{id} is there twice");
        }
    }

    #[test]
    fn public_operations_exist() {
        let names: BTreeSet<String> = all()
            .into_iter()
            .filter_map(|(_, operation)| operation.operation_id)
            .collect();
        for id in PUBLIC_OPERATIONS {
            assert!(names.contains(*id), "{id} is no operation");
        }
    }

    #[test]
    fn parameters_of_the_path_are_described() {
        for (path, operation) in all() {
            let named: BTreeSet<&str> = path
                .split('{')
                .skip(1)
                .filter_map(|rest| rest.split('}').next())
                .collect();
            let described: BTreeSet<String> = operation
                .parameters
                .unwrap_or_default()
                .into_iter()
                .filter_map(|parameter| match parameter {
                    RefOr::T(parameter) => Some(parameter),
                    RefOr::Ref(_) => None,
                })
                .filter(|p| p.parameter_in == ParameterIn::Path)
                .map(|parameter| parameter.name)
                .collect();
            let described: BTreeSet<&str> = described.iter().map(String::as_str).collect();
            assert_eq!(named, described, "{path}");
        }
    }

    #[test]
    fn every_reference_leads_to_a_schema() {
        let document = serde_json::to_value(crate::openapi()).unwrap();
        let schemas = &document["components"]["schemas"];
        let text = document.to_string();
        for name in text
            .split("#/components/schemas/")
            .skip(1)
            .filter_map(|r| r.split('"').next())
        {
            assert!(schemas.get(name).is_some(), "{name} is missing");
        }
    }
}
