//! What streams tell, as the wire shows it.

use bursar_sdk::{
    ChatMessageRole, ChatStreamEvent, ChatStreamEventType, ChatStreamMessagePart, ChatStreamStatus,
    ChatWatchEvent, ChatWatchEventKind,
};
use chat::{ChatEvent, Frame, PartEvent, WatchEvent, WatchKind};
use model::{ChatId, chats::ChatMessage};

use super::{transport::Piece, wire};

/// A frame as it is sent; it is written once for all who are told it.
pub(super) fn frame(frame: &Frame) -> Piece {
    Piece(frame.text(|chat, events| {
        let events: Vec<_> = events.iter().map(|told| event(chat, told)).collect();
        Piece::of(&events).0
    }))
}

fn event(chat: ChatId, event: &ChatEvent) -> ChatStreamEvent {
    let of = |kind| ChatStreamEvent::new(kind, chat.0);
    match event {
        ChatEvent::Message(message) => ChatStreamEvent {
            message: Some(wire::message(ChatMessage::clone(message))),
            ..of(ChatStreamEventType::Message)
        },
        ChatEvent::Part(told) => ChatStreamEvent {
            message_part: Some(part(told)),
            ..of(ChatStreamEventType::MessagePart)
        },
        ChatEvent::Status(status) => ChatStreamEvent {
            status: Some(ChatStreamStatus {
                status: wire::status(*status),
            }),
            ..of(ChatStreamEventType::Status)
        },
        ChatEvent::Error(error) => ChatStreamEvent {
            error: Some(wire::error(error.clone())),
            ..of(ChatStreamEventType::Error)
        },
        ChatEvent::Queue(queue) => ChatStreamEvent {
            queued_messages: Some(queue.iter().cloned().map(wire::queued).collect()),
            ..of(ChatStreamEventType::QueueUpdate)
        },
        ChatEvent::HistoryReset => of(ChatStreamEventType::HistoryReset),
        ChatEvent::PreviewReset => of(ChatStreamEventType::PreviewReset),
    }
}

fn part(part: &PartEvent) -> ChatStreamMessagePart {
    ChatStreamMessagePart {
        role: ChatMessageRole::Assistant,
        part: wire::part(part.part.clone()),
        history_version: part.history_version,
        generation_attempt: part.generation_attempt,
        seq: part.seq,
    }
}

/// What a watcher is told, as it is sent.
pub(super) fn watched(event: WatchEvent) -> Piece {
    Piece::of(&ChatWatchEvent {
        kind: kind(event.kind),
        chat_id: event.chat_id.0,
        chat: event.chat.map(wire::chat),
    })
}

const fn kind(kind: WatchKind) -> ChatWatchEventKind {
    match kind {
        WatchKind::Created => ChatWatchEventKind::Created,
        WatchKind::StatusChange => ChatWatchEventKind::StatusChange,
        WatchKind::TitleChange => ChatWatchEventKind::TitleChange,
        WatchKind::Deleted => ChatWatchEventKind::Deleted,
        WatchKind::Granted => ChatWatchEventKind::Granted,
        WatchKind::Revoked => ChatWatchEventKind::Revoked,
        WatchKind::AclChange => ChatWatchEventKind::AclChange,
    }
}

#[cfg(test)]
mod tests {
    use model::chats::{ChatStatus, ContentPart};
    use serde_json::{Value, json};
    use uuid::Uuid;

    use super::*;

    #[test]
    fn an_event_has_its_type_the_chat_and_what_it_is_about() {
        let chat = ChatId(Uuid::from_u128(7));
        let check = |told: ChatEvent, expected: Value| {
            let mut expected = expected;
            expected["chat_id"] = json!(chat.0);
            let sent = serde_json::to_value(event(chat, &told)).unwrap();
            assert_eq!(sent, expected);
        };
        check(
            ChatEvent::Status(ChatStatus::Running),
            json!({"type": "status", "status": {"status": "running"}}),
        );
        check(ChatEvent::HistoryReset, json!({"type": "history_reset"}));
        check(ChatEvent::PreviewReset, json!({"type": "preview_reset"}));
        check(
            ChatEvent::Queue([].into()),
            json!({"type": "queue_update", "queued_messages": []}),
        );
        check(
            ChatEvent::Part(PartEvent {
                part: ContentPart::Text {
                    text: "Hel".to_owned(),
                },
                history_version: 2,
                generation_attempt: 1,
                seq: 0,
            }),
            json!({"type": "message_part", "message_part": {
                "role": "assistant", "part": {"type": "text", "text": "Hel"}, "history_version": 2,
                "generation_attempt": 1, "seq": 0,
            }}),
        );
    }
}
