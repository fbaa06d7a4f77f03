//! A query that is put together from pieces of SQL, values and conditions: for what has many forms.

use chrono::{DateTime, Utc};
use diesel::{
    pg::Pg,
    query_builder::{AstPass, Query, QueryFragment, QueryId},
    result::QueryResult,
    sql_types::{Array, BigInt, Jsonb, Nullable, Text, Timestamptz, Untyped, Uuid as SqlUuid},
};
use uuid::Uuid;

use crate::visibility::Visible;

/// The query. Values are numbered in the order in which they are put in.
#[derive(Debug, Clone, Default)]
pub(super) struct Pieces {
    pieces: Vec<Piece>,
    planned_anew: bool,
}

#[derive(Debug, Clone)]
enum Piece {
    Sql(&'static str),
    Looker(Option<Uuid>),
    Id(Uuid),
    Ids(Vec<Uuid>),
    Text(String),
    Json(serde_json::Value),
    Time(DateTime<Utc>),
    Number(i64),
    Visible(Visible),
}

impl Pieces {
    /// The values decide how it is best run: it is not prepared once for all of them.
    pub(super) const fn planned_anew(&mut self) {
        self.planned_anew = true;
    }

    pub(super) fn sql(&mut self, text: &'static str) -> &mut Self {
        self.pieces.push(Piece::Sql(text));
        self
    }

    /// Who looks. What comes first can be named again as `$1`.
    pub(super) fn looker(&mut self, user: Option<Uuid>) -> &mut Self {
        self.pieces.push(Piece::Looker(user));
        self
    }

    pub(super) fn id(&mut self, id: Uuid) -> &mut Self {
        self.pieces.push(Piece::Id(id));
        self
    }

    pub(super) fn ids(&mut self, ids: &[Uuid]) -> &mut Self {
        self.pieces.push(Piece::Ids(ids.to_vec()));
        self
    }

    pub(super) fn text(&mut self, text: impl Into<String>) -> &mut Self {
        self.pieces.push(Piece::Text(text.into()));
        self
    }

    pub(super) fn json(&mut self, value: serde_json::Value) -> &mut Self {
        self.pieces.push(Piece::Json(value));
        self
    }

    pub(super) fn time(&mut self, time: DateTime<Utc>) -> &mut Self {
        self.pieces.push(Piece::Time(time));
        self
    }

    pub(super) fn number(&mut self, number: i64) -> &mut Self {
        self.pieces.push(Piece::Number(number));
        self
    }

    pub(super) fn visible(&mut self, visible: Visible) -> &mut Self {
        self.pieces.push(Piece::Visible(visible));
        self
    }
}

impl QueryFragment<Pg> for Pieces {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        if self.planned_anew {
            out.unsafe_to_cache_prepared();
        }
        for piece in &self.pieces {
            match piece {
                Piece::Sql(text) => out.push_sql(text),
                Piece::Looker(user) => {
                    out.push_bind_param::<Nullable<SqlUuid>, Option<Uuid>>(user)?;
                }
                Piece::Id(id) => out.push_bind_param::<SqlUuid, Uuid>(id)?,
                Piece::Ids(ids) => out.push_bind_param::<Array<SqlUuid>, Vec<Uuid>>(ids)?,
                Piece::Text(text) => out.push_bind_param::<Text, String>(text)?,
                Piece::Json(value) => out.push_bind_param::<Jsonb, serde_json::Value>(value)?,
                Piece::Time(time) => out.push_bind_param::<Timestamptz, DateTime<Utc>>(time)?,
                Piece::Number(number) => out.push_bind_param::<BigInt, i64>(number)?,
                Piece::Visible(visible) => visible.walk_ast(out.reborrow())?,
            }
        }
        Ok(())
    }
}

impl QueryId for Pieces {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Query for Pieces {
    type SqlType = Untyped;
}
