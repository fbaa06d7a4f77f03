//! All who look on, and what they saw.

use std::time::Duration;

use bursar_sdk::{
    ChatStatus, ChatStreamEnd, ChatStreamEvent, ChatStreamEventType, ChatStreamQuery, Client,
    client::Events,
};
use futures_util::{StreamExt, stream};
use tokio::{
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    task::JoinSet,
    time::{Instant, timeout},
};
use uuid::Uuid;

use super::provider;

/// How many streams are opened at a time.
const OPENING: usize = 50;
/// After how long something is thought not to come at all.
const PATIENCE: Duration = Duration::from_secs(120);
const REVOKED: u16 = 4403;

/// A part, as one viewer saw it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seen {
    /// Its place in the turn.
    pub(crate) seq: i32,
    /// The time since the provider sent its first word.
    pub(crate) late: Duration,
}

/// What one viewer saw.
#[derive(Debug)]
pub(crate) struct Look {
    /// Every part of the turn.
    pub(crate) seen: Vec<Seen>,
    /// When the stream was closed because the viewer may not look any more.
    pub(crate) closed_at: Instant,
}

enum Told {
    Open,
    TurnEnded,
}

/// Those who look at a chat at this moment.
pub(crate) struct Viewers {
    count: usize,
    looking: JoinSet<Look>,
    told: UnboundedReceiver<Told>,
}

impl Viewers {
    /// Opens a stream of the chat for each of them, and waits until they all know how it stands.
    pub(crate) async fn open(people: &[Client], chat: Uuid) -> Self {
        let query = ChatStreamQuery::default();
        let opening = people.iter().map(|person| person.chat_stream(chat, &query));
        let mut opening = stream::iter(opening).buffer_unordered(OPENING);
        let (tell, told) = unbounded_channel();
        let mut looking = JoinSet::new();
        while let Some(events) = opening.next().await {
            looking.spawn(look(events.unwrap(), tell.clone()));
        }
        let mut viewers = Self {
            count: people.len(),
            looking,
            told,
        };
        viewers.all(|told| matches!(told, Told::Open)).await;
        viewers
    }

    /// Waits until all of them know that the turn has ended.
    pub(crate) async fn ended(&mut self) {
        self.all(|told| matches!(told, Told::TurnEnded)).await;
    }

    /// Waits until all of them were turned away; what they saw.
    pub(crate) async fn closed(mut self) -> Vec<Look> {
        let mut looks = Vec::with_capacity(self.count);
        while let Some(look) = timeout(PATIENCE, self.looking.join_next()).await.unwrap() {
            looks.push(look.unwrap());
        }
        looks
    }

    async fn all(&mut self, is: fn(&Told) -> bool) {
        for _ in 0..self.count {
            let told = timeout(PATIENCE, self.told.recv()).await.unwrap().unwrap();
            assert!(is(&told), "one thing after the other");
        }
    }
}

async fn look(mut events: Events, tell: UnboundedSender<Told>) -> Look {
    let (mut open, mut seen) = (false, Vec::new());
    while let Some(event) = events.next().await.unwrap() {
        let at = Instant::now();
        if event.name == "error" {
            let end: ChatStreamEnd = event.read().unwrap();
            assert_eq!(end.code, REVOKED, "{}", end.message);
            return Look {
                seen,
                closed_at: at,
            };
        }
        if !open {
            tell.send(Told::Open).unwrap();
            open = true;
        }
        let told: Vec<ChatStreamEvent> = event.read().unwrap();
        for one in &told {
            hear(one, at, &mut seen, &tell);
        }
    }
    panic!("a stream ended without a word")
}

fn hear(event: &ChatStreamEvent, at: Instant, seen: &mut Vec<Seen>, tell: &UnboundedSender<Told>) {
    match event.r#type {
        ChatStreamEventType::MessagePart => {
            let part = event.message_part.as_ref().unwrap();
            let words = part.part.text.as_deref().unwrap();
            seen.push(Seen {
                seq: part.seq,
                late: provider::late(words, at),
            });
        }
        ChatStreamEventType::Status => {
            let waits = event
                .status
                .is_some_and(|now| now.status == ChatStatus::Waiting);
            if waits && !seen.is_empty() {
                tell.send(Told::TurnEnded).unwrap();
            }
        }
        ChatStreamEventType::Error => panic!("{:?}", event.error),
        ChatStreamEventType::Message
        | ChatStreamEventType::QueueUpdate
        | ChatStreamEventType::HistoryReset
        | ChatStreamEventType::PreviewReset => {}
    }
}
