//! All who look on, and what they saw.

use std::time::Duration;

use bursar_sdk::{
    ChatStreamEnd, ChatStreamEvent, ChatStreamMessagePart, ChatStreamQuery, Client,
    client::{Event, Events},
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
/// How a frame says that the chat waits.
const WAITING: &str = r#""status":"waiting""#;

/// A part, as one viewer saw it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seen {
    /// Its place in the turn.
    pub(crate) seq: i32,
    /// When it was there.
    pub(crate) at: Instant,
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

/// What is heard is read when all is over: whoever looks shares the processors with the servers.
async fn look(mut events: Events, tell: UnboundedSender<Told>) -> Look {
    let mut heard: Vec<(Instant, Event)> = Vec::new();
    let mut parts = false;
    while let Some(event) = events.next().await.unwrap() {
        let at = Instant::now();
        if event.name == "error" {
            let end: ChatStreamEnd = event.read().unwrap();
            assert_eq!(end.code, REVOKED, "{}", end.message);
            return Look {
                seen: heard
                    .iter()
                    .flat_map(|(at, event)| seen(*at, event))
                    .collect(),
                closed_at: at,
            };
        }
        if heard.is_empty() {
            tell.send(Told::Open).unwrap();
        }
        parts |= event.data.contains("message_part");
        if parts && event.data.contains(WAITING) {
            tell.send(Told::TurnEnded).unwrap();
        }
        heard.push((at, event));
    }
    panic!("a stream ended without a word")
}

/// The parts in a frame that was there at this instant.
fn seen(at: Instant, event: &Event) -> Vec<Seen> {
    let told: Vec<ChatStreamEvent> = event.read().unwrap();
    let failed = told.iter().find_map(|one| one.error.as_ref());
    assert_eq!(failed, None);
    let parts = told.iter().filter_map(|one| one.message_part.as_ref());
    let part = |part: &ChatStreamMessagePart| Seen {
        seq: part.seq,
        at,
        late: provider::late(part.part.text.as_deref().unwrap(), at),
    };
    parts.map(part).collect()
}
