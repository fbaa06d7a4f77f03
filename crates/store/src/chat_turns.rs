//! Turns: what the chat engine reads and writes while the model answers.

use async_trait::async_trait;
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

/// Runs turns.
#[async_trait]
pub trait ChatTurnWrite: Send {
    /// The turn that a server runs in a chat, with what was said so far; `None` when it runs none there.
    async fn chat_turn_get(
        &mut self,
        chat: ChatId,
        lease: LeaseId,
    ) -> StoreResult<Option<ChatTurn>>;
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
    /// Ends turns of servers whose leases have lapsed, so many at most: what was noted becomes a message, the chat
    /// shows an error that says so, and what waits goes on waiting. The chats.
    async fn chat_turn_sweep(&mut self, limit: u32) -> StoreResult<Vec<ChatId>>;
}
