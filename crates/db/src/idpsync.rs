//! How an identity provider's claims become organizations, groups and roles.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use diesel::{
    prelude::*,
    sql_query,
    sql_types::{Array, BigInt, Bool, Jsonb, Nullable, Text, Uuid as SqlUuid},
};
use model::{
    GroupId, Name, OrganizationId, UserId,
    groups::NewGroup,
    idpsync::{
        GroupSync, KnownGroup, KnownOrganizations, Mapping, OrganizationSync, Person, Place,
        PlaceSettings, RoleSync, SyncKind, TakenRoles, WantedGroups,
    },
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use store::{
    StoreResult,
    groups::GroupWrite,
    idpsync::{IdpsyncRead, IdpsyncWrite},
};
use uuid::Uuid;

use crate::{
    errors::internal,
    query::{Cached, one, parse, row, rows, run},
    schema::users,
    unit::{Unit, Writing},
};

/// The advisory lock of whoever changes the deployment's setting: "claims" in ASCII.
const LOCK: i64 = 0x636c_6169_6d73;

#[derive(QueryableByName)]
struct SettingsRow {
    #[diesel(sql_type = Nullable<SqlUuid>)]
    organization_id: Option<Uuid>,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Text)]
    field: String,
    #[diesel(sql_type = Jsonb)]
    mapping: Value,
    #[diesel(sql_type = Nullable<Text>)]
    regex_filter: Option<String>,
    #[diesel(sql_type = Bool)]
    create_missing: bool,
    #[diesel(sql_type = Bool)]
    assign_default: bool,
    #[diesel(sql_type = Nullable<Array<Text>>)]
    takes: Option<Vec<String>>,
}

/// Settings as they are stored.
struct Stored<'a> {
    organization: Option<OrganizationId>,
    kind: SyncKind,
    field: &'a str,
    mapping: Value,
    regex_filter: Option<&'a str>,
    create_missing: bool,
    assign_default: bool,
    takes: &'a TakenRoles,
}

fn taken(stored: Option<Vec<String>>) -> TakenRoles {
    stored.map_or(TakenRoles::All, |roles| {
        TakenRoles::Only(roles.into_iter().collect())
    })
}

fn mapping<T: Ord + Clone + DeserializeOwned>(stored: Value) -> StoreResult<Mapping<T>> {
    serde_json::from_value(stored).map_err(internal)
}

fn stored<T: Ord + Clone + Serialize>(mapping: &Mapping<T>) -> StoreResult<Value> {
    serde_json::to_value(mapping).map_err(internal)
}

fn organization_sync(row: SettingsRow) -> StoreResult<OrganizationSync> {
    Ok(OrganizationSync {
        field: parse("idpsync_settings.field", &row.field)?,
        mapping: mapping(row.mapping)?,
        assign_default: row.assign_default,
        takes: taken(row.takes),
    })
}

fn group_sync(row: SettingsRow) -> StoreResult<GroupSync> {
    let filter = row.regex_filter.as_deref();
    Ok(GroupSync {
        field: parse("idpsync_settings.field", &row.field)?,
        mapping: mapping(row.mapping)?,
        regex_filter: filter
            .map(|pattern| parse("idpsync_settings.regex_filter", pattern))
            .transpose()?,
        create_missing: row.create_missing,
    })
}

fn role_sync(row: SettingsRow) -> StoreResult<RoleSync> {
    Ok(RoleSync {
        field: parse("idpsync_settings.field", &row.field)?,
        mapping: mapping(row.mapping)?,
        takes: taken(row.takes),
    })
}

const COLUMNS: &str = "SELECT s.organization_id, s.kind, s.field, s.mapping, s.regex_filter, \
    s.create_missing, s.assign_default, s.takes FROM idpsync_settings AS s";

/// As the unique index of the table has it.
const UPSERT: &str = "\
INSERT INTO idpsync_settings AS s \
    (organization_id, kind, field, mapping, regex_filter, create_missing, assign_default, takes) \
VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
ON CONFLICT ((coalesce(organization_id, '00000000-0000-0000-0000-000000000000'::uuid)), kind) \
DO UPDATE SET field = excluded.field, mapping = excluded.mapping, \
    regex_filter = excluded.regex_filter, create_missing = excluded.create_missing, \
    assign_default = excluded.assign_default, takes = excluded.takes, updated_at = bursar_now()";

impl<Mode: Send + Sync> Unit<Mode> {
    async fn settings(
        &self,
        kind: SyncKind,
        organization: Option<OrganizationId>,
    ) -> StoreResult<Option<SettingsRow>> {
        let query = sql_query(format!(
            "{COLUMNS} WHERE s.kind = $1 AND s.organization_id IS NOT DISTINCT FROM $2"
        ))
        .bind::<Text, _>(kind.as_str())
        .bind::<Nullable<SqlUuid>, _>(organization.map(|organization| organization.0));
        row(self.connection()?, Cached(query)).await
    }
}

impl Unit<Writing> {
    async fn settings_upsert(&self, settings: Stored<'_>) -> StoreResult<()> {
        let takes = match settings.takes {
            TakenRoles::All => None,
            TakenRoles::Only(roles) => Some(roles.iter().cloned().collect::<Vec<_>>()),
        };
        let upsert = sql_query(UPSERT)
            .bind::<Nullable<SqlUuid>, _>(settings.organization.map(|id| id.0))
            .bind::<Text, _>(settings.kind.as_str())
            .bind::<Text, _>(settings.field.to_owned())
            .bind::<Jsonb, _>(settings.mapping)
            .bind::<Nullable<Text>, _>(settings.regex_filter.map(str::to_owned))
            .bind::<Bool, _>(settings.create_missing)
            .bind::<Bool, _>(settings.assign_default)
            .bind::<Nullable<Array<Text>>, _>(takes);
        run(self.connection()?, Cached(upsert)).await.map(drop)
    }
}

#[derive(QueryableByName)]
struct PlaceRow {
    #[diesel(sql_type = SqlUuid)]
    organization_id: Uuid,
    #[diesel(sql_type = Array<Text>)]
    roles: Vec<String>,
    #[diesel(sql_type = Array<SqlUuid>)]
    groups: Vec<Uuid>,
}

#[derive(QueryableByName)]
struct OrganizationRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Bool)]
    default: bool,
}

#[derive(QueryableByName)]
struct GroupRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    name: String,
}

#[derive(QueryableByName)]
struct IdRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
}

fn uuids<T: Copy + Into<Uuid>>(ids: &BTreeSet<T>) -> Vec<Uuid> {
    ids.iter().map(|id| (*id).into()).collect()
}

#[async_trait]
impl<Mode: Send + Sync> IdpsyncRead for Unit<Mode> {
    async fn idpsync_organization_get(&mut self) -> StoreResult<OrganizationSync> {
        let found = self.settings(SyncKind::Organization, None).await?;
        found.map_or_else(|| Ok(OrganizationSync::default()), organization_sync)
    }

    async fn idpsync_groups_get(&mut self, organization: OrganizationId) -> StoreResult<GroupSync> {
        let found = self.settings(SyncKind::Groups, Some(organization)).await?;
        found.map_or_else(|| Ok(GroupSync::default()), group_sync)
    }

    async fn idpsync_roles_get(&mut self, organization: OrganizationId) -> StoreResult<RoleSync> {
        let found = self.settings(SyncKind::Roles, Some(organization)).await?;
        found.map_or_else(|| Ok(RoleSync::default()), role_sync)
    }

    async fn idpsync_place_list(
        &mut self,
        organizations: &BTreeSet<OrganizationId>,
    ) -> StoreResult<Vec<PlaceSettings>> {
        let query = sql_query(format!(
            "{COLUMNS} WHERE s.organization_id = ANY ($1) AND s.field <> ''"
        ))
        .bind::<Array<SqlUuid>, _>(uuids(organizations));
        let found: Vec<SettingsRow> = rows(self.connection()?, Cached(query)).await?;
        let mut places: BTreeMap<OrganizationId, PlaceSettings> = BTreeMap::new();
        for row in found {
            let Some(id) = row.organization_id.map(OrganizationId) else {
                continue; // Rows of the deployment have none, and were not asked for.
            };
            let place = places.entry(id).or_insert_with(|| PlaceSettings::off(id));
            if row.kind == SyncKind::Groups.as_str() {
                place.groups = group_sync(row)?;
            } else {
                place.roles = role_sync(row)?;
            }
        }
        Ok(places.into_values().collect())
    }

    async fn idpsync_person_get(&mut self, user: UserId) -> StoreResult<Person> {
        let query = sql_query(
            "SELECT m.organization_id, m.roles, ARRAY ( \
                SELECT g.group_id FROM group_members AS g \
                WHERE g.organization_id = m.organization_id AND g.user_id = m.user_id) AS groups \
             FROM organization_members AS m \
             JOIN organizations AS o ON o.id = m.organization_id AND NOT o.deleted \
             JOIN users AS u ON u.id = m.user_id AND NOT u.deleted \
             WHERE m.user_id = $1",
        )
        .bind::<SqlUuid, _>(user.0);
        let found: Vec<PlaceRow> = rows(self.connection()?, Cached(query)).await?;
        let place = |row: PlaceRow| {
            let place = Place {
                roles: row.roles.into_iter().collect(),
                groups: row.groups.into_iter().map(GroupId).collect(),
            };
            (row.organization_id.into(), place)
        };
        let places = found.into_iter().map(place).collect();
        Ok(Person { places })
    }

    async fn idpsync_organization_find(
        &mut self,
        organizations: &BTreeSet<OrganizationId>,
    ) -> StoreResult<KnownOrganizations> {
        let query = sql_query(
            "SELECT id, \"default\" FROM organizations \
             WHERE NOT deleted AND (id = ANY ($1) OR \"default\")",
        )
        .bind::<Array<SqlUuid>, _>(uuids(organizations));
        let found: Vec<OrganizationRow> = rows(self.connection()?, Cached(query)).await?;
        let default = found.iter().find(|row| row.default);
        let ids = found.iter().map(|row| OrganizationId(row.id));
        Ok(KnownOrganizations {
            default: default.map(|row| row.id.into()),
            ids: ids.filter(|id| organizations.contains(id)).collect(),
        })
    }

    async fn idpsync_group_find(
        &mut self,
        organization: OrganizationId,
        wanted: &WantedGroups,
    ) -> StoreResult<Vec<KnownGroup>> {
        let names: Vec<String> = wanted.names.keys().cloned().collect();
        let query = sql_query(
            "SELECT id, name FROM groups \
             WHERE organization_id = $1 AND (id = ANY ($2) OR lower(name) = ANY ($3)) ORDER BY id",
        )
        .bind::<SqlUuid, _>(organization.0)
        .bind::<Array<SqlUuid>, _>(uuids(&wanted.ids))
        .bind::<Array<Text>, _>(names);
        let found: Vec<GroupRow> = rows(self.connection()?, Cached(query)).await?;
        let group = |row: GroupRow| {
            let name = parse("groups.name", &row.name)?;
            Ok(KnownGroup {
                id: row.id.into(),
                name,
            })
        };
        found.into_iter().map(group).collect()
    }
}

#[async_trait]
impl IdpsyncWrite for Unit<Writing> {
    async fn idpsync_organization_lock(&mut self) -> StoreResult<()> {
        let lock = sql_query("SELECT pg_advisory_xact_lock($1)").bind::<BigInt, _>(LOCK);
        run(self.connection()?, Cached(lock)).await.map(drop)
    }

    async fn idpsync_organization_update(
        &mut self,
        settings: &OrganizationSync,
    ) -> StoreResult<()> {
        self.settings_upsert(Stored {
            organization: None,
            kind: SyncKind::Organization,
            field: settings.field.as_str(),
            mapping: stored(&settings.mapping)?,
            regex_filter: None,
            create_missing: false,
            assign_default: settings.assign_default,
            takes: &settings.takes,
        })
        .await
    }

    async fn idpsync_groups_update(
        &mut self,
        organization: OrganizationId,
        settings: &GroupSync,
    ) -> StoreResult<()> {
        let filter = settings.regex_filter.as_ref();
        self.settings_upsert(Stored {
            organization: Some(organization),
            kind: SyncKind::Groups,
            field: settings.field.as_str(),
            mapping: stored(&settings.mapping)?,
            regex_filter: filter.map(model::idpsync::RegexFilter::as_str),
            create_missing: settings.create_missing,
            assign_default: true,
            takes: &TakenRoles::All,
        })
        .await
    }

    async fn idpsync_roles_update(
        &mut self,
        organization: OrganizationId,
        settings: &RoleSync,
    ) -> StoreResult<()> {
        self.settings_upsert(Stored {
            organization: Some(organization),
            kind: SyncKind::Roles,
            field: settings.field.as_str(),
            mapping: stored(&settings.mapping)?,
            regex_filter: None,
            create_missing: false,
            assign_default: true,
            takes: &settings.takes,
        })
        .await
    }

    async fn idpsync_person_lock(&mut self, user: UserId) -> StoreResult<bool> {
        // Not `FOR UPDATE`: whoever adds the person to an organization holds that, and looks at this row then.
        let lock = users::table
            .filter(users::id.eq(user.0).and(users::deleted.eq(false)))
            .select(users::id)
            .for_no_key_update();
        let found: Option<Uuid> = row(self.connection()?, lock).await?;
        Ok(found.is_some())
    }

    async fn idpsync_group_create(
        &mut self,
        organization: OrganizationId,
        name: &Name,
    ) -> StoreResult<GroupId> {
        let id = Cached(sql_query("SELECT bursar_uuid_v7() AS id"));
        let IdRow { id } = one(self.connection()?, id).await?;
        let new = NewGroup {
            id: id.into(),
            organization_id: organization,
            name: name.clone(),
            display_name: String::new(),
            avatar_url: String::new(),
        };
        self.group_create(&new).await.map(|group| group.id)
    }
}
