//! All who look on, and what they saw.

use std::{net::SocketAddr, time::Duration};

use bursar_sdk::{ChatStreamEnd, ChatStreamEvent, ChatStreamMessagePart};
use futures_util::{StreamExt, stream};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    task::JoinSet,
    time::{Instant, timeout},
};
use uuid::Uuid;

use super::{provider, world::Person};

/// How many streams are opened at a time.
const OPENING: usize = 50;
/// After how long something is thought not to come at all.
const PATIENCE: Duration = Duration::from_secs(120);
const REVOKED: u16 = 4403;
/// How a frame says that the chat waits.
const WAITING: &[u8] = br#""status":"waiting""#;
const PART: &[u8] = b"message_part";
const FRAME: &[u8] = b"data: ";
const HEAD_END: &[u8] = b"\r\n\r\n";
/// What is before the error with which a stream ends.
const END: &str = "event: error\n";

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
    pub(crate) async fn open(people: &[Person], server: SocketAddr, chat: Uuid) -> Self {
        let opening = people.iter().map(|person| connect(person, server, chat));
        let mut opening = stream::iter(opening).buffer_unordered(OPENING);
        let (tell, told) = unbounded_channel();
        let mut looking = JoinSet::new();
        while let Some(connection) = opening.next().await {
            looking.spawn(connection.look(tell.clone()));
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

/// A connection and no client: whoever looks shares the processors with the servers, and is to cost as little as a socket.
struct Connection {
    stream: TcpStream,
    heard: Vec<u8>,
    /// How much of it was heard at which instants.
    reads: Vec<(usize, Instant)>,
}

/// Asks for a stream, and reads the head of the answer.
async fn connect(person: &Person, server: SocketAddr, chat: Uuid) -> Connection {
    let mut stream = TcpStream::connect(server).await.unwrap();
    let token = person.token.expose();
    let request = format!(
        "GET /api/v2/chats/{chat}/stream HTTP/1.1\r\nHost: {server}\r\nAccept: text/event-stream\r\n\
        Authorization: Bearer {token}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut connection = Connection {
        stream,
        heard: Vec::with_capacity(1 << 16),
        reads: Vec::with_capacity(1 << 9),
    };
    while !says(&connection.heard, HEAD_END) {
        assert!(connection.read().await, "a stream is given");
    }
    connection
}

impl Connection {
    /// Whether there was something.
    async fn read(&mut self) -> bool {
        let read = self.stream.read_buf(&mut self.heard).await.unwrap();
        self.reads.push((self.heard.len(), Instant::now()));
        read > 0
    }

    /// Reads until the end. What is heard is understood when all is over.
    async fn look(mut self, tell: UnboundedSender<Told>) -> Look {
        let (mut open, mut parts, mut ended) = (false, false, false);
        let mut known = 0;
        loop {
            // What is looked for may have come in two pieces.
            let news = &self.heard[known..];
            known = self.heard.len().saturating_sub(WAITING.len());
            if !open && says(news, FRAME) {
                open = true;
                tell.send(Told::Open).unwrap();
            }
            parts = parts || says(news, PART);
            if parts && !ended && says(news, WAITING) {
                ended = true;
                tell.send(Told::TurnEnded).unwrap();
            }
            if !self.read().await {
                return understood(&self.heard, &self.reads);
            }
        }
    }
}

fn says(text: &[u8], words: &[u8]) -> bool {
    text.windows(words.len()).any(|there| there == words)
}

/// What was heard, and how much of it at which instants. Each chunk of the answer is an event.
fn understood(mut heard: &[u8], reads: &[(usize, Instant)]) -> Look {
    let (all, mut seen) = (heard.len(), Vec::new());
    assert!(heard.starts_with(b"HTTP/1.1 200 "), "a stream is given");
    let head = heard.windows(4).position(|four| four == HEAD_END).unwrap();
    heard = &heard[head + 4..];
    loop {
        let head = heard.windows(2).position(|two| two == b"\r\n").unwrap();
        let size = std::str::from_utf8(&heard[..head]).unwrap();
        let size = usize::from_str_radix(size, 16).unwrap();
        assert_ne!(size, 0, "a stream says why it ends");
        let (event, rest) = heard[head + 2..].split_at(size);
        heard = &rest[2..];
        let here = all - heard.len();
        let at = reads[reads.partition_point(|(known, _)| *known < here)].1;
        let event = std::str::from_utf8(event).unwrap();
        let (name, data) = event.split_once("data: ").unwrap_or_default();
        if name == END {
            let end: ChatStreamEnd = serde_json::from_str(data).unwrap();
            assert_eq!(end.code, REVOKED, "{}", end.message);
            return Look {
                seen,
                closed_at: at,
            };
        }
        if !data.is_empty() {
            seen.extend(parts(at, data));
        }
    }
}

/// The parts in a frame that was there at this instant.
fn parts(at: Instant, frame: &str) -> Vec<Seen> {
    let told: Vec<ChatStreamEvent> = serde_json::from_str(frame).unwrap();
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
