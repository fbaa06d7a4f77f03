//! What streams tell, as plain types; `api` makes JSON of them.

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use auth::{AuthError, Revoked};
use bytes::Bytes;
use model::{
    ChatId,
    chats::{
        Chat, ChatError, ChatMessage, ChatPart, ChatStatus, ContentPart, MessageId, MessageRole,
        QueuedMessage, TurnKey,
    },
};

/// The most events of one frame.
pub(crate) const FRAME_MAX: usize = 256;
/// About how many bytes of JSON a frame has at the most; one event is always taken.
pub(crate) const FRAME_BYTES: usize = 1 << 20;
/// About how many bytes of JSON an event, a message or a part has besides its words.
const AROUND: usize = 256;

/// Something that happened in a chat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChatEvent {
    /// A message is new, or has changed: it takes the place of the one with the same id.
    Message(Arc<ChatMessage>),
    /// The model says something more in the turn that runs.
    Part(PartEvent),
    /// What the chat does now.
    Status(ChatStatus),
    /// Why the turn has ended.
    Error(ChatError),
    /// All that waits now; told to the owner only.
    Queue(Arc<[QueuedMessage]>),
    /// Messages were edited away: all that were told before are forgotten, and those that hold now follow.
    HistoryReset,
    /// The parts of an unfinished answer that were told before are forgotten.
    PreviewReset,
}

impl ChatEvent {
    /// About how many bytes of JSON it is.
    fn weight(&self) -> usize {
        let parts = |parts: &[ContentPart]| parts.iter().map(words).sum::<usize>();
        AROUND
            + match self {
                Self::Message(message) => parts(&message.content),
                Self::Part(part) => words(&part.part),
                Self::Queue(queue) => queue.iter().map(|one| AROUND + parts(&one.content)).sum(),
                Self::Error(error) => {
                    error.message.len() + error.detail.as_ref().map_or(0, String::len)
                }
                Self::Status(_) | Self::HistoryReset | Self::PreviewReset => 0,
            }
    }
}

/// About how many bytes of its chat's room a message takes.
pub(crate) fn room(message: &ChatMessage) -> usize {
    /// What stands around the words of a part.
    const MARKS: usize = 32;
    let parts = message.content.iter();
    parts
        .map(|part| words(part).saturating_sub(AROUND) + MARKS)
        .sum()
}

/// About how many bytes of JSON a part is.
fn words(part: &ContentPart) -> usize {
    let text = match part {
        ContentPart::Text { text } | ContentPart::Reasoning { text } => text,
        ContentPart::FileReference { content, .. } => content,
        ContentPart::File { .. } => return AROUND,
    };
    AROUND + text.len()
}

/// A piece of what the model says in a turn that runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartEvent {
    /// Words that follow those before, or something whole.
    pub part: ContentPart,
    /// The history that the turn answers.
    pub history_version: i64,
    /// Which attempt at an answer to it this is.
    pub generation_attempt: i64,
    /// Its place in the turn, counted from 0 without a gap.
    pub seq: i32,
}

impl PartEvent {
    pub(crate) fn new(turn: TurnKey, part: &ChatPart) -> Self {
        Self {
            part: part.part.clone(),
            history_version: turn.history_version,
            generation_attempt: turn.attempt,
            seq: part.seq,
        }
    }
}

/// Some events that are told together, 256 and about 1 MiB of JSON at most. Clones share them, and the text that is made of them once.
#[derive(Clone)]
pub struct Frame(Arc<Inner>);

struct Inner {
    chat: ChatId,
    events: Vec<ChatEvent>,
    text: OnceLock<Bytes>,
}

impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Frame")
            .field("chat", &self.0.chat)
            .field("events", &self.0.events.len())
            .finish()
    }
}

impl Frame {
    /// Frames of these events, in their order.
    pub(crate) fn all(chat: ChatId, events: Vec<ChatEvent>) -> Vec<Self> {
        let mut rest = events.into_iter().peekable();
        let mut frames = Vec::new();
        while rest.peek().is_some() {
            let mut filling = Filling::default();
            let events = std::iter::from_fn(|| rest.next_if(|event| filling.takes(event)));
            let events = events.collect();
            let text = OnceLock::new();
            frames.push(Self(Arc::new(Inner { chat, events, text })));
        }
        frames
    }

    /// The chat.
    #[must_use]
    pub fn chat_id(&self) -> ChatId {
        self.0.chat
    }

    /// What happened, in its order.
    #[must_use]
    pub fn events(&self) -> &[ChatEvent] {
        &self.0.events
    }

    /// What is sent of the events: made by `write` the first time that anybody asks, then shared by all who are told them.
    pub fn text(&self, write: impl FnOnce(ChatId, &[ChatEvent]) -> Bytes) -> Bytes {
        let made = || write(self.0.chat, &self.0.events);
        self.0.text.get_or_init(made).clone()
    }

    /// About how many bytes of JSON it has.
    pub(crate) fn weight(&self) -> usize {
        self.0.events.iter().map(ChatEvent::weight).sum()
    }

    /// Whether anybody still holds it, to be asked when it is gone from here.
    #[cfg(test)]
    pub(crate) fn held(&self) -> impl Fn() -> bool + use<> {
        let held = Arc::downgrade(&self.0);
        move || held.strong_count() > 0
    }

    /// The same for all clones of it.
    #[cfg(test)]
    pub(crate) fn address(&self) -> usize {
        Arc::as_ptr(&self.0).addr()
    }

    /// The last answer among them.
    pub(crate) fn last_answer(&self) -> Option<MessageId> {
        let answers = self.0.events.iter().filter_map(|event| match event {
            ChatEvent::Message(message) => answer(message),
            ChatEvent::Part(_)
            | ChatEvent::Status(_)
            | ChatEvent::Error(_)
            | ChatEvent::Queue(_)
            | ChatEvent::HistoryReset
            | ChatEvent::PreviewReset => None,
        });
        answers.max()
    }
}

/// How full a frame is.
#[derive(Debug, Default)]
pub(crate) struct Filling {
    events: usize,
    bytes: usize,
}

impl Filling {
    /// Whether another event has room in it, which it then takes. The first always has.
    pub(crate) fn takes(&mut self, event: &ChatEvent) -> bool {
        let bytes = self.bytes.saturating_add(event.weight());
        if self.events == FRAME_MAX || (self.events > 0 && bytes > FRAME_BYTES) {
            return false;
        }
        (self.events, self.bytes) = (self.events + 1, bytes);
        true
    }
}

/// The id of a message that is an answer.
pub(crate) fn answer(message: &ChatMessage) -> Option<MessageId> {
    (message.role == MessageRole::Assistant && !message.deleted).then_some(message.id)
}

/// Why a stream ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Closed {
    /// The caller's key has ended, or the caller is gone.
    SignedOut,
    /// The caller may not read the chat any more, or is suspended.
    Revoked,
    /// The chat is gone.
    Gone,
    /// The server stops.
    Stopping,
    /// The caller was too slow, or the server failed: what was missed can be had by beginning again.
    Behind,
}

impl Closed {
    /// What becomes of the streams of somebody who is let in no more. Whoever is suspended is still somebody.
    pub(crate) const fn refused(why: &AuthError) -> Self {
        match why {
            AuthError::Suspended => Self::Revoked,
            _ => Self::SignedOut,
        }
    }

    /// The same of somebody whose access has ended.
    pub(crate) fn ended(why: Revoked) -> Self {
        Self::refused(&why.into())
    }

    /// The code that a WebSocket is closed with.
    #[must_use]
    pub const fn code(self) -> u16 {
        match self {
            Self::SignedOut => 4401,
            Self::Revoked | Self::Gone => 4403,
            Self::Stopping => 1001,
            Self::Behind => 1011,
        }
    }

    /// The words that it is closed with.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::SignedOut => "signed out",
            Self::Revoked => "permission revoked",
            Self::Gone => "the chat is gone",
            Self::Stopping => "the server is stopping",
            Self::Behind => "try again",
        }
    }

    /// A word for figures.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::SignedOut => "signed_out",
            Self::Revoked => "revoked",
            Self::Gone => "gone",
            Self::Stopping => "stopping",
            Self::Behind => "behind",
        }
    }
}

/// Something that happened to a chat of the caller's, or to one that is shared with the caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WatchEvent {
    /// What happened.
    pub kind: WatchKind,
    /// The chat; with `Granted` and `Revoked` the root of the family.
    pub chat_id: ChatId,
    /// The chat as it is for the caller; absent when it is gone, or is not for the caller any more.
    pub chat: Option<Chat>,
}

/// What happened to a chat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WatchKind {
    /// It was made, or taken out of the archive.
    Created,
    /// What it does has changed.
    StatusChange,
    /// Its title has changed.
    TitleChange,
    /// It was archived, or is gone.
    Deleted,
    /// Its family is shared with the caller now.
    Granted,
    /// Its family is not shared with the caller any more.
    Revoked,
    /// With whom its family is shared has changed.
    AclChange,
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn frames_hold_so_many_events_and_are_written_once() {
        let chat = ChatId(Uuid::from_u128(1));
        let events = vec![ChatEvent::PreviewReset; FRAME_MAX + 1];
        let frames = Frame::all(chat, events);
        let sizes: Vec<usize> = frames.iter().map(|frame| frame.events().len()).collect();
        assert_eq!(sizes, [FRAME_MAX, 1]);
        let mut written = 0;
        for frame in [&frames[0], &frames[0].clone()] {
            let text = frame.text(|_, events| {
                written += 1;
                Bytes::from(events.len().to_string())
            });
            assert_eq!(text, "256");
        }
        assert_eq!(written, 1);
        assert!(Frame::all(chat, Vec::new()).is_empty());
    }

    #[test]
    fn frames_hold_so_many_bytes_and_one_event_at_least() {
        let part = |bytes: usize| {
            ChatEvent::Part(PartEvent {
                part: ContentPart::Text {
                    text: "x".repeat(bytes),
                },
                history_version: 1,
                generation_attempt: 1,
                seq: 0,
            })
        };
        let check = |bytes: &[usize], expected: &[usize]| {
            let events = bytes.iter().map(|bytes| part(*bytes)).collect();
            let frames = Frame::all(ChatId(Uuid::nil()), events);
            let sizes: Vec<usize> = frames.iter().map(|frame| frame.events().len()).collect();
            assert_eq!(sizes, expected, "{bytes:?}");
            for frame in frames.iter().filter(|frame| frame.events().len() > 1) {
                let bytes: usize = frame.events().iter().map(ChatEvent::weight).sum();
                assert!(bytes <= FRAME_BYTES, "{bytes}");
            }
        };
        let (half, more) = (FRAME_BYTES / 2, FRAME_BYTES * 3);
        check(&[1, 2, 3], &[3]);
        check(&[half - 1_024, half - 1_024, half], &[2, 1]);
        check(&[half, half, half], &[1, 1, 1]);
        check(&[1, more, 1, 1], &[1, 1, 2]);
        check(&[more, more], &[1, 1]);
    }
}
