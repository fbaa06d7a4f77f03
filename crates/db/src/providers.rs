//! AI providers and their keys, which are sealed at rest.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use diesel::{pg::Pg, prelude::*};
use model::{Name, ProviderId, providers::Provider};
use rbac::Visibility;
use secrecy::{ExposeSecret, SecretString};
use store::{
    StoreError, StoreResult,
    providers::{NewProvider, ProviderKey, ProviderRead, ProviderUpdate, ProviderWrite},
};
use uuid::Uuid;

use crate::{
    errors::internal,
    pool::Database,
    query::{bursar_now, one, parse, row, rows, run_on_one},
    schema::{ai_price_book, ai_providers},
    sealing::Sealed,
    unit::{Unit, Writing},
    users::lower,
    visibility::{Columns, Visible},
};

// A key is read with the version of the price book, in one query.
diesel::allow_tables_to_appear_in_same_query!(ai_price_book, ai_providers);

/// Providers are the deployment's: nobody owns one, and no organization has one.
const COLUMNS: Columns = Columns {
    id: Some("\"ai_providers\".\"id\""),
    owner: None,
    organization: None,
    groups: false,
};

#[derive(Queryable, Selectable)]
#[diesel(table_name = ai_providers, check_for_backend(Pg))]
struct ProviderRow {
    id: Uuid,
    name: String,
    kind: String,
    base_url: String,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl TryFrom<ProviderRow> for Provider {
    type Error = StoreError;
    fn try_from(row: ProviderRow) -> StoreResult<Self> {
        Ok(Self {
            id: row.id.into(),
            name: parse("ai_providers.name", &row.name)?,
            kind: parse("ai_providers.kind", &row.kind)?,
            base_url: parse("ai_providers.base_url", &row.base_url)?,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

impl Database {
    /// The names of the providers whose keys were sealed with another encryption key than the present one:
    /// requests through them fail. For the start, which has no actor yet; it tells nothing that is secret.
    ///
    /// # Errors
    /// Whatever the database says.
    pub async fn providers_sealed_otherwise(&self) -> StoreResult<Vec<String>> {
        let query = ai_providers::table
            .filter(ai_providers::key_id.ne(self.sealer().key_id()))
            .order(ai_providers::name)
            .select(ai_providers::name);
        rows(&*self.acquire().await?, query).await
    }
}

#[derive(AsChangeset)]
#[diesel(table_name = ai_providers)]
struct ProviderChange<'a> {
    name: Option<&'a str>,
    base_url: Option<&'a str>,
    ciphertext: Option<Vec<u8>>,
    nonce: Option<Vec<u8>>,
    key_id: Option<String>,
}

#[async_trait]
impl<Mode: Send + Sync> ProviderRead for Unit<Mode> {
    async fn provider_get(&mut self, name: &Name) -> StoreResult<Option<Provider>> {
        let query = ai_providers::table
            .filter(lower(ai_providers::name).eq(name.as_str().to_lowercase()))
            .select(ProviderRow::as_select());
        let found: Option<ProviderRow> = row(self.connection()?, query).await?;
        found.map(TryInto::try_into).transpose()
    }

    async fn provider_list(&mut self, visibility: &Visibility) -> StoreResult<Vec<Provider>> {
        let query = ai_providers::table
            .filter(Visible::new(visibility, &COLUMNS))
            .order((lower(ai_providers::name), ai_providers::id))
            .select(ProviderRow::as_select());
        let found: Vec<ProviderRow> = rows(self.connection()?, query).await?;
        found.into_iter().map(TryInto::try_into).collect()
    }

    async fn provider_key_get(&mut self, id: ProviderId) -> StoreResult<Option<ProviderKey>> {
        let version = ai_price_book::table.select(ai_price_book::version);
        let query = ai_providers::table
            .filter(ai_providers::id.eq(id.0))
            .select((
                ai_providers::ciphertext,
                ai_providers::nonce,
                ai_providers::key_id,
                version.single_value(),
            ));
        let found: Option<(Vec<u8>, Vec<u8>, String, Option<i64>)> =
            row(self.connection()?, query).await?;
        let Some((ciphertext, nonce, key_id, price_version)) = found else {
            return Ok(None);
        };
        let key = self.sealer.open(
            id.0,
            &Sealed {
                ciphertext,
                nonce,
                key_id,
            },
        );
        Ok(Some(ProviderKey {
            api_key: key.map_err(internal)?.into(),
            price_version: price_version.unwrap_or_default(),
        }))
    }
}

#[async_trait]
impl ProviderWrite for Unit<Writing> {
    async fn provider_create(&mut self, new: &NewProvider) -> StoreResult<Provider> {
        let sealed = self
            .sealer
            .seal(new.id.0, new.api_key.expose_secret())
            .map_err(internal)?;
        let insert = diesel::insert_into(ai_providers::table)
            .values((
                ai_providers::id.eq(new.id.0),
                ai_providers::name.eq(new.name.as_str()),
                ai_providers::kind.eq(new.kind.as_str()),
                ai_providers::base_url.eq(new.base_url.as_str()),
                ai_providers::ciphertext.eq(sealed.ciphertext),
                ai_providers::nonce.eq(sealed.nonce),
                ai_providers::key_id.eq(sealed.key_id),
            ))
            .returning(ProviderRow::as_returning());
        one::<_, ProviderRow>(self.connection()?, insert)
            .await?
            .try_into()
    }

    async fn provider_lock(&mut self, name: &Name) -> StoreResult<Option<Provider>> {
        let lock = ai_providers::table
            .filter(lower(ai_providers::name).eq(name.as_str().to_lowercase()))
            .select(ProviderRow::as_select())
            .for_update();
        let found: Option<ProviderRow> = row(self.connection()?, lock).await?;
        found.map(TryInto::try_into).transpose()
    }

    async fn provider_update(
        &mut self,
        id: ProviderId,
        update: &ProviderUpdate,
    ) -> StoreResult<Provider> {
        let seal = |key: &SecretString| self.sealer.seal(id.0, key.expose_secret());
        let sealed = update
            .api_key
            .as_ref()
            .map(seal)
            .transpose()
            .map_err(internal)?;
        let change = ProviderChange {
            name: update.name.as_ref().map(Name::as_str),
            base_url: update.base_url.as_ref().map(url::Url::as_str),
            ciphertext: sealed.as_ref().map(|sealed| sealed.ciphertext.clone()),
            nonce: sealed.as_ref().map(|sealed| sealed.nonce.clone()),
            key_id: sealed.map(|sealed| sealed.key_id),
        };
        let statement = diesel::update(ai_providers::table)
            .filter(ai_providers::id.eq(id.0))
            .set((change, ai_providers::updated_at.eq(bursar_now())))
            .returning(ProviderRow::as_returning());
        one::<_, ProviderRow>(self.connection()?, statement)
            .await?
            .try_into()
    }

    async fn provider_delete(&mut self, id: ProviderId) -> StoreResult<()> {
        let delete = diesel::delete(ai_providers::table).filter(ai_providers::id.eq(id.0));
        run_on_one(self.connection()?, delete).await
    }
}
