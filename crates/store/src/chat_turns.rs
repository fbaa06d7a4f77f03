//! Turns: what the chat engine reads and writes while the model answers.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use model::{
    ChatId, LeaseId,
    chats::{ChatPart, ChatTurn, TurnEnd, TurnKey},
};

use crate::StoreResult;

/// How a turn stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TurnStanding {
    /// It goes on.
    Running,
    /// It is to stop, and what was said so far is kept.
    Stopping,
    /// It is over: the history changed, another turn began, or the chat is gone. What it says is nobody's.
    Over,
}

/// What becomes of what the model said in a turn whose server has gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Noted {
    /// It is said, but for what is more than an answer may be.
    Kept,
    /// It is given up, since it cannot be kept.
    Lost,
}

/// Runs turns.
#[async_trait]
pub trait ChatTurnWrite: Send {
    /// The turn that a server runs in a chat, with what was said so far; `None` when it runs none there.
    async fn chat_turn_get(
        &mut self,
        chat: ChatId,
        lease: LeaseId,
    ) -> StoreResult<Option<ChatTurn>>;
    /// Which turn a server runs in a chat, without what was said, so that it is told also where that cannot be read.
    async fn chat_turn_key_get(
        &mut self,
        chat: ChatId,
        lease: LeaseId,
    ) -> StoreResult<Option<TurnKey>>;
    /// How these turns of a server stand, in their order.
    async fn chat_turn_standing_list(
        &mut self,
        turns: &[TurnKey],
        lease: LeaseId,
    ) -> StoreResult<Vec<TurnStanding>>;
    /// Notes what the model says on; whether the turn still runs, otherwise nothing is noted.
    async fn chat_parts_append(&mut self, turn: TurnKey, parts: &[ChatPart]) -> StoreResult<bool>;
    /// Ends a turn: what the model said becomes a message, and the next that waits is said and its turn begins at the
    /// same server, as `model::chats::state` decides under the chat's lock. The next turn's key, if there is one;
    /// nothing happens when the turn is over already.
    async fn chat_turn_finish(
        &mut self,
        turn: TurnKey,
        lease: LeaseId,
        end: &TurnEnd,
    ) -> StoreResult<Option<TurnKey>>;
    /// The chats with turns of servers whose leases have lapsed, so many at most, in the order of their ids after one.
    async fn chat_turn_lapsed_list(
        &mut self,
        after: Option<ChatId>,
        limit: u32,
    ) -> StoreResult<Vec<ChatId>>;
    /// Ends a chat's turn if its server's lease has lapsed: what was noted becomes a message if it is to be kept, the
    /// chat shows an error that says so, and what waits goes on waiting. Whether it was ended: not when another turn
    /// runs since, nor while somebody else holds the chat.
    async fn chat_turn_sweep(&mut self, chat: ChatId, noted: Noted) -> StoreResult<bool>;
}

/// A turn that runs at another server and is followed here, with what is known of its chat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FollowedTurn {
    /// Which.
    pub turn: TurnKey,
    /// The snapshot version up to which its chat is known.
    pub snapshot: i64,
    /// How many of the turn's parts are known.
    pub parts: i32,
}

/// What is new in a chat whose turn is followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FollowedNews {
    /// The chat.
    pub chat_id: ChatId,
    /// Whether anything but what the model says has changed, or the chat is gone.
    pub changed: bool,
    /// What the model says on in the turn.
    pub parts: Vec<ChatPart>,
}

/// Looks at turns that run elsewhere.
#[async_trait]
pub trait ChatTurnRead: Send {
    /// What is new in these chats, by one statement; those in which nothing is are left out.
    async fn chat_turn_follow_list(
        &mut self,
        turns: &[FollowedTurn],
    ) -> StoreResult<Vec<FollowedNews>>;
    /// What the database's clock says, by which it notes when chats are made.
    async fn chat_clock_get(&mut self) -> StoreResult<DateTime<Utc>>;
}
