//! The turns that run at this server, and what their models have said so far.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use model::{
    ChatId, LeaseId,
    chats::{ChatPart, ContentPart, TurnKey},
};
use tokio_util::sync::CancellationToken;

/// A turn that runs here.
#[derive(Debug)]
pub(crate) struct LiveTurn {
    /// Which.
    pub(crate) key: TurnKey,
    /// The lease that it runs under.
    pub(crate) lease: LeaseId,
    /// It is to stop, and what was said so far is kept.
    pub(crate) interrupted: CancellationToken,
    /// It is over: what it says is nobody's.
    pub(crate) over: CancellationToken,
    parts: Mutex<Vec<ChatPart>>,
}

impl LiveTurn {
    /// A turn in which nothing was said yet.
    pub(crate) fn new(key: TurnKey, lease: LeaseId) -> Arc<Self> {
        Arc::new(Self {
            key,
            lease,
            interrupted: CancellationToken::new(),
            over: CancellationToken::new(),
            parts: Mutex::default(),
        })
    }

    /// Adds what the model says on.
    pub(crate) fn say(&self, part: ContentPart) {
        let mut parts = self.parts();
        // No answer has that many parts.
        let seq = i32::try_from(parts.len()).unwrap_or(i32::MAX);
        parts.push(ChatPart { seq, part });
    }

    /// What was said from this place on.
    pub(crate) fn said(&self, from: usize) -> Vec<ChatPart> {
        self.parts().get(from..).unwrap_or_default().to_vec()
    }

    fn parts(&self) -> MutexGuard<'_, Vec<ChatPart>> {
        self.parts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The turns that run here, one of a chat at most. Clones share them.
#[derive(Debug, Clone, Default)]
pub(crate) struct LiveTurns(Arc<Mutex<HashMap<ChatId, Arc<LiveTurn>>>>);

impl LiveTurns {
    /// The turn that runs in a chat.
    pub(crate) fn get(&self, chat: ChatId) -> Option<Arc<LiveTurn>> {
        self.turns().get(&chat).cloned()
    }

    /// Every one.
    pub(super) fn all(&self) -> Vec<Arc<LiveTurn>> {
        self.turns().values().cloned().collect()
    }

    /// Takes a turn for the caller to run, until the claim is dropped; an older one of its chat is over. Nothing is
    /// taken when the same or a newer one is run already.
    pub(crate) fn claim(&self, turn: &Arc<LiveTurn>) -> Option<Claim> {
        let age = |key: TurnKey| (key.history_version, key.attempt);
        let mut turns = self.turns();
        if let Some(other) = turns.get(&turn.key.chat_id) {
            if age(other.key) >= age(turn.key) {
                return None;
            }
            other.over.cancel();
        }
        turns.insert(turn.key.chat_id, Arc::clone(turn));
        Some(Claim {
            turns: self.clone(),
            key: turn.key,
        })
    }

    fn turns(&self) -> MutexGuard<'_, HashMap<ChatId, Arc<LiveTurn>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A turn that somebody runs.
#[derive(Debug)]
pub(crate) struct Claim {
    turns: LiveTurns,
    key: TurnKey,
}

impl Drop for Claim {
    fn drop(&mut self) {
        let mut turns = self.turns.turns();
        let chat = self.key.chat_id;
        if turns.get(&chat).is_some_and(|turn| turn.key == self.key) {
            turns.remove(&chat);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn turn(history_version: i64, attempt: i64) -> Arc<LiveTurn> {
        let key = TurnKey {
            chat_id: ChatId(Uuid::from_u128(1)),
            history_version,
            attempt,
        };
        LiveTurn::new(key, LeaseId(Uuid::nil()))
    }

    #[test]
    fn a_turn_is_run_once_and_a_newer_one_ends_it() {
        let turns = LiveTurns::default();
        let (first, second) = (turn(3, 1), turn(4, 0));
        let chat = first.key.chat_id;
        let claim = turns.claim(&first).unwrap();
        assert!(turns.claim(&turn(3, 1)).is_none());
        assert!(turns.claim(&turn(2, 9)).is_none());
        assert!(!first.over.is_cancelled());
        let newer = turns.claim(&second).unwrap();
        assert!(first.over.is_cancelled());
        // The one that was taken over takes nothing with it.
        drop(claim);
        assert_eq!(turns.get(chat).unwrap().key, second.key);
        drop(newer);
        assert!(turns.get(chat).is_none());
    }

    #[test]
    fn parts_are_counted_without_a_gap() {
        let turn = turn(1, 1);
        for text in ["a", "b"] {
            turn.say(ContentPart::Text { text: text.into() });
        }
        let seqs = |from| {
            turn.said(from)
                .iter()
                .map(|part| part.seq)
                .collect::<Vec<_>>()
        };
        assert_eq!(
            (seqs(0), seqs(1), seqs(2), seqs(7)),
            (vec![0, 1], vec![1], vec![], vec![])
        );
    }
}
