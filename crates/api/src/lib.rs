//! The HTTP API: REST, one endpoint, one file, and GraphQL in [`graphql`].
//!
//! A handler parses the wire type, makes one or two repository calls on the store that is bound to its
//! caller, and answers. It holds no rule of its own: what is allowed is decided by `dbauthz` beneath it,
//! what a name or an amount may be by `model`, and which status an error has by [`error`]. This crate knows
//! no SQL, and never sees `db`.
//!
//! To add an endpoint: a file in its feature's folder, named after the operation, with the handler and its
//! OpenAPI attribute, and a line in that folder's `mod.rs`. The handler's name is the operation's name on
//! all floors. It takes [`extract::Session`] unless everybody may call it: then it is listed in
//! [`PUBLIC_OPERATIONS`], and a test sees to it that the two agree.

mod acl;
mod api_keys;
mod audit;
mod authorization;
mod budgets;
mod chats;
mod deployment;
mod docs;
mod error;
mod external_usage;
mod extract;
mod feature_flags;
mod graphql;
mod groups;
mod identities;
mod idpsync;
mod middleware;
mod notifications;
mod organizations;
mod prices;
mod providers;
mod rates;
mod roles;
mod spend;
mod spend_reports;
mod state;
mod users;
mod validate;
mod webhooks;
mod workspaces;

use axum::{Router, extract::DefaultBodyLimit};
use utoipa_axum::router::OpenApiRouter;

pub use chats::Uploads;
pub use docs::PUBLIC_OPERATIONS;
pub use graphql::{GraphqlOptions, GraphqlState, RateLimits, graphql_sdl};
pub use middleware::with_middleware;
pub use rates::RateLimit;
pub use state::{ApiState, Features, MetricsText, Readiness};

/// Where the API's routes live.
const PREFIX: &str = "/api/v2";

/// Where existing clients look for some of them.
const EXPERIMENTAL: &str = "/api/experimental";

/// The greatest body that a request may have, in bytes.
const BODY_LIMIT: usize = 1024 * 1024;

/// Every route of this crate. It has no fallback: [`with_middleware`] brings the one for the whole server.
pub fn router(state: ApiState) -> Router {
    let (router, _) = routes().split_for_parts();
    router
        .method_not_allowed_fallback(error::method_not_allowed)
        .with_state(state)
}

/// The OpenAPI document of every route of this crate.
#[must_use]
pub fn openapi() -> utoipa::openapi::OpenApi {
    docs::complete(routes().into_openapi())
}

fn routes() -> OpenApiRouter<ApiState> {
    let features = OpenApiRouter::new()
        .merge(users::routes())
        .merge(api_keys::routes())
        .merge(organizations::routes())
        .merge(groups::routes())
        .merge(budgets::routes())
        .merge(spend::routes())
        .merge(providers::routes())
        .merge(audit::routes())
        .merge(authorization::routes())
        .merge(roles::routes())
        .merge(workspaces::routes())
        .merge(chats::routes())
        .merge(idpsync::routes())
        .merge(feature_flags::routes())
        .merge(prices::routes())
        .merge(external_usage::routes())
        .merge(spend_reports::routes())
        .merge(notifications::routes())
        .merge(webhooks::routes())
        .merge(identities::routes())
        .merge(deployment::routes());
    let experimental = prices::experimental_routes().merge(chats::experimental_routes());
    OpenApiRouter::new()
        .merge(deployment::root_routes())
        .merge(graphql::routes())
        .nest(PREFIX, layered(features))
        .nest(EXPERIMENTAL, layered(experimental))
}

/// What happens around every route of a feature.
fn layered(routes: OpenApiRouter<ApiState>) -> OpenApiRouter<ApiState> {
    routes
        .route_layer(axum::middleware::from_fn(middleware::record_refusals))
        .layer(axum::middleware::map_response(middleware::no_store))
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
}
