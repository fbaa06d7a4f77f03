//! Custom roles of an organization, and which roles there are to be given.

mod custom_create;
mod custom_delete;
mod custom_update;
mod organization_list;
mod request;
mod site_list;
mod wire;

use utoipa_axum::{router::OpenApiRouter, routes};

pub(crate) use wire::OwnRoles;

use crate::ApiState;

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(
            organization_list::organization_role_list,
            custom_create::custom_role_create,
            custom_update::custom_role_update
        ))
        .routes(routes!(custom_delete::custom_role_delete))
        .routes(routes!(site_list::site_role_list))
}
