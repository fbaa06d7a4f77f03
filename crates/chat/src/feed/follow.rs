//! Follows the turns that run at other servers: one look, at all of them together, as often as words are told.
//!
//! A feed whose chat's turn runs elsewhere says so; the follower asks what is new, and wakes those feeds that it
//! concerns. It works only while there is something to follow.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use model::ChatId;
use store::chat_turns::{FollowedNews, FollowedTurn};
use tokio::time::sleep;

use super::{Feeds, Handle, Noted, Wake};
use crate::telemetry;

/// How soon it is asked again after it could not be.
const AGAIN: Duration = Duration::from_secs(1);

/// What is followed.
#[derive(Debug, Default)]
pub(super) struct Following(Mutex<Turns>);

#[derive(Debug, Default)]
struct Turns {
    turns: HashMap<ChatId, Followed>,
    /// The follower is at work.
    followed: bool,
}

#[derive(Debug)]
struct Followed {
    /// Whose.
    feed: u64,
    wake: Arc<Wake>,
    turn: FollowedTurn,
    /// It is being asked about, as it is.
    asked: bool,
    /// The feed knows that there are news to be read, and has not read them yet.
    told: bool,
}

impl Following {
    /// A feed has read its chat, whose turn runs elsewhere; whether a follower is to begin.
    fn follow(&self, handle: &Handle, turn: FollowedTurn) -> bool {
        let mut following = self.lock();
        let followed = Followed {
            feed: handle.id,
            wake: Arc::clone(&handle.wake),
            turn,
            asked: false,
            told: false,
        };
        following.turns.insert(turn.turn.chat_id, followed);
        !std::mem::replace(&mut following.followed, true)
    }

    /// A feed follows its chat no more.
    pub(super) fn end(&self, chat: ChatId, feed: u64) {
        let mut following = self.lock();
        if following
            .turns
            .get(&chat)
            .is_some_and(|one| one.feed == feed)
        {
            following.turns.remove(&chat);
        }
    }

    /// What is to be asked now; `None` when nothing is followed any more, and the follower is to end.
    fn due(&self) -> Option<Vec<FollowedTurn>> {
        let mut following = self.lock();
        if following.turns.is_empty() {
            following.followed = false;
            return None;
        }
        let waiting = following.turns.values_mut().filter(|one| !one.told);
        let asked = waiting.map(|one| {
            one.asked = true;
            one.turn
        });
        Some(asked.collect())
    }

    /// Tells a feed.
    fn tell(&self, news: FollowedNews) {
        let mut following = self.lock();
        // What was read meanwhile is newer.
        let followed = following.turns.get_mut(&news.chat_id);
        let Some(followed) = followed.filter(|one| one.asked) else {
            return;
        };
        if news.changed {
            followed.told = true;
            followed.wake.wake(|due| due.chat = true);
            return;
        }
        for part in &news.parts {
            if part.seq == followed.turn.parts {
                followed.turn.parts = part.seq.saturating_add(1);
            }
        }
        let turn = followed.turn.turn;
        let parts = news.parts;
        followed.wake.wake(|due| match &mut due.noted {
            Some(noted) if noted.turn == turn => noted.parts.extend(parts),
            noted => *noted = Some(Noted { turn, parts }),
        });
    }

    #[cfg(test)]
    pub(super) fn at_work(&self) -> bool {
        self.lock().followed
    }

    fn lock(&self) -> MutexGuard<'_, Turns> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Feeds {
    /// A feed has read its chat, whose turn runs elsewhere.
    pub(super) fn follow(&self, handle: &Handle, turn: FollowedTurn) {
        if self.0.following.follow(handle, turn) {
            self.0.tasks.spawn(run(self.clone()));
        }
    }
}

/// Follows for as long as there is something to follow.
async fn run(feeds: Feeds) {
    let shared = &feeds.0;
    let following = async {
        loop {
            sleep(shared.config.follow_every).await;
            let Some(turns) = shared.following.due() else {
                return;
            };
            if turns.is_empty() {
                continue;
            }
            match shared.reads.follow(&turns).await {
                Ok(news) => news.into_iter().for_each(|one| shared.following.tell(one)),
                Err(error) => {
                    tracing::warn!(
                        error = telemetry::cause(&error),
                        "turns at other servers cannot be followed"
                    );
                    sleep(AGAIN).await;
                }
            }
        }
    };
    shared.stopping.run_until_cancelled(following).await;
}
