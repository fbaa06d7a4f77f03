//! Features that are switched on and off while the servers run. Nothing of it is kept in memory: each question reads the
//! rows, so a switch holds on every server from the next request on.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use diesel::{
    QueryableByName, sql_query,
    sql_types::{Bool, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use model::{
    OrganizationId,
    feature_flags::{Feature, FeatureSwitch, is_on},
};
use store::{
    StoreResult,
    feature_flags::{FeatureFlagRead, FeatureFlagWrite},
};
use uuid::Uuid;

use crate::{
    query::{Cached, one, rows, run},
    unit::{Unit, Writing},
};

const NEAREST: &str = "\
SELECT name, organization_id, enabled, updated_at FROM feature_flags \
WHERE name = $1 AND (organization_id IS NULL OR organization_id = $2)";

const ALL: &str = "\
SELECT name, organization_id, enabled, updated_at FROM feature_flags \
WHERE $1 IS NULL OR name = $1 ORDER BY name, organization_id NULLS FIRST";

const UPSERT: &str = "\
INSERT INTO feature_flags AS f (name, organization_id, enabled) VALUES ($1, $2, $3) \
ON CONFLICT (name, coalesce(organization_id, '00000000-0000-0000-0000-000000000000')) DO UPDATE \
    SET enabled = excluded.enabled, \
    updated_at = CASE WHEN f.enabled = excluded.enabled THEN f.updated_at ELSE bursar_now() END \
RETURNING name, organization_id, enabled, updated_at";

const DELETE: &str =
    "DELETE FROM feature_flags WHERE name = $1 AND organization_id IS NOT DISTINCT FROM $2";

#[derive(QueryableByName)]
struct SwitchRow {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    organization_id: Option<Uuid>,
    #[diesel(sql_type = Bool)]
    enabled: bool,
    #[diesel(sql_type = Timestamptz)]
    updated_at: DateTime<Utc>,
}

impl SwitchRow {
    /// The switch; `None` for a feature of another version of the program.
    fn known(self) -> Option<FeatureSwitch> {
        Some(self.of(Feature::of(&self.name)?))
    }

    fn of(&self, feature: Feature) -> FeatureSwitch {
        FeatureSwitch {
            feature,
            organization: self.organization_id.map(Into::into),
            enabled: self.enabled,
            updated_at: self.updated_at,
        }
    }
}

#[async_trait]
impl<Mode: Send + Sync> FeatureFlagRead for Unit<Mode> {
    async fn feature_enabled(
        &mut self,
        feature: Feature,
        organization: Option<OrganizationId>,
    ) -> StoreResult<bool> {
        let query = sql_query(NEAREST)
            .bind::<Text, _>(feature.name())
            .bind::<Nullable<SqlUuid>, _>(organization.map(|id| id.0));
        let found: Vec<SwitchRow> = rows(self.connection()?, Cached(query)).await?;
        let switches: Vec<_> = found.iter().map(|row| row.of(feature)).collect();
        Ok(is_on(feature, organization, &switches))
    }

    async fn feature_flag_get(&mut self, feature: Feature) -> StoreResult<Vec<FeatureSwitch>> {
        let query = sql_query(ALL).bind::<Nullable<Text>, _>(Some(feature.name()));
        let found: Vec<SwitchRow> = rows(self.connection()?, Cached(query)).await?;
        Ok(found.iter().map(|row| row.of(feature)).collect())
    }

    async fn feature_flag_list(&mut self) -> StoreResult<Vec<FeatureSwitch>> {
        let query = sql_query(ALL).bind::<Nullable<Text>, _>(None::<&str>);
        let found: Vec<SwitchRow> = rows(self.connection()?, Cached(query)).await?;
        Ok(found.into_iter().filter_map(SwitchRow::known).collect())
    }
}

#[async_trait]
impl FeatureFlagWrite for Unit<Writing> {
    async fn feature_flag_upsert(
        &mut self,
        feature: Feature,
        organization: Option<OrganizationId>,
        enabled: bool,
    ) -> StoreResult<FeatureSwitch> {
        let upsert = sql_query(UPSERT)
            .bind::<Text, _>(feature.name())
            .bind::<Nullable<SqlUuid>, _>(organization.map(|id| id.0))
            .bind::<Bool, _>(enabled);
        let set: SwitchRow = one(self.connection()?, Cached(upsert)).await?;
        Ok(set.of(feature))
    }

    async fn feature_flag_delete(
        &mut self,
        feature: Feature,
        organization: Option<OrganizationId>,
    ) -> StoreResult<bool> {
        let delete = sql_query(DELETE)
            .bind::<Text, _>(feature.name())
            .bind::<Nullable<SqlUuid>, _>(organization.map(|id| id.0));
        Ok(run(self.connection()?, Cached(delete)).await? > 0)
    }
}
