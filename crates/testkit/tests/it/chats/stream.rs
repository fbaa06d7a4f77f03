//! Streams of chats as their clients read them, sockets and server-sent events, checked as they come.

use std::time::Duration;

use bursar_sdk::{
    ChatMessage, ChatMessageRole, ChatStatus, ChatStreamEnd, ChatStreamEvent, ChatStreamEventType,
    ChatStreamQuery, Client, client::Events,
};
use futures_util::StreamExt;
use tokio::{
    net::TcpStream,
    time::{Instant, timeout},
};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Error, Message, client::IntoClientRequest},
};
use uuid::Uuid;

use super::stage::text;

/// Longer than anything here takes; a test that reaches it has failed.
const PATIENCE: Duration = Duration::from_secs(20);
/// How soon whoever has lost access is turned away at the latest: a second, and more on a machine that has much else to do.
/// No look by itself comes that soon.
const AT_ONCE: Duration = Duration::from_secs(4);

/// An address of a server, as a WebSocket's.
fn address(who: &Client, path: &str) -> String {
    let base = who.base_url().as_str().trim_end_matches('/');
    format!("{base}/api/v2/chats{path}").replacen("http", "ws", 1)
}

/// Opens a WebSocket with these headers besides; the status of the refusal when there is none.
pub(super) async fn socket(
    who: &Client,
    path: &str,
    headers: &[(&'static str, &str)],
) -> Result<WebSocketStream<TcpStream>, u16> {
    let mut request = address(who, path).into_client_request().unwrap();
    for (name, value) in headers {
        request.headers_mut().insert(*name, value.parse().unwrap());
    }
    let authority = request.uri().authority().unwrap().as_str().to_owned();
    let connection = TcpStream::connect(authority).await.unwrap();
    match client_async(request, connection).await {
        Ok((socket, _)) => Ok(socket),
        Err(Error::Http(answer)) => Err(answer.status().as_u16()),
        Err(error) => panic!("{error:?}"),
    }
}

/// How it comes.
pub(super) enum Wire {
    Socket(Box<WebSocketStream<TcpStream>>),
    Events(Events),
}

/// Why a stream ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct End {
    pub(super) code: u16,
    pub(super) reason: String,
}

impl Wire {
    pub(super) async fn socket(who: &Client, path: &str) -> Self {
        let token = who.token().unwrap().expose();
        let opened = socket(who, path, &[("bursar-session-token", token)]).await;
        Self::Socket(Box::new(opened.unwrap()))
    }

    /// The next text, or the end.
    async fn next(&mut self) -> Result<String, End> {
        match self {
            Self::Socket(socket) => loop {
                match socket.next().await.expect("an end has a reason").unwrap() {
                    Message::Text(text) => return Ok(text.to_string()),
                    Message::Close(frame) => {
                        let frame = frame.expect("an end has a reason");
                        return Err(End {
                            code: frame.code.into(),
                            reason: frame.reason.to_string(),
                        });
                    }
                    Message::Ping(_) | Message::Pong(_) => {}
                    other => panic!("{other:?}"),
                }
            },
            Self::Events(events) => {
                let event = events.next().await.unwrap().expect("an end has a reason");
                if event.name != "error" {
                    return Ok(event.data);
                }
                let end: ChatStreamEnd = event.read().unwrap();
                assert_eq!(events.next().await.unwrap(), None, "nothing after the end");
                Err(End {
                    code: end.code,
                    reason: end.message,
                })
            }
        }
    }

    pub(super) async fn in_time(&mut self, what: &str) -> Result<String, End> {
        let next = timeout(PATIENCE, self.next()).await;
        next.unwrap_or_else(|_| panic!("{what} never came"))
    }
}

/// A stream of a chat. What it says is checked as it is read: parts have no gaps, and an answer begins with what was said
/// of it before.
pub(super) struct Stream {
    wire: Wire,
    pub(super) chat: Uuid,
    /// Everything so far.
    pub(super) told: Vec<ChatStreamEvent>,
    /// The turn whose parts come, and how many there were.
    turn: Option<(i64, i64)>,
    parts: usize,
    preview: String,
}

impl Stream {
    pub(super) async fn socket(who: &Client, chat: Uuid) -> Self {
        Self::new(Wire::socket(who, &format!("/{chat}/stream")).await, chat)
    }

    pub(super) async fn events(who: &Client, chat: Uuid) -> Self {
        Self::after(who, chat, None).await
    }

    /// What came after a message.
    pub(super) async fn after(who: &Client, chat: Uuid, after: Option<i64>) -> Self {
        let query = ChatStreamQuery {
            after_id: after.map(|id| id.to_string()),
        };
        let events = who.chat_stream(chat, &query).await.unwrap();
        Self::new(Wire::Events(events), chat)
    }

    const fn new(wire: Wire, chat: Uuid) -> Self {
        Self {
            wire,
            chat,
            told: Vec::new(),
            turn: None,
            parts: 0,
            preview: String::new(),
        }
    }

    /// Reads a frame.
    async fn read(&mut self, what: &str) -> Result<Vec<ChatStreamEvent>, End> {
        let frame = self.wire.in_time(what).await?;
        let events: Vec<ChatStreamEvent> = serde_json::from_str(&frame).unwrap();
        assert!(!events.is_empty() && events.len() <= 256, "{frame}");
        for event in &events {
            self.check(event);
        }
        self.told.extend(events.iter().cloned());
        Ok(events)
    }

    fn check(&mut self, event: &ChatStreamEvent) {
        assert_eq!(event.chat_id, self.chat);
        match event.r#type {
            ChatStreamEventType::MessagePart => {
                let part = event.message_part.clone().unwrap();
                let turn = (part.history_version, part.generation_attempt);
                if self.turn != Some(turn) {
                    assert!(self.turn.is_none_or(|before| before < turn), "{event:?}");
                    (self.turn, self.parts) = (Some(turn), 0);
                    self.preview.clear();
                }
                assert_eq!(usize::try_from(part.seq).unwrap(), self.parts, "{event:?}");
                self.parts += 1;
                self.preview += &part.part.text.unwrap_or_default();
            }
            ChatStreamEventType::Message => {
                let message = event.message.as_ref().unwrap();
                if message.role == ChatMessageRole::Assistant && self.fresh(message) {
                    let whole = text(message);
                    assert!(
                        whole.starts_with(&self.preview),
                        "{whole}: {}",
                        self.preview
                    );
                    self.preview.clear();
                }
            }
            ChatStreamEventType::PreviewReset | ChatStreamEventType::HistoryReset => {
                (self.parts, self.turn) = (0, None);
                self.preview.clear();
            }
            ChatStreamEventType::Status
            | ChatStreamEventType::Error
            | ChatStreamEventType::QueueUpdate => {}
        }
    }

    /// Whether a message was not told before.
    fn fresh(&self, message: &ChatMessage) -> bool {
        let told = self.told.iter().filter_map(|event| event.message.as_ref());
        told.into_iter().all(|before| before.id != message.id)
    }

    /// Reads on until this is told.
    pub(super) async fn until(
        &mut self,
        what: &str,
        wanted: impl Fn(&ChatStreamEvent) -> bool,
    ) -> ChatStreamEvent {
        loop {
            let read = self.read(what).await;
            let events = read.unwrap_or_else(|end| panic!("{what} never came: {end:?}"));
            if let Some(found) = events.into_iter().find(&wanted) {
                return found;
            }
        }
    }

    /// Reads on until the chat does this.
    pub(super) async fn status(&mut self, status: ChatStatus) {
        self.until(&format!("{status:?}"), |event| {
            event.status.is_some_and(|now| now.status == status)
        })
        .await;
    }

    /// Reads on for so many parts.
    pub(super) async fn parts(&mut self, count: usize) {
        let mut left = count;
        while left > 0 {
            let read = self.read("a part").await;
            let events = read.unwrap_or_else(|end| panic!("a part never came: {end:?}"));
            let parts = events.iter().filter(|event| event.message_part.is_some());
            left = left.saturating_sub(parts.count());
        }
    }

    /// Reads on to the end.
    pub(super) async fn end(&mut self) -> End {
        loop {
            if let Err(end) = self.read("the end").await {
                return end;
            }
        }
    }

    /// Reads to the end, which comes because access was lost at this instant, at once.
    pub(super) async fn revoked(mut self, what: &str, since: Instant) {
        let end = self.end().await;
        let took = since.elapsed();
        println!("{what}: turned away {} ms later", took.as_millis());
        assert_eq!(
            (end.code, end.reason.as_str()),
            (4403, "permission revoked"),
            "{what}"
        );
        assert!(took < AT_ONCE, "{what}: {took:?}");
    }

    /// All messages that were told, by their last state.
    pub(super) fn messages(&self) -> Vec<ChatMessage> {
        let mut found = std::collections::BTreeMap::new();
        for event in &self.told {
            if event.r#type == ChatStreamEventType::HistoryReset {
                found.clear();
            }
            if let Some(message) = &event.message {
                found.insert(message.id, message.clone());
            }
        }
        found.into_values().collect()
    }

    /// How many events of a kind were told.
    pub(super) fn count(&self, kind: ChatStreamEventType) -> usize {
        self.told
            .iter()
            .filter(|event| event.r#type == kind)
            .count()
    }
}
