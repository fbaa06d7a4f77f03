//! What people's rights are made of.

use async_trait::async_trait;
use diesel::{
    prelude::*,
    sql_query,
    sql_types::{Array, BigInt, Bool, Jsonb, Text, Uuid as SqlUuid},
};
use model::{
    GroupId, OrganizationId, UserId,
    subjects::{
        SubjectCustomRole, SubjectOrganization, SubjectRoles, SubjectStanding, SubjectVersions,
    },
    system_roles::StoredSystemRole,
};
use rbac::{OrgPermissions, SystemRole};
use serde::Deserialize;
use serde_json::Value;
use store::{StoreError, StoreResult, subjects::SubjectRead};
use uuid::Uuid;

use crate::{
    errors::internal,
    query::{Cached, parse, row, rows},
    roles::permissions,
    unit::Unit,
    users::parse_status,
};

/// The columns of a person's standing and versions, as [`StandingRow`] has them: of `users AS u`, with
/// [`versions_join`].
macro_rules! standing_columns {
    () => {
        "u.status, \
         coalesce((SELECT v.version FROM subject_versions AS v WHERE v.id = u.id), 0) AS user_version, \
         coalesce(o.ids, '{}') AS organization_ids, coalesce(o.versions, '{}') AS organization_versions"
    };
}
pub(crate) use standing_columns;

/// What [`standing_columns`] needs beside `users AS u`.
macro_rules! versions_join {
    () => {
        "CROSS JOIN LATERAL ( \
             SELECT array_agg(m.organization_id ORDER BY m.organization_id) AS ids, \
                 array_agg(coalesce(v.version, 0) ORDER BY m.organization_id) AS versions \
             FROM organization_members AS m LEFT JOIN subject_versions AS v ON v.id = m.organization_id \
             WHERE m.user_id = u.id) AS o "
    };
}
pub(crate) use versions_join;

/// How people stand, without a key of theirs.
const SUBJECT_STANDINGS: &str = concat!(
    "SELECT u.id, u.username, ",
    standing_columns!(),
    " FROM users AS u ",
    versions_join!(),
    "WHERE u.id = ANY ($1) AND NOT u.deleted"
);

#[derive(QueryableByName)]
struct SubjectStandingRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    username: String,
    #[diesel(embed)]
    standing: StandingRow,
}

/// Whether somebody may act, and by which versions.
#[derive(QueryableByName)]
pub(crate) struct StandingRow {
    #[diesel(sql_type = Text)]
    pub(crate) status: String,
    #[diesel(sql_type = BigInt)]
    user_version: i64,
    #[diesel(sql_type = Array<SqlUuid>)]
    organization_ids: Vec<Uuid>,
    #[diesel(sql_type = Array<BigInt>)]
    organization_versions: Vec<i64>,
}

impl StandingRow {
    pub(crate) fn versions(self) -> SubjectVersions {
        let organizations = self.organization_ids.into_iter().map(OrganizationId);
        SubjectVersions {
            user: self.user_version,
            organizations: organizations.zip(self.organization_versions).collect(),
        }
    }
}

impl TryFrom<SubjectStandingRow> for SubjectStanding {
    type Error = StoreError;
    fn try_from(row: SubjectStandingRow) -> StoreResult<Self> {
        Ok(Self {
            user_id: row.id.into(),
            username: parse("users.username", &row.username)?,
            status: parse_status(&row.standing.status)?,
            versions: row.standing.versions(),
        })
    }
}

/// A person's roles and groups, as one row: one statement sees one moment. The keys of each organization are the
/// fields of [`OrganizationJson`]; its roles are those of its own that the person holds, and the system role that
/// fits the account.
const SUBJECT_ROLES: &str = "\
SELECT u.roles AS site_roles, \
    u.login_type = 'none' AS service_account, \
    (SELECT coalesce( \
            jsonb_agg( \
                jsonb_build_object( \
                    'id', o.id, \
                    'roles', m.roles, \
                    'default_roles', o.default_org_member_roles, \
                    'settings', o.shareable_workspace_owners, \
                    'stored', \
                        (SELECT coalesce( \
                            jsonb_agg( \
                                jsonb_build_object( \
                                    'name', r.name, \
                                    'system', r.is_system, \
                                    'definition_version', r.definition_version, \
                                    'org_permissions', r.org_permissions, \
                                    'member_permissions', r.member_permissions) \
                                ORDER BY lower(r.name)), \
                            '[]') \
                        FROM custom_roles AS r \
                        WHERE r.organization_id = o.id \
                            AND CASE WHEN r.is_system \
                                THEN r.name = CASE WHEN u.login_type = 'none' \
                                    THEN 'organization-service-account' ELSE 'organization-member' END \
                                ELSE r.name = ANY (m.roles) OR r.name = ANY (o.default_org_member_roles) \
                                END)) \
                ORDER BY m.created_at, m.organization_id), \
            '[]') \
        FROM organization_members AS m \
        JOIN organizations AS o ON o.id = m.organization_id AND NOT o.deleted \
        WHERE m.user_id = u.id) AS organizations, \
    ARRAY(SELECT g.group_id FROM group_members AS g WHERE g.user_id = u.id ORDER BY g.group_id) \
        AS group_ids \
FROM users AS u WHERE u.id = $1 AND NOT u.deleted";

#[derive(QueryableByName)]
struct SubjectRolesRow {
    #[diesel(sql_type = Array<Text>)]
    site_roles: Vec<String>,
    #[diesel(sql_type = Bool)]
    service_account: bool,
    #[diesel(sql_type = Jsonb)]
    organizations: Value,
    #[diesel(sql_type = Array<SqlUuid>)]
    group_ids: Vec<Uuid>,
}

#[derive(Deserialize)]
struct OrganizationJson {
    id: OrganizationId,
    roles: Vec<String>,
    default_roles: Vec<String>,
    settings: String,
    stored: Vec<StoredJson>,
}

#[derive(Deserialize)]
struct StoredJson {
    name: String,
    system: bool,
    definition_version: i32,
    org_permissions: Value,
    member_permissions: Value,
}

fn organization(json: OrganizationJson) -> StoreResult<SubjectOrganization> {
    let mut found = SubjectOrganization {
        id: json.id,
        roles: json.roles,
        default_roles: json.default_roles,
        settings: parse("organizations.shareable_workspace_owners", &json.settings)?,
        system_role: None,
        custom_roles: Vec::new(),
    };
    for role in json.stored {
        let org = permissions(&role.org_permissions);
        let member = permissions(&role.member_permissions);
        match SystemRole::from_name(&role.name) {
            Some(system) if role.system => {
                found.system_role = Some(StoredSystemRole {
                    role: system,
                    definition_version: role.definition_version,
                    org_permissions: org,
                    member_permissions: member,
                });
            }
            // A system role that this program does not know is not asked for.
            _ => found.custom_roles.push(SubjectCustomRole {
                name: role.name,
                permissions: OrgPermissions { org, member },
            }),
        }
    }
    Ok(found)
}

fn subject_roles(row: SubjectRolesRow) -> StoreResult<SubjectRoles> {
    let organizations: Vec<OrganizationJson> =
        serde_json::from_value(row.organizations).map_err(internal)?;
    Ok(SubjectRoles {
        site_roles: row.site_roles,
        service_account: row.service_account,
        organizations: organizations
            .into_iter()
            .map(organization)
            .collect::<StoreResult<_>>()?,
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

    async fn subject_standing_list(
        &mut self,
        users: &[UserId],
    ) -> StoreResult<Vec<SubjectStanding>> {
        let users: Vec<Uuid> = users.iter().map(|user| user.0).collect();
        let query = sql_query(SUBJECT_STANDINGS).bind::<Array<SqlUuid>, _>(users);
        let found: Vec<SubjectStandingRow> = rows(self.connection()?, Cached(query)).await?;
        found.into_iter().map(TryInto::try_into).collect()
    }
}
