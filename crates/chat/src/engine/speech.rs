//! What a model says in a turn: gathered for a moment, told to who looks on, noted in the store, and in the end whole.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use model::chats::{ContentPart, joined};
use tokio::{sync::Notify, task::JoinHandle, time::Instant};

use super::{Inner, live::LiveTurn};
use crate::telemetry;

/// What kind of words they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    Text,
    Reasoning,
}

impl Tone {
    const fn part(self, text: String) -> ContentPart {
        match self {
            Self::Text => ContentPart::Text { text },
            Self::Reasoning => ContentPart::Reasoning { text },
        }
    }
}

/// What a model says in one turn.
pub(super) struct Speech {
    inner: Arc<Inner>,
    live: Arc<LiveTurn>,
    /// What is not told yet, and when it is to be.
    pending: Option<(Tone, String, Instant)>,
    last_told: Option<Instant>,
    notes: Notes,
}

impl Speech {
    pub(super) fn new(inner: &Arc<Inner>, live: &Arc<LiveTurn>) -> Self {
        Self {
            inner: Arc::clone(inner),
            live: Arc::clone(live),
            pending: None,
            last_told: None,
            notes: Notes::start(inner, live),
        }
    }

    /// Takes words on: the first are told at once, those that follow soon after, together.
    pub(super) fn hear(&mut self, tone: Tone, words: &str) {
        let now = Instant::now();
        match &mut self.pending {
            Some((told, text, _)) if *told == tone => add(text, words),
            _ => {
                self.tell();
                let due = self.last_told.map_or(now, |last| last + self.pause());
                let mut text = String::new();
                add(&mut text, words);
                self.pending = Some((tone, text, due));
            }
        }
        if self.due().is_some_and(|due| due <= now) {
            self.tell();
        }
    }

    /// When what was heard is to be told.
    pub(super) fn due(&self) -> Option<Instant> {
        self.pending.as_ref().map(|(_, _, due)| *due)
    }

    /// Tells what was heard.
    pub(super) fn tell(&mut self) {
        let Some((tone, text, _)) = self.pending.take() else {
            return;
        };
        if text.is_empty() {
            return;
        }
        self.last_told = Some(Instant::now());
        self.live.say(tone.part(text));
        self.inner.feeds.said(self.live.key.chat_id);
        self.notes.more();
    }

    /// All that was said, once nothing is noted any more.
    pub(super) async fn end(mut self) -> Vec<ContentPart> {
        self.tell();
        self.notes.end().await;
        joined(self.live.said(0).into_iter().map(|part| part.part))
    }

    fn pause(&self) -> Duration {
        self.inner.config.say_every
    }
}

/// What cannot be stored is left out: PostgreSQL's texts have no NUL.
fn add(text: &mut String, words: &str) {
    text.extend(words.chars().filter(|one| *one != '\0'));
}

/// Notes in the store what was told: one write at a time, each with all that was told meanwhile.
struct Notes {
    shared: Arc<Shared>,
    writing: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Shared {
    more: Notify,
    ended: AtomicBool,
}

impl Notes {
    fn start(inner: &Arc<Inner>, live: &Arc<LiveTurn>) -> Self {
        let shared = Arc::new(Shared::default());
        let writing = write(Arc::clone(inner), Arc::clone(live), Arc::clone(&shared));
        Self {
            writing: tokio::spawn(writing),
            shared,
        }
    }

    fn more(&self) {
        self.shared.more.notify_one();
    }

    /// Lets the write that is under way end: what was told since becomes a message anyway.
    async fn end(&mut self) {
        self.shared.ended.store(true, Ordering::Release);
        self.more();
        // A panic of the writer's was said by itself; nothing is lost by it.
        drop((&mut self.writing).await);
    }
}

impl Drop for Notes {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::Release);
        self.more();
    }
}

async fn write(inner: Arc<Inner>, live: Arc<LiveTurn>, shared: Arc<Shared>) {
    let mut noted: usize = 0;
    loop {
        shared.more.notified().await;
        if shared.ended.load(Ordering::Acquire) {
            return;
        }
        let parts = live.said(noted);
        if parts.is_empty() {
            continue;
        }
        match inner.turns.append(live.key, &parts).await {
            Ok(true) => noted = noted.saturating_add(parts.len()),
            // It is asked why.
            Ok(false) => inner.ask_standing(),
            Err(error) => {
                tracing::warn!(
                    error = telemetry::cause(&error),
                    "what was said in a turn is not noted yet"
                );
            }
        }
    }
}

impl Inner {
    /// Has it asked soon how the turns that run here stand.
    pub(crate) fn ask_standing(&self) {
        self.standing.notify_one();
    }
}
