//! Rows of what other gateways reported, and what they say.

use chrono::{DateTime, Utc};
use diesel::{
    prelude::*,
    sql_types::{BigInt, Bool, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use model::{
    Micros,
    external_usage::{ClosedHold, ExternalHold, ExternalRecord},
};
use serde_json::Value;
use store::{StoreError, StoreResult};
use uuid::Uuid;

use crate::{errors::internal, query::parse};

#[derive(QueryableByName)]
pub(super) struct KeyRow {
    #[diesel(sql_type = Text)]
    pub(super) idempotency_key: String,
}

#[derive(QueryableByName)]
pub(super) struct PersonRow {
    #[diesel(sql_type = SqlUuid)]
    pub(super) id: Uuid,
    #[diesel(sql_type = Text)]
    pub(super) username: String,
    #[diesel(sql_type = Text)]
    pub(super) status: String,
}

#[derive(QueryableByName)]
pub(super) struct ExternalRow {
    #[diesel(sql_type = SqlUuid)]
    reporter_id: Uuid,
    #[diesel(sql_type = Text)]
    idempotency_key: String,
    #[diesel(sql_type = Text)]
    person: String,
    #[diesel(sql_type = Jsonb)]
    content: Value,
    #[diesel(sql_type = SqlUuid)]
    user_id: Uuid,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    event_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    effective_group_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    organization_id: Option<Uuid>,
    #[diesel(sql_type = Timestamptz)]
    created_at: DateTime<Utc>,
    #[diesel(embed)]
    hold: HoldColumns,
}

/// Of a hold only.
#[derive(QueryableByName)]
struct HoldColumns {
    #[diesel(sql_type = Nullable<SqlUuid>)]
    lease_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<BigInt>)]
    hold_micros: Option<i64>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    expires_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Bool>)]
    expired: Option<bool>,
    #[diesel(sql_type = Nullable<Jsonb>)]
    closing: Option<Value>,
    #[diesel(sql_type = BigInt)]
    over_hold_micros: i64,
    #[diesel(sql_type = Bool)]
    corrected: bool,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    closed_at: Option<DateTime<Utc>>,
}

impl HoldColumns {
    fn hold(self) -> StoreResult<Option<ExternalHold>> {
        let (Some(lease), Some(amount), Some(expires_at)) =
            (self.lease_id, self.hold_micros, self.expires_at)
        else {
            return Ok(None);
        };
        let closed = match (self.closing, self.closed_at) {
            (Some(how), Some(at)) => Some(ClosedHold {
                how: serde_json::from_value(how).map_err(internal)?,
                over_hold: Micros(self.over_hold_micros),
                corrected: self.corrected,
                at,
            }),
            _ => None,
        };
        Ok(Some(ExternalHold {
            lease: lease.into(),
            amount: Micros(amount),
            expires_at,
            expired: closed.is_none() && self.expired.unwrap_or_default(),
            closed,
        }))
    }
}

impl TryFrom<ExternalRow> for ExternalRecord {
    type Error = StoreError;

    fn try_from(row: ExternalRow) -> StoreResult<Self> {
        let id = row.event_id.map(Into::into);
        Ok(Self {
            reporter_id: row.reporter_id.into(),
            key: parse("idempotency_key", &row.idempotency_key)?,
            person: row.person,
            user_id: row.user_id.into(),
            content: serde_json::from_value(row.content).map_err(internal)?,
            // Only who takes a key could see it without one, and does not look.
            id: id.ok_or_else(|| internal("a key was taken and nothing written down"))?,
            group_id: row.effective_group_id.map(Into::into),
            organization_id: row.organization_id.map(Into::into),
            created_at: row.created_at,
            hold: row.hold.hold()?,
        })
    }
}
