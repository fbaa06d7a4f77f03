//! Reports of what people and groups spent. Every route belongs to the feature `aibridge`.
//!
//! An export is written while it is read: [`stream`] carries rows from the store through one of the [`formats`] to the
//! client, a bounded number at a time. So nobody knows its length before its end, and no `Content-Length` is told.

mod export;
mod formats;
mod group_get;
mod member_list;
mod organization_list;
mod parse;
mod stream;
mod user_list;
mod wire;

use axum::routing::get;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::ApiState;

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(group_get::group_spend_get))
        .routes(routes!(organization_list::organization_group_spend_list))
        .routes(routes!(member_list::group_member_spend_list))
        // The same for a group by its name: in the document it is told once.
        .route(
            "/organizations/{organization}/groups/{group_name}/members/ai/spend",
            get(member_list::group_member_spend_list_by_name),
        )
        .routes(routes!(export::spend_export))
        .routes(routes!(user_list::spend_user_list))
}
