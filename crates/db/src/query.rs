//! Running statements on a shared connection, so that several can be under way in one round trip.
//!
//! Futures that are polled together (`try_join` of futures-util, which always polls in order; tokio's rotates)
//! are sent one after the other without waiting, and PostgreSQL runs them in that order, each seeing what was
//! committed when it began.

use std::str::FromStr;

use diesel::{
    pg::Pg,
    query_builder::{AstPass, Query, QueryFragment, QueryId},
    result::QueryResult,
};
use diesel_async::{
    AsyncPgConnection, RunQueryDsl,
    methods::{ExecuteDsl, LoadQuery},
};
use futures_util::{FutureExt, TryFutureExt, future::BoxFuture};
use store::{StoreError, StoreResult};

use crate::errors::{from_diesel, internal};

diesel::define_sql_function! {
    /// The instant that decides periods and expiries.
    fn bursar_now() -> Timestamptz;
}

/// An SQL text that never changes, so that its prepared statement may be kept: one round trip instead of two.
#[derive(Debug, Clone)]
pub(crate) struct Cached<Q>(pub(crate) Q);

impl<Q: QueryFragment<Pg>> QueryFragment<Pg> for Cached<Q> {
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.0.walk_ast(out)
    }

    fn is_safe_to_cache_prepared(&self, _: &Pg) -> QueryResult<bool> {
        Ok(true)
    }
}

impl<Q> QueryId for Cached<Q> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Q: Query> Query for Cached<Q> {
    type SqlType = Q::SqlType;
}

/// A statement under way. Boxed, so that what it borrows does not show in the types of those who wait for it.
pub(crate) type Running<'a, T> = BoxFuture<'a, StoreResult<T>>;

/// All rows of a query.
pub(crate) fn rows<'a, Q, R>(mut conn: &'a AsyncPgConnection, query: Q) -> Running<'a, Vec<R>>
where
    Q: LoadQuery<'a, &'a AsyncPgConnection, R> + Send + 'a,
    R: Send + 'a,
{
    async move {
        RunQueryDsl::load(query, &mut conn)
            .await
            .map_err(from_diesel)
    }
    .boxed()
}

/// The row of a query that has one at most.
pub(crate) fn row<'a, Q, R>(conn: &'a AsyncPgConnection, query: Q) -> Running<'a, Option<R>>
where
    Q: LoadQuery<'a, &'a AsyncPgConnection, R> + Send + 'a,
    R: Send + 'a,
{
    rows(conn, query).map_ok(|mut found| found.pop()).boxed()
}

/// The row of a query that must have one; [`StoreError::NotFound`] without.
pub(crate) fn one<'a, Q, R>(conn: &'a AsyncPgConnection, query: Q) -> Running<'a, R>
where
    Q: LoadQuery<'a, &'a AsyncPgConnection, R> + Send + 'a,
    R: Send + 'a,
{
    row(conn, query)
        .map(|found| found?.ok_or(StoreError::NotFound))
        .boxed()
}

/// How many rows a statement changed.
pub(crate) fn run<'a, Q>(mut conn: &'a AsyncPgConnection, query: Q) -> Running<'a, usize>
where
    Q: ExecuteDsl<&'a AsyncPgConnection> + Send + 'a,
{
    async move {
        RunQueryDsl::execute(query, &mut conn)
            .await
            .map_err(from_diesel)
    }
    .boxed()
}

/// Runs a statement that must change a row; [`StoreError::NotFound`] when it did not.
pub(crate) fn run_on_one<'a, Q>(conn: &'a AsyncPgConnection, query: Q) -> Running<'a, ()>
where
    Q: ExecuteDsl<&'a AsyncPgConnection> + Send + 'a,
{
    run(conn, query)
        .map(|changed| {
            if changed? == 0 {
                Err(StoreError::NotFound)
            } else {
                Ok(())
            }
        })
        .boxed()
}

/// Reads a stored text that was checked when it was written.
pub(crate) fn parse<T>(column: &str, text: &str) -> StoreResult<T>
where
    T: FromStr<Err: std::fmt::Display>,
{
    text.parse()
        .map_err(|error| internal(format!("`{column}` holds `{text}`, which {error}")))
}

/// How many rows [`run`] says that a statement changed.
pub(crate) fn changed(rows: usize) -> u64 {
    u64::try_from(rows).unwrap_or(u64::MAX)
}

/// A count of rows.
pub(crate) fn count(stored: i64) -> u64 {
    u64::try_from(stored).unwrap_or_default()
}
