//! Chats: conversations of a person with a model, in an organization, that can be shared for reading.

mod acl;
mod chat;
mod events;
mod files;
mod lists;
mod messages;

pub use acl::*;
pub use chat::*;
pub use events::*;
pub use files::*;
pub use lists::*;
pub use messages::*;
