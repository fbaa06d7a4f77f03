//! Custom roles of an organization. System roles share their table and are left out by every statement here.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use diesel::{pg::Pg, prelude::*};
use model::{
    Name, OrganizationId, RoleId,
    roles::{CustomRole, CustomRoleDefinition, NewCustomRole},
};
use rbac::Permission;
use serde_json::Value;
use store::{
    StoreError, StoreResult,
    roles::{RoleRead, RoleWrite},
};
use uuid::Uuid;

use crate::{
    errors::internal,
    query::{bursar_now, one, parse, row, rows, run_on_one},
    schema::custom_roles,
    unit::{Unit, Writing},
    users::lower,
};

#[derive(Queryable, Selectable)]
#[diesel(table_name = custom_roles, check_for_backend(Pg))]
struct CustomRoleRow {
    id: Uuid,
    organization_id: Uuid,
    name: String,
    display_name: String,
    org_permissions: Value,
    member_permissions: Value,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl TryFrom<CustomRoleRow> for CustomRole {
    type Error = StoreError;
    fn try_from(row: CustomRoleRow) -> StoreResult<Self> {
        Ok(Self {
            id: row.id.into(),
            organization_id: row.organization_id.into(),
            name: parse("custom_roles.name", &row.name)?,
            display_name: row.display_name,
            org_permissions: permissions(&row.org_permissions),
            member_permissions: permissions(&row.member_permissions),
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

/// Reads a stored list of permissions. What this program does not know, say because a newer one wrote it, grants
/// nothing and takes nothing away: it is left out, and said.
pub(crate) fn permissions(stored: &Value) -> Vec<Permission> {
    let entries = stored.as_array().map_or(&[][..], Vec::as_slice);
    let mut known = Vec::with_capacity(entries.len());
    for entry in entries {
        match serde_json::from_value(entry.clone()) {
            Ok(permission) => known.push(permission),
            Err(error) => {
                tracing::warn!(%entry, %error, "a stored permission that is not known grants nothing");
            }
        }
    }
    known
}

/// A list of permissions as it is stored.
pub(crate) fn stored(permissions: &[Permission]) -> StoreResult<Value> {
    serde_json::to_value(permissions).map_err(internal)
}

#[async_trait]
impl<Mode: Send + Sync> RoleRead for Unit<Mode> {
    async fn custom_role_list(
        &mut self,
        organization: OrganizationId,
    ) -> StoreResult<Vec<CustomRole>> {
        let query = custom_roles::table
            .filter(custom_roles::organization_id.eq(organization.0))
            .filter(custom_roles::is_system.eq(false))
            .order((lower(custom_roles::name), custom_roles::id))
            .select(CustomRoleRow::as_select());
        let found: Vec<CustomRoleRow> = rows(self.connection()?, query).await?;
        found.into_iter().map(TryInto::try_into).collect()
    }
}

#[async_trait]
impl RoleWrite for Unit<Writing> {
    async fn custom_role_create(&mut self, new: &NewCustomRole) -> StoreResult<CustomRole> {
        let definition = &new.definition;
        let insert = diesel::insert_into(custom_roles::table)
            .values((
                custom_roles::id.eq(new.id.0),
                custom_roles::organization_id.eq(new.organization_id.0),
                custom_roles::name.eq(new.name.as_str()),
                custom_roles::display_name.eq(&definition.display_name),
                custom_roles::org_permissions.eq(stored(&definition.org_permissions)?),
                custom_roles::member_permissions.eq(stored(&definition.member_permissions)?),
            ))
            .returning(CustomRoleRow::as_returning());
        one::<_, CustomRoleRow>(self.connection()?, insert)
            .await?
            .try_into()
    }

    async fn custom_role_lock(
        &mut self,
        organization: OrganizationId,
        name: &Name,
    ) -> StoreResult<Option<CustomRole>> {
        let lock = custom_roles::table
            .filter(custom_roles::organization_id.eq(organization.0))
            .filter(custom_roles::is_system.eq(false))
            .filter(lower(custom_roles::name).eq(name.as_str().to_lowercase()))
            .select(CustomRoleRow::as_select())
            .for_update();
        let found: Option<CustomRoleRow> = row(self.connection()?, lock).await?;
        found.map(TryInto::try_into).transpose()
    }

    async fn custom_role_update(
        &mut self,
        id: RoleId,
        definition: &CustomRoleDefinition,
    ) -> StoreResult<CustomRole> {
        let update = diesel::update(custom_roles::table)
            .filter(custom_roles::id.eq(id.0))
            .filter(custom_roles::is_system.eq(false))
            .set((
                custom_roles::display_name.eq(&definition.display_name),
                custom_roles::org_permissions.eq(stored(&definition.org_permissions)?),
                custom_roles::member_permissions.eq(stored(&definition.member_permissions)?),
                custom_roles::updated_at.eq(bursar_now()),
            ))
            .returning(CustomRoleRow::as_returning());
        one::<_, CustomRoleRow>(self.connection()?, update)
            .await?
            .try_into()
    }

    async fn custom_role_delete(&mut self, id: RoleId) -> StoreResult<()> {
        let delete = diesel::delete(custom_roles::table)
            .filter(custom_roles::id.eq(id.0))
            .filter(custom_roles::is_system.eq(false));
        run_on_one(self.connection()?, delete).await
    }
}
