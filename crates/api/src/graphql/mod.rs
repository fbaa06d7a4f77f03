//! GraphQL: caps and usage of subscriptions, in the shape that existing clients know, at `/api/graphql`, and a page to
//! try it at `/-/graphql-explorer`.
//!
//! A resolver does what a handler of REST does: parse, one or two repository calls, answer. It holds no rule of its own.
//! [`failure`] is the one place that says what failures look like; [`request`] and [`measure`] hold documents to their
//! bounds before anything is executed.

mod body;
mod caps;
mod connection;
mod explorer;
mod failure;
mod handler;
mod ids;
mod limits;
mod measure;
mod money;
mod request;
mod scalars;
mod schema;

#[cfg(test)]
mod tests;
mod viewer;

use axum::routing::get;
use utoipa_axum::router::OpenApiRouter;

pub use limits::RateLimits;

use crate::ApiState;

/// How GraphQL is offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct GraphqlOptions {
    /// Whether a person's own cap may be set before a flat one was: the record of the subscription is made then.
    pub implicit_flat_cap: bool,
    /// How often people may read and change caps.
    pub rates: RateLimits,
}

/// What the resolvers share. Cheap to clone.
#[derive(Debug, Clone)]
pub struct GraphqlState {
    pub(crate) implicit_flat_cap: bool,
    rates: limits::Rates,
}

impl GraphqlState {
    /// With these options.
    #[must_use]
    pub fn new(options: GraphqlOptions) -> Self {
        Self {
            implicit_flat_cap: options.implicit_flat_cap,
            rates: limits::Rates::new(options.rates),
        }
    }
}

/// The schema in its own language.
#[must_use]
pub fn graphql_sdl() -> String {
    schema::sdl()
}

/// Routes of their own: they are no operations of REST, and its document does not tell of them.
pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .route("/api/graphql", get(handler::graphql).post(handler::graphql))
        .layer(axum::middleware::map_response(crate::middleware::no_store))
        .route("/-/graphql-explorer", get(explorer::page))
        .route("/-/graphql-explorer/explorer.js", get(explorer::script))
        .route("/-/graphql-explorer/explorer.css", get(explorer::style))
}
