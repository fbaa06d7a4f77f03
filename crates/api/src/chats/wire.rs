//! Chats as the wire shows them.

use std::collections::BTreeMap;

use bursar_sdk as sdk;
use chrono::{DateTime, Utc};
use dbauthz::ChatAclListing;
use model::{
    GroupId, UserId,
    acl::Principal,
    chats::{
        Chat, ChatError, ChatErrorKind, ChatFile, ChatMessage, ChatStatus, ClientType, ContentPart,
        MessageRole, QueuedMessage, TurnUsage, query::ChatFamily,
    },
};

use crate::acl;

/// One chat without the rest of its family.
pub(crate) fn chat(chat: Chat) -> sdk::Chat {
    sdk::Chat {
        id: chat.id.0,
        organization_id: chat.organization_id.0,
        owner_id: chat.owner_id.0,
        owner_username: chat.owner_username.into(),
        owner_name: chat.owner_name,
        workspace_id: chat.workspace_id.map(|id| id.0),
        parent_chat_id: chat.parent_chat_id.map(|id| id.0),
        root_chat_id: chat.root_chat_id.0,
        title: chat.title,
        model: chat.model,
        status: status(chat.status),
        last_error: chat.last_error.map(error),
        created_at: chat.created_at,
        updated_at: chat.updated_at,
        archived: chat.archived,
        shared: chat.shared,
        pin_order: chat.pin_order,
        has_unread: chat.has_unread,
        hidden: chat.hidden,
        labels: chat.labels,
        client_type: client_type(chat.client_type),
        files: Vec::new(),
        children: Vec::new(),
    }
}

/// A root with the rest of its family.
pub(crate) fn family(family: ChatFamily) -> sdk::Chat {
    sdk::Chat {
        children: family.children.into_iter().map(chat).collect(),
        ..chat(family.root)
    }
}

pub(crate) const fn status(status: ChatStatus) -> sdk::ChatStatus {
    match status {
        ChatStatus::Waiting => sdk::ChatStatus::Waiting,
        ChatStatus::Running => sdk::ChatStatus::Running,
        ChatStatus::Error => sdk::ChatStatus::Error,
        ChatStatus::Interrupting => sdk::ChatStatus::Interrupting,
    }
}

const fn client_type(kind: ClientType) -> sdk::ChatClientType {
    match kind {
        ClientType::Ui => sdk::ChatClientType::Ui,
        ClientType::Api => sdk::ChatClientType::Api,
    }
}

pub(crate) fn error(error: ChatError) -> sdk::ChatError {
    sdk::ChatError {
        message: error.message,
        detail: error.detail,
        kind: kind(error.kind),
        provider: error.provider,
        retryable: error.retryable,
        status_code: error.status_code,
    }
}

const fn kind(kind: ChatErrorKind) -> sdk::ChatErrorKind {
    match kind {
        ChatErrorKind::Generic => sdk::ChatErrorKind::Generic,
        ChatErrorKind::Overloaded => sdk::ChatErrorKind::Overloaded,
        ChatErrorKind::RateLimit => sdk::ChatErrorKind::RateLimit,
        ChatErrorKind::Timeout => sdk::ChatErrorKind::Timeout,
        ChatErrorKind::StreamSilenceTimeout => sdk::ChatErrorKind::StreamSilenceTimeout,
        ChatErrorKind::Auth => sdk::ChatErrorKind::Auth,
        ChatErrorKind::Config => sdk::ChatErrorKind::Config,
        ChatErrorKind::UsageLimit => sdk::ChatErrorKind::UsageLimit,
        ChatErrorKind::ContentFilter => sdk::ChatErrorKind::ContentFilter,
    }
}

pub(crate) fn message(message: ChatMessage) -> sdk::ChatMessage {
    sdk::ChatMessage {
        id: message.id.0,
        chat_id: message.chat_id.0,
        created_by: message.created_by.map(|id| id.0),
        model: message.model,
        created_at: message.created_at,
        role: role(message.role),
        content: message.content.into_iter().map(part).collect(),
        usage: message.usage.map(usage),
    }
}

pub(crate) const fn role(role: MessageRole) -> sdk::ChatMessageRole {
    match role {
        MessageRole::System => sdk::ChatMessageRole::System,
        MessageRole::User => sdk::ChatMessageRole::User,
        MessageRole::Assistant => sdk::ChatMessageRole::Assistant,
    }
}

const fn usage(usage: TurnUsage) -> sdk::ChatMessageUsage {
    sdk::ChatMessageUsage {
        input_tokens: usage.input_tokens,
        output_tokens: usage.output_tokens,
    }
}

pub(crate) fn queued(message: QueuedMessage) -> sdk::ChatQueuedMessage {
    sdk::ChatQueuedMessage {
        id: message.id.0,
        chat_id: message.chat_id.0,
        model: message.model,
        created_at: message.created_at,
        content: message.content.into_iter().map(part).collect(),
    }
}

pub(crate) fn part(part: ContentPart) -> sdk::ChatMessagePart {
    let empty = |kind| sdk::ChatMessagePart {
        r#type: kind,
        text: None,
        file_id: None,
        mime_type: None,
        name: None,
        file_name: None,
        start_line: None,
        end_line: None,
        content: None,
    };
    match part {
        ContentPart::Text { text } => sdk::ChatMessagePart {
            text: Some(text),
            ..empty(sdk::ChatMessagePartType::Text)
        },
        ContentPart::Reasoning { text } => sdk::ChatMessagePart {
            text: Some(text),
            ..empty(sdk::ChatMessagePartType::Reasoning)
        },
        ContentPart::File {
            file_id,
            mime_type,
            name,
        } => sdk::ChatMessagePart {
            file_id: Some(file_id.0),
            mime_type,
            name,
            ..empty(sdk::ChatMessagePartType::File)
        },
        ContentPart::FileReference {
            file_name,
            start_line,
            end_line,
            content,
        } => sdk::ChatMessagePart {
            file_name: Some(file_name),
            start_line: Some(start_line),
            end_line: Some(end_line),
            content: Some(content),
            ..empty(sdk::ChatMessagePartType::FileReference)
        },
    }
}

pub(crate) fn file(file: ChatFile) -> sdk::ChatFile {
    sdk::ChatFile {
        id: file.id.0,
        owner_id: file.owner_id.0,
        organization_id: file.organization_id.0,
        name: file.name,
        mime_type: file.mime_type,
        size_bytes: file.size_bytes,
        created_at: file.created_at,
    }
}

pub(crate) fn acl(listing: ChatAclListing) -> sdk::ChatAcl {
    let ends = listing.expiry;
    let entries = acl::listing(listing.entries);
    let user = |entry: sdk::AclUser| sdk::ChatAclUser {
        expires_at: end(&ends, Principal::User(UserId(entry.id))),
        entry,
    };
    let group = |entry: sdk::AclGroup| sdk::ChatAclGroup {
        expires_at: end(&ends, Principal::Group(GroupId(entry.group.id))),
        entry,
    };
    sdk::ChatAcl {
        users: entries.users.into_iter().map(user).collect(),
        groups: entries.groups.into_iter().map(group).collect(),
    }
}

fn end(ends: &BTreeMap<Principal, DateTime<Utc>>, whose: Principal) -> Option<DateTime<Utc>> {
    ends.get(&whose).copied()
}
