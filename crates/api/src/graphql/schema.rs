//! The schema: every root field, and how an operation is run.

use std::sync::{Arc, LazyLock};

use async_graphql::{
    Context, EmptySubscription, MergedObject, Object, Request, Response, ServerError, SimpleObject,
    parser::types::OperationType,
};

use super::{
    caps,
    measure::{Immeasurable, Measure, measure},
    request::{Asked, Rejection},
    viewer::{Cost, Viewer},
};

/// The most errors that are told of a document that is not valid.
const MAX_ERRORS: usize = 5;

/// The roots of all that may be asked.
#[derive(Debug, Default, MergedObject)]
pub(super) struct Query(caps::CapsQuery, ServerQuery);

/// The roots of all that may be changed.
#[derive(Debug, Default, MergedObject)]
pub(super) struct Mutation(caps::CapsMutation);

type Schema = async_graphql::Schema<Query, Mutation, EmptySubscription>;

static SCHEMA: LazyLock<Schema> = LazyLock::new(|| {
    Schema::build(Query::default(), Mutation::default(), EmptySubscription)
        .register_output_type::<caps::User>()
        .disable_suggestions()
        .finish()
});

/// The schema in its own language.
pub(super) fn sdl() -> String {
    SCHEMA.sdl()
}

/// What the server knows of the question itself.
#[derive(Debug, Default)]
pub(super) struct ServerQuery;

/// What an operation costs, and what it may.
#[derive(Debug, SimpleObject)]
struct QueryComplexity {
    /// What this operation costs: one for each field.
    score: u64,
    /// The most that an operation of the caller may cost.
    limit: u64,
}

#[Object]
impl ServerQuery {
    /// What this operation costs, and what it may.
    async fn query_complexity(&self, ctx: &Context<'_>) -> Option<QueryComplexity> {
        let Cost { score, limit } = *ctx.data_opt::<Cost>()?;
        Some(QueryComplexity { score, limit })
    }
}

/// How a request came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Transport {
    /// In an address, which may be followed by accident and kept by anybody.
    Get,
    /// In a body.
    Post,
}

/// Answers one document.
///
/// # Errors
/// When it is not to be executed at all, however the others fare.
pub(super) async fn execute(
    viewer: &Arc<Viewer>,
    mut asked: Asked,
    transport: Transport,
) -> Result<Response, Rejection> {
    let variables = asked.variables()?;
    let text = asked.query.take().filter(|text| !text.trim().is_empty());
    let Some(text) = text else {
        return Ok(failed("No query string was present".to_owned()));
    };
    let mut request = Request::new(text).variables(variables);
    request.operation_name = asked.operation_name.filter(|name| !name.is_empty());
    let measured = {
        let name = request.operation_name.clone();
        match request.parsed_query() {
            Ok(document) => measure(document, name.as_deref()),
            Err(error) => return Ok(Response::from_errors(vec![error])),
        }
    };
    let found = match measured {
        Ok(found) => found,
        Err(Immeasurable::Loop(name)) => {
            return Ok(failed(format!("Fragment {name} contains an infinite loop")));
        }
        Err(Immeasurable::Endless(score)) => {
            let limit = viewer.allowance(false).complexity;
            return Ok(failed(too_complex(score, limit)));
        }
    };
    if let Some(found) = found {
        if transport == Transport::Get && found.kind == OperationType::Mutation {
            let message = "Mutations are forbidden in GET requests";
            let status = axum::http::StatusCode::UNPROCESSABLE_ENTITY;
            return Err(Rejection::new(status, message));
        }
        match cost(viewer, &found) {
            Ok(cost) => request = request.data(cost),
            Err(message) => return Ok(failed(message)),
        }
    }
    let request = request.data(Arc::clone(viewer));
    let request = request.data(caps::Said::default());
    let mut response = Box::pin(SCHEMA.execute(request)).await;
    if response.data == async_graphql::Value::Null {
        response.errors.truncate(MAX_ERRORS);
    }
    Ok(response)
}

fn cost(viewer: &Viewer, found: &Measure) -> Result<Cost, String> {
    let allowance = viewer.allowance(found.introspection);
    if found.depth > allowance.depth {
        return Err(format!(
            "Query has depth of {}, which exceeds max depth of {}",
            found.depth, allowance.depth
        ));
    }
    if found.score > allowance.complexity {
        return Err(too_complex(found.score, allowance.complexity));
    }
    Ok(Cost {
        score: found.score,
        limit: allowance.complexity,
    })
}

fn too_complex(score: u64, limit: u64) -> String {
    format!("Query has complexity of {score}, which exceeds max complexity of {limit}")
}

fn failed(message: String) -> Response {
    Response::from_errors(vec![ServerError::new(message, None)])
}
