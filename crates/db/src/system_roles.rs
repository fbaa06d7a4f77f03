//! The roles that come with being a member, as every organization keeps them. They share the table of the custom
//! roles.

use async_trait::async_trait;
use diesel::{
    prelude::*,
    sql_query,
    sql_types::{Array, BigInt, Integer, Jsonb, Nullable, Text, Uuid as SqlUuid},
};
use model::{
    OrganizationId,
    system_roles::{OrganizationSystemRoles, StoredSystemRole},
};
use rbac::SystemRole;
use serde_json::Value;
use store::{
    StoreResult,
    system_roles::{SystemRoleRead, SystemRoleWrite},
};
use uuid::Uuid;

use crate::{
    query::{Cached, parse, rows, run},
    roles::{permissions, stored},
    unit::{Unit, Writing},
};

/// The advisory lock of whoever changes system roles or what decides them: "roles" in ASCII.
const LOCK: i64 = 0x72_6f6c_6573;

/// A line for each role of each organization, and one without a role for an organization that has none. A row whose
/// name is written in other letters, or that is not marked as a system role, is none: writing it puts it right.
const LIST: &str = "\
SELECT o.id, o.name AS organization, o.shareable_workspace_owners AS settings, \
    r.name AS role, r.definition_version, r.org_permissions, r.member_permissions \
FROM organizations AS o \
LEFT JOIN custom_roles AS r ON r.organization_id = o.id AND r.is_system \
WHERE NOT o.deleted AND ($1 IS NULL OR o.id = $1) \
ORDER BY o.id, r.name";

#[derive(QueryableByName)]
struct ListRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    organization: String,
    #[diesel(sql_type = Text)]
    settings: String,
    #[diesel(sql_type = Nullable<Text>)]
    role: Option<String>,
    #[diesel(sql_type = Nullable<Integer>)]
    definition_version: Option<i32>,
    #[diesel(sql_type = Nullable<Jsonb>)]
    org_permissions: Option<Value>,
    #[diesel(sql_type = Nullable<Jsonb>)]
    member_permissions: Option<Value>,
}

fn organization(row: &ListRow) -> StoreResult<OrganizationSystemRoles> {
    Ok(OrganizationSystemRoles {
        organization_id: row.id.into(),
        organization_name: parse("organizations.name", &row.organization)?,
        settings: parse("organizations.shareable_workspace_owners", &row.settings)?,
        roles: Vec::new(),
        unreadable: Vec::new(),
    })
}

/// The role of a line, and whether all that it holds could be read; `None` for none that this program knows.
fn role(row: &ListRow) -> Option<(StoredSystemRole, bool)> {
    let role = SystemRole::from_name(row.role.as_deref()?)?;
    let (org, member) = (
        row.org_permissions.as_ref()?,
        row.member_permissions.as_ref()?,
    );
    let kept = StoredSystemRole {
        role,
        definition_version: row.definition_version?,
        org_permissions: permissions(org),
        member_permissions: permissions(member),
    };
    let lines = |list: &Value| list.as_array().map_or(0, Vec::len);
    let readable =
        lines(org) == kept.org_permissions.len() && lines(member) == kept.member_permissions.len();
    Some((kept, readable))
}

fn grouped(rows: &[ListRow]) -> StoreResult<Vec<OrganizationSystemRoles>> {
    rows.chunk_by(|one, next| one.id == next.id)
        .filter_map(|lines| lines.first().map(|first| (first, lines)))
        .map(|(first, lines)| {
            let mut organization = organization(first)?;
            for (kept, readable) in lines.iter().filter_map(role) {
                if !readable {
                    organization.unreadable.push(kept.role);
                }
                organization.roles.push(kept);
            }
            Ok(organization)
        })
        .collect()
}

#[async_trait]
impl<Mode: Send + Sync> SystemRoleRead for Unit<Mode> {
    async fn system_role_list(
        &mut self,
        organization: Option<OrganizationId>,
    ) -> StoreResult<Vec<OrganizationSystemRoles>> {
        let one = organization.map(|organization| organization.0);
        let query = sql_query(LIST).bind::<Nullable<SqlUuid>, _>(one);
        let found: Vec<ListRow> = rows(self.connection()?, Cached(query)).await?;
        grouped(&found)
    }
}

/// A row that exists keeps its id, whatever became of it.
const UPSERT: &str = "\
INSERT INTO custom_roles \
    (id, organization_id, name, is_system, definition_version, org_permissions, member_permissions) \
SELECT bursar_uuid_v7(), wanted.organization_id, wanted.name, true, wanted.definition_version, \
    wanted.org_permissions, wanted.member_permissions \
FROM unnest($1, $2, $3, $4, $5) \
    AS wanted (organization_id, name, definition_version, org_permissions, member_permissions) \
ON CONFLICT (organization_id, lower(name)) DO UPDATE SET \
    name = excluded.name, \
    display_name = '', \
    is_system = true, \
    definition_version = excluded.definition_version, \
    org_permissions = excluded.org_permissions, \
    member_permissions = excluded.member_permissions, \
    updated_at = bursar_now()";

#[async_trait]
impl SystemRoleWrite for Unit<Writing> {
    async fn system_role_lock(&mut self) -> StoreResult<()> {
        let lock = sql_query("SELECT pg_advisory_xact_lock($1)").bind::<BigInt, _>(LOCK);
        run(self.connection()?, Cached(lock)).await.map(drop)
    }

    async fn system_role_upsert(
        &mut self,
        roles: &[(OrganizationId, StoredSystemRole)],
    ) -> StoreResult<()> {
        let mut organizations = Vec::with_capacity(roles.len());
        let mut names = Vec::with_capacity(roles.len());
        let mut versions = Vec::with_capacity(roles.len());
        let mut org_permissions = Vec::with_capacity(roles.len());
        let mut member_permissions = Vec::with_capacity(roles.len());
        for (organization, role) in roles {
            organizations.push(organization.0);
            names.push(role.role.name().to_owned());
            versions.push(role.definition_version);
            org_permissions.push(stored(&role.org_permissions)?);
            member_permissions.push(stored(&role.member_permissions)?);
        }
        let upsert = sql_query(UPSERT)
            .bind::<Array<SqlUuid>, _>(organizations)
            .bind::<Array<Text>, _>(names)
            .bind::<Array<Integer>, _>(versions)
            .bind::<Array<Jsonb>, _>(org_permissions)
            .bind::<Array<Jsonb>, _>(member_permissions);
        run(self.connection()?, Cached(upsert)).await.map(drop)
    }
}
