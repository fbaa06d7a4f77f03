//! Turns: what is read and written while the model answers. A turn is meant by its chat, the history that it answers,
//! its attempt and the server's lease: whatever of it differs is another turn, and nothing is done to it.

mod finish;
mod follow;
mod sweep;

use async_trait::async_trait;
use diesel::{
    QueryableByName, sql_query,
    sql_types::{Array, BigInt, Bool, Integer, Jsonb, Nullable, Text, Uuid as SqlUuid},
};
use model::{
    ChatId, LeaseId,
    chats::{ChatPart, ChatTurn, MessageRole, TurnEnd, TurnKey},
};
use store::{
    StoreResult,
    chat_turns::{ChatTurnWrite, Noted, TurnStanding},
};
use uuid::Uuid;

use crate::{
    chat_messages::rows::{message, messages},
    errors::internal,
    query::{Cached, row, rows, run},
    unit::{Unit, Writing},
};

/// With all that is said for the model, as of one moment.
const GET: &str = concat!(
    "SELECT c.history_version, c.generation_attempt, c.owner_id, c.organization_id, c.model, \
        (SELECT coalesce(jsonb_agg(to_jsonb(said) ORDER BY said.id), '[]') FROM (SELECT ",
    message!(),
    " FROM chat_messages AS m WHERE m.chat_id = c.id AND NOT m.deleted AND m.visibility <> 'user') AS said) AS history \
    FROM chats AS c JOIN organizations AS o ON o.id = c.organization_id AND NOT o.deleted \
    WHERE c.id = $1 AND c.lease_id = $2"
);

#[derive(QueryableByName)]
struct TurnRow {
    #[diesel(sql_type = BigInt)]
    history_version: i64,
    #[diesel(sql_type = BigInt)]
    generation_attempt: i64,
    #[diesel(sql_type = SqlUuid)]
    owner_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    organization_id: Uuid,
    #[diesel(sql_type = Nullable<Text>)]
    model: Option<String>,
    #[diesel(sql_type = Jsonb)]
    history: serde_json::Value,
}

impl TurnRow {
    fn turn(self, chat_id: ChatId, lease_id: LeaseId) -> StoreResult<ChatTurn> {
        let history = messages(self.history)?;
        let asked = history.iter().rev();
        let last = asked.clone().find(|one| one.role == MessageRole::User);
        let model = last.and_then(|one| one.model.clone()).or(self.model);
        Ok(ChatTurn {
            key: TurnKey {
                chat_id,
                history_version: self.history_version,
                attempt: self.generation_attempt,
            },
            lease_id,
            owner_id: self.owner_id.into(),
            organization_id: self.organization_id.into(),
            model,
            history,
        })
    }
}

const KEY: &str =
    "SELECT history_version, generation_attempt FROM chats WHERE id = $1 AND lease_id = $2";

#[derive(QueryableByName)]
struct KeyRow {
    #[diesel(sql_type = BigInt)]
    history_version: i64,
    #[diesel(sql_type = BigInt)]
    generation_attempt: i64,
}

const STANDING: &str = "\
SELECT c.id IS NOT NULL AS running, coalesce(c.status = 'interrupting', false) AS stopping \
FROM unnest($1, $2, $3) WITH ORDINALITY AS t (chat_id, history_version, attempt, place) \
LEFT JOIN chats AS c ON c.id = t.chat_id AND c.history_version = t.history_version \
    AND c.generation_attempt = t.attempt AND c.lease_id = $4 \
ORDER BY t.place";

#[derive(QueryableByName)]
struct StandingRow {
    #[diesel(sql_type = Bool)]
    running: bool,
    #[diesel(sql_type = Bool)]
    stopping: bool,
}

impl StandingRow {
    const fn standing(&self) -> TurnStanding {
        match (self.running, self.stopping) {
            (false, _) => TurnStanding::Over,
            (true, false) => TurnStanding::Running,
            (true, true) => TurnStanding::Stopping,
        }
    }
}

/// The chat is held, so that the turn does not end meanwhile and leave parts behind. What was noted already is left.
const APPEND: &str = "\
WITH turn AS (SELECT id FROM chats WHERE id = $1 AND history_version = $2 AND generation_attempt = $3 \
        AND lease_id IS NOT NULL FOR SHARE), \
noted AS (INSERT INTO chat_parts (chat_id, history_version, generation_attempt, seq, part) \
    SELECT turn.id, $2, $3, p.seq, p.part FROM turn, unnest($4, $5) AS p (seq, part) ON CONFLICT DO NOTHING) \
SELECT FROM turn";

#[async_trait]
impl ChatTurnWrite for Unit<Writing> {
    async fn chat_turn_get(
        &mut self,
        chat: ChatId,
        lease: LeaseId,
    ) -> StoreResult<Option<ChatTurn>> {
        let get = sql_query(GET)
            .bind::<SqlUuid, _>(chat.0)
            .bind::<SqlUuid, _>(lease.0);
        let found: Option<TurnRow> = row(self.connection()?, Cached(get)).await?;
        found.map(|found| found.turn(chat, lease)).transpose()
    }

    async fn chat_turn_key_get(
        &mut self,
        chat: ChatId,
        lease: LeaseId,
    ) -> StoreResult<Option<TurnKey>> {
        let get = sql_query(KEY)
            .bind::<SqlUuid, _>(chat.0)
            .bind::<SqlUuid, _>(lease.0);
        let found: Option<KeyRow> = row(self.connection()?, Cached(get)).await?;
        Ok(found.map(|found| TurnKey {
            chat_id: chat,
            history_version: found.history_version,
            attempt: found.generation_attempt,
        }))
    }

    async fn chat_turn_standing_list(
        &mut self,
        turns: &[TurnKey],
        lease: LeaseId,
    ) -> StoreResult<Vec<TurnStanding>> {
        let chats: Vec<Uuid> = turns.iter().map(|turn| turn.chat_id.0).collect();
        let histories: Vec<i64> = turns.iter().map(|turn| turn.history_version).collect();
        let attempts: Vec<i64> = turns.iter().map(|turn| turn.attempt).collect();
        let list = sql_query(STANDING)
            .bind::<Array<SqlUuid>, _>(chats)
            .bind::<Array<BigInt>, _>(histories)
            .bind::<Array<BigInt>, _>(attempts)
            .bind::<SqlUuid, _>(lease.0);
        let found: Vec<StandingRow> = rows(self.connection()?, Cached(list)).await?;
        Ok(found.iter().map(StandingRow::standing).collect())
    }

    async fn chat_parts_append(&mut self, turn: TurnKey, parts: &[ChatPart]) -> StoreResult<bool> {
        let places: Vec<i32> = parts.iter().map(|part| part.seq).collect();
        let contents = parts.iter().map(|part| serde_json::to_value(&part.part));
        let contents: Vec<serde_json::Value> =
            contents.collect::<Result<_, _>>().map_err(internal)?;
        let append = sql_query(APPEND)
            .bind::<SqlUuid, _>(turn.chat_id.0)
            .bind::<BigInt, _>(turn.history_version)
            .bind::<BigInt, _>(turn.attempt)
            .bind::<Array<Integer>, _>(places)
            .bind::<Array<Jsonb>, _>(contents);
        Ok(run(self.connection()?, Cached(append)).await? > 0)
    }

    async fn chat_turn_finish(
        &mut self,
        turn: TurnKey,
        lease: LeaseId,
        end: &TurnEnd,
    ) -> StoreResult<Option<TurnKey>> {
        finish::chat_turn_finish(self.connection()?, turn, lease, end).await
    }

    async fn chat_turn_lapsed_list(
        &mut self,
        after: Option<ChatId>,
        limit: u32,
    ) -> StoreResult<Vec<ChatId>> {
        sweep::chat_turn_lapsed_list(self.connection()?, after, limit).await
    }

    async fn chat_turn_sweep(&mut self, chat: ChatId, noted: Noted) -> StoreResult<bool> {
        sweep::chat_turn_sweep(self.connection()?, chat, noted).await
    }
}
