//! Turns that run at other servers, followed from here: one statement for all of them.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use diesel::{
    QueryableByName, sql_query,
    sql_types::{Array, BigInt, Bool, Integer, Jsonb, Nullable, Timestamptz, Uuid as SqlUuid},
};
use model::ChatId;
use store::{
    StoreResult,
    chat_turns::{ChatTurnRead, FollowedNews, FollowedTurn},
};
use uuid::Uuid;

use crate::{
    chat_messages::PartRow,
    chats::rows::json,
    query::{Cached, one, rows},
    unit::Unit,
};

/// `OFFSET 0` has each chat looked up by its key, however many are asked about: chats are never scanned.
const FOLLOW: &str = "\
SELECT t.chat_id, now.snapshot_version IS DISTINCT FROM t.snapshot AS changed, said.parts \
FROM unnest($1, $2, $3, $4, $5) AS t (chat_id, snapshot, history_version, attempt, seq) \
LEFT JOIN LATERAL (SELECT c.snapshot_version FROM chats AS c WHERE c.id = t.chat_id OFFSET 0) AS now ON true \
LEFT JOIN LATERAL (SELECT jsonb_agg(jsonb_build_object('seq', p.seq, 'part', p.part) ORDER BY p.seq) AS parts \
    FROM chat_parts AS p WHERE p.chat_id = t.chat_id AND p.history_version = t.history_version \
        AND p.generation_attempt = t.attempt AND p.seq >= t.seq) AS said ON true \
WHERE said.parts IS NOT NULL OR now.snapshot_version IS DISTINCT FROM t.snapshot";

#[derive(QueryableByName)]
struct FollowRow {
    #[diesel(sql_type = SqlUuid)]
    chat_id: Uuid,
    #[diesel(sql_type = Bool)]
    changed: bool,
    #[diesel(sql_type = Nullable<Jsonb>)]
    parts: Option<serde_json::Value>,
}

impl FollowRow {
    fn news(self) -> StoreResult<FollowedNews> {
        let parts: Vec<PartRow> = match self.parts {
            Some(parts) => json("chat_parts", parts)?,
            None => Vec::new(),
        };
        Ok(FollowedNews {
            chat_id: ChatId(self.chat_id),
            changed: self.changed,
            parts: parts.into_iter().map(PartRow::part).collect(),
        })
    }
}

const CLOCK: &str = "SELECT clock_timestamp() AS now";

#[derive(QueryableByName)]
struct ClockRow {
    #[diesel(sql_type = Timestamptz)]
    now: DateTime<Utc>,
}

#[async_trait]
impl<Mode: Send + Sync> ChatTurnRead for Unit<Mode> {
    async fn chat_turn_follow_list(
        &mut self,
        turns: &[FollowedTurn],
    ) -> StoreResult<Vec<FollowedNews>> {
        let keys = || turns.iter().map(|followed| followed.turn);
        let chats: Vec<Uuid> = keys().map(|turn| turn.chat_id.0).collect();
        let snapshots: Vec<i64> = turns.iter().map(|followed| followed.snapshot).collect();
        let histories: Vec<i64> = keys().map(|turn| turn.history_version).collect();
        let attempts: Vec<i64> = keys().map(|turn| turn.attempt).collect();
        let parts: Vec<i32> = turns.iter().map(|followed| followed.parts).collect();
        let list = sql_query(FOLLOW)
            .bind::<Array<SqlUuid>, _>(chats)
            .bind::<Array<BigInt>, _>(snapshots)
            .bind::<Array<BigInt>, _>(histories)
            .bind::<Array<BigInt>, _>(attempts)
            .bind::<Array<Integer>, _>(parts);
        let found: Vec<FollowRow> = rows(self.connection()?, Cached(list)).await?;
        found.into_iter().map(FollowRow::news).collect()
    }

    async fn chat_clock_get(&mut self) -> StoreResult<DateTime<Utc>> {
        let read: ClockRow = one(self.connection()?, Cached(sql_query(CLOCK))).await?;
        Ok(read.now)
    }
}
