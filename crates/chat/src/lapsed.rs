//! Turns of servers that have gone are ended, each in a unit of its own, with what was said in them. That is given up only
//! where it cannot be kept again and again, so that no moment's trouble costs an answer.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{Mutex, MutexGuard, PoisonError},
};

use dbauthz::SystemStore;
use model::ChatId;
use store::{StoreError, StoreResult, chat_turns::Noted};

use crate::{ports::Swept, telemetry};

/// In how many sweeps, one after the other, it must fail to keep what a turn said before that is given up.
const SWEEPS: u32 = 3;
/// Of how many chats it is remembered at most that they failed. Others are remembered when these have ended.
const FAILING: usize = 1_000;

/// Ends such turns.
#[derive(Debug)]
pub(crate) struct Lapsed {
    store: SystemStore,
    failing: Mutex<Failing>,
}

impl Lapsed {
    pub(crate) fn new(store: SystemStore) -> Self {
        Self {
            store,
            failing: Mutex::default(),
        }
    }

    /// Looks at so many chats, in the order of their ids after one, and ends their turns. A sweep begins with the first.
    ///
    /// # Errors
    /// That there is no database.
    pub(crate) async fn sweep(&self, after: Option<ChatId>, limit: u32) -> StoreResult<Swept> {
        if after.is_none() {
            self.failing().begin();
        }
        let lapsed = self.list(after, limit).await?;
        let mut ended = Vec::new();
        for chat in &lapsed {
            if self.end(*chat).await? {
                ended.push(*chat);
            }
        }
        let full = lapsed.len() >= usize::try_from(limit).unwrap_or(usize::MAX);
        let next = lapsed.last().copied().filter(|_| full);
        Ok(Swept { ended, next })
    }

    async fn list(&self, after: Option<ChatId>, limit: u32) -> StoreResult<Vec<ChatId>> {
        let mut unit = self.store.begin().await?;
        let mut chat_turns = unit.chat_turns();
        let lapsed = chat_turns.chat_turn_lapsed_list(after, limit).await?;
        unit.commit().await?;
        Ok(lapsed)
    }

    /// Ends one chat's turn; whether it was. An error is that there is no database; what only this chat fails by is
    /// logged.
    async fn end(&self, chat: ChatId) -> StoreResult<bool> {
        let error = match self.try_end(chat, Noted::Kept).await? {
            Ok(ended) => return Ok(ended),
            Err(error) => error,
        };
        let passes = matches!(error, StoreError::Unavailable(_));
        if passes || !self.failing().again(chat) {
            let error = telemetry::cause(&error);
            tracing::warn!(error, %chat, "a turn whose server has gone cannot be ended yet");
            return Ok(false);
        }
        {
            let error = telemetry::cause(&error);
            tracing::error!(error, %chat, "what a turn said whose server has gone cannot be kept");
        }
        match self.try_end(chat, Noted::Lost).await? {
            Ok(ended) => Ok(ended),
            Err(error) => {
                let error = telemetry::cause(&error);
                tracing::error!(error, %chat, "a turn whose server has gone cannot be ended");
                Ok(false)
            }
        }
    }

    /// In a unit of its own. The outer error is that there is none to be had.
    async fn try_end(&self, chat: ChatId, noted: Noted) -> StoreResult<StoreResult<bool>> {
        let mut unit = self.store.begin().await?;
        let ended = unit.chat_turns().chat_turn_sweep(chat, noted).await;
        Ok(match ended {
            Ok(ended) => unit.commit().await.map(|()| ended),
            Err(error) => Err(error),
        })
    }

    fn failing(&self) -> MutexGuard<'_, Failing> {
        self.failing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The chats whose turns could not be ended.
#[derive(Debug, Default)]
struct Failing {
    /// Which sweep this is.
    sweep: u64,
    chats: HashMap<ChatId, Failed>,
}

#[derive(Debug)]
struct Failed {
    /// In so many sweeps, one after the other.
    sweeps: u32,
    /// In this one last.
    last: u64,
}

impl Failing {
    /// A sweep begins. What did not fail in the one before is forgotten.
    fn begin(&mut self) {
        let before = self.sweep;
        self.chats.retain(|_, failed| failed.last == before);
        self.sweep = before.saturating_add(1);
    }

    /// A chat fails in this sweep; whether it has done so in enough of them.
    fn again(&mut self, chat: ChatId) -> bool {
        let full = self.chats.len() >= FAILING;
        let failed = match self.chats.entry(chat) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(_) if full => return false,
            Entry::Vacant(new) => new.insert(Failed { sweeps: 0, last: 0 }),
        };
        if failed.last != self.sweep {
            failed.sweeps = failed.sweeps.saturating_add(1);
            failed.last = self.sweep;
        }
        failed.sweeps >= SWEEPS
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, sync::Arc};

    use dbauthz::{
        Authorized, SystemActor,
        fake::{FakeStore, State},
    };
    use model::{
        LeaseId,
        chats::{ChatAccess, ChatPart, ChatStatus, ContentPart, MessageRole, text_of},
    };
    use uuid::Uuid;

    use super::*;
    use crate::feed::tests::world::{CHAT, chat};

    const GONE: LeaseId = LeaseId(Uuid::from_u128(77));

    /// A chat whose server has gone, and in which this was said.
    fn world() -> (FakeStore, Lapsed) {
        let running = ChatAccess {
            chat: model::chats::Chat {
                status: ChatStatus::Running,
                ..chat()
            },
            acl: Default::default(),
            sharing: true,
        };
        let said = ContentPart::Text {
            text: "so far".to_owned(),
        };
        let store = FakeStore::new(State {
            chats: vec![running],
            chat_leases: [(CHAT, GONE)].into(),
            lapsed_leases: [GONE].into(),
            chat_parts: [(CHAT, vec![ChatPart { seq: 0, part: said }])].into(),
            unreadable_chats: [CHAT].into(),
            ..State::default()
        });
        let authorized = Authorized::new(Arc::new(store.clone()));
        let lapsed = Lapsed::new(authorized.as_system(SystemActor::ChatEngine));
        (store, lapsed)
    }

    async fn sweep(lapsed: &Lapsed) -> Vec<ChatId> {
        lapsed.sweep(None, 9).await.unwrap().ended
    }

    fn said(store: &FakeStore) -> Vec<String> {
        let state = store.state();
        let messages = state.chat_messages.iter();
        let answers = messages.filter(|one| one.role == MessageRole::Assistant);
        answers.map(|one| text_of(&one.content)).collect()
    }

    #[tokio::test]
    async fn a_moments_trouble_costs_no_words() {
        let (store, lapsed) = world();
        for _ in 1..SWEEPS {
            assert_eq!(sweep(&lapsed).await, []);
        }
        store.state().unreadable_chats = BTreeSet::new();
        assert_eq!(sweep(&lapsed).await, [CHAT]);
        assert_eq!(said(&store), ["so far"]);
    }

    #[tokio::test]
    async fn what_can_never_be_kept_is_given_up() {
        let (store, lapsed) = world();
        for _ in 1..SWEEPS {
            assert_eq!(sweep(&lapsed).await, []);
            // However often it is looked at in one sweep.
            assert!(!lapsed.end(CHAT).await.unwrap());
        }
        assert_eq!(sweep(&lapsed).await, [CHAT]);
        assert!(said(&store).is_empty());
        // It is remembered no longer than it fails.
        for _ in 0..2 {
            assert_eq!(sweep(&lapsed).await, []);
        }
        assert!(lapsed.failing().chats.is_empty());
    }

    #[tokio::test]
    async fn a_sweep_goes_on_where_it_was() {
        let (_store, lapsed) = world();
        let first = lapsed.sweep(None, 1).await.unwrap();
        assert_eq!(first.next, Some(CHAT));
        let second = lapsed.sweep(first.next, 1).await.unwrap();
        assert_eq!(second.next, None);
        assert_eq!(lapsed.failing().sweep, 1);
    }

    #[test]
    fn only_sweeps_that_follow_each_other_count_and_not_all_are_remembered() {
        let mut failing = Failing::default();
        let id = |number: usize| ChatId(Uuid::from_u128(u128::try_from(number).unwrap()));
        for _ in 1..SWEEPS {
            failing.begin();
            assert!(!failing.again(id(0)));
        }
        failing.begin();
        failing.begin();
        assert!(!failing.again(id(0)));
        for number in 0..=FAILING {
            assert!(!failing.again(id(number)));
        }
        assert_eq!(failing.chats.len(), FAILING);
        for _ in 2..SWEEPS {
            failing.begin();
            assert!(!failing.again(id(0)));
        }
        failing.begin();
        assert!(failing.again(id(0)));
        failing.begin();
        assert!(!failing.again(id(FAILING)));
        assert_eq!(failing.chats.len(), 2);
    }
}
