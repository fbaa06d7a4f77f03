//! An engine between them.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use dbauthz::BoundStore;
use model::{
    ChatId, UuidV7Source,
    chats::{Chat, ChatAccess, ContentPart, TurnEnd, TurnKey},
};
use store::{
    StoreResult,
    chat_messages::{ChatNews, SeenVersions},
    chat_turns::{FollowedNews, FollowedTurn},
};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::{
    super::{Begun, Engine},
    fakes::{CHAT, Kept, LEASE, Model, Said, Store, key},
};
use crate::{
    ChatConfig, TurnLease,
    feed::Feeds,
    ports::{Answerer, BrokenOff, Reads},
};

/// Nobody looks.
#[derive(Debug)]
struct Nobody;

#[async_trait]
impl Reads for Nobody {
    async fn news(&self, _chat: ChatId, _seen: &SeenVersions) -> StoreResult<Option<ChatNews>> {
        Ok(None)
    }

    async fn readable_by(&self, _chat: ChatId, people: &[&BoundStore]) -> StoreResult<Vec<bool>> {
        Ok(vec![false; people.len()])
    }

    async fn follow(&self, _turns: &[FollowedTurn]) -> StoreResult<Vec<FollowedNews>> {
        Ok(Vec::new())
    }

    async fn acl(&self, _root: ChatId) -> StoreResult<Option<ChatAccess>> {
        Ok(None)
    }

    async fn chats(&self, chats: &[ChatId]) -> StoreResult<Vec<Option<Chat>>> {
        Ok(vec![None; chats.len()])
    }

    async fn clock(&self) -> StoreResult<DateTime<Utc>> {
        Ok(DateTime::UNIX_EPOCH)
    }
}

pub(super) struct World {
    pub(super) store: Arc<Store>,
    pub(super) model: Arc<Model>,
    pub(super) engine: Engine,
    looking: CancellationToken,
}

impl Drop for World {
    fn drop(&mut self) {
        self.looking.cancel();
    }
}

pub(super) type Mouth = mpsc::UnboundedSender<Result<Bytes, BrokenOff>>;

impl World {
    /// A turn waits to be run, by the model that is named, or by none.
    pub(super) fn new(model: Option<&str>) -> Self {
        Self::with(model, |_config| ())
    }

    /// The same with other settings.
    pub(super) fn with(model: Option<&str>, change: impl FnOnce(&mut ChatConfig)) -> Self {
        let kept = Kept {
            turn: Some((key(1), model.map(str::to_owned))),
            ..Kept::default()
        };
        let store = Arc::new(Store {
            kept: Mutex::new(kept),
            changes: watch::Sender::new(()),
        });
        let model = Arc::new(Model {
            answers: Mutex::default(),
            asked: Arc::default(),
            open: Arc::default(),
        });
        let mut config = ChatConfig {
            say_every: Duration::from_millis(5),
            standing_every: Duration::from_millis(10),
            silence: Duration::from_millis(400),
            ..ChatConfig::default()
        };
        change(&mut config);
        let feeds = Feeds::new(Arc::new(Nobody), config.clone());
        let engine = Engine::new(
            store.clone(),
            model.clone(),
            Arc::new(UuidV7Source),
            feeds,
            config,
        );
        let looking = CancellationToken::new();
        let (looks, until) = (engine.clone(), looking.clone());
        tokio::spawn(async move { looks.look(until).await });
        Self {
            store,
            model,
            engine,
            looking,
        }
    }

    /// The next time that the model is asked it says what is sent here.
    pub(super) fn says(&self, by: Answerer, status: u16, events: bool) -> Mouth {
        let (mouth, pieces) = mpsc::unbounded_channel();
        let said = Said {
            by,
            status,
            events,
            pieces,
        };
        self.model.answers.lock().unwrap().push_back(Ok(said));
        mouth
    }

    pub(super) fn streams(&self) -> Mouth {
        self.says(Answerer::Provider, 200, true)
    }

    pub(super) fn begin(&self) {
        let lease = TurnLease::new(LEASE, ());
        self.engine.begin(CHAT, lease, Begun::Surely);
    }

    /// The ends of so many turns.
    pub(super) async fn ended(&self, count: usize) -> Vec<(TurnKey, TurnEnd)> {
        self.store.until(|kept| kept.ends.len() >= count).await;
        self.store.kept().ends.clone()
    }

    pub(super) async fn end(&self) -> TurnEnd {
        self.ended(1).await.swap_remove(0).1
    }
}

pub(super) fn say(mouth: &Mouth, words: &str) {
    let event = format!(r#"data: {{"choices":[{{"delta":{{"content":"{words}"}}}}]}}"#);
    mouth.send(Ok(Bytes::from(event + "\n\n"))).unwrap();
}

pub(super) fn think(mouth: &Mouth, words: &str) {
    let event = format!(r#"data: {{"choices":[{{"delta":{{"reasoning":"{words}"}}}}]}}"#);
    mouth.send(Ok(Bytes::from(event + "\n\n"))).unwrap();
}

/// The end of all words.
pub(super) fn stops(mouth: &Mouth) {
    let event = r#"data: {"choices":[{"delta":{},"finish_reason":"stop"}]}"#;
    mouth.send(Ok(Bytes::from(format!("{event}\n\n")))).unwrap();
}

/// What tells nothing, from now on and as long as somebody listens.
pub(super) fn mumbles(mouth: Mouth) {
    tokio::spawn(async move {
        while mouth.send(Ok(Bytes::from_static(b": x\n\n"))).is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
}

/// The end of the answer, after which nothing is waited for.
pub(super) fn whole(mouth: &Mouth) {
    let event = r#"data: {"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":2}}"#;
    let events = format!("{event}\n\ndata: [DONE]\n\n");
    mouth.send(Ok(Bytes::from(events))).unwrap();
}

pub(super) fn thought(text: &str) -> ContentPart {
    ContentPart::Reasoning {
        text: text.to_owned(),
    }
}

pub(super) fn text(text: &str) -> ContentPart {
    ContentPart::Text {
        text: text.to_owned(),
    }
}
