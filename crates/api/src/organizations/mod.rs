//! Organizations and who belongs to them.

mod chat_sharing_get;
mod chat_sharing_update;
mod create;
mod delete;
mod get;
mod list;
mod member_create;
mod member_delete;
mod member_list;
mod member_roles_update;
mod sharing;
mod update;
mod wire;
mod workspace_sharing_get;
mod workspace_sharing_update;

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::ApiState;

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(
            list::organization_list,
            create::organization_create
        ))
        .routes(routes!(
            get::organization_get,
            update::organization_update,
            delete::organization_delete
        ))
        .routes(routes!(member_list::organization_member_list))
        .routes(routes!(
            member_create::organization_member_create,
            member_delete::organization_member_delete
        ))
        .routes(routes!(
            member_roles_update::organization_member_roles_update
        ))
        .routes(routes!(
            workspace_sharing_get::workspace_sharing_get,
            workspace_sharing_update::workspace_sharing_update
        ))
        .routes(routes!(
            chat_sharing_get::chat_sharing_get,
            chat_sharing_update::chat_sharing_update
        ))
}
