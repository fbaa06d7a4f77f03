//! Turns over a store in memory and a model that says what a test wants.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use chrono::DateTime;
use dbauthz::BoundStore;
use futures_util::{StreamExt, stream};
use model::{
    ChatFileId, ChatId, LeaseId, OrganizationId, ReservationId, UserId, UuidV7Source,
    chats::{
        Chat, ChatErrorKind, ChatFileBytes, ChatMessage, ChatPart, ChatTurn, ContentPart,
        MessageId, MessageRole, TurnEnd, TurnKey, TurnUsage, Visibility,
    },
    prices::ProviderKind,
};
use serde_json::Value;
use store::{
    StoreError, StoreResult,
    chat_messages::{ChatNews, SeenVersions},
    chat_turns::TurnStanding,
};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{Begun, Engine};
use crate::{
    ChatConfig, TurnLease,
    feed::Feeds,
    ports::{Answer, Answerer, Asking, BrokenOff, Models, Pieces, Reads, Refusal, Turns},
};

const CHAT: ChatId = ChatId(Uuid::from_u128(1));
const LEASE: LeaseId = LeaseId(Uuid::from_u128(2));
const EVENT: ReservationId = ReservationId(Uuid::from_u128(3));

fn key(history_version: i64) -> TurnKey {
    TurnKey {
        chat_id: CHAT,
        history_version,
        attempt: 1,
    }
}

/// What the store has and got.
#[derive(Debug, Default)]
struct Kept {
    /// The turn that runs, with the model that is asked.
    turn: Option<(TurnKey, Option<String>)>,
    /// What waits.
    queue: VecDeque<TurnKey>,
    stopping: bool,
    parts: Vec<ChatPart>,
    ends: Vec<(TurnKey, TurnEnd)>,
    /// So many of the next ends find no database, after they were taken if this is set.
    failures: usize,
    taken: bool,
    /// So many of the next ends are faulty.
    faults: usize,
}

#[derive(Debug)]
struct Store {
    kept: Mutex<Kept>,
    changes: watch::Sender<()>,
}

impl Store {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap()
    }

    async fn until(&self, enough: impl Fn(&Kept) -> bool) {
        let mut changes = self.changes.subscribe();
        let wait = async {
            while !enough(&self.kept()) {
                changes.changed().await.unwrap();
            }
        };
        let done = tokio::time::timeout(Duration::from_secs(20), wait).await;
        done.expect("it came in time");
    }
}

fn away() -> StoreError {
    StoreError::Unavailable("away".into())
}

#[async_trait]
impl Turns for Store {
    async fn get(&self, chat: ChatId, lease: LeaseId) -> StoreResult<Option<ChatTurn>> {
        assert_eq!((chat, lease), (CHAT, LEASE));
        let said = ChatMessage {
            id: MessageId(1),
            chat_id: chat,
            role: MessageRole::User,
            visibility: Visibility::Both,
            content: vec![
                ContentPart::Text {
                    text: "How many days has November?".to_owned(),
                },
                ContentPart::File {
                    file_id: ChatFileId(Uuid::nil()),
                    mime_type: None,
                    name: Some("gone.txt".to_owned()),
                },
            ],
            created_by: None,
            model: None,
            usage: None,
            deleted: false,
            revision: 1,
            created_at: DateTime::UNIX_EPOCH,
        };
        let turn = self.kept().turn.clone();
        Ok(turn.map(|(key, model)| ChatTurn {
            key,
            lease_id: lease,
            owner_id: UserId(Uuid::nil()),
            organization_id: OrganizationId(Uuid::nil()),
            model,
            history: vec![said],
        }))
    }

    async fn standings(
        &self,
        turns: &[TurnKey],
        _lease: LeaseId,
    ) -> StoreResult<Vec<TurnStanding>> {
        let kept = self.kept();
        let runs = kept.turn.as_ref().map(|(key, _)| *key);
        let standing = |turn: &TurnKey| match (Some(*turn) == runs, kept.stopping) {
            (false, _) => TurnStanding::Over,
            (true, false) => TurnStanding::Running,
            (true, true) => TurnStanding::Stopping,
        };
        Ok(turns.iter().map(standing).collect())
    }

    async fn append(&self, turn: TurnKey, parts: &[ChatPart]) -> StoreResult<bool> {
        let mut kept = self.kept();
        let runs = kept.turn.as_ref().is_some_and(|(key, _)| *key == turn);
        if runs {
            kept.parts.extend_from_slice(parts);
        }
        drop(kept);
        self.changes.send_replace(());
        Ok(runs)
    }

    async fn finish(
        &self,
        turn: TurnKey,
        _lease: LeaseId,
        end: &TurnEnd,
    ) -> StoreResult<Option<TurnKey>> {
        let mut kept = self.kept();
        if kept.faults > 0 {
            kept.faults -= 1;
            return Err(StoreError::Internal("a fault".into()));
        }
        let fails = kept.failures > 0;
        kept.failures = kept.failures.saturating_sub(1);
        if fails && !kept.taken {
            return Err(away());
        }
        let Some((_, model)) = kept.turn.take_if(|(key, _)| *key == turn) else {
            return if fails { Err(away()) } else { Ok(None) };
        };
        kept.ends.push((turn, end.clone()));
        let next = kept.queue.pop_front();
        kept.turn = next.map(|next| (next, model));
        drop(kept);
        self.changes.send_replace(());
        if fails { Err(away()) } else { Ok(next) }
    }

    async fn sweep(&self, _limit: u32) -> StoreResult<Vec<ChatId>> {
        Ok(Vec::new())
    }
}

/// A model that says what a test sends it.
#[derive(Debug)]
struct Model {
    answers: Mutex<VecDeque<Result<Said, Refusal>>>,
    asked: Arc<Mutex<Vec<(String, Value)>>>,
    /// How many answers are listened to.
    open: Arc<AtomicUsize>,
}

#[derive(Debug)]
struct Said {
    by: Answerer,
    status: u16,
    events: bool,
    pieces: mpsc::UnboundedReceiver<Result<Bytes, BrokenOff>>,
}

#[derive(Debug)]
struct AskingModel {
    said: Said,
    provider: String,
    asked: Arc<Mutex<Vec<(String, Value)>>>,
    open: Arc<AtomicUsize>,
}

struct Listened(Arc<AtomicUsize>);

impl Drop for Listened {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[async_trait]
impl Models for Model {
    async fn lease(&self) -> StoreResult<TurnLease> {
        Ok(TurnLease::new(LEASE, ()))
    }

    async fn asking(
        &self,
        _turn: &ChatTurn,
        provider: &str,
        _request_id: Uuid,
    ) -> Result<Box<dyn Asking>, Refusal> {
        let said = self.answers.lock().unwrap().pop_front().unwrap()?;
        Ok(Box::new(AskingModel {
            said,
            provider: provider.to_owned(),
            asked: Arc::clone(&self.asked),
            open: Arc::clone(&self.open),
        }))
    }
}

#[async_trait]
impl Asking for AskingModel {
    fn kind(&self) -> ProviderKind {
        ProviderKind::OpenAi
    }

    async fn output_cap(&self, _model: &str) -> u64 {
        100
    }

    async fn file(&self, _id: ChatFileId) -> StoreResult<Option<ChatFileBytes>> {
        Ok(None)
    }

    async fn ask(self: Box<Self>, body: Bytes) -> Answer {
        let body = serde_json::from_slice(&body).unwrap();
        self.asked.lock().unwrap().push((self.provider, body));
        self.open.fetch_add(1, Ordering::SeqCst);
        let listened = Listened(self.open);
        let Said {
            by,
            status,
            events,
            pieces,
        } = self.said;
        let pieces = stream::unfold((pieces, listened), async |(mut pieces, listened)| {
            let piece = pieces.recv().await?;
            Some((piece, (pieces, listened)))
        });
        let pieces: Pieces = pieces.boxed();
        Answer {
            by,
            status,
            events,
            usage_event_id: (by == Answerer::Provider).then_some(EVENT),
            pieces,
        }
    }
}

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

    async fn chats(&self, chats: &[ChatId]) -> StoreResult<Vec<Option<Chat>>> {
        Ok(vec![None; chats.len()])
    }
}

struct World {
    store: Arc<Store>,
    model: Arc<Model>,
    engine: Engine,
    looking: CancellationToken,
}

impl Drop for World {
    fn drop(&mut self) {
        self.looking.cancel();
    }
}

type Mouth = mpsc::UnboundedSender<Result<Bytes, BrokenOff>>;

impl World {
    /// A turn waits to be run, by the model that is named, or by none.
    fn new(model: Option<&str>) -> Self {
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
        let config = ChatConfig {
            say_every: Duration::from_millis(5),
            standing_every: Duration::from_millis(10),
            silence: Duration::from_millis(400),
            ..ChatConfig::default()
        };
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
    fn says(&self, by: Answerer, status: u16, events: bool) -> Mouth {
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

    fn streams(&self) -> Mouth {
        self.says(Answerer::Provider, 200, true)
    }

    fn begin(&self) {
        let lease = TurnLease::new(LEASE, ());
        self.engine.begin(CHAT, lease, Begun::Surely);
    }

    /// The ends of so many turns.
    async fn ended(&self, count: usize) -> Vec<(TurnKey, TurnEnd)> {
        self.store.until(|kept| kept.ends.len() >= count).await;
        self.store.kept().ends.clone()
    }

    async fn end(&self) -> TurnEnd {
        self.ended(1).await.swap_remove(0).1
    }
}

fn say(mouth: &Mouth, words: &str) {
    let event = format!(r#"data: {{"choices":[{{"delta":{{"content":"{words}"}}}}]}}"#);
    mouth.send(Ok(Bytes::from(event + "\n\n"))).unwrap();
}

fn whole(mouth: &Mouth) {
    let event = r#"data: {"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":2}}"#;
    let events = format!("{event}\n\ndata: [DONE]\n\n");
    mouth.send(Ok(Bytes::from(events))).unwrap();
}

fn text(text: &str) -> ContentPart {
    ContentPart::Text {
        text: text.to_owned(),
    }
}

#[tokio::test]
async fn a_turn_says_notes_and_ends_once() {
    let world = World::new(Some("fast/m-1"));
    let mouth = world.streams();
    world.begin();
    world.begin();
    say(&mouth, "Thir");
    world.store.until(|kept| !kept.parts.is_empty()).await;
    say(&mouth, "ty.");
    world.store.until(|kept| kept.parts.len() >= 2).await;
    whole(&mouth);
    drop(mouth);
    let end = world.end().await;
    assert_eq!(end.content, [text("Thirty.")]);
    assert_eq!(end.model.as_deref(), Some("fast/m-1"));
    assert_eq!((end.usage_event_id, end.error), (Some(EVENT), None));
    let usage = TurnUsage {
        input_tokens: 7,
        output_tokens: 2,
    };
    assert_eq!(end.usage, Some(usage));
    let asked = world.model.asked.lock().unwrap();
    assert_eq!(asked.len(), 1, "it was asked once");
    let (provider, body) = &asked[0];
    assert_eq!(
        (provider.as_str(), body["model"].as_str()),
        ("fast", Some("m-1"))
    );
    let said = body["messages"][0]["content"][1]["text"].as_str().unwrap();
    assert!(said.contains("gone.txt"), "{said}");
    let seqs: Vec<i32> = world
        .store
        .kept()
        .parts
        .iter()
        .map(|part| part.seq)
        .collect();
    assert_eq!(seqs, (0..).take(seqs.len()).collect::<Vec<i32>>());
}

#[tokio::test]
async fn what_waits_follows_and_a_newer_turn_takes_its_place() {
    let world = World::new(Some("fast/m-1"));
    world.store.kept().queue.push_back(key(2));
    let (first, second, third) = (world.streams(), world.streams(), world.streams());
    world.begin();
    say(&first, "one");
    whole(&first);
    drop(first);
    say(&second, "two");
    world.ended(1).await;
    // It was edited: what the second says is nobody's.
    let said = |kept: &Kept| kept.parts.iter().any(|one| one.part == text("two"));
    world.store.until(said).await;
    world.store.kept().turn = Some((key(3), Some("fast/m-1".to_owned())));
    world.begin();
    say(&third, "three");
    whole(&third);
    drop(third);
    let ends = world.ended(2).await;
    let ends: Vec<_> = ends
        .iter()
        .map(|(key, end)| (key.history_version, end.content.clone()))
        .collect();
    assert_eq!(ends, [(1, vec![text("one")]), (3, vec![text("three")])]);
    assert!(second.is_closed(), "nobody listens to it any more");
}

#[tokio::test]
async fn an_interrupted_turn_keeps_what_was_said_and_hangs_up() {
    let world = World::new(Some("fast/m-1"));
    let mouth = world.streams();
    world.begin();
    say(&mouth, "Thir");
    world.store.until(|kept| !kept.parts.is_empty()).await;
    assert_eq!(world.model.open.load(Ordering::SeqCst), 1);
    world.store.kept().stopping = true;
    world.engine.heard(CHAT);
    let end = world.end().await;
    assert_eq!((end.content, end.error), (vec![text("Thir")], None));
    assert_eq!(world.model.open.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn what_keeps_a_turn_from_its_end_is_shown() {
    let check = async |world: World, kind: ChatErrorKind, retryable: bool, said: &[ContentPart]| {
        world.begin();
        let end = world.end().await;
        let error = end.error.unwrap();
        assert_eq!(
            (error.kind, error.retryable),
            (kind, retryable),
            "{error:?}"
        );
        assert_eq!(end.content, said);
        error
    };
    use ChatErrorKind::{
        Config, ContentFilter, Generic, RateLimit, StreamSilenceTimeout, UsageLimit,
    };
    let named = || World::new(Some("fast/m-1"));
    check(World::new(None), Config, false, &[]).await;
    check(World::new(Some("m-1")), Config, false, &[]).await;

    let refusals = [
        (Refusal::NoProvider, Config),
        (Refusal::Forbidden, Config),
        (Refusal::Workspace, Config),
        (Refusal::Ended("over".to_owned()), Generic),
    ];
    for (refusal, kind) in refusals {
        let world = named();
        world.model.answers.lock().unwrap().push_back(Err(refusal));
        let error = check(world, kind, false, &[]).await;
        assert_eq!(error.provider.as_deref(), Some("fast"));
    }
    let answer = |by, status, body: &'static str| {
        let world = named();
        let mouth = world.says(by, status, false);
        mouth.send(Ok(Bytes::from_static(body.as_bytes()))).unwrap();
        world
    };
    let body = r#"{"error":{"message":"$1.00 of $1.00","code":"insufficient_quota"}}"#;
    let error = check(answer(Answerer::Gateway, 403, body), UsageLimit, false, &[]).await;
    assert_eq!(error.message, "$1.00 of $1.00");
    check(
        answer(Answerer::Provider, 429, "busy"),
        RateLimit,
        true,
        &[],
    )
    .await;
    check(answer(Answerer::Ended, 401, "{}"), Generic, false, &[]).await;

    let spoken = |rest: Option<Result<&'static str, BrokenOff>>| {
        let world = named();
        let mouth = world.streams();
        say(&mouth, "Thir");
        if let Some(rest) = rest {
            let rest = rest.map(|rest| Bytes::from_static(rest.as_bytes()));
            mouth.send(rest).unwrap();
        }
        (world, mouth)
    };
    let said = [text("Thir")];
    let (world, mouth) = spoken(None);
    check(world, StreamSilenceTimeout, true, &said).await;
    drop(mouth);
    let (world, _mouth) = spoken(Some(Err(BrokenOff)));
    check(world, Generic, true, &said).await;
    let (world, mouth) = spoken(None);
    drop(mouth);
    check(world, Generic, true, &said).await;
    let filtered = "data: {\"choices\":[{\"finish_reason\":\"content_filter\"}]}\n\n";
    let (world, _mouth) = spoken(Some(Ok(filtered)));
    check(world, ContentFilter, false, &said).await;
}

#[tokio::test]
async fn an_end_that_the_store_did_not_take_is_tried_again() {
    for taken in [false, true] {
        let world = World::new(Some("fast/m-1"));
        {
            let mut kept = world.store.kept();
            (kept.failures, kept.taken) = (1, taken);
            kept.queue.push_back(key(2));
        }
        let mouths = [world.streams(), world.streams()];
        world.begin();
        for mouth in &mouths {
            whole(mouth);
        }
        drop(mouths);
        // Also the one that follows is run, whose beginning nobody was told of.
        let ends = world.ended(2).await;
        let ends: Vec<i64> = ends.iter().map(|(key, _)| key.history_version).collect();
        assert_eq!(ends, [1, 2]);
    }
}

#[tokio::test]
async fn what_the_store_cannot_keep_is_left_out() {
    let world = World::new(Some("fast/m-1"));
    world.store.kept().faults = 4;
    let mouth = world.streams();
    world.begin();
    say(&mouth, "a\\u0000b");
    whole(&mouth);
    drop(mouth);
    let end = world.end().await;
    assert_eq!(end.content, []);
    assert!(end.error.unwrap().retryable);

    let world = World::new(Some("fast/m-1"));
    let mouth = world.streams();
    world.begin();
    say(&mouth, "a\\u0000b");
    whole(&mouth);
    drop(mouth);
    assert_eq!(world.end().await.content, [text("ab")]);
}

#[tokio::test]
async fn a_server_that_stops_keeps_what_was_said() {
    let world = World::new(Some("fast/m-1"));
    let mouth = world.streams();
    world.begin();
    say(&mouth, "Thir");
    world.store.until(|kept| !kept.parts.is_empty()).await;
    world.engine.shutdown(Duration::from_millis(200)).await;
    let end = world.end().await;
    assert_eq!(end.content, [text("Thir")]);
    let error = end.error.unwrap();
    assert_eq!(
        (error.kind, error.retryable),
        (ChatErrorKind::Generic, true)
    );
}

#[tokio::test]
async fn an_answer_in_one_piece_is_taken_too() {
    let world = World::new(Some("fast/m-1"));
    let mouth = world.says(Answerer::Provider, 200, false);
    let body = r#"{"choices":[{"message":{"content":"Thirty."},"finish_reason":"stop"}]}"#;
    mouth.send(Ok(Bytes::from_static(body.as_bytes()))).unwrap();
    drop(mouth);
    world.begin();
    let end = world.end().await;
    assert_eq!((end.content, end.error), (vec![text("Thirty.")], None));
}

/// What is looked for may have become visible only a little later, or never.
#[tokio::test]
async fn a_turn_whose_commit_is_unsure_is_looked_for() {
    let world = World::new(None);
    let turn = world.store.kept().turn.take();
    let mouth = world.streams();
    let lease = TurnLease::new(LEASE, ());
    world.engine.begin(CHAT, lease, Begun::Perhaps);
    tokio::task::yield_now().await;
    world.store.kept().turn = turn.map(|(key, _)| (key, Some("fast/m-1".to_owned())));
    whole(&mouth);
    drop(mouth);
    assert_eq!(world.end().await.error, None);
}
