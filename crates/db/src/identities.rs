//! Accounts at an identity provider, and sign-ins under way there.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use diesel::{
    pg::Pg,
    prelude::*,
    sql_query,
    sql_types::{BigInt, Nullable, Text},
};
use diesel_async::AsyncPgConnection;
use futures_util::future::try_join3;
use model::{
    UserId,
    identities::{
        Identity, NewOidcLogin, OIDC_LOGIN_LIFETIME, OIDC_LOGINS_MAX, OidcLogin, UserLink,
    },
};
use store::{
    StoreError, StoreResult,
    identities::{IdentityRead, IdentityWrite},
};
use uuid::Uuid;

use crate::{
    errors::internal,
    query::{Cached, bursar_now, one, row, rows, run, run_on_one},
    schema::{oidc_logins, user_links, users},
    unit::{Unit, Writing},
};

#[derive(Queryable, Selectable)]
#[diesel(table_name = user_links, check_for_backend(Pg))]
struct UserLinkRow {
    issuer: String,
    subject: String,
    user_id: Uuid,
    created_at: DateTime<Utc>,
    last_login_at: DateTime<Utc>,
}

impl TryFrom<UserLinkRow> for UserLink {
    type Error = StoreError;
    fn try_from(row: UserLinkRow) -> StoreResult<Self> {
        Ok(Self {
            identity: Identity::new(&row.issuer, &row.subject).map_err(internal)?,
            user_id: row.user_id.into(),
            created_at: row.created_at,
            last_login_at: row.last_login_at,
        })
    }
}

/// A sign-in that was taken.
#[derive(Queryable)]
struct TakenRow {
    nonce: String,
    pkce_verifier: String,
    redirect: String,
    admin_mode_key: Option<String>,
    created_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
    now: DateTime<Utc>,
}

/// Only the newest are kept. What another transaction is about to forget is left to it. The newest one to go is looked
/// for by itself: rows that an `OFFSET` passes over would be locked as well, all of those that stay.
const FORGET_EXCESS: &str = "\
    DELETE FROM oidc_logins WHERE state_hash IN ( \
        SELECT state_hash FROM oidc_logins \
        WHERE (created_at, state_hash) <= ( \
            SELECT created_at, state_hash FROM oidc_logins \
            ORDER BY created_at DESC, state_hash DESC OFFSET $1 LIMIT 1) \
        FOR UPDATE SKIP LOCKED)";

/// As above, for those that have ended.
const FORGET_ENDED: &str = "\
    DELETE FROM oidc_logins WHERE state_hash IN ( \
        SELECT state_hash FROM oidc_logins WHERE expires_at <= bursar_now() FOR UPDATE SKIP LOCKED)";

/// A lock on a person who may have no row yet. Two who share a number wait for each other for nothing.
const LOCK_IDENTITY: &str = "\
    SELECT pg_advisory_xact_lock(hashtextextended('user_link ' || $1 || ' ' || $2, 0))";

type LiveLinks<'a> = user_links::BoxedQuery<'a, Pg>;

/// A link of a deleted account is none.
fn live<'a>() -> LiveLinks<'a> {
    let live_users = users::table
        .filter(users::deleted.eq(false))
        .select(users::id);
    user_links::table
        .filter(user_links::user_id.eq_any(live_users))
        .into_boxed()
}

fn of<'a>(identity: &'a Identity) -> LiveLinks<'a> {
    live()
        .filter(user_links::issuer.eq(identity.issuer()))
        .filter(user_links::subject.eq(identity.subject()))
}

async fn link_get(conn: &AsyncPgConnection, identity: &Identity) -> StoreResult<Option<UserLink>> {
    let found = of(identity).select(UserLinkRow::as_select());
    row::<_, UserLinkRow>(conn, found)
        .await?
        .map(UserLink::try_from)
        .transpose()
}

#[async_trait]
impl<Mode: Send + Sync> IdentityRead for Unit<Mode> {
    async fn user_link_get(&mut self, identity: &Identity) -> StoreResult<Option<UserLink>> {
        link_get(self.connection()?, identity).await
    }

    async fn user_link_list(&mut self, user: UserId) -> StoreResult<Vec<UserLink>> {
        let found = live()
            .filter(user_links::user_id.eq(user.0))
            .order((user_links::created_at, user_links::issuer))
            .select(UserLinkRow::as_select());
        let found: Vec<UserLinkRow> = rows(self.connection()?, found).await?;
        found.into_iter().map(TryInto::try_into).collect()
    }
}

#[async_trait]
impl IdentityWrite for Unit<Writing> {
    async fn oidc_login_create(&mut self, login: &NewOidcLogin) -> StoreResult<()> {
        let conn = self.connection()?;
        let insert = sql_query(
            "INSERT INTO oidc_logins \
                (state_hash, browser_hash, nonce, pkce_verifier, redirect, expires_at, admin_mode_key) \
             VALUES ($1, $2, $3, $4, $5, bursar_now() + make_interval(secs => $6), $7)",
        )
        .bind::<diesel::sql_types::Bytea, _>(login.state_hash.as_slice())
        .bind::<diesel::sql_types::Bytea, _>(login.browser_hash.as_slice())
        .bind::<Text, _>(&login.nonce)
        .bind::<Text, _>(&login.pkce_verifier)
        .bind::<Text, _>(&login.redirect)
        .bind::<BigInt, _>(OIDC_LOGIN_LIFETIME.num_seconds())
        .bind::<Nullable<Text>, _>(&login.admin_mode_key);
        let keep = i64::from(OIDC_LOGINS_MAX.saturating_sub(1));
        let excess = sql_query(FORGET_EXCESS).bind::<BigInt, _>(keep);
        try_join3(
            run(conn, Cached(sql_query(FORGET_ENDED))),
            run(conn, Cached(excess)),
            run(conn, Cached(insert)),
        )
        .await
        .map(drop)
    }

    async fn oidc_login_take(
        &mut self,
        state_hash: &[u8; 32],
        browser_hash: &[u8; 32],
    ) -> StoreResult<Option<OidcLogin>> {
        let take = diesel::delete(oidc_logins::table)
            .filter(oidc_logins::state_hash.eq(state_hash.as_slice()))
            .filter(oidc_logins::browser_hash.eq(browser_hash.as_slice()))
            .returning((
                oidc_logins::nonce,
                oidc_logins::pkce_verifier,
                oidc_logins::redirect,
                oidc_logins::admin_mode_key,
                oidc_logins::created_at,
                oidc_logins::expires_at,
                bursar_now(),
            ));
        let taken: Option<TakenRow> = row(self.connection()?, take).await?;
        let valid = taken.filter(|taken| taken.now < taken.expires_at);
        Ok(valid.map(|taken| OidcLogin {
            nonce: taken.nonce,
            pkce_verifier: taken.pkce_verifier,
            redirect: taken.redirect,
            admin_mode_key: taken.admin_mode_key,
            age: taken.now - taken.created_at,
        }))
    }

    async fn user_link_lock(&mut self, identity: &Identity) -> StoreResult<Option<UserLink>> {
        let conn = self.connection()?;
        let lock = sql_query(LOCK_IDENTITY)
            .bind::<Text, _>(identity.issuer())
            .bind::<Text, _>(identity.subject());
        run(conn, Cached(lock)).await?;
        link_get(conn, identity).await
    }

    async fn user_link_create(
        &mut self,
        identity: &Identity,
        user: UserId,
    ) -> StoreResult<UserLink> {
        let conn = self.connection()?;
        // Not for any update: who holds an organization and adds the account to it need not wait.
        let present = users::table
            .filter(users::id.eq(user.0).and(users::deleted.eq(false)))
            .select(users::id)
            .for_no_key_update();
        let _present: Uuid = one(conn, present).await?;
        let deleted_users = users::table.filter(users::deleted).select(users::id);
        let leftover = diesel::delete(user_links::table)
            .filter(user_links::issuer.eq(identity.issuer()))
            .filter(user_links::subject.eq(identity.subject()))
            .filter(user_links::user_id.eq_any(deleted_users));
        run(conn, leftover).await?;
        let insert = diesel::insert_into(user_links::table)
            .values((
                user_links::issuer.eq(identity.issuer()),
                user_links::subject.eq(identity.subject()),
                user_links::user_id.eq(user.0),
            ))
            .returning(UserLinkRow::as_returning());
        one::<_, UserLinkRow>(conn, insert).await?.try_into()
    }

    async fn user_link_seen(&mut self, identity: &Identity) -> StoreResult<()> {
        let update = diesel::update(user_links::table)
            .filter(user_links::issuer.eq(identity.issuer()))
            .filter(user_links::subject.eq(identity.subject()))
            .set(user_links::last_login_at.eq(bursar_now()));
        run_on_one(self.connection()?, update).await
    }
}
