//! People and service accounts.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use diesel::{pg::Pg, prelude::*};
use diesel_async::AsyncPgConnection;
use futures_util::future::try_join;
use model::{
    Name, Page, PageRequest, UserId,
    users::{
        Credentials, EmailAddress, LoginType, NewUser, PasswordHash, User, UserFilter, UserStatus,
    },
};
use rbac::Visibility;
use store::{
    StoreError, StoreResult,
    users::{UserRead, UserWrite},
};
use uuid::Uuid;

use crate::{
    api_keys::leave_admin_mode,
    departures,
    errors::internal,
    organizations::member_insert,
    query::{bursar_now, count, one, parse, row, rows, run_on_one},
    schema::{deployment, organization_members, users},
    unit::{Unit, Writing},
    visibility::{Columns, Visible},
};

/// A user is its own, in no organization.
const COLUMNS: Columns = Columns {
    id: Some("\"users\".\"id\""),
    owner: Some("\"users\".\"id\""),
    organization: None,
    groups: false,
};

diesel::define_sql_function! {
    /// A text in small letters, as the unique indexes compare it.
    fn lower(text: diesel::sql_types::Text) -> diesel::sql_types::Text;
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = users, check_for_backend(Pg))]
pub(crate) struct UserRow {
    id: Uuid,
    email: String,
    username: String,
    name: String,
    status: String,
    login_type: String,
    roles: Vec<String>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    last_seen_at: Option<DateTime<Utc>>,
}

impl UserRow {
    fn into_model(self, organizations: Vec<Uuid>) -> StoreResult<User> {
        Ok(User {
            id: self.id.into(),
            email: parse("users.email", &self.email)?,
            username: parse("users.username", &self.username)?,
            name: self.name,
            status: parse_status(&self.status)?,
            login_type: parse_login_type(&self.login_type)?,
            roles: self.roles,
            organization_ids: organizations.into_iter().map(Into::into).collect(),
            created_at: self.created_at,
            updated_at: self.updated_at,
            last_seen_at: self.last_seen_at,
        })
    }
}

pub(crate) const fn status_text(status: UserStatus) -> &'static str {
    match status {
        UserStatus::Active => "active",
        UserStatus::Suspended => "suspended",
    }
}

pub(crate) fn parse_status(text: &str) -> StoreResult<UserStatus> {
    match text {
        "active" => Ok(UserStatus::Active),
        "suspended" => Ok(UserStatus::Suspended),
        other => Err(internal(format!("`users.status` holds `{other}`"))),
    }
}

const fn login_type_text(login_type: LoginType) -> &'static str {
    match login_type {
        LoginType::Password => "password",
        LoginType::Oidc => "oidc",
        LoginType::None => "none",
    }
}

fn parse_login_type(text: &str) -> StoreResult<LoginType> {
    match text {
        "password" => Ok(LoginType::Password),
        "oidc" => Ok(LoginType::Oidc),
        "none" => Ok(LoginType::None),
        other => Err(internal(format!("`users.login_type` holds `{other}`"))),
    }
}

type Live<'a> = users::BoxedQuery<'a, Pg>;

fn live<'a>() -> Live<'a> {
    users::table.filter(users::deleted.eq(false)).into_boxed()
}

/// Accounts with the organizations that they belong to, in the order of joining.
async fn with_organizations(
    conn: &AsyncPgConnection,
    found: Vec<UserRow>,
) -> StoreResult<Vec<User>> {
    let ids: Vec<Uuid> = found.iter().map(|user| user.id).collect();
    let memberships: Vec<(Uuid, Uuid)> = rows(
        conn,
        organization_members::table
            .filter(organization_members::user_id.eq_any(ids))
            .order((
                organization_members::created_at,
                organization_members::organization_id,
            ))
            .select((
                organization_members::user_id,
                organization_members::organization_id,
            )),
    )
    .await?;
    let organizations_of = |user: Uuid| {
        memberships
            .iter()
            .filter(|(member, _)| *member == user)
            .map(|(_, id)| *id)
            .collect()
    };
    found
        .into_iter()
        .map(|user| {
            let organizations = organizations_of(user.id);
            user.into_model(organizations)
        })
        .collect()
}

async fn with_organizations_one(
    conn: &AsyncPgConnection,
    found: Option<UserRow>,
) -> StoreResult<Option<User>> {
    Ok(with_organizations(conn, found.into_iter().collect())
        .await?
        .pop())
}

async fn user_by<'a>(conn: &AsyncPgConnection, which: Live<'a>) -> StoreResult<Option<User>> {
    let found = row(conn, which.select(UserRow::as_select())).await?;
    with_organizations_one(conn, found).await
}

async fn credentials_by<'a>(
    conn: &AsyncPgConnection,
    which: Live<'a>,
) -> StoreResult<Option<Credentials>> {
    let columns = (
        users::id,
        users::status,
        users::login_type,
        users::hashed_password,
    );
    let found: Option<(Uuid, String, String, Option<String>)> =
        row(conn, which.select(columns)).await?;
    let Some((id, status, login_type, hash)) = found else {
        return Ok(None);
    };
    Ok(Some(Credentials {
        user_id: id.into(),
        status: parse_status(&status)?,
        login_type: parse_login_type(&login_type)?,
        password_hash: hash.map(PasswordHash),
    }))
}

/// A pattern for `ILIKE` that finds a text anywhere.
pub(crate) fn anywhere(text: &str) -> String {
    let escaped = text
        .replace('\\', "\\\\")
        .replace('%', "\\%")
        .replace('_', "\\_");
    format!("%{escaped}%")
}

fn listed<'a>(filter: &UserFilter, visibility: &Visibility) -> Live<'a> {
    let mut query = live().filter(Visible::new(visibility, &COLUMNS));
    if let Some(status) = filter.status {
        query = query.filter(users::status.eq(status_text(status)));
    }
    if let Some(ids) = &filter.ids {
        let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
        query = query.filter(users::id.eq_any(ids));
    }
    if let Some(search) = &filter.search {
        let pattern = anywhere(search);
        query = query.filter(
            users::username
                .ilike(pattern.clone())
                .or(users::name.ilike(pattern.clone()))
                .or(users::email.ilike(pattern)),
        );
    }
    query
}

#[async_trait]
impl<Mode: Send + Sync> UserRead for Unit<Mode> {
    async fn first_user_exists(&mut self) -> StoreResult<bool> {
        let any = diesel::select(diesel::dsl::exists(users::table.select(users::id)));
        one(self.connection()?, any).await
    }

    async fn user_get(&mut self, id: UserId) -> StoreResult<Option<User>> {
        user_by(self.connection()?, live().filter(users::id.eq(id.0))).await
    }

    async fn user_get_by_name(&mut self, username: &Name) -> StoreResult<Option<User>> {
        let name = username.as_str().to_lowercase();
        user_by(
            self.connection()?,
            live().filter(lower(users::username).eq(name)),
        )
        .await
    }

    async fn user_list(
        &mut self,
        filter: &UserFilter,
        page: PageRequest,
        visibility: &Visibility,
    ) -> StoreResult<Page<User>> {
        let conn = self.connection()?;
        let part = listed(filter, visibility)
            .order((lower(users::username), users::id))
            .limit(page.limit.into())
            .offset(page.offset.into())
            .select(UserRow::as_select());
        let all = listed(filter, visibility).count();
        let (part, all) = try_join(rows(conn, part), one::<_, i64>(conn, all)).await?;
        Ok(Page {
            items: with_organizations(conn, part).await?,
            count: count(all),
        })
    }

    async fn credentials_get(&mut self, email: &EmailAddress) -> StoreResult<Option<Credentials>> {
        let address = lower(email.as_str().to_owned());
        credentials_by(
            self.connection()?,
            live().filter(lower(users::email).eq(address)),
        )
        .await
    }

    async fn credentials_get_by_user(&mut self, id: UserId) -> StoreResult<Option<Credentials>> {
        credentials_by(self.connection()?, live().filter(users::id.eq(id.0))).await
    }
}

#[async_trait]
impl UserWrite for Unit<Writing> {
    async fn first_user_lock(&mut self) -> StoreResult<()> {
        let lock = deployment::table.select(deployment::singleton).for_update();
        one::<_, bool>(self.connection()?, lock).await.map(drop)
    }

    async fn user_create(&mut self, user: &NewUser) -> StoreResult<User> {
        let conn = self.connection()?;
        let insert = diesel::insert_into(users::table)
            .values((
                users::id.eq(user.id.0),
                users::email.eq(user.email.as_str()),
                users::username.eq(user.username.as_str()),
                users::name.eq(&user.name),
                users::login_type.eq(login_type_text(user.login_type)),
                users::hashed_password.eq(user.password_hash.as_ref().map(|hash| &hash.0)),
                users::roles.eq(&user.roles),
            ))
            .returning(UserRow::as_returning());
        let created: UserRow = one(conn, insert).await?;
        for organization in &user.organization_ids {
            member_insert(conn, *organization, user.id, &[]).await?;
        }
        with_organizations_one(conn, Some(created))
            .await?
            .ok_or(StoreError::NotFound)
    }

    async fn user_lock(&mut self, id: UserId) -> StoreResult<Option<User>> {
        let conn = self.connection()?;
        let lock = users::table
            .filter(users::id.eq(id.0).and(users::deleted.eq(false)))
            .select(UserRow::as_select())
            .for_update();
        let found = row(conn, lock).await?;
        // After the account, as whoever adds a membership does. Nobody who holds one waits for the account.
        let memberships = organization_members::table
            .filter(organization_members::user_id.eq(id.0))
            .order(organization_members::organization_id)
            .select(organization_members::organization_id)
            .for_share();
        let _locked: Vec<Uuid> = rows(conn, memberships).await?;
        with_organizations_one(conn, found).await
    }

    async fn user_delete(&mut self, id: UserId) -> StoreResult<()> {
        departures::end_account(self.connection()?, id).await
    }

    async fn user_status_update(&mut self, id: UserId, status: UserStatus) -> StoreResult<User> {
        let conn = self.connection()?;
        let update = diesel::update(users::table)
            .filter(users::id.eq(id.0).and(users::deleted.eq(false)))
            .set((
                users::status.eq(status_text(status)),
                users::updated_at.eq(bursar_now()),
            ))
            .returning(UserRow::as_returning());
        let found = row(conn, update).await?;
        if status == UserStatus::Suspended {
            // Whoever is let in again proves anew who they are.
            leave_admin_mode(conn, id).await?;
        }
        with_organizations_one(conn, found)
            .await?
            .ok_or(StoreError::NotFound)
    }

    async fn user_roles_update(&mut self, id: UserId, roles: &[String]) -> StoreResult<User> {
        let conn = self.connection()?;
        let update = diesel::update(users::table)
            .filter(users::id.eq(id.0).and(users::deleted.eq(false)))
            .set((users::roles.eq(roles), users::updated_at.eq(bursar_now())))
            .returning(UserRow::as_returning());
        let found = row(conn, update).await?;
        with_organizations_one(conn, found)
            .await?
            .ok_or(StoreError::NotFound)
    }

    async fn user_password_update(&mut self, id: UserId, hash: &PasswordHash) -> StoreResult<()> {
        let update = diesel::update(users::table)
            .filter(users::id.eq(id.0).and(users::deleted.eq(false)))
            .set((
                users::hashed_password.eq(&hash.0),
                users::updated_at.eq(bursar_now()),
            ));
        run_on_one(self.connection()?, update).await
    }

    async fn user_seen(&mut self, id: UserId) -> StoreResult<()> {
        let update = diesel::update(users::table)
            .filter(users::id.eq(id.0).and(users::deleted.eq(false)))
            .set(users::last_seen_at.eq(bursar_now().nullable()));
        run_on_one(self.connection()?, update).await
    }

    async fn owner_count_lock(&mut self) -> StoreResult<u64> {
        // In the order of ids, so that two of these cannot deadlock.
        let owners = users::table
            .filter(users::deleted.eq(false).and(users::status.eq("active")))
            .filter(users::roles.contains(vec![rbac::builtin::OWNER]))
            .order(users::id)
            .select(users::id)
            .for_update();
        let owners: Vec<Uuid> = rows(self.connection()?, owners).await?;
        Ok(owners.iter().map(|_| 1).sum())
    }
}

#[cfg(test)]
mod tests {
    use super::anywhere;

    #[test]
    fn a_search_text_is_taken_as_it_is() {
        assert_eq!(anywhere("ada"), "%ada%");
        assert_eq!(anywhere("50%_\\"), "%50\\%\\_\\\\%");
    }
}
