//! Organizations and who belongs to them.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use diesel::{
    pg::Pg,
    prelude::*,
    sql_query,
    sql_types::{self, Array, Text},
};
use diesel_async::AsyncPgConnection;
use model::{
    Name, OrganizationId, UserId,
    organizations::{NewOrganization, Organization, OrganizationMember, OrganizationUpdate},
};
use rbac::{ShareableOwners, Visibility};
use store::{
    StoreError, StoreResult,
    organizations::{OrganizationRead, OrganizationWrite},
};
use uuid::Uuid;

use crate::{
    departures,
    query::{Cached, bursar_now, one, parse, row, rows, run_on_one},
    schema::{organization_members, organizations, users},
    unit::{Unit, Writing},
    users::lower,
    visibility::{Columns, Visible},
};

/// The name in addresses by which the default organization is found whatever its own name is.
const DEFAULT: &str = "default";

/// An organization is in itself.
const COLUMNS: Columns = Columns {
    id: Some("\"organizations\".\"id\""),
    owner: None,
    organization: Some("\"organizations\".\"id\""),
    groups: false,
};

/// A membership has the user's id and belongs to the user.
const MEMBER_COLUMNS: Columns = Columns {
    id: Some("\"organization_members\".\"user_id\""),
    owner: Some("\"organization_members\".\"user_id\""),
    organization: Some("\"organization_members\".\"organization_id\""),
    groups: false,
};

#[derive(Queryable, Selectable, QueryableByName)]
#[diesel(table_name = organizations, check_for_backend(Pg))]
struct OrganizationRow {
    id: Uuid,
    name: String,
    display_name: String,
    description: String,
    icon: String,
    default: bool,
    default_org_member_roles: Vec<String>,
    shareable_workspace_owners: String,
    chat_sharing: bool,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl TryFrom<OrganizationRow> for Organization {
    type Error = StoreError;
    fn try_from(row: OrganizationRow) -> StoreResult<Self> {
        Ok(Self {
            id: row.id.into(),
            name: parse("organizations.name", &row.name)?,
            display_name: row.display_name,
            description: row.description,
            icon: row.icon,
            default: row.default,
            default_org_member_roles: row.default_org_member_roles,
            shareable_workspace_owners: parse(
                "organizations.shareable_workspace_owners",
                &row.shareable_workspace_owners,
            )?,
            chat_sharing: row.chat_sharing,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

#[derive(AsChangeset)]
#[diesel(table_name = organizations)]
struct OrganizationChange<'a> {
    name: Option<&'a str>,
    display_name: Option<&'a str>,
    description: Option<&'a str>,
    icon: Option<&'a str>,
    default_org_member_roles: Option<&'a [String]>,
    shareable_workspace_owners: Option<&'a str>,
    chat_sharing: Option<bool>,
}

type MemberRow = (
    Uuid,
    Uuid,
    String,
    String,
    String,
    Vec<String>,
    Vec<String>,
    DateTime<Utc>,
    DateTime<Utc>,
);

fn member(row: MemberRow) -> StoreResult<OrganizationMember> {
    let (organization, user, username, name, email, roles, global_roles, created, updated) = row;
    Ok(OrganizationMember {
        organization_id: organization.into(),
        user_id: user.into(),
        username: parse("users.username", &username)?,
        name,
        email,
        roles,
        global_roles,
        created_at: created,
        updated_at: updated,
    })
}

/// Live members of live organizations, with their people.
macro_rules! members {
    () => {
        organization_members::table
            .inner_join(users::table)
            .filter(users::deleted.eq(false))
            .select((
                organization_members::organization_id,
                organization_members::user_id,
                users::username,
                users::name,
                users::email,
                organization_members::roles,
                users::roles,
                organization_members::created_at,
                organization_members::updated_at,
            ))
    };
}

async fn organization_member_get(
    conn: &AsyncPgConnection,
    organization: OrganizationId,
    user: UserId,
) -> StoreResult<Option<OrganizationMember>> {
    let query = members!()
        .filter(organization_members::organization_id.eq(organization.0))
        .filter(organization_members::user_id.eq(user.0));
    row(conn, query).await?.map(member).transpose()
}

/// Adds a person to an organization. Both rows are locked, so that neither is deleted meanwhile; the person's no more
/// than that takes, since a sign-in holds it while it waits for the organization.
pub(crate) async fn member_insert(
    conn: &AsyncPgConnection,
    organization: OrganizationId,
    user: UserId,
    roles: &[String],
) -> StoreResult<()> {
    let insert = sql_query(
        "INSERT INTO organization_members (organization_id, user_id, roles) \
         SELECT o.id, u.id, $3 FROM organizations AS o, users AS u \
         WHERE o.id = $1 AND NOT o.deleted AND u.id = $2 AND NOT u.deleted \
         FOR SHARE OF o FOR KEY SHARE OF u",
    )
    .bind::<sql_types::Uuid, _>(organization.0)
    .bind::<sql_types::Uuid, _>(user.0)
    .bind::<Array<Text>, _>(roles.to_vec());
    run_on_one(conn, Cached(insert)).await
}

async fn organization_by<P>(
    conn: &AsyncPgConnection,
    which: organizations::BoxedQuery<'_, Pg, P>,
) -> StoreResult<Option<Organization>>
where
    P: 'static,
{
    let found: Option<OrganizationRow> =
        row(conn, which.select(OrganizationRow::as_select())).await?;
    found.map(TryInto::try_into).transpose()
}

fn live<'a>() -> organizations::BoxedQuery<'a, Pg> {
    organizations::table
        .filter(organizations::deleted.eq(false))
        .into_boxed()
}

#[async_trait]
impl<Mode: Send + Sync> OrganizationRead for Unit<Mode> {
    async fn organization_get(&mut self, id: OrganizationId) -> StoreResult<Option<Organization>> {
        organization_by(
            self.connection()?,
            live().filter(organizations::id.eq(id.0)),
        )
        .await
    }

    async fn organization_get_by_name(&mut self, name: &Name) -> StoreResult<Option<Organization>> {
        let name = name.as_str().to_lowercase();
        let which = if name == DEFAULT {
            live().filter(organizations::default)
        } else {
            live().filter(lower(organizations::name).eq(name))
        };
        organization_by(self.connection()?, which).await
    }

    async fn organization_list(
        &mut self,
        visibility: &Visibility,
    ) -> StoreResult<Vec<Organization>> {
        let query = live()
            .filter(Visible::new(visibility, &COLUMNS))
            .order((lower(organizations::name), organizations::id))
            .select(OrganizationRow::as_select());
        let found: Vec<OrganizationRow> = rows(self.connection()?, query).await?;
        found.into_iter().map(TryInto::try_into).collect()
    }

    async fn organization_member_get(
        &mut self,
        organization: OrganizationId,
        user: UserId,
    ) -> StoreResult<Option<OrganizationMember>> {
        organization_member_get(self.connection()?, organization, user).await
    }

    async fn organization_member_list(
        &mut self,
        organization: OrganizationId,
        visibility: &Visibility,
    ) -> StoreResult<Vec<OrganizationMember>> {
        let query = members!()
            .filter(organization_members::organization_id.eq(organization.0))
            .filter(Visible::new(visibility, &MEMBER_COLUMNS))
            .order((lower(users::username), users::id));
        rows(self.connection()?, query)
            .await?
            .into_iter()
            .map(member)
            .collect()
    }
}

#[async_trait]
impl OrganizationWrite for Unit<Writing> {
    async fn organization_create(&mut self, new: &NewOrganization) -> StoreResult<Organization> {
        let insert = sql_query(
            "INSERT INTO organizations \
                (id, name, display_name, description, icon, shareable_workspace_owners, \"default\") \
             VALUES ($1, $2, $3, $4, $5, $6, NOT EXISTS (SELECT 1 FROM organizations WHERE \"default\")) \
             RETURNING *",
        )
        .bind::<sql_types::Uuid, _>(new.id.0)
        .bind::<Text, _>(new.name.as_str().to_owned())
        .bind::<Text, _>(new.display_name.clone())
        .bind::<Text, _>(new.description.clone())
        .bind::<Text, _>(new.icon.clone())
        .bind::<Text, _>(new.shareable_workspace_owners.as_str());
        one::<_, OrganizationRow>(self.connection()?, Cached(insert))
            .await?
            .try_into()
    }

    async fn organization_lock(&mut self, id: OrganizationId) -> StoreResult<Option<Organization>> {
        let lock = organizations::table
            .filter(
                organizations::id
                    .eq(id.0)
                    .and(organizations::deleted.eq(false)),
            )
            .select(OrganizationRow::as_select())
            .for_update();
        let found: Option<OrganizationRow> = row(self.connection()?, lock).await?;
        found.map(TryInto::try_into).transpose()
    }

    async fn organization_update(
        &mut self,
        id: OrganizationId,
        update: &OrganizationUpdate,
    ) -> StoreResult<Organization> {
        let change = OrganizationChange {
            name: update.name.as_ref().map(Name::as_str),
            display_name: update.display_name.as_deref(),
            description: update.description.as_deref(),
            icon: update.icon.as_deref(),
            default_org_member_roles: update.default_org_member_roles.as_deref(),
            shareable_workspace_owners: update
                .shareable_workspace_owners
                .map(ShareableOwners::as_str),
            chat_sharing: update.chat_sharing,
        };
        let update = diesel::update(organizations::table)
            .filter(
                organizations::id
                    .eq(id.0)
                    .and(organizations::deleted.eq(false)),
            )
            .set((change, organizations::updated_at.eq(bursar_now())))
            .returning(OrganizationRow::as_returning());
        one::<_, OrganizationRow>(self.connection()?, update)
            .await?
            .try_into()
    }

    async fn organization_delete(&mut self, id: OrganizationId) -> StoreResult<()> {
        let found = self
            .organization_lock(id)
            .await?
            .ok_or(StoreError::NotFound)?;
        if found.default {
            let text = "the default organization cannot be deleted";
            return Err(StoreError::Refused(text.to_owned()));
        }
        departures::end_organization(self.connection()?, id).await
    }

    async fn organization_member_create(
        &mut self,
        organization: OrganizationId,
        user: UserId,
        roles: &[String],
    ) -> StoreResult<OrganizationMember> {
        let conn = self.connection()?;
        member_insert(conn, organization, user, roles).await?;
        organization_member_get(conn, organization, user)
            .await?
            .ok_or(StoreError::NotFound)
    }

    async fn organization_member_delete(
        &mut self,
        organization: OrganizationId,
        user: UserId,
    ) -> StoreResult<()> {
        departures::leave_organization(self.connection()?, organization, user).await
    }

    async fn organization_member_roles_update(
        &mut self,
        organization: OrganizationId,
        user: UserId,
        roles: &[String],
    ) -> StoreResult<OrganizationMember> {
        let conn = self.connection()?;
        let update = diesel::update(organization_members::table)
            .filter(organization_members::organization_id.eq(organization.0))
            .filter(organization_members::user_id.eq(user.0))
            .set((
                organization_members::roles.eq(roles),
                organization_members::updated_at.eq(bursar_now()),
            ));
        run_on_one(conn, update).await?;
        organization_member_get(conn, organization, user)
            .await?
            .ok_or(StoreError::NotFound)
    }
}
