//! Turns in the fake's chats.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use model::{
    ChatId, LeaseId,
    chats::{
        ChatError, ChatErrorKind, ChatPart, ChatStatus, ChatTurn, MessageRole, NewMessage, TurnEnd,
        TurnKey, Visibility,
        state::{ChatState, Effect, Step},
    },
};
use store::{
    StoreError, StoreResult,
    chat_turns::{ChatTurnRead, ChatTurnWrite, FollowedNews, FollowedTurn, Noted, TurnStanding},
};

use super::{FakeUnit, State};

impl State {
    fn standing(&self, turn: TurnKey, lease: Option<LeaseId>) -> TurnStanding {
        let found = self.chat_for(turn.chat_id, None).map(|found| found.chat);
        let held = self.chat_leases.get(&turn.chat_id);
        match found {
            Some(chat) if chat.turn() == Some(turn) => match chat.status {
                _ if lease.is_some_and(|lease| held != Some(&lease)) => TurnStanding::Over,
                ChatStatus::Interrupting => TurnStanding::Stopping,
                _ => TurnStanding::Running,
            },
            _ => TurnStanding::Over,
        }
    }

    /// Ends a turn as the states say.
    fn chat_turn_ends(
        &mut self,
        turn: TurnKey,
        lease: LeaseId,
        end: &TurnEnd,
    ) -> StoreResult<Option<TurnKey>> {
        let id = turn.chat_id;
        let before = self.chat(id)?.chat.clone();
        if !end.content.is_empty() {
            let answer = NewMessage {
                role: MessageRole::Assistant,
                visibility: Visibility::Both,
                content: end.content.clone(),
                created_by: None,
                model: end.model.clone(),
            };
            self.chat_says(id, &answer, end.usage)?;
        }
        self.chat_parts.remove(&id);
        self.chat_leases.remove(&id);
        let state = ChatState {
            status: before.status,
            queued: self.chat_queue.iter().any(|one| one.chat_id == id),
            archived: before.archived,
        };
        let step = if end.error.is_some() {
            Step::Fail
        } else {
            Step::Finish
        };
        let effect = state.step(step);
        let chat = self.chat_changes(id)?;
        chat.status = ChatStatus::Waiting;
        match effect {
            Ok(Effect::NextTurn) => {
                self.chat_next(id, lease)?;
            }
            Ok(Effect::ShowError) => {
                chat.status = ChatStatus::Error;
                chat.last_error.clone_from(&end.error);
            }
            _ => {}
        }
        Ok(self.chat(id)?.chat.turn())
    }
}

#[async_trait]
impl ChatTurnRead for FakeUnit {
    async fn chat_turn_follow_list(
        &mut self,
        turns: &[FollowedTurn],
    ) -> StoreResult<Vec<FollowedNews>> {
        let state = self.call("chat_turn_follow_list");
        let news = |followed: &FollowedTurn| {
            let chat_id = followed.turn.chat_id;
            let found = state.chat_for(chat_id, None).map(|found| found.chat);
            let snapshot = found.as_ref().map(|chat| chat.versions.snapshot);
            let runs = found.is_some_and(|chat| chat.turn() == Some(followed.turn));
            let noted = state.chat_parts.get(&chat_id).filter(|_| runs);
            let parts = noted.into_iter().flatten();
            FollowedNews {
                chat_id,
                changed: snapshot != Some(followed.snapshot),
                parts: parts
                    .filter(|part| part.seq >= followed.parts)
                    .cloned()
                    .collect(),
            }
        };
        let all = turns.iter().map(news);
        Ok(all
            .filter(|one| one.changed || !one.parts.is_empty())
            .collect())
    }

    async fn chat_clock_get(&mut self) -> StoreResult<DateTime<Utc>> {
        Ok(self.call("chat_clock_get").now)
    }
}

#[async_trait]
impl ChatTurnWrite for FakeUnit {
    async fn chat_turn_get(
        &mut self,
        chat: ChatId,
        lease: LeaseId,
    ) -> StoreResult<Option<ChatTurn>> {
        let state = self.call("chat_turn_get");
        let Some(found) = state.chat_for(chat, None).map(|found| found.chat) else {
            return Ok(None);
        };
        let held = state.chat_leases.get(&chat) == Some(&lease);
        let Some(key) = found.turn().filter(|_| held) else {
            return Ok(None);
        };
        let messages = state.chat_messages.iter();
        let history: Vec<_> = messages
            .filter(|one| one.chat_id == chat && !one.deleted && one.visibility != Visibility::User)
            .cloned()
            .collect();
        let asked = history.last().and_then(|last| last.model.clone());
        Ok(Some(ChatTurn {
            key,
            lease_id: lease,
            owner_id: found.owner_id,
            organization_id: found.organization_id,
            model: asked.or(found.model),
            history,
        }))
    }

    async fn chat_turn_key_get(
        &mut self,
        chat: ChatId,
        lease: LeaseId,
    ) -> StoreResult<Option<TurnKey>> {
        let state = self.call("chat_turn_key_get");
        let found = state.chat_for(chat, None).map(|found| found.chat);
        let held = state.chat_leases.get(&chat) == Some(&lease);
        Ok(found.filter(|_| held).and_then(|chat| chat.turn()))
    }

    async fn chat_turn_standing_list(
        &mut self,
        turns: &[TurnKey],
        lease: LeaseId,
    ) -> StoreResult<Vec<TurnStanding>> {
        let state = self.call("chat_turn_standing_list");
        let standing = |turn: &TurnKey| state.standing(*turn, Some(lease));
        Ok(turns.iter().map(standing).collect())
    }

    async fn chat_parts_append(&mut self, turn: TurnKey, parts: &[ChatPart]) -> StoreResult<bool> {
        let state = self.call("chat_parts_append");
        if state.standing(turn, None) == TurnStanding::Over {
            return Ok(false);
        }
        let noted = state.chat_parts.entry(turn.chat_id).or_default();
        noted.extend(parts.iter().cloned());
        Ok(true)
    }

    async fn chat_turn_finish(
        &mut self,
        turn: TurnKey,
        lease: LeaseId,
        end: &TurnEnd,
    ) -> StoreResult<Option<TurnKey>> {
        let state = self.call("chat_turn_finish");
        if state.standing(turn, Some(lease)) == TurnStanding::Over {
            return Ok(None);
        }
        state.chat_turn_ends(turn, lease, end)
    }

    async fn chat_turn_lapsed_list(
        &mut self,
        after: Option<ChatId>,
        limit: u32,
    ) -> StoreResult<Vec<ChatId>> {
        let state = self.call("chat_turn_lapsed_list");
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let lapsed = state.chat_leases.iter();
        let lapsed = lapsed.filter(|(_, lease)| state.lapsed_leases.contains(lease));
        let lapsed = lapsed.map(|(chat, _)| *chat);
        let later = lapsed.filter(|chat| after.is_none_or(|after| *chat > after));
        Ok(later.take(limit).collect())
    }

    async fn chat_turn_sweep(&mut self, chat: ChatId, noted: Noted) -> StoreResult<bool> {
        let state = self.call("chat_turn_sweep");
        let lease = state.chat_leases.get(&chat).copied();
        let Some(lease) = lease.filter(|lease| state.lapsed_leases.contains(lease)) else {
            return Ok(false);
        };
        if noted == Noted::Kept && state.unreadable_chats.contains(&chat) {
            return Err(StoreError::Internal("a part cannot be read".into()));
        }
        let parts = state.chat_parts.remove(&chat).unwrap_or_default();
        let parts = parts.into_iter().filter(|_| noted == Noted::Kept);
        let end = TurnEnd {
            content: parts.map(|part| part.part).collect(),
            model: None,
            usage: None,
            usage_event_id: None,
            error: Some(gone()),
        };
        let found = &mut state.chat(chat)?.chat;
        // What waits goes on waiting.
        found.status = ChatStatus::Running;
        if let Some(turn) = found.turn() {
            state.chat_turn_ends(turn, lease, &end)?;
        }
        Ok(true)
    }
}

/// What a chat shows whose server has gone.
fn gone() -> ChatError {
    ChatError {
        message: "The server that ran this turn has gone. Send the message again.".to_owned(),
        detail: None,
        kind: ChatErrorKind::Generic,
        provider: None,
        retryable: true,
        status_code: None,
    }
}
