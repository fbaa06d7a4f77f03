//! The AI providers that the gateway forwards to. Their keys come in and never go out.

mod create;
mod delete;
mod list;
mod update;
mod wire;

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::ApiState;

pub(crate) use wire::{kind, wire_kind};

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(list::provider_list, create::provider_create))
        .routes(routes!(update::provider_update, delete::provider_delete))
}
