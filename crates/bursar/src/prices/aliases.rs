//! `bursar prices aliases` and `bursar prices delete-alias`.

use anyhow::bail;
use dbauthz::{Authorized, SystemActor};
use model::prices::{ModelAlias, StoredAlias};
use serde_json::{Value, json};

use super::instant;
use crate::{
    cli::{AliasDeleteOptions, AliasListOptions},
    columns::columns,
    command::on_database,
    environment::Environment,
};

/// The aliases, by provider and name.
pub(super) async fn list(
    options: &AliasListOptions,
    environment: &Environment,
) -> anyhow::Result<String> {
    let work = async |authorized: &Authorized| {
        let importer = authorized.as_system(SystemActor::PriceImporter);
        let mut unit = importer.read().await?;
        Ok(unit.prices().price_book_get().await?.aliases)
    };
    let mut aliases = on_database(&options.source, environment, None, work).await?;
    aliases.sort_by_cached_key(|stored| {
        let ModelAlias {
            provider,
            provider_model,
            ..
        } = &stored.alias;
        (*provider, provider_model.to_lowercase())
    });
    Ok(if options.json {
        let rows: Vec<Value> = aliases.iter().map(as_json).collect();
        format!("{:#}", Value::Array(rows))
    } else {
        table(&aliases)
    })
}

/// Removes one; what it tells.
pub(super) async fn delete(
    options: &AliasDeleteOptions,
    environment: &Environment,
) -> anyhow::Result<String> {
    let AliasDeleteOptions { provider, name, .. } = options;
    let work = async |authorized: &Authorized| {
        let importer = authorized.as_system(SystemActor::PriceImporter);
        let mut unit = importer.begin().await?;
        let removed = unit.prices().model_alias_delete(*provider, name).await?;
        unit.commit().await?;
        Ok(removed)
    };
    if !on_database(&options.source, environment, None, work).await? {
        bail!("there is no alias `{name}` of `{provider}`: `bursar prices aliases` lists them");
    }
    Ok(format!(
        "The alias `{name}` of `{provider}` was removed: its own prices or the built-in ones hold again."
    ))
}

fn table(aliases: &[StoredAlias]) -> String {
    let head = ["provider", "name", "priced as", "set"].map(str::to_owned);
    let row = |stored: &StoredAlias| {
        let ModelAlias {
            provider,
            provider_model,
            priced_model,
        } = &stored.alias;
        [
            provider.to_string(),
            provider_model.clone(),
            priced_model.clone(),
            instant(stored.updated_at),
        ]
    };
    let rows: Vec<_> = std::iter::once(head)
        .chain(aliases.iter().map(row))
        .collect();
    let noun = if aliases.len() == 1 {
        "alias"
    } else {
        "aliases"
    };
    format!("{}\n\n{} {noun}.", columns(&rows), aliases.len())
}

/// The row with the keys of the API.
fn as_json(stored: &StoredAlias) -> Value {
    json!({
        "provider": stored.alias.provider,
        "provider_model": stored.alias.provider_model,
        "priced_model": stored.alias.priced_model,
        "created_at": stored.created_at,
        "updated_at": stored.updated_at,
    })
}
