//! How an identity provider's claims become organizations, groups and roles.

mod groups_get;
mod groups_update;
mod organization_get;
mod organization_preview;
mod organization_update;
mod preview;
mod roles_get;
mod roles_update;
mod wire;

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::ApiState;

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(
            organization_get::idpsync_organization_get,
            organization_update::idpsync_organization_update
        ))
        .routes(routes!(
            groups_get::idpsync_groups_get,
            groups_update::idpsync_groups_update
        ))
        .routes(routes!(
            roles_get::idpsync_roles_get,
            roles_update::idpsync_roles_update
        ))
        .routes(routes!(preview::idpsync_preview))
        .routes(routes!(organization_preview::idpsync_organization_preview))
}
