//! Groups of an organization's people.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use diesel::{
    dsl::sql,
    prelude::*,
    sql_query,
    sql_types::{self, Array, BigInt, Text},
};
use diesel_async::AsyncPgConnection;
use model::{
    GroupId, Name, UserId,
    groups::{Group, GroupFilter, GroupMember, GroupUpdate, NewGroup},
};
use rbac::Visibility;
use store::{
    StoreError, StoreResult,
    groups::{GroupRead, GroupWrite},
};
use uuid::Uuid;

use crate::{
    query::{Cached, bursar_now, count, one, parse, row, rows, run, run_on_one},
    schema::{group_ai_budgets, group_members, groups, organizations, users},
    unit::{Unit, Writing},
    users::lower,
    visibility::{Columns, Visible},
};

diesel::table! {
    /// The view of who is in which group, Everyone groups included. A view has no key in the database.
    group_members_expanded (group_id, user_id) {
        group_id -> Uuid,
        organization_id -> Uuid,
        user_id -> Uuid,
    }
}
diesel::allow_tables_to_appear_in_same_query!(group_members_expanded, users);
diesel::joinable!(group_members_expanded -> users (user_id));

pub(crate) const COLUMNS: Columns = Columns {
    id: Some("\"groups\".\"id\""),
    owner: None,
    organization: Some("\"groups\".\"organization_id\""),
    groups: true,
};

/// Somebody in a group has the user's id and belongs to the user.
pub(crate) const MEMBER_COLUMNS: Columns = Columns {
    id: Some("\"group_members_expanded\".\"user_id\""),
    owner: Some("\"group_members_expanded\".\"user_id\""),
    organization: Some("\"group_members_expanded\".\"organization_id\""),
    groups: false,
};

type GroupRow = (
    (
        Uuid,
        Uuid,
        String,
        String,
        String,
        DateTime<Utc>,
        DateTime<Utc>,
    ),
    (String, String),
    i64,
);

fn group(row: GroupRow) -> StoreResult<Group> {
    let ((id, organization, name, display_name, avatar_url, created_at, updated_at), of, people) =
        row;
    Ok(Group {
        id: id.into(),
        organization_id: organization.into(),
        organization_name: parse("organizations.name", &of.0)?,
        organization_display_name: of.1,
        name: parse("groups.name", &name)?,
        display_name,
        avatar_url,
        total_member_count: count(people),
        created_at,
        updated_at,
    })
}

/// Groups of live organizations, with what a [`Group`] says of the organization and the number of people.
macro_rules! live_groups {
    () => {
        groups::table
            .inner_join(organizations::table)
            .filter(organizations::deleted.eq(false))
            .select((
                groups::all_columns,
                (organizations::name, organizations::display_name),
                sql::<BigInt>(
                    "(SELECT count(*) FROM group_members_expanded AS e WHERE e.group_id = groups.id)",
                ),
            ))
    };
}

async fn group_get(conn: &AsyncPgConnection, id: GroupId) -> StoreResult<Option<Group>> {
    row(conn, live_groups!().filter(groups::id.eq(id.0)))
        .await?
        .map(group)
        .transpose()
}

#[async_trait]
impl<Mode: Send + Sync> GroupRead for Unit<Mode> {
    async fn group_get(&mut self, id: GroupId) -> StoreResult<Option<Group>> {
        group_get(self.connection()?, id).await
    }

    async fn group_list(
        &mut self,
        filter: GroupFilter,
        visibility: &Visibility,
    ) -> StoreResult<Vec<Group>> {
        let mut query = live_groups!()
            .into_boxed()
            .filter(Visible::new(visibility, &COLUMNS));
        if let Some(organization) = filter.organization_id {
            query = query.filter(groups::organization_id.eq(organization.0));
        }
        if let Some(user) = filter.user_id {
            let of_user = sql::<sql_types::Bool>(
                "groups.id IN (SELECT e.group_id FROM group_members_expanded AS e WHERE e.user_id = ",
            );
            query = query.filter(of_user.bind::<sql_types::Uuid, _>(user.0).sql(")"));
        }
        let query = query.order((lower(organizations::name), lower(groups::name), groups::id));
        rows(self.connection()?, query)
            .await?
            .into_iter()
            .map(group)
            .collect()
    }

    async fn group_member_list(
        &mut self,
        groups: &[GroupId],
        visibility: &Visibility,
    ) -> StoreResult<Vec<GroupMember>> {
        let groups: Vec<Uuid> = groups.iter().map(|group| group.0).collect();
        let query = group_members_expanded::table
            .inner_join(users::table)
            .filter(users::deleted.eq(false))
            .filter(group_members_expanded::group_id.eq_any(groups))
            .filter(Visible::new(visibility, &MEMBER_COLUMNS))
            .order((
                group_members_expanded::group_id,
                lower(users::username),
                users::id,
            ))
            .select((
                group_members_expanded::group_id,
                group_members_expanded::organization_id,
                users::id,
                users::username,
                users::name,
                users::email,
            ));
        let found: Vec<(Uuid, Uuid, Uuid, String, String, String)> =
            rows(self.connection()?, query).await?;
        let member =
            |(group, organization, user, username, name, email): (_, _, _, String, _, _)| {
                Ok(GroupMember {
                    group_id: GroupId(group),
                    organization_id: model::OrganizationId(organization),
                    user_id: UserId(user),
                    username: parse("users.username", &username)?,
                    name,
                    email,
                })
            };
        found.into_iter().map(member).collect()
    }

    async fn group_contains(&mut self, group: GroupId, user: UserId) -> StoreResult<bool> {
        let in_it = group_members_expanded::table
            .filter(group_members_expanded::group_id.eq(group.0))
            .filter(group_members_expanded::user_id.eq(user.0));
        one(
            self.connection()?,
            diesel::select(diesel::dsl::exists(in_it)),
        )
        .await
    }
}

#[derive(AsChangeset)]
#[diesel(table_name = groups)]
struct GroupChange<'a> {
    name: Option<&'a str>,
    display_name: Option<&'a str>,
    avatar_url: Option<&'a str>,
}

/// Refuses what may not happen to an Everyone group.
fn refuse_everyone(group: &Group, refused: &str) -> StoreResult<()> {
    if group.everyone() {
        Err(StoreError::Refused(refused.to_owned()))
    } else {
        Ok(())
    }
}

async fn members_update(
    conn: &AsyncPgConnection,
    group: &Group,
    update: &GroupUpdate,
) -> StoreResult<()> {
    if !update.remove_users.is_empty() {
        let removed: Vec<Uuid> = update.remove_users.iter().map(|user| user.0).collect();
        let remove = diesel::delete(group_members::table)
            .filter(group_members::group_id.eq(group.id.0))
            .filter(group_members::user_id.eq_any(removed));
        run(conn, remove).await?;
    }
    if !update.add_users.is_empty() {
        // As one array: a row of parameters for each would end at the protocol's 65,535.
        let added: Vec<Uuid> = update.add_users.iter().map(|user| user.0).collect();
        let add = sql_query(
            "INSERT INTO group_members (group_id, user_id, organization_id) \
             SELECT $1, added.id, $2 FROM unnest($3) AS added (id)",
        )
        .bind::<sql_types::Uuid, _>(group.id.0)
        .bind::<sql_types::Uuid, _>(group.organization_id.0)
        .bind::<Array<sql_types::Uuid>, _>(added);
        run(conn, Cached(add)).await?;
    }
    Ok(())
}

#[async_trait]
impl GroupWrite for Unit<Writing> {
    async fn group_create(&mut self, new: &NewGroup) -> StoreResult<Group> {
        let conn = self.connection()?;
        // The organization's row is locked, so that it is not deleted meanwhile.
        let insert = sql_query(
            "INSERT INTO groups (id, organization_id, name, display_name, avatar_url) \
             SELECT $1, o.id, $3, $4, $5 FROM organizations AS o \
             WHERE o.id = $2 AND NOT o.deleted FOR SHARE",
        )
        .bind::<sql_types::Uuid, _>(new.id.0)
        .bind::<sql_types::Uuid, _>(new.organization_id.0)
        .bind::<Text, _>(new.name.as_str().to_owned())
        .bind::<Text, _>(new.display_name.clone())
        .bind::<Text, _>(new.avatar_url.clone());
        run_on_one(conn, Cached(insert)).await?;
        group_get(conn, new.id).await?.ok_or(StoreError::NotFound)
    }

    async fn group_lock(&mut self, id: GroupId) -> StoreResult<Option<Group>> {
        let conn = self.connection()?;
        // The organization first, as whatever removes it or its people does: locked the other way round, the
        // two would wait for each other.
        let its_own = groups::table
            .filter(groups::id.eq(id.0))
            .select(groups::organization_id);
        let organization = organizations::table
            .filter(organizations::id.eq_any(its_own))
            .select(organizations::id)
            .for_share();
        let _: Option<Uuid> = row(conn, organization).await?;
        let lock = groups::table
            .filter(groups::id.eq(id.0))
            .select(groups::id)
            .for_update();
        let locked: Option<Uuid> = row(conn, lock).await?;
        if locked.is_none() {
            return Ok(None);
        }
        group_get(conn, id).await
    }

    async fn group_update(&mut self, id: GroupId, update: &GroupUpdate) -> StoreResult<Group> {
        let found = self.group_lock(id).await?.ok_or(StoreError::NotFound)?;
        if update.name.is_some() {
            refuse_everyone(&found, "the Everyone group cannot be renamed")?;
        }
        if !(update.add_users.is_empty() && update.remove_users.is_empty()) {
            refuse_everyone(
                &found,
                "the Everyone group follows the organization's membership",
            )?;
        }
        let conn = self.connection()?;
        let change = GroupChange {
            name: update.name.as_ref().map(Name::as_str),
            display_name: update.display_name.as_deref(),
            avatar_url: update.avatar_url.as_deref(),
        };
        let statement = diesel::update(groups::table)
            .filter(groups::id.eq(id.0))
            .set((change, groups::updated_at.eq(bursar_now())));
        run_on_one(conn, statement).await?;
        members_update(conn, &found, update).await?;
        group_get(conn, id).await?.ok_or(StoreError::NotFound)
    }

    async fn group_delete(&mut self, id: GroupId) -> StoreResult<()> {
        let found = self.group_lock(id).await?.ok_or(StoreError::NotFound)?;
        refuse_everyone(&found, "the Everyone group cannot be deleted")?;
        let conn = self.connection()?;
        // The group itself last, so that the audit log can still name it.
        let budget =
            diesel::delete(group_ai_budgets::table).filter(group_ai_budgets::group_id.eq(id.0));
        let people = diesel::delete(group_members::table).filter(group_members::group_id.eq(id.0));
        let group = diesel::delete(groups::table).filter(groups::id.eq(id.0));
        run(conn, budget).await?;
        run(conn, people).await?;
        run_on_one(conn, group).await
    }
}
