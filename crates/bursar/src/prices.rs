//! Prices: the book that a server starts with, and what `bursar prices` does.

mod aliases;

use std::{fs, path::Path};

use anyhow::Context;
use chrono::{DateTime, SecondsFormat, Utc};
use dbauthz::{Authorized, SystemActor};
use model::{
    Clock, Micros, SystemClock,
    metering::UnitPrices,
    prices::{
        CustomPrice, CustomPrices, ImportedPrices, ListedPrice, ModelAlias, PriceBook, PriceFilter,
        PriceOrigin, PriceSelection,
    },
};
use serde_json::{Value, json};

use crate::{
    cli::{PriceImportOptions, PriceListOptions, PriceSourceOption, PricesCommand},
    columns::columns,
    command::on_database,
    environment::Environment,
};

/// The built-in prices, under those of an operator's file if there is one.
///
/// # Errors
/// A file that cannot be read or used, with its name and what is wrong.
pub(crate) fn book(file: Option<&Path>) -> anyhow::Result<PriceBook> {
    let book = PriceBook::bundled()?;
    let Some(path) = file else {
        return Ok(book);
    };
    book.with_custom(&read(path)?)
        .with_context(|| format!("the price file `{}` cannot be used", path.display()))
}

fn read(path: &Path) -> anyhow::Result<String> {
    fs::read_to_string(path)
        .with_context(|| format!("the price file `{}` cannot be read", path.display()))
}

/// Does what `bursar prices …` says; what it tells.
///
/// # Errors
/// Whatever keeps the database or a file from being used, with what to do about it. The database is never migrated
/// here.
pub async fn run(command: PricesCommand, environment: &Environment) -> anyhow::Result<String> {
    match command {
        PricesCommand::List(options) => list(&options, environment).await,
        PricesCommand::Import(options) => import(&options, environment).await,
        PricesCommand::Aliases(options) => aliases::list(&options, environment).await,
        PricesCommand::DeleteAlias(options) => aliases::delete(&options, environment).await,
    }
}

async fn list(options: &PriceListOptions, environment: &Environment) -> anyhow::Result<String> {
    let book = book(options.model_prices_file.as_deref())?;
    let custom = async |authorized: &Authorized| {
        let importer = authorized.as_system(SystemActor::PriceImporter);
        let mut unit = importer.read().await?;
        Ok(unit.prices().price_book_get().await?)
    };
    let custom = on_database(&options.source_database, environment, None, custom).await?;
    let filter = PriceFilter {
        provider: options.provider,
        model: options.model.clone(),
        source: match options.source {
            None => PriceSelection::Effective,
            Some(PriceSourceOption::Default) => PriceSelection::Of(PriceOrigin::Default),
            Some(PriceSourceOption::Custom) => PriceSelection::Of(PriceOrigin::Custom),
            Some(PriceSourceOption::All) => PriceSelection::All,
        },
    };
    let listed = book.list(&custom, &filter, SystemClock.now());
    Ok(if options.json {
        let rows: Vec<Value> = listed.iter().map(as_json).collect();
        format!("{:#}", Value::Array(rows))
    } else {
        table(&listed)
    })
}

async fn import(options: &PriceImportOptions, environment: &Environment) -> anyhow::Result<String> {
    let path = &options.file;
    let imported = ImportedPrices::parse(&read(path)?)
        .with_context(|| format!("the price file `{}` cannot be imported", path.display()))?;
    let work = async |authorized: &Authorized| {
        let importer = authorized.as_system(SystemActor::PriceImporter);
        let mut unit = importer.begin().await?;
        let before = unit.prices().price_book_get().await?;
        if !options.dry_run {
            if !imported.prices.is_empty() {
                unit.prices().model_price_upsert(&imported.prices).await?;
            }
            for alias in &imported.aliases {
                unit.prices().model_alias_upsert(alias).await?;
            }
            unit.commit().await?;
        }
        Ok(before)
    };
    let before = on_database(&options.source, environment, None, work).await?;
    Ok(words(&imported, &before, options.dry_run))
}

/// What became of the entries of a file.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Tally {
    new: usize,
    changed: usize,
    unchanged: usize,
}

impl Tally {
    fn of<T: PartialEq>(entries: &[T], kept: impl Fn(&T) -> Option<T>) -> Self {
        let mut tally = Self::default();
        for entry in entries {
            match kept(entry) {
                None => tally.new += 1,
                Some(old) if old == *entry => tally.unchanged += 1,
                Some(_) => tally.changed += 1,
            }
        }
        tally
    }

    fn words(self, singular: &str, plural: &str) -> String {
        let Self {
            new,
            changed,
            unchanged,
        } = self;
        let total = new + changed + unchanged;
        let what = if total == 1 { singular } else { plural };
        format!("{total} {what}: {new} new, {changed} changed, {unchanged} unchanged")
    }
}

fn words(imported: &ImportedPrices, before: &CustomPrices, dry_run: bool) -> String {
    let prices = Tally::of(&imported.prices, |price| {
        let key = |price: &CustomPrice| {
            (
                price.provider,
                price.model.to_lowercase(),
                price.effective_from,
            )
        };
        let mut kept = before.prices.iter().map(|stored| &stored.price);
        kept.find(|old| key(old) == key(price)).cloned()
    });
    let aliases = Tally::of(&imported.aliases, |alias| {
        let key = |alias: &ModelAlias| (alias.provider, alias.provider_model.to_lowercase());
        let mut kept = before.aliases.iter().map(|stored| &stored.alias);
        kept.find(|old| key(old) == key(alias)).cloned()
    });
    let head = if dry_run {
        "Dry run, nothing was written"
    } else {
        "Imported"
    };
    format!(
        "{head}. {}. {}.",
        prices.words("price", "prices"),
        aliases.words("alias", "aliases")
    )
}

fn table(listed: &[ListedPrice]) -> String {
    let head = [
        "provider",
        "model",
        "priced as",
        "source",
        "in force",
        "from",
        "input",
        "output",
        "cache read",
        "write 5m",
        "write 1h",
        "tiers",
    ];
    let rows = listed.iter().map(cells);
    let rows: Vec<_> = std::iter::once(head.map(str::to_owned))
        .chain(rows)
        .collect();
    let plural = if listed.len() == 1 { "" } else { "s" };
    format!(
        "{}\n\n{} price{plural}, in US dollars for a million tokens.",
        columns(&rows),
        listed.len()
    )
}

fn cells(listed: &ListedPrice) -> [String; 12] {
    let UnitPrices {
        input,
        output,
        cache_read,
        cache_write_5m,
        cache_write_1h,
        ..
    } = listed.prices;
    let tiers = listed.tiers.iter().map(|tier| tier.starts_at.to_string());
    let priced_as = if listed.priced_model == listed.model {
        ""
    } else {
        &listed.priced_model
    };
    [
        listed.provider.to_string(),
        listed.model.clone(),
        priced_as.to_owned(),
        source(listed).to_owned(),
        if listed.effective { "yes" } else { "no" }.to_owned(),
        listed.effective_from.map(instant).unwrap_or_default(),
        dollars(input),
        dollars(output),
        dollars(cache_read),
        dollars(cache_write_5m),
        dollars(cache_write_1h),
        tiers.collect::<Vec<_>>().join(","),
    ]
}

const fn source(listed: &ListedPrice) -> &'static str {
    match listed.source {
        PriceOrigin::Default => "default",
        PriceOrigin::Custom => "custom",
    }
}

fn instant(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

/// A price in dollars, exactly.
fn dollars(micros: Option<u64>) -> String {
    // Prices have a bound far below.
    let dollars = |micros| Micros(i64::try_from(micros).unwrap_or(i64::MAX)).decimal_dollars();
    micros.map_or_else(|| "-".to_owned(), dollars)
}

/// The row with the keys of the API.
fn as_json(listed: &ListedPrice) -> Value {
    let mut row = amounts(&listed.prices);
    let tiers = listed.tiers.iter().map(|tier| {
        let mut row = amounts(&tier.prices);
        row.insert("starts_at".to_owned(), json!(tier.starts_at));
        Value::Object(row)
    });
    let tiers: Vec<_> = tiers.collect();
    let more = [
        ("provider", json!(listed.provider)),
        ("model", json!(listed.model)),
        ("priced_model", json!(listed.priced_model)),
        ("source", json!(source(listed))),
        ("effective", json!(listed.effective)),
        ("effective_from", json!(listed.effective_from)),
        ("tiers", json!(tiers)),
        ("context_window", json!(listed.context_window)),
        ("max_output_tokens", json!(listed.max_output_tokens)),
        ("updated_at", json!(listed.updated_at)),
    ];
    row.extend(more.map(|(key, value)| (key.to_owned(), value)));
    Value::Object(row)
}

fn amounts(prices: &UnitPrices) -> serde_json::Map<String, Value> {
    let amounts = [
        ("input_price", prices.input),
        ("output_price", prices.output),
        ("cache_read_price", prices.cache_read),
        ("cache_write_price", prices.cache_write_5m),
        ("cache_write_1h_price", prices.cache_write_1h),
        ("audio_input_price", prices.audio_input),
        ("audio_output_price", prices.audio_output),
        ("web_search_price", prices.web_searches),
        ("request_price", prices.requests),
    ];
    let pairs = amounts.map(|(key, price)| (key.to_owned(), json!(price)));
    pairs.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::prices::{ProviderKind, StoredPrice};

    fn price(model: &str, input: u64) -> CustomPrice {
        CustomPrice {
            provider: ProviderKind::OpenAi,
            model: model.to_owned(),
            effective_from: None,
            prices: UnitPrices {
                input: Some(input),
                ..UnitPrices::default()
            },
            tiers: Vec::new(),
            context_window: None,
            max_output_tokens: None,
        }
    }

    #[test]
    fn micros_are_told_as_dollars() {
        let check = |micros, text| assert_eq!(dollars(micros), text);
        check(None, "-");
        check(Some(0), "0");
        check(Some(2_500_000), "2.5");
    }

    #[test]
    fn an_import_is_told_in_words() {
        let stored = |price| StoredPrice {
            price,
            created_at: DateTime::UNIX_EPOCH,
            updated_at: DateTime::UNIX_EPOCH,
        };
        let before = CustomPrices {
            version: 1,
            prices: vec![stored(price("a", 1)), stored(price("B", 1))],
            aliases: Vec::new(),
        };
        let imported = ImportedPrices {
            prices: vec![price("a", 1), price("b", 2), price("c", 3)],
            aliases: Vec::new(),
        };
        assert_eq!(
            words(&imported, &before, false),
            "Imported. 3 prices: 1 new, 1 changed, 1 unchanged. 0 aliases: 0 new, 0 changed, 0 unchanged."
        );
        let text = words(&imported, &before, true);
        assert!(
            text.starts_with("Dry run, nothing was written. 3 prices"),
            "{text}"
        );
    }
}
