//! Groups of an organization's people.

mod create;
mod delete;
mod get;
mod list;
mod organization_list;
mod update;
mod wire;

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::ApiState;

pub(crate) use wire::group_with;

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(
            organization_list::organization_group_list,
            create::group_create
        ))
        .routes(routes!(list::group_list))
        .routes(routes!(
            get::group_get,
            update::group_update,
            delete::group_delete
        ))
}
