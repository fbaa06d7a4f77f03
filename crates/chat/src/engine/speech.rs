//! What a model says in a turn: gathered for a moment, told to who looks on, noted in the store, and in the end whole.

use std::{
    borrow::Cow,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
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

/// The most bytes of words that one answer has.
const WORDS_MAX: usize = 1024 * 1024;
/// The most parts that one answer has, where words that follow words of the same tone are one part.
const PARTS_MAX: usize = 10_000;
/// So many changes of tone are kept apart of what is told together. A model that changes its tone more often has its words
/// put together by their tone: they are told at a pace, not by the piece.
const MIXED_MAX: usize = 4;

/// The answer is as long as one may be; what does not fit is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Full;

/// What a model says in one turn.
pub(super) struct Speech {
    inner: Arc<Inner>,
    live: Arc<LiveTurn>,
    /// What is not told yet: the tones take turns.
    pending: Vec<(Tone, String)>,
    /// When it is to be.
    due: Option<Instant>,
    last_told: Option<Instant>,
    last_tone: Option<Tone>,
    /// How many bytes there are of all words, and how many parts.
    bytes: usize,
    parts: usize,
    /// Whether there is nothing in it to read.
    blank: bool,
    notes: Notes,
}

impl Speech {
    pub(super) fn new(inner: &Arc<Inner>, live: &Arc<LiveTurn>) -> Self {
        Self {
            inner: Arc::clone(inner),
            live: Arc::clone(live),
            pending: Vec::new(),
            due: None,
            last_told: None,
            last_tone: None,
            bytes: 0,
            parts: 0,
            blank: true,
            notes: Notes::start(inner, live),
        }
    }

    /// Takes words on: the first are told at once, those that follow soon after, together.
    ///
    /// # Errors
    /// [`Full`] when the answer has no room for all of them.
    pub(super) fn hear(&mut self, tone: Tone, words: &str) -> Result<(), Full> {
        let words = storable(words);
        let fitting = fitting(&words, WORDS_MAX.saturating_sub(self.bytes));
        let whole = fitting.len() == words.len();
        if !fitting.is_empty() {
            self.take(tone, fitting)?;
        }
        if self.due().is_some_and(|due| due <= Instant::now()) {
            self.tell();
        }
        whole.then_some(()).ok_or(Full)
    }

    fn take(&mut self, tone: Tone, words: &str) -> Result<(), Full> {
        let apart = if self.pending.len() < MIXED_MAX { 1 } else { 2 };
        let mut latest = self.pending.iter_mut().rev().take(apart);
        if let Some((_, text)) = latest.find(|(pending, _)| *pending == tone) {
            text.push_str(words);
        } else {
            let last = self.pending.last().map(|(last, _)| *last);
            if last.or(self.last_tone) != Some(tone) {
                if self.parts == PARTS_MAX {
                    return Err(Full);
                }
                self.parts += 1;
            }
            self.pending.push((tone, words.to_owned()));
        }
        self.bytes = self.bytes.saturating_add(words.len());
        self.blank &= words.trim().is_empty();
        if self.due.is_none() {
            let now = Instant::now();
            let paused = |last| last + self.inner.config.say_every;
            self.due = Some(self.last_told.map_or(now, paused));
        }
        Ok(())
    }

    /// When what was heard is to be told.
    pub(super) const fn due(&self) -> Option<Instant> {
        self.due
    }

    /// Whether nothing was heard that could be read.
    pub(super) const fn blank(&self) -> bool {
        self.blank
    }

    /// Tells what was heard.
    pub(super) fn tell(&mut self) {
        self.due = None;
        let Some((last, _)) = self.pending.last() else {
            return;
        };
        self.last_tone = Some(*last);
        self.last_told = Some(Instant::now());
        for (tone, text) in self.pending.drain(..) {
            self.live.say(tone.part(text));
        }
        self.inner.feeds.said(self.live.key.chat_id);
        self.notes.more();
    }

    /// All that was said, once nothing is noted any more.
    pub(super) async fn end(mut self) -> Vec<ContentPart> {
        self.tell();
        self.notes.end().await;
        joined(self.live.said(0).into_iter().map(|part| part.part))
    }
}

/// What cannot be stored is left out: PostgreSQL's texts have no NUL.
fn storable(words: &str) -> Cow<'_, str> {
    if words.contains('\0') {
        Cow::Owned(words.replace('\0', ""))
    } else {
        Cow::Borrowed(words)
    }
}

/// As many of these words as have so many bytes at most.
fn fitting(words: &str, most: usize) -> &str {
    let cut = (0..=most.min(words.len())).rev();
    cut.into_iter()
        .find_map(|end| words.get(..end))
        .unwrap_or_default()
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
