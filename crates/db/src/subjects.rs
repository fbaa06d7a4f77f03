//! What people's rights are made of.

use async_trait::async_trait;
use diesel::{
    prelude::*,
    sql_query,
    sql_types::{Array, Jsonb, Text, Uuid as SqlUuid},
};
use model::{GroupId, OrganizationId, UserId, subjects::SubjectRoles};
use store::{StoreResult, subjects::SubjectRead};
use uuid::Uuid;

use crate::{
    errors::internal,
    query::{Cached, row},
    unit::Unit,
};

/// A person's roles and groups, as one row: one statement sees one moment.
const SUBJECT_ROLES: &str = "\
SELECT u.roles AS site_roles, \
    (SELECT coalesce( \
            jsonb_agg(jsonb_build_array(m.organization_id, m.roles) \
                ORDER BY m.created_at, m.organization_id), \
            '[]') \
        FROM organization_members AS m \
        JOIN organizations AS o ON o.id = m.organization_id AND NOT o.deleted \
        WHERE m.user_id = u.id) AS organization_roles, \
    ARRAY(SELECT g.group_id FROM group_members AS g WHERE g.user_id = u.id ORDER BY g.group_id) \
        AS group_ids \
FROM users AS u WHERE u.id = $1 AND NOT u.deleted";

#[derive(QueryableByName)]
struct SubjectRolesRow {
    #[diesel(sql_type = Array<Text>)]
    site_roles: Vec<String>,
    #[diesel(sql_type = Jsonb)]
    organization_roles: serde_json::Value,
    #[diesel(sql_type = Array<SqlUuid>)]
    group_ids: Vec<Uuid>,
}

fn subject_roles(row: SubjectRolesRow) -> StoreResult<SubjectRoles> {
    let organization_roles: Vec<(OrganizationId, Vec<String>)> =
        serde_json::from_value(row.organization_roles).map_err(internal)?;
    Ok(SubjectRoles {
        site_roles: row.site_roles,
        organization_roles,
        group_ids: row.group_ids.into_iter().map(GroupId).collect(),
    })
}

#[async_trait]
impl<Mode: Send + Sync> SubjectRead for Unit<Mode> {
    async fn subject_roles_get(&mut self, user: UserId) -> StoreResult<Option<SubjectRoles>> {
        let query = sql_query(SUBJECT_ROLES).bind::<SqlUuid, _>(user.0);
        let found: Option<SubjectRolesRow> = row(self.connection()?, Cached(query)).await?;
        found.map(subject_roles).transpose()
    }
}
