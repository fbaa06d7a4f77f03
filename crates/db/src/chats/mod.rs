//! Chats: conversations that can be shared for reading.
//!
//! Locks are taken in this order, so that nobody waits for anybody in a circle: the organization, the owner's account
//! and membership, the root, the rest of the family by id, what a viewer keeps on top. A turn locks its own chat only.

mod change;
mod create;
mod list;
mod pieces;
mod pins;
mod prune;
pub(crate) mod rows;
mod search;
mod title;
mod upkeep;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use diesel::{
    prelude::*,
    sql_query,
    sql_types::{BigInt, Bool, Nullable, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::AsyncPgConnection;
use model::{
    ChatId, UserId, WorkspaceId,
    acl::{AclDiff, Principal},
    chats::{AclExpiry, Chat, ChatAccess, ChatFilter, ChatPage, ChatUpdate, NewChat, ViewerUpdate},
};
use rbac::Visibility;
use store::{
    StoreResult,
    chats::{ChatRead, ChatWrite, ViewerPlace},
};
use uuid::Uuid;

use self::{
    list::{IdRow, WorkspaceChatRow},
    rows::{AccessRow, columns, looked_at},
};
pub(crate) use self::{
    title::title_follows,
    upkeep::{alone, end_of_account, end_of_organization},
};
use crate::{
    errors::internal,
    query::{Cached, one, row, rows},
    unit::{Unit, Writing},
};

const GET: &str = concat!(
    "SELECT ",
    columns!(),
    ", c.acl, c.chat_sharing FROM chats_expanded AS c",
    looked_at!(),
    "WHERE c.id = $2"
);

/// One chat with its family's ACL, as of one moment.
async fn chat_get(
    conn: &AsyncPgConnection,
    id: ChatId,
    viewer: Option<UserId>,
) -> StoreResult<Option<ChatAccess>> {
    let get = sql_query(GET)
        .bind::<Nullable<SqlUuid>, _>(viewer.map(|viewer| viewer.0))
        .bind::<SqlUuid, _>(id.0);
    let found: Option<AccessRow> = row(conn, Cached(get)).await?;
    found.map(AccessRow::access).transpose()
}

const EXPIRY: &str = "\
SELECT user_id, group_id, expires_at FROM chat_acl \
WHERE root_chat_id = $1 AND expires_at > bursar_now() ORDER BY principal_kind DESC, principal_id";

#[derive(QueryableByName)]
struct ExpiryRow {
    #[diesel(sql_type = Nullable<SqlUuid>)]
    user_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    group_id: Option<Uuid>,
    #[diesel(sql_type = Timestamptz)]
    expires_at: DateTime<Utc>,
}

impl ExpiryRow {
    fn entry(self) -> Option<(Principal, DateTime<Utc>)> {
        let user = self.user_id.map(|id| Principal::User(id.into()));
        let group = self.group_id.map(|id| Principal::Group(id.into()));
        Some((user.or(group)?, self.expires_at))
    }
}

const FAMILY_ACTIVE: &str = "\
SELECT EXISTS (SELECT FROM chats WHERE lease_id IS NOT NULL \
    AND (id = $1 OR root_chat_id = $1 AND parent_chat_id IS NOT NULL)) AS active";

const FAMILY_COUNT: &str = "\
SELECT count(*) AS chats FROM chats WHERE id = $1 OR root_chat_id = $1 AND parent_chat_id IS NOT NULL";

#[derive(QueryableByName)]
struct FamilyRow {
    #[diesel(sql_type = BigInt)]
    chats: i64,
}

#[derive(QueryableByName)]
struct ActiveRow {
    #[diesel(sql_type = Bool)]
    active: bool,
}

#[async_trait]
impl<Mode: Send + Sync> ChatRead for Unit<Mode> {
    async fn chat_get(
        &mut self,
        id: ChatId,
        viewer: Option<UserId>,
    ) -> StoreResult<Option<ChatAccess>> {
        chat_get(self.connection()?, id, viewer).await
    }

    async fn chat_list(
        &mut self,
        filter: &ChatFilter,
        viewer: UserId,
        visibility: &Visibility,
    ) -> StoreResult<ChatPage> {
        list::chat_list(self.connection()?, filter, viewer, visibility).await
    }

    async fn chat_child_list(&mut self, root: ChatId, viewer: UserId) -> StoreResult<Vec<Chat>> {
        list::chat_child_list(self.connection()?, root, viewer).await
    }

    async fn chat_list_by_workspace(
        &mut self,
        workspaces: &[WorkspaceId],
        visibility: &Visibility,
    ) -> StoreResult<Vec<(WorkspaceId, ChatId)>> {
        let ids: Vec<Uuid> = workspaces.iter().map(|id| id.0).collect();
        let query = list::by_workspace(visibility, &ids);
        let found: Vec<WorkspaceChatRow> = rows(self.connection()?, query).await?;
        let pair = |row: WorkspaceChatRow| (row.workspace_id.into(), row.id.into());
        Ok(found.into_iter().map(pair).collect())
    }

    async fn chat_shared_list(
        &mut self,
        viewer: UserId,
        visibility: &Visibility,
    ) -> StoreResult<Vec<ChatId>> {
        let query = list::shared_with(visibility, viewer);
        let found: Vec<IdRow> = rows(self.connection()?, query).await?;
        Ok(found.into_iter().map(|row| row.id.into()).collect())
    }

    async fn chat_acl_expiry_list(
        &mut self,
        root: ChatId,
    ) -> StoreResult<Vec<(Principal, DateTime<Utc>)>> {
        let query = sql_query(EXPIRY).bind::<SqlUuid, _>(root.0);
        let found: Vec<ExpiryRow> = rows(self.connection()?, Cached(query)).await?;
        Ok(found.into_iter().filter_map(ExpiryRow::entry).collect())
    }
}

#[async_trait]
impl ChatWrite for Unit<Writing> {
    async fn chat_create(&mut self, new: &NewChat) -> StoreResult<Chat> {
        create::chat_create(self.connection()?, new).await
    }

    async fn chat_lock(
        &mut self,
        id: ChatId,
        viewer: Option<UserId>,
    ) -> StoreResult<Option<ChatAccess>> {
        let conn = self.connection()?;
        change::lock_family(conn, id).await?;
        chat_get(conn, id, viewer).await
    }

    async fn chat_family_active(&mut self, root: ChatId) -> StoreResult<bool> {
        let query = sql_query(FAMILY_ACTIVE).bind::<SqlUuid, _>(root.0);
        let found: ActiveRow = one(self.connection()?, Cached(query)).await?;
        Ok(found.active)
    }

    async fn chat_family_count(&mut self, root: ChatId) -> StoreResult<u32> {
        let query = sql_query(FAMILY_COUNT).bind::<SqlUuid, _>(root.0);
        let found: FamilyRow = one(self.connection()?, Cached(query)).await?;
        u32::try_from(found.chats).map_err(internal)
    }

    async fn chat_update(&mut self, id: ChatId, update: &ChatUpdate) -> StoreResult<()> {
        change::chat_update(self.connection()?, id, update).await
    }

    async fn chat_viewer_update(
        &mut self,
        id: ChatId,
        viewer: UserId,
        update: &ViewerUpdate,
    ) -> StoreResult<()> {
        change::chat_viewer_update(self.connection()?, id, viewer, update).await
    }

    async fn chat_acl_update(
        &mut self,
        root: ChatId,
        diff: &AclDiff,
        expiry: AclExpiry,
    ) -> StoreResult<()> {
        change::chat_acl_update(self.connection()?, root, diff, expiry).await
    }

    async fn chat_archive_old(&mut self, before: DateTime<Utc>, limit: u32) -> StoreResult<u64> {
        upkeep::chat_archive_old(self.connection()?, before, limit).await
    }

    async fn chat_purge(&mut self, before: DateTime<Utc>, limit: u32) -> StoreResult<u64> {
        upkeep::chat_purge(self.connection()?, before, limit).await
    }

    async fn chat_acl_prune(&mut self, limit: u32) -> StoreResult<u64> {
        prune::chat_acl_prune(self.connection()?, limit).await
    }

    async fn chat_viewer_prune(
        &mut self,
        after: Option<ViewerPlace>,
        limit: u32,
    ) -> StoreResult<(u64, Option<ViewerPlace>)> {
        prune::chat_viewer_prune(self.connection()?, after, limit).await
    }
}
