//! Workspaces: the shared folders of a team's AI work.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use diesel::{
    dsl::sql,
    expression::SqlLiteral,
    prelude::*,
    sql_query,
    sql_types::{self, Bool, SingleValue, Text},
};
use diesel_async::AsyncPgConnection;
use futures_util::future::try_join;
use model::{
    Name, OrganizationId, Page, PageRequest, WorkspaceId,
    acl::{AclDiff, AclRole},
    workspaces::{
        NewWorkspace, OwnerFilter, Workspace, WorkspaceAccess, WorkspaceFilter, WorkspaceRole,
        WorkspaceUpdate,
    },
};
use rbac::{ShareableOwners, Visibility};
use store::{
    StoreError, StoreResult,
    workspaces::{WorkspaceRead, WorkspaceWrite},
};
use uuid::Uuid;

use crate::{
    acl::{self, AclTable},
    query::{Cached, bursar_now, count, one, parse, row, rows, run, run_on_one},
    schema::{organizations, workspaces},
    unit::{Unit, Writing},
    users::{anywhere, lower},
    visibility::{Columns, Visible},
};

const COLUMNS: Columns = Columns {
    id: Some("\"workspaces\".\"id\""),
    owner: Some("\"workspaces\".\"owner_id\""),
    organization: Some("\"workspaces\".\"organization_id\""),
    groups: false,
};

/// Who else may use a workspace. While it sleeps nobody else may.
const ACL: AclTable = AclTable {
    name: "workspace_acl",
    object: "workspace_id",
    row: "\"workspaces\".\"id\"",
    granting: WorkspaceRole::granting,
    counts: "\"workspaces\".\"dormant_at\" IS NULL",
    live: None,
    changed: "UPDATE workspaces SET updated_at = bursar_now() WHERE id = $1",
};

type WorkspaceRow = (
    (
        Uuid,
        Uuid,
        Uuid,
        String,
        String,
        Option<DateTime<Utc>>,
        DateTime<Utc>,
        DateTime<Utc>,
    ),
    String,
    (String, String),
    bool,
);

fn workspace(row: WorkspaceRow) -> StoreResult<Workspace> {
    let (columns, organization_name, (owner_username, owner_name), shared) = row;
    let (id, organization, owner, name, description, dormant_at, created_at, updated_at) = columns;
    Ok(Workspace {
        id: id.into(),
        organization_id: organization.into(),
        organization_name: parse("organizations.name", &organization_name)?,
        owner_id: owner.into(),
        owner_username: parse("users.username", &owner_username)?,
        owner_name,
        name: parse("workspaces.name", &name)?,
        description,
        dormant_at,
        shared,
        created_at,
        updated_at,
    })
}

/// What of the owner is asked for.
fn of_owner<T: SingleValue>(expression: &str) -> SqlLiteral<T> {
    sql(&format!(
        "(SELECT {expression} FROM users AS u WHERE u.id = workspaces.owner_id)"
    ))
}

/// Live workspaces of live organizations.
macro_rules! live {
    () => {
        workspaces::table
            .inner_join(organizations::table)
            .filter(workspaces::deleted.eq(false))
            .filter(organizations::deleted.eq(false))
    };
}

/// What a [`Workspace`] says.
macro_rules! columns {
    () => {
        (
            (
                workspaces::id,
                workspaces::organization_id,
                workspaces::owner_id,
                workspaces::name,
                workspaces::description,
                workspaces::dormant_at,
                workspaces::created_at,
                workspaces::updated_at,
            ),
            organizations::name,
            (of_owner::<Text>("u.username"), of_owner::<Text>("u.name")),
            ACL.shared(),
        )
    };
}

async fn workspace_get(
    conn: &AsyncPgConnection,
    id: WorkspaceId,
) -> StoreResult<Option<WorkspaceAccess>> {
    let query = live!().filter(workspaces::id.eq(id.0)).select((
        columns!(),
        organizations::shareable_workspace_owners,
        of_owner::<Bool>("u.login_type = 'none'"),
        ACL.entries(),
    ));
    let found: Option<(WorkspaceRow, String, bool, serde_json::Value)> = row(conn, query).await?;
    let access = |(found, settings, owner_service_account, entries): (_, String, _, _)| {
        Ok(WorkspaceAccess {
            workspace: workspace(found)?,
            acl: acl::acl(entries)?,
            owner_service_account,
            settings: parse("organizations.shareable_workspace_owners", &settings)?,
        })
    };
    found.map(access).transpose()
}

/// A workspace that is known to be there.
async fn the(conn: &AsyncPgConnection, id: WorkspaceId) -> StoreResult<Workspace> {
    let found = workspace_get(conn, id).await?.ok_or(StoreError::NotFound)?;
    Ok(found.workspace)
}

/// The rows that a filter and a visibility admit, twice: to be counted, and to be read.
macro_rules! listed {
    ($filter:expr, $visibility:expr) => {{
        let WorkspaceFilter {
            organization_id,
            owner,
            shared_with,
            search,
        } = $filter;
        let mut query = live!()
            .into_boxed()
            .filter(Visible::shared($visibility, &COLUMNS, &ACL));
        if let Some(organization) = organization_id {
            query = query.filter(workspaces::organization_id.eq(organization.0));
        }
        match owner {
            Some(OwnerFilter::Id(id)) => query = query.filter(workspaces::owner_id.eq(id.0)),
            Some(OwnerFilter::Name(name)) => {
                // A deleted account has left its name to others.
                let username =
                    of_owner::<Text>("CASE WHEN NOT u.deleted THEN lower(u.username) END");
                query = query.filter(username.eq(name.as_str().to_lowercase()));
            }
            None => {}
        }
        if let Some(user) = shared_with {
            query = query
                .filter(workspaces::owner_id.ne(user.0))
                .filter(Visible::shared_with(user.0, &ACL));
        }
        if let Some(search) = search {
            query = query.filter(workspaces::name.ilike(anywhere(search)));
        }
        query
    }};
}

#[async_trait]
impl<Mode: Send + Sync> WorkspaceRead for Unit<Mode> {
    async fn workspace_get(&mut self, id: WorkspaceId) -> StoreResult<Option<WorkspaceAccess>> {
        workspace_get(self.connection()?, id).await
    }

    async fn workspace_list(
        &mut self,
        filter: &WorkspaceFilter,
        page: PageRequest,
        visibility: &Visibility,
    ) -> StoreResult<Page<Workspace>> {
        let conn = self.connection()?;
        let counted = one::<_, i64>(conn, listed!(filter, visibility).count());
        let query = listed!(filter, visibility)
            .order((lower(workspaces::name), workspaces::id))
            .limit(page.limit.into())
            .offset(page.offset.into())
            .select(columns!());
        let (total, found) = try_join(counted, rows::<_, WorkspaceRow>(conn, query)).await?;
        Ok(Page {
            items: found
                .into_iter()
                .map(workspace)
                .collect::<StoreResult<_>>()?,
            count: count(total),
        })
    }
}

#[derive(AsChangeset)]
#[diesel(table_name = workspaces)]
struct WorkspaceChange<'a> {
    name: Option<&'a str>,
    description: Option<&'a str>,
}

/// Organization and owner are held still, so that neither is deleted and the owner does not leave meanwhile. The account
/// before the membership, as whoever deletes the account does: the other way round the two would wait for each other.
const CREATE: &str = "\
INSERT INTO workspaces (id, organization_id, owner_id, name, description) \
SELECT $1, m.organization_id, m.user_id, $4, $5 FROM organization_members AS m \
JOIN organizations AS o ON o.id = m.organization_id AND NOT o.deleted \
JOIN users AS u ON u.id = m.user_id AND NOT u.deleted AND u.status = 'active' \
WHERE m.organization_id = $2 AND m.user_id = $3 FOR SHARE OF o FOR KEY SHARE OF u, m";

/// The entries of workspaces whose owners may not share when only service accounts may, or when nobody may.
const TRIM: &str = "\
DELETE FROM workspace_acl AS acl USING workspaces AS w, users AS u \
WHERE w.id = acl.workspace_id AND u.id = w.owner_id AND acl.organization_id = $1 \
AND ($2 OR u.login_type <> 'none')";

#[async_trait]
impl WorkspaceWrite for Unit<Writing> {
    async fn workspace_create(&mut self, new: &NewWorkspace) -> StoreResult<Workspace> {
        let conn = self.connection()?;
        let insert = sql_query(CREATE)
            .bind::<sql_types::Uuid, _>(new.id.0)
            .bind::<sql_types::Uuid, _>(new.organization_id.0)
            .bind::<sql_types::Uuid, _>(new.owner_id.0)
            .bind::<Text, _>(new.name.as_str().to_owned())
            .bind::<Text, _>(new.description.clone());
        if run(conn, Cached(insert)).await? == 0 {
            let text = "the owner must be an active member of the organization";
            return Err(StoreError::Refused(text.to_owned()));
        }
        the(conn, new.id).await
    }

    async fn workspace_lock(&mut self, id: WorkspaceId) -> StoreResult<Option<WorkspaceAccess>> {
        let conn = self.connection()?;
        // The organization first, as whatever changes its settings or its people does: locked the other way round,
        // the two would wait for each other.
        let its_own = workspaces::table
            .filter(workspaces::id.eq(id.0))
            .select(workspaces::organization_id);
        let organization = organizations::table
            .filter(organizations::id.eq_any(its_own))
            .select(organizations::id)
            .for_share();
        let _: Option<Uuid> = row(conn, organization).await?;
        let lock = workspaces::table
            .filter(workspaces::id.eq(id.0))
            .select(workspaces::id)
            .for_update();
        let locked: Option<Uuid> = row(conn, lock).await?;
        if locked.is_none() {
            return Ok(None);
        }
        workspace_get(conn, id).await
    }

    async fn workspace_update(
        &mut self,
        id: WorkspaceId,
        update: &WorkspaceUpdate,
    ) -> StoreResult<Workspace> {
        let conn = self.connection()?;
        let change = WorkspaceChange {
            name: update.name.as_ref().map(Name::as_str),
            description: update.description.as_deref(),
        };
        let statement = diesel::update(workspaces::table)
            .filter(workspaces::id.eq(id.0).and(workspaces::deleted.eq(false)))
            .set((change, workspaces::updated_at.eq(bursar_now())));
        run_on_one(conn, statement).await?;
        the(conn, id).await
    }

    async fn workspace_dormant_update(
        &mut self,
        id: WorkspaceId,
        dormant: bool,
    ) -> StoreResult<Workspace> {
        let conn = self.connection()?;
        let statement = sql_query(
            "UPDATE workspaces SET updated_at = bursar_now(), \
             dormant_at = CASE WHEN $2 THEN coalesce(dormant_at, bursar_now()) END \
             WHERE id = $1 AND NOT deleted",
        )
        .bind::<sql_types::Uuid, _>(id.0)
        .bind::<Bool, _>(dormant);
        run_on_one(conn, Cached(statement)).await?;
        the(conn, id).await
    }

    async fn workspace_delete(&mut self, id: WorkspaceId) -> StoreResult<()> {
        let conn = self.connection()?;
        acl::clear(conn, &ACL, id.0).await?;
        let mark = diesel::update(workspaces::table)
            .filter(workspaces::id.eq(id.0).and(workspaces::deleted.eq(false)))
            .set((
                workspaces::deleted.eq(true),
                workspaces::updated_at.eq(bursar_now()),
            ));
        run_on_one(conn, mark).await
    }

    async fn workspace_acl_update(&mut self, id: WorkspaceId, diff: &AclDiff) -> StoreResult<()> {
        let conn = self.connection()?;
        let organization = workspaces::table
            .filter(workspaces::id.eq(id.0).and(workspaces::deleted.eq(false)))
            .select(workspaces::organization_id);
        let organization: Uuid = one(conn, organization).await?;
        acl::update(conn, &ACL, (id.0, organization.into()), diff).await
    }

    async fn workspace_acl_delete(&mut self, id: WorkspaceId) -> StoreResult<()> {
        acl::clear(self.connection()?, &ACL, id.0).await
    }

    async fn workspace_acl_trim(
        &mut self,
        organization: OrganizationId,
        settings: ShareableOwners,
    ) -> StoreResult<u64> {
        let nobody = match settings {
            ShareableOwners::Everyone => return Ok(0),
            ShareableOwners::ServiceAccounts => false,
            ShareableOwners::None => true,
        };
        let delete = sql_query(TRIM)
            .bind::<sql_types::Uuid, _>(organization.0)
            .bind::<Bool, _>(nobody);
        let ended = run(self.connection()?, Cached(delete)).await?;
        Ok(ended.try_into().unwrap_or(u64::MAX))
    }
}
