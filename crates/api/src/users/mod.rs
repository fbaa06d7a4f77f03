//! People: the first one, signing in and out, accounts, passwords, site roles.

mod activate;
mod admin_mode_begin;
mod admin_mode_end;
mod admin_mode_get;
mod create;
mod delete;
mod first_create;
mod first_exists;
mod get;
mod list;
mod login;
mod logout;
mod password_update;
mod roles_get;
mod roles_update;
mod suspend;
mod wire;

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::ApiState;

pub(crate) use wire::slim_roles;

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(
            first_exists::first_user_exists,
            first_create::first_user_create
        ))
        .routes(routes!(login::login))
        .routes(routes!(logout::logout))
        .routes(routes!(
            admin_mode_get::admin_mode_get,
            admin_mode_begin::admin_mode_begin,
            admin_mode_end::admin_mode_end
        ))
        .routes(routes!(list::user_list, create::user_create))
        .routes(routes!(get::user_get, delete::user_delete))
        .routes(routes!(suspend::user_suspend))
        .routes(routes!(activate::user_activate))
        .routes(routes!(password_update::user_password_update))
        .routes(routes!(
            roles_get::user_roles_get,
            roles_update::user_roles_update
        ))
}
