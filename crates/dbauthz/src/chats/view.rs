//! What of a chat may be shown to whom: what readers may not see never leaves this floor.

use model::{
    ChatId, OrganizationId, UserId,
    acl::AclRole,
    chats::{Chat, ChatAccess, ChatError, ChatErrorKind, ChatMessage, ChatRole},
};
use rbac::{Action, Object, ResourceType};
use store::chat_messages::ChatNews;

use crate::{BoundStore, ChatSharing, gate::Gate};

/// What a decision about a chat is about, with its family's ACL as far as that counts now.
pub(crate) fn object(found: &ChatAccess, sharing: ChatSharing) -> Object {
    let object = unshared(&found.chat);
    if found.sharing && sharing == ChatSharing::ByOrganization {
        found.acl.onto(object)
    } else {
        object
    }
}

/// What a decision about a chat is about, without whom it is shared with.
pub(super) const fn unshared(chat: &Chat) -> Object {
    Object::new(ResourceType::Chat)
        .in_org(chat.organization_id.0)
        .owner(chat.owner_id.0)
        .id(chat.id.0)
}

impl BoundStore {
    /// Whether the person could read a chat that is gone: as its owner, or, if it was another's, as somebody whom it is
    /// shared with. Nothing of it is left to be asked about: it is for the caller to know which of them the person was.
    #[must_use]
    pub fn could_read_chat(
        &self,
        chat: ChatId,
        owner: UserId,
        organization: OrganizationId,
    ) -> bool {
        let person = self.user_id();
        let object = Object::new(ResourceType::Chat)
            .in_org(organization.0)
            .owner(owner.0)
            .id(chat.0);
        let object = if owner == person {
            object
        } else {
            object.with_user_acl(person.0, ChatRole::Read.actions())
        };
        self.gate().allows(Action::Read, &object)
    }
}

/// Whether whoever acts sees all of a chat: its owner does, and the system's actors, who show it to nobody but its owner.
pub(crate) fn sees_all(gate: &Gate, chat: &Chat) -> bool {
    gate.actor()
        .is_none_or(|actor| actor.user_id == chat.owner_id)
}

/// A chat as whoever acts sees it while the switches stand as they do.
pub(crate) fn shown_access(gate: &Gate, found: ChatAccess) -> Chat {
    let mut chat = found.chat;
    chat.shared &= found.sharing;
    shown(gate, chat)
}

/// The same without the organization's switch, which the store has looked at.
pub(crate) fn shown(gate: &Gate, mut chat: Chat) -> Chat {
    chat.shared &= gate.chat_sharing() == ChatSharing::ByOrganization;
    if !sees_all(gate, &chat) {
        chat.last_error = chat.last_error.map(error_for_readers);
    }
    chat
}

/// Messages as whoever acts sees them.
pub(crate) fn shown_messages(
    gate: &Gate,
    chat: &Chat,
    mut messages: Vec<ChatMessage>,
) -> Vec<ChatMessage> {
    if !sees_all(gate, chat) {
        messages.iter_mut().for_each(message_for_readers);
    }
    messages
}

/// What readers may see of a chat's news: nothing that waits, nothing of what was used or may be spent, nothing that was
/// edited away but that it was, and nothing of what the owner keeps in order.
#[must_use]
pub fn news_for_readers(mut news: ChatNews) -> ChatNews {
    let chat = &mut news.chat.chat;
    chat.pin_order = 0;
    chat.has_unread = false;
    chat.hidden = false;
    chat.last_error = chat.last_error.take().map(error_for_readers);
    news.messages.iter_mut().for_each(message_for_readers);
    news.queue.clear();
    news
}

fn message_for_readers(message: &mut ChatMessage) {
    message.usage = None;
    if message.deleted {
        message.content.clear();
    }
}

/// How much the owner may spend, and has, is the owner's, and no reader hears what a provider says to this deployment:
/// it may tell of its account. What kind of error it is, and what this house says of it, is told.
fn error_for_readers(error: ChatError) -> ChatError {
    let message = match error.kind {
        ChatErrorKind::UsageLimit => "The owner of this chat has reached a usage limit.".to_owned(),
        // It may say by how much the owner is limited, and what may be set up in which way.
        ChatErrorKind::Config => "The model of this chat cannot be asked.".to_owned(),
        ChatErrorKind::Generic
        | ChatErrorKind::Overloaded
        | ChatErrorKind::RateLimit
        | ChatErrorKind::Timeout
        | ChatErrorKind::StreamSilenceTimeout
        | ChatErrorKind::Auth
        | ChatErrorKind::ContentFilter => error.message,
    };
    ChatError {
        message,
        detail: None,
        ..error
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readers_hear_what_kind_of_error_it_is_and_nothing_of_what_is_the_owners() {
        use ChatErrorKind::{
            Auth, Config, ContentFilter, Generic, Overloaded, RateLimit, StreamSilenceTimeout,
            Timeout, UsageLimit,
        };
        let check = |kind, own: bool| {
            let error = ChatError {
                message: "in our words: $5".to_owned(),
                detail: Some("org-7 has used 3 of 5 requests".to_owned()),
                kind,
                provider: Some("openai".to_owned()),
                retryable: true,
                status_code: Some(429),
            };
            let shown = error_for_readers(error.clone());
            assert_eq!(shown.detail, None, "{kind:?}");
            assert_eq!(shown.message == error.message, own, "{kind:?}");
            let rest = ChatError {
                message: error.message.clone(),
                detail: error.detail.clone(),
                ..shown
            };
            assert_eq!(rest, error);
        };
        for kind in [
            Generic,
            Overloaded,
            RateLimit,
            Timeout,
            StreamSilenceTimeout,
            Auth,
            ContentFilter,
        ] {
            check(kind, true);
        }
        for kind in [UsageLimit, Config] {
            check(kind, false);
        }
    }
}
