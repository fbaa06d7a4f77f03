//! Chats: conversations of a person with a model, in an organization, that can be shared for reading.
//!
//! Who may not read a chat is told that there is none (404), and so is whoever may read it but not change it and tries to.
//! What spends the owner's money or speaks in the owner's name is the owner's alone: everybody else who may read the chat
//! is told so (403). With whom it is shared is told and changed in the order of `dbauthz::acl`.

mod acl_get;
mod acl_update;
mod create;
mod disposition;
mod events;
mod fields;
mod file_create;
mod file_download_create;
mod file_download_get;
mod file_get;
mod files;
mod get;
mod interrupt;
mod list;
mod list_by_workspace;
mod message_create;
mod message_list;
mod message_update;
mod prompt_list;
mod queue_delete;
mod queue_promote;
mod sniff;
mod stream;
mod transport;
mod update;
mod uploads;
mod viewer_update;
mod watch;
mod wire;

use axum::{Router, extract::DefaultBodyLimit};
use model::chats::{MAX_CONTENT_BYTES, MAX_FILE_BYTES};
use utoipa_axum::{router::OpenApiRouter, routes};

pub use self::uploads::Uploads;
use crate::ApiState;

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    let content = OpenApiRouter::new()
        .routes(routes!(list::chat_list, create::chat_create))
        .routes(routes!(
            message_list::chat_message_list,
            message_create::chat_message_create
        ))
        .routes(routes!(message_update::chat_message_update))
        .layer(DefaultBodyLimit::max(MAX_CONTENT_BYTES));
    let files = OpenApiRouter::new()
        .routes(routes!(file_create::chat_file_create))
        .layer(DefaultBodyLimit::max(MAX_FILE_BYTES));
    OpenApiRouter::new()
        .merge(content)
        .merge(files)
        .routes(routes!(watch::chat_watch))
        .routes(routes!(list_by_workspace::chat_list_by_workspace))
        .routes(routes!(file_get::chat_file_get))
        .routes(routes!(file_download_create::chat_file_download_create))
        .routes(routes!(file_download_get::chat_file_download_get))
        .routes(routes!(get::chat_get, update::chat_update))
        .routes(routes!(viewer_update::chat_viewer_update))
        .routes(routes!(stream::chat_stream))
        .routes(routes!(prompt_list::chat_prompt_list))
        .routes(routes!(queue_delete::chat_queue_delete))
        .routes(routes!(queue_promote::chat_queue_promote))
        .routes(routes!(interrupt::chat_interrupt))
        .routes(routes!(acl_get::chat_acl_get, acl_update::chat_acl_update))
}

/// The same operations, where existing clients look for them: in the document they are told once.
pub(crate) fn experimental_routes() -> OpenApiRouter<ApiState> {
    Router::from(routes()).into()
}
