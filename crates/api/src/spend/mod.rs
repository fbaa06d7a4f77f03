//! What people spent. Every route belongs to the feature `aibridge`.

mod get;
mod wire;

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::ApiState;

pub(crate) use wire::{budget, left, pool};

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(get::spend_get))
}
