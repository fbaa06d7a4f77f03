//! All prices that are known, as rows for people.

use std::{collections::HashSet, sync::Arc};

use chrono::{DateTime, NaiveTime, Utc};

use super::{
    CustomPrice, CustomPrices, PriceBook, PriceTier, ProviderKind, file::Entry,
    model_price::ModelPrice,
};
use crate::metering::{PriceSource, UnitPrices};

/// Where a listed price comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PriceOrigin {
    /// It is built in, or stands in the operator's own file.
    Default,
    /// The deployment set it.
    Custom,
}

/// Which rows of a model are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PriceSelection {
    /// The one that holds now.
    #[default]
    Effective,
    /// Those of an origin, effective or not.
    Of(PriceOrigin),
    /// All.
    All,
}

impl PriceSelection {
    fn admits(self, row: &ListedPrice) -> bool {
        match self {
            Self::Effective => row.effective,
            Self::Of(origin) => row.source == origin,
            Self::All => true,
        }
    }
}

/// What is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PriceFilter {
    /// For one type of provider only.
    pub provider: Option<ProviderKind>,
    /// For one name of a model only, as a request would have it; case does not matter. Then names that only match
    /// rules know are found too, and those that are aliases.
    pub model: Option<String>,
    /// Which rows.
    pub source: PriceSelection,
}

/// A price of a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedPrice {
    /// The type of provider.
    pub provider: ProviderKind,
    /// The name that it is for.
    pub model: String,
    /// The model whose price it is: another one where the name is an alias, or a variant by a match rule.
    pub priced_model: String,
    /// Where it comes from.
    pub source: PriceOrigin,
    /// Whether a request for the name is charged by it now.
    pub effective: bool,
    /// From when on it holds.
    pub effective_from: Option<DateTime<Utc>>,
    /// The prices below every tier.
    pub prices: UnitPrices,
    /// The tiers.
    pub tiers: Vec<PriceTier>,
    /// The most tokens of a prompt.
    pub context_window: Option<u64>,
    /// The most tokens of an answer.
    pub max_output_tokens: Option<u64>,
    /// When the deployment set it to what it is.
    pub updated_at: Option<DateTime<Utc>>,
}

impl PriceBook {
    /// The prices of this book under those that the deployment set, at an instant: by provider, model, and from when on
    /// they hold. Models that only the catalogue knows are found by name only. For OpenAI-compatible providers the
    /// built-in models are named with the one who offers them before a slash.
    #[must_use]
    pub fn list(
        &self,
        custom: &CustomPrices,
        filter: &PriceFilter,
        at: DateTime<Utc>,
    ) -> Vec<ListedPrice> {
        let book = self.with_own(custom);
        let name = filter.model.as_deref().map(str::to_lowercase);
        let mut rows = Vec::new();
        for kind in ProviderKind::ALL {
            if filter.provider.is_some_and(|wanted| wanted != kind) {
                continue;
            }
            rows.extend(book.custom_rows(custom, (kind, name.as_deref()), at));
            match (&filter.model, &name) {
                (Some(model), Some(name)) => rows.extend(book.rows_of(kind, (model, name), at)),
                _ => rows.extend(book.default_rows(kind, at)),
            }
        }
        rows.retain(|row| filter.source.admits(row));
        rows.sort_by_cached_key(|row| {
            (
                row.provider,
                row.model.to_lowercase(),
                row.source,
                row.effective_from,
            )
        });
        rows
    }

    fn custom_rows<'a>(
        &'a self,
        custom: &'a CustomPrices,
        (kind, name): (ProviderKind, Option<&'a str>),
        at: DateTime<Utc>,
    ) -> impl Iterator<Item = ListedPrice> + 'a {
        let mine = move |price: &CustomPrice| {
            price.provider == kind && name.is_none_or(|name| price.model.to_lowercase() == name)
        };
        custom
            .prices
            .iter()
            .filter(move |stored| mine(&stored.price))
            .map(move |stored| {
                let price = &stored.price;
                let holds = self.own.price(kind, &price.model.to_lowercase(), at);
                ListedPrice {
                    provider: kind,
                    model: price.model.clone(),
                    priced_model: price.model.clone(),
                    source: PriceOrigin::Custom,
                    effective: holds
                        .is_some_and(|holds| holds.effective_from == price.effective_from),
                    effective_from: price.effective_from,
                    prices: price.prices,
                    tiers: price.tiers.clone(),
                    context_window: price.context_window,
                    max_output_tokens: price.max_output_tokens,
                    updated_at: Some(stored.updated_at),
                }
            })
    }

    /// What a name is charged by when no custom price of the very name holds, and what it would be charged by if it
    /// were no alias.
    fn rows_of(
        &self,
        kind: ProviderKind,
        (model, name): (&str, &str),
        at: DateTime<Utc>,
    ) -> Vec<ListedPrice> {
        let of_its_own = self.own.price(kind, name, at).is_some();
        let below = self.below(kind, name, at);
        let holds = self.lookup(kind, name, at).filter(|_| !of_its_own);
        let by_default = holds.is_some() && holds == below;
        let mut rows = Vec::new();
        if let Some(price) = below {
            rows.push(row(kind, model.to_owned(), &price, by_default));
        }
        if let Some(price) = holds.filter(|_| !by_default) {
            rows.push(row(kind, model.to_owned(), &price, true));
        }
        rows
    }

    /// A name that leads to an entry of a shelf: mostly its model's, which some are not asked for by.
    fn name_of<'a>(&self, provider: &str, entry: &'a Arc<Entry>) -> Option<&'a str> {
        let model = entry.facts.model.as_str();
        let mut names = std::iter::once(model).chain(entry.examples());
        names.find(|name| {
            let found = self.on_shelf(provider, &name.to_lowercase());
            found.is_some_and(|found| Arc::ptr_eq(&found, entry))
        })
    }

    fn default_rows(&self, kind: ProviderKind, at: DateTime<Utc>) -> Vec<ListedPrice> {
        let mut seen = HashSet::new();
        let mut rows = Vec::new();
        let mut add = |name: String, entry: &Entry, shadowed: bool| {
            let folded = name.to_lowercase();
            if let Some(price) = entry.at(at)
                && seen.insert(folded.clone())
            {
                let own = self.own.price(kind, &folded, at).is_some();
                let alias = self.own.alias(kind, &folded).is_some();
                let known_as = price.model().to_lowercase();
                let own = own || self.own.price(kind, &known_as, at).is_some();
                rows.push(row(kind, name, &price, !(shadowed || own || alias)));
            }
        };
        for entry in self.custom.iter().filter(|entry| entry.applies_to(kind)) {
            let name = &entry.facts.model;
            if entry.covers(&name.to_lowercase()) {
                add(name.clone(), entry, false);
            }
        }
        for shelf in self.shelves.iter() {
            let compatible = kind == ProviderKind::OpenAiCompatible;
            if !compatible && shelf.provider != kind.as_str() {
                continue;
            }
            for entry in &shelf.entries {
                let known = self.name_of(&shelf.provider, entry);
                let name = known.unwrap_or(&entry.facts.model);
                let name = if compatible {
                    format!("{}/{name}", shelf.provider)
                } else {
                    name.to_owned()
                };
                let shadowed = self.in_operators_file(kind, &name.to_lowercase()).is_some();
                add(name, entry, shadowed || known.is_none());
            }
        }
        rows
    }
}

fn row(provider: ProviderKind, model: String, price: &ModelPrice, effective: bool) -> ListedPrice {
    let midnight = |day: chrono::NaiveDate| day.and_time(NaiveTime::MIN).and_utc();
    ListedPrice {
        provider,
        model,
        priced_model: price.model().to_owned(),
        source: match price.source() {
            PriceSource::Custom => PriceOrigin::Custom,
            PriceSource::OperatorFile | PriceSource::File | PriceSource::Catalog => {
                PriceOrigin::Default
            }
        },
        effective,
        effective_from: price.since().map(midnight),
        prices: price.base(),
        tiers: price
            .tiers()
            .map(|(starts_at, prices)| PriceTier { starts_at, prices })
            .collect(),
        context_window: price.context_window(),
        max_output_tokens: price.max_output_tokens(),
        updated_at: None,
    }
}
