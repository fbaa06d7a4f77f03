//! What the program itself does with chats: it runs turns, shows a chat to all who look at it, and keeps order.

use chrono::{DateTime, Utc};
use model::{
    ChatId, LeaseId,
    chats::{ChatAccess, ChatFileDownload, ChatPart, ChatTurn, TurnEnd, TurnKey},
};
use rbac::{Action, Object, ResourceType};
use store::{
    StoreError, StoreResult,
    chat_turns::{FollowedNews, FollowedTurn, Noted, TurnStanding},
    chats::ViewerPlace,
};

use crate::{
    BoundStore,
    acl::Shared,
    chats,
    rules::{Rule, Shape, rule},
    units::wrapper,
};

const UPDATE: &[&str] = &["chat:update"];
const SYSTEM: &str = "system actors only";

pub(crate) const RULES: &[Rule] = &[
    rule("chat_turn_get", Shape::Check, UPDATE, SYSTEM),
    rule("chat_turn_key_get", Shape::Check, UPDATE, SYSTEM),
    rule("chat_turn_standing_list", Shape::Check, UPDATE, SYSTEM),
    rule("chat_parts_append", Shape::Check, UPDATE, SYSTEM),
    rule("chat_turn_finish", Shape::Check, UPDATE, SYSTEM),
    rule("chat_turn_lapsed_list", Shape::Check, UPDATE, SYSTEM),
    rule("chat_turn_sweep", Shape::Check, UPDATE, SYSTEM),
    rule(
        "chat_readable_by",
        Shape::Fetch,
        &["chat:read"],
        "system actors only; each person's own rights decide",
    ),
    rule(
        "chat_acl_look",
        Shape::Fetch,
        &["chat:read"],
        "system actors only: whom a change of an ACL may concern",
    ),
    rule(
        "chat_turn_follow_list",
        Shape::Check,
        &["chat:read"],
        SYSTEM,
    ),
    rule("chat_clock_get", Shape::Check, &["chat:read"], SYSTEM),
    rule(
        "chat_file_download_get",
        Shape::Fetch,
        &["api_key:read"],
        "system actors only: what an address holds is a kind of key",
    ),
    rule("chat_archive_old", Shape::Check, UPDATE, SYSTEM),
    rule("chat_purge", Shape::Check, &["chat:delete"], SYSTEM),
    rule("chat_acl_prune", Shape::Check, &["chat:share"], SYSTEM),
    rule("chat_viewer_prune", Shape::Check, UPDATE, SYSTEM),
    rule(
        "chat_file_prune",
        Shape::Check,
        &["chat_file:delete"],
        SYSTEM,
    ),
];

wrapper! {
    /// Turns. Reached by system actors only: each is authorized as its chat's owner when it begins.
    ChatTurns
}

wrapper! {
    /// Who looks at chats. Reached by system actors only.
    ChatViewers
}

wrapper! {
    /// Keeping chats in order. Reached by system actors only: nobody asks for it.
    ChatUpkeep
}

/// What a decision about one chat is about, whoever it belongs to.
const fn one(chat: ChatId) -> Object {
    Object::new(ResourceType::Chat).id(chat.0)
}

/// What a decision about all chats is about.
const fn all() -> Object {
    Object::new(ResourceType::Chat)
}

impl<U: store::WriteUnit + ?Sized> ChatTurns<'_, U> {
    /// See [`store::chat_turns::ChatTurnWrite::chat_turn_get`].
    ///
    /// # Errors
    /// `Denied`.
    pub async fn chat_turn_get(
        &mut self,
        chat: ChatId,
        lease: LeaseId,
    ) -> StoreResult<Option<ChatTurn>> {
        self.gate.check(Action::Update, &one(chat))?;
        self.unit.chat_turn_get(chat, lease).await
    }

    /// See [`store::chat_turns::ChatTurnWrite::chat_turn_key_get`].
    ///
    /// # Errors
    /// `Denied`.
    pub async fn chat_turn_key_get(
        &mut self,
        chat: ChatId,
        lease: LeaseId,
    ) -> StoreResult<Option<TurnKey>> {
        self.gate.check(Action::Update, &one(chat))?;
        self.unit.chat_turn_key_get(chat, lease).await
    }

    /// See [`store::chat_turns::ChatTurnWrite::chat_turn_standing_list`].
    ///
    /// # Errors
    /// `Denied`.
    pub async fn chat_turn_standing_list(
        &mut self,
        turns: &[TurnKey],
        lease: LeaseId,
    ) -> StoreResult<Vec<TurnStanding>> {
        self.gate.check(Action::Update, &all())?;
        self.unit.chat_turn_standing_list(turns, lease).await
    }

    /// See [`store::chat_turns::ChatTurnWrite::chat_parts_append`].
    ///
    /// # Errors
    /// `Denied`.
    pub async fn chat_parts_append(
        &mut self,
        turn: TurnKey,
        parts: &[ChatPart],
    ) -> StoreResult<bool> {
        self.gate.check(Action::Update, &one(turn.chat_id))?;
        self.unit.chat_parts_append(turn, parts).await
    }

    /// See [`store::chat_turns::ChatTurnWrite::chat_turn_finish`].
    ///
    /// # Errors
    /// `Denied`.
    pub async fn chat_turn_finish(
        &mut self,
        turn: TurnKey,
        lease: LeaseId,
        end: &TurnEnd,
    ) -> StoreResult<Option<TurnKey>> {
        self.gate.check(Action::Update, &one(turn.chat_id))?;
        self.unit.chat_turn_finish(turn, lease, end).await
    }

    /// See [`store::chat_turns::ChatTurnWrite::chat_turn_lapsed_list`].
    ///
    /// # Errors
    /// `Denied`.
    pub async fn chat_turn_lapsed_list(
        &mut self,
        after: Option<ChatId>,
        limit: u32,
    ) -> StoreResult<Vec<ChatId>> {
        self.gate.check(Action::Update, &all())?;
        self.unit.chat_turn_lapsed_list(after, limit).await
    }

    /// See [`store::chat_turns::ChatTurnWrite::chat_turn_sweep`].
    ///
    /// # Errors
    /// `Denied`.
    pub async fn chat_turn_sweep(&mut self, chat: ChatId, noted: Noted) -> StoreResult<bool> {
        self.gate.check(Action::Update, &one(chat))?;
        self.unit.chat_turn_sweep(chat, noted).await
    }
}

impl<U: store::ReadUnit + ?Sized> ChatViewers<'_, U> {
    /// Which of these people may read a chat now, in their order: by one look at it, each by their own rights as they
    /// were when their store was bound, and the switches. Nobody reads a chat that is gone.
    ///
    /// # Errors
    /// `Denied`.
    pub async fn chat_readable_by(
        &mut self,
        chat: ChatId,
        people: &[&BoundStore],
    ) -> StoreResult<Vec<bool>> {
        let Some(found) = self.unit.chat_get(chat, None).await? else {
            return Ok(vec![false; people.len()]);
        };
        self.gate.check(Action::Read, &found.object(self.gate))?;
        let readable = |person: &&BoundStore| {
            let gate = person.gate();
            let object = chats::object(&found, gate.chat_sharing());
            gate.allows(Action::Read, &object)
        };
        Ok(people.iter().map(readable).collect())
    }

    /// A chat with its ACL as it is now, to find out whom a change of it may concern; `None` when it is gone.
    ///
    /// # Errors
    /// `Denied`.
    pub async fn chat_acl_look(&mut self, chat: ChatId) -> StoreResult<Option<ChatAccess>> {
        let found = self.unit.chat_get(chat, None).await?;
        if let Some(found) = &found {
            self.gate.check(Action::Read, &found.object(self.gate))?;
        }
        Ok(found)
    }

    /// See [`store::chat_turns::ChatTurnRead::chat_turn_follow_list`].
    ///
    /// # Errors
    /// `Denied`.
    pub async fn chat_turn_follow_list(
        &mut self,
        turns: &[FollowedTurn],
    ) -> StoreResult<Vec<FollowedNews>> {
        self.gate.check(Action::Read, &all())?;
        self.unit.chat_turn_follow_list(turns).await
    }

    /// See [`store::chat_turns::ChatTurnRead::chat_clock_get`].
    ///
    /// # Errors
    /// `Denied`.
    pub async fn chat_clock_get(&mut self) -> StoreResult<DateTime<Utc>> {
        self.gate.check(Action::Read, &all())?;
        self.unit.chat_clock_get().await
    }

    /// What an address of a file leads to, if it still holds. Whoever it was made for is to be asked about again.
    ///
    /// # Errors
    /// `NotFound`, `Denied`.
    pub async fn chat_file_download_get(
        &mut self,
        token_hash: &[u8; 32],
        now: DateTime<Utc>,
    ) -> StoreResult<ChatFileDownload> {
        let found = self.unit.chat_file_download_get(token_hash, now).await?;
        let found = found.ok_or(StoreError::NotFound)?;
        let key = Object::api_key(None, found.user_id.0);
        self.gate.check(Action::Read, &key)?;
        Ok(found)
    }
}

impl<U: store::WriteUnit + ?Sized> ChatUpkeep<'_, U> {
    /// See [`store::chats::ChatWrite::chat_archive_old`].
    ///
    /// # Errors
    /// `Denied`.
    pub async fn chat_archive_old(
        &mut self,
        before: DateTime<Utc>,
        limit: u32,
    ) -> StoreResult<u64> {
        self.gate.check(Action::Update, &all())?;
        self.unit.chat_archive_old(before, limit).await
    }

    /// See [`store::chats::ChatWrite::chat_purge`].
    ///
    /// # Errors
    /// `Denied`.
    pub async fn chat_purge(&mut self, before: DateTime<Utc>, limit: u32) -> StoreResult<u64> {
        self.gate.check(Action::Delete, &all())?;
        self.unit.chat_purge(before, limit).await
    }

    /// See [`store::chats::ChatWrite::chat_acl_prune`].
    ///
    /// # Errors
    /// `Denied`.
    pub async fn chat_acl_prune(&mut self, limit: u32) -> StoreResult<u64> {
        self.gate.check(Action::Share, &all())?;
        self.unit.chat_acl_prune(limit).await
    }

    /// See [`store::chats::ChatWrite::chat_viewer_prune`].
    ///
    /// # Errors
    /// `Denied`.
    pub async fn chat_viewer_prune(
        &mut self,
        after: Option<ViewerPlace>,
        limit: u32,
    ) -> StoreResult<(u64, Option<ViewerPlace>)> {
        self.gate.check(Action::Update, &all())?;
        self.unit.chat_viewer_prune(after, limit).await
    }

    /// See [`store::chat_files::ChatFileWrite::chat_file_prune`].
    ///
    /// # Errors
    /// `Denied`.
    pub async fn chat_file_prune(&mut self, before: DateTime<Utc>, limit: u32) -> StoreResult<u64> {
        let files = Object::new(ResourceType::ChatFile);
        self.gate.check(Action::Delete, &files)?;
        self.unit.chat_file_prune(before, limit).await
    }
}
