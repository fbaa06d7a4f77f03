//! ACLs of everything that is shared: the SQL of each statement, once, for whatever table holds the entries.
//!
//! Such a table has the columns `organization_id`, `user_id`, `group_id`, `principal_kind`, `principal_id`, `role`,
//! `granted_by`, `granted_at` and the object's id, foreign keys that end an entry with its principal's membership, and
//! triggers with `note_acl_changes`: see the migration of workspaces. To share something else: such a table, an
//! [`AclTable`] in the module of its feature, and methods there that hand it to the functions below.

use std::collections::BTreeSet;

use async_trait::async_trait;
use diesel::{
    dsl::sql,
    expression::SqlLiteral,
    prelude::*,
    sql_query,
    sql_types::{Array, Bool, Jsonb, Nullable, Text, Uuid as SqlUuid},
};
use diesel_async::AsyncPgConnection;
use model::{
    GroupId, OrganizationId, UserId,
    acl::{Acl, AclDiff, AclPrincipals, AclRole, Principal, PrincipalKind},
};
use rbac::Action;
use store::{StoreResult, acl::AclWrite};
use uuid::Uuid;

use crate::{
    errors::internal,
    query::{Cached, rows, run},
    unit::{Unit, Writing},
};

/// A table of ACL entries.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AclTable {
    /// Its name.
    pub(crate) name: &'static str,
    /// The column with the object's id.
    pub(crate) object: &'static str,
    /// The column by which a row names the object whose ACL is its own: the row itself, or what it belongs to.
    pub(crate) row: &'static str,
    /// The names of the roles that let do something.
    pub(crate) granting: fn(Action) -> Vec<&'static str>,
    /// The condition on the object's row under which its ACL counts.
    pub(crate) counts: &'static str,
    /// The condition on an entry under which it counts; `None` where every entry does.
    pub(crate) live: Option<&'static str>,
    /// What is done to an object whose ACL changed; its id is `$1`.
    pub(crate) changed: &'static str,
}

impl AclTable {
    /// The entries of a row, for [`acl`].
    pub(crate) fn entries(&self) -> SqlLiteral<Jsonb> {
        let Self {
            name, object, row, ..
        } = self;
        let live = self.and_live();
        sql(&format!(
            "(SELECT coalesce(jsonb_agg(jsonb_build_array(acl.principal_kind, acl.principal_id, acl.role)), '[]') \
             FROM {name} AS acl WHERE acl.{object} = {row}{live})"
        ))
    }

    /// Whether a row is shared with anybody.
    pub(crate) fn shared(&self) -> SqlLiteral<Bool> {
        let Self {
            name,
            object,
            row,
            counts,
            ..
        } = self;
        let live = self.and_live();
        sql(&format!(
            "({counts} AND EXISTS (SELECT 1 FROM {name} AS acl WHERE acl.{object} = {row}{live}))"
        ))
    }

    /// What follows other conditions on an entry, so that only those that count are found.
    fn and_live(&self) -> String {
        let condition = |live: &str| format!(" AND ({live})");
        self.live.map(condition).unwrap_or_default()
    }
}

/// Reads what [`AclTable::entries`] selects.
pub(crate) fn acl<R: AclRole>(entries: serde_json::Value) -> StoreResult<Acl<R>> {
    let entries: Vec<(String, Uuid, String)> = serde_json::from_value(entries).map_err(internal)?;
    let entry = |(kind, id, name): (String, Uuid, String)| {
        let role = R::parse(&name)
            .ok_or_else(|| internal(format!("an ACL holds `{name}`, which is no role")))?;
        let principal = if kind == PrincipalKind::User.as_str() {
            Principal::User(UserId(id))
        } else {
            Principal::Group(GroupId(id))
        };
        Ok((principal, role))
    };
    entries.into_iter().map(entry).collect()
}

/// Writes entries of an object's ACL.
pub(crate) async fn update(
    conn: &AsyncPgConnection,
    table: &AclTable,
    (object, organization): (Uuid, OrganizationId),
    diff: &AclDiff,
) -> StoreResult<()> {
    let AclTable {
        name,
        object: column,
        ..
    } = table;
    if !diff.removed.is_empty() {
        let (users, groups): (Vec<_>, Vec<_>) = diff.removed.iter().copied().map(ids).unzip();
        let delete = sql_query(format!(
            "DELETE FROM {name} WHERE {column} = $1 AND (user_id = ANY ($2) OR group_id = ANY ($3))"
        ))
        .bind::<SqlUuid, _>(object)
        .bind::<Array<Nullable<SqlUuid>>, _>(users)
        .bind::<Array<Nullable<SqlUuid>>, _>(groups);
        run(conn, Cached(delete)).await?;
    }
    if !diff.set.is_empty() {
        let principals = diff.set.iter().map(|(principal, _)| ids(*principal));
        let (users, groups): (Vec<_>, Vec<_>) = principals.unzip();
        let roles: Vec<&str> = diff.set.iter().map(|(_, role)| *role).collect();
        let upsert = sql_query(format!(
            "INSERT INTO {name} ({column}, organization_id, user_id, group_id, role) \
             SELECT $1, $2, entry.user_id, entry.group_id, entry.role \
             FROM unnest($3, $4, $5) AS entry (user_id, group_id, role) \
             ON CONFLICT ({column}, principal_kind, principal_id) DO UPDATE \
             SET role = excluded.role, granted_by = excluded.granted_by, granted_at = excluded.granted_at"
        ))
        .bind::<SqlUuid, _>(object)
        .bind::<SqlUuid, _>(organization.0)
        .bind::<Array<Nullable<SqlUuid>>, _>(users)
        .bind::<Array<Nullable<SqlUuid>>, _>(groups)
        .bind::<Array<Text>, _>(roles);
        run(conn, Cached(upsert)).await?;
    }
    changed(conn, table, object).await
}

/// Ends all entries of an object's ACL.
pub(crate) async fn clear(
    conn: &AsyncPgConnection,
    table: &AclTable,
    object: Uuid,
) -> StoreResult<()> {
    let AclTable {
        name,
        object: column,
        ..
    } = table;
    let delete = sql_query(format!("DELETE FROM {name} WHERE {column} = $1"));
    let ended = run(conn, Cached(delete.bind::<SqlUuid, _>(object))).await?;
    if ended > 0 {
        changed(conn, table, object).await?;
    }
    Ok(())
}

async fn changed(conn: &AsyncPgConnection, table: &AclTable, object: Uuid) -> StoreResult<()> {
    let statement = sql_query(table.changed).bind::<SqlUuid, _>(object);
    run(conn, Cached(statement)).await.map(drop)
}

/// A principal as the columns `user_id` and `group_id`.
pub(crate) const fn ids(principal: Principal) -> (Option<Uuid>, Option<Uuid>) {
    match principal {
        Principal::User(id) => (Some(id.0), None),
        Principal::Group(id) => (None, Some(id.0)),
    }
}

/// In the order of ids, so that two changes do not wait for each other.
const MEMBERS: &str = "\
SELECT m.user_id AS id FROM organization_members AS m JOIN users AS u ON u.id = m.user_id \
WHERE m.organization_id = $1 AND m.user_id = ANY ($2) AND NOT u.deleted AND u.status = 'active' \
ORDER BY m.user_id FOR KEY SHARE OF m";

const GROUPS: &str = "\
SELECT id FROM groups WHERE organization_id = $1 AND id = ANY ($2) ORDER BY id FOR KEY SHARE";

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
}

async fn found<Id: From<Uuid> + Ord>(
    conn: &AsyncPgConnection,
    text: &str,
    organization: OrganizationId,
    wanted: Vec<Uuid>,
) -> StoreResult<BTreeSet<Id>> {
    if wanted.is_empty() {
        return Ok(BTreeSet::new());
    }
    let query = sql_query(text)
        .bind::<SqlUuid, _>(organization.0)
        .bind::<Array<SqlUuid>, _>(wanted);
    let found: Vec<Found> = rows(conn, Cached(query)).await?;
    Ok(found.into_iter().map(|row| row.id.into()).collect())
}

#[async_trait]
impl AclWrite for Unit<Writing> {
    async fn acl_principal_lock(
        &mut self,
        organization: OrganizationId,
        wanted: &AclPrincipals,
    ) -> StoreResult<AclPrincipals> {
        let conn = self.connection()?;
        let users = wanted.users.iter().map(|id| id.0).collect();
        let groups = wanted.groups.iter().map(|id| id.0).collect();
        Ok(AclPrincipals {
            users: found(conn, MEMBERS, organization, users).await?,
            groups: found(conn, GROUPS, organization, groups).await?,
        })
    }
}
