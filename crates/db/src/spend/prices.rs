//! The prices that requests were counted with: each set of them is stored once, under a digest of itself.

use std::collections::BTreeMap;

use diesel::{
    prelude::*,
    sql_types::{Array, Jsonb, Nullable, Text, Uuid as SqlUuid},
};
use diesel_async::AsyncPgConnection;
use model::metering::PriceSnapshot;
use serde_json::Value;
use sha2::{Digest, Sha256};
use store::StoreResult;
use uuid::Uuid;

use super::sql;
use crate::{
    errors::internal,
    query::{Cached, rows, run},
};

/// Sets of prices that a batch refers to.
#[derive(Debug, Default)]
pub(super) struct Snapshots {
    values: BTreeMap<Uuid, Value>,
    /// Those that were noted, a few: requests of the same model need no digest of their own.
    known: Vec<(PriceSnapshot, Uuid)>,
}

/// How many sets are compared before a digest is made.
const KNOWN: usize = 8;

impl Snapshots {
    /// Notes prices; their id.
    pub(super) fn note(&mut self, prices: Option<&PriceSnapshot>) -> StoreResult<Option<Uuid>> {
        let Some(prices) = prices else {
            return Ok(None);
        };
        if let Some((_, id)) = self.known.iter().find(|(known, _)| known == prices) {
            return Ok(Some(*id));
        }
        let text = serde_json::to_vec(prices).map_err(internal)?;
        let digest = Sha256::digest(&text);
        let start = digest.first_chunk().copied().unwrap_or_default();
        let id = Uuid::from_bytes(start);
        if let std::collections::btree_map::Entry::Vacant(slot) = self.values.entry(id) {
            slot.insert(serde_json::from_slice(&text).map_err(internal)?);
        }
        if self.known.len() < KNOWN {
            self.known.push((prices.clone(), id));
        }
        Ok(Some(id))
    }
}

/// In the order of their ids: two batches that bring the same ones do not wait for each other in a circle.
const ADD: &str = "\
INSERT INTO ai_price_snapshots (id, prices) SELECT n.id, n.prices FROM unnest($1, $2) AS n (id, prices) \
WHERE NOT EXISTS (SELECT 1 FROM ai_price_snapshots AS s WHERE s.id = n.id) ON CONFLICT DO NOTHING";

/// Stores those that are not stored yet.
pub(super) async fn add(conn: &AsyncPgConnection, new: &Snapshots) -> StoreResult<()> {
    if new.values.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = new.values.keys().copied().collect();
    let prices: Vec<&Value> = new.values.values().collect();
    let add = sql(ADD)
        .bind::<Array<SqlUuid>, _>(ids)
        .bind::<Array<Jsonb>, _>(prices);
    run(conn, Cached(add)).await.map(drop)
}

#[derive(QueryableByName)]
struct ModelRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Nullable<Text>)]
    model: Option<String>,
}

const MODELS: &str =
    "SELECT id, prices ->> 'model' AS model FROM ai_price_snapshots WHERE id = ANY ($1)";

/// The models whose prices these are.
pub(super) async fn models(
    conn: &AsyncPgConnection,
    ids: Vec<Uuid>,
) -> StoreResult<BTreeMap<Uuid, String>> {
    if ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    let models = sql(MODELS).bind::<Array<SqlUuid>, _>(ids);
    let found: Vec<ModelRow> = rows(conn, Cached(models)).await?;
    let named = found
        .into_iter()
        .filter_map(|row| Some((row.id, row.model?)));
    Ok(named.collect())
}
