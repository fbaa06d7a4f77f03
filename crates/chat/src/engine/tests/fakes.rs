//! A store in memory, and a model that says what a test wants.

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
use futures_util::{StreamExt, stream};
use model::{
    ChatFileId, ChatId, LeaseId, OrganizationId, ReservationId, UserId,
    chats::{
        ChatFileBytes, ChatMessage, ChatPart, ChatTurn, ContentPart, MessageId, MessageRole,
        TurnEnd, TurnKey, Visibility,
    },
    prices::ProviderKind,
};
use serde_json::Value;
use store::{StoreError, StoreResult, chat_turns::TurnStanding};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    TurnLease,
    ports::{Answer, Answerer, Asking, BrokenOff, Models, Pieces, Refusal, Swept, Turns},
};

pub(super) const CHAT: ChatId = ChatId(Uuid::from_u128(1));
pub(super) const LEASE: LeaseId = LeaseId(Uuid::from_u128(2));
pub(super) const EVENT: ReservationId = ReservationId(Uuid::from_u128(3));

pub(super) fn key(history_version: i64) -> TurnKey {
    TurnKey {
        chat_id: CHAT,
        history_version,
        attempt: 1,
    }
}

/// What the store has and got.
#[derive(Debug, Default)]
pub(super) struct Kept {
    /// The turn that runs, with the model that is asked.
    pub(super) turn: Option<(TurnKey, Option<String>)>,
    /// What waits.
    pub(super) queue: VecDeque<TurnKey>,
    pub(super) stopping: bool,
    pub(super) parts: Vec<ChatPart>,
    pub(super) ends: Vec<(TurnKey, TurnEnd)>,
    /// So many of the next ends find no database, after they were taken if this is set.
    pub(super) failures: usize,
    pub(super) taken: bool,
    /// So many of the next ends are faulty.
    pub(super) faults: usize,
    /// How often turns of servers that have gone were looked for, and how many of these looks panic.
    pub(super) sweeps: usize,
    pub(super) panics: usize,
    /// How often a turn was read.
    pub(super) gets: usize,
    /// So many of the next reads of a turn are faulty.
    pub(super) unreadable: usize,
    /// The server stops during the next read of a turn, which finds no database.
    pub(super) stops: Option<CancellationToken>,
}

#[derive(Debug)]
pub(super) struct Store {
    pub(super) kept: Mutex<Kept>,
    pub(super) changes: watch::Sender<()>,
}

impl Store {
    pub(super) fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap()
    }

    pub(super) async fn until(&self, enough: impl Fn(&Kept) -> bool) {
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
        let turn = {
            let mut kept = self.kept();
            kept.gets += 1;
            if let Some(stop) = kept.stops.take() {
                stop.cancel();
                return Err(away());
            }
            if kept.unreadable > 0 {
                kept.unreadable -= 1;
                return Err(StoreError::Internal("a fault".into()));
            }
            kept.turn.clone()
        };
        Ok(turn.map(|(key, model)| ChatTurn {
            key,
            lease_id: lease,
            owner_id: UserId(Uuid::nil()),
            organization_id: OrganizationId(Uuid::nil()),
            model,
            history: vec![said],
        }))
    }

    async fn key(&self, chat: ChatId, lease: LeaseId) -> StoreResult<Option<TurnKey>> {
        assert_eq!((chat, lease), (CHAT, LEASE));
        Ok(self.kept().turn.as_ref().map(|(key, _)| *key))
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

    async fn sweep(&self, _after: Option<ChatId>, _limit: u32) -> StoreResult<Swept> {
        let panics = {
            let mut kept = self.kept();
            kept.sweeps += 1;
            kept.sweeps <= kept.panics
        };
        self.changes.send_replace(());
        assert!(!panics, "a mistake of ours");
        Ok(Swept::default())
    }
}

/// A model that says what a test sends it.
#[derive(Debug)]
pub(super) struct Model {
    pub(super) answers: Mutex<VecDeque<Result<Said, Refusal>>>,
    pub(super) asked: Arc<Mutex<Vec<(String, Value)>>>,
    /// How many answers are listened to.
    pub(super) open: Arc<AtomicUsize>,
}

#[derive(Debug)]
pub(super) struct Said {
    pub(super) by: Answerer,
    pub(super) status: u16,
    pub(super) events: bool,
    pub(super) pieces: mpsc::UnboundedReceiver<Result<Bytes, BrokenOff>>,
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

    fn request_limit(&self) -> usize {
        1024 * 1024
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
