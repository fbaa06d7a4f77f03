//! What this deployment set itself, made ready to be asked.

use std::{cmp::Reverse, collections::HashMap, sync::Arc};

use chrono::{DateTime, Utc};

use super::{
    CustomPrices, ProviderKind,
    custom::CustomPrice,
    model_price::{ModelFacts, ModelPrice, Tier},
};
use crate::metering::PriceSource;

/// Custom prices and aliases by the names of models in lower case.
#[derive(Debug, Default)]
pub(super) struct Own {
    kinds: HashMap<ProviderKind, OfKind>,
}

#[derive(Debug, Default)]
struct OfKind {
    prices: HashMap<String, Vec<Dated>>,
    names: HashMap<String, String>,
    /// The most particular first.
    patterns: Vec<(Pattern, String)>,
}

/// The prices from an instant on.
#[derive(Debug)]
pub(super) struct Dated {
    pub(super) effective_from: Option<DateTime<Utc>>,
    pub(super) price: ModelPrice,
}

impl Own {
    pub(super) fn new(custom: &CustomPrices) -> Self {
        let mut kinds = HashMap::<_, OfKind>::new();
        for stored in &custom.prices {
            let of_kind = kinds.entry(stored.price.provider).or_default();
            let dated = of_kind.prices.entry(stored.price.model.to_lowercase());
            dated.or_default().push(dated_price(&stored.price));
        }
        for stored in &custom.aliases {
            let alias = &stored.alias;
            let of_kind = kinds.entry(alias.provider).or_default();
            let (name, target) = (
                alias.provider_model.to_lowercase(),
                alias.priced_model.to_lowercase(),
            );
            if name.contains('*') {
                of_kind.patterns.push((Pattern(name), target));
            } else {
                of_kind.names.insert(name, target);
            }
        }
        for of_kind in kinds.values_mut() {
            let dates = of_kind.prices.values_mut();
            dates.for_each(|dated| dated.sort_by_key(|one| one.effective_from));
            of_kind
                .patterns
                .sort_by_cached_key(|(pattern, _)| (Reverse(pattern.letters()), pattern.0.clone()));
        }
        Self { kinds }
    }

    /// The prices that hold for a model at an instant: of those that have begun, the ones that began last.
    pub(super) fn price(
        &self,
        kind: ProviderKind,
        name: &str,
        at: DateTime<Utc>,
    ) -> Option<&Dated> {
        let dated = self.kinds.get(&kind)?.prices.get(name)?;
        let begun = |one: &&Dated| one.effective_from.is_none_or(|from| from <= at);
        dated.iter().rev().find(begun)
    }

    /// The model that a name stands for: what is said of the very name, else what the pattern with the most letters
    /// says.
    pub(super) fn alias(&self, kind: ProviderKind, name: &str) -> Option<&str> {
        let of_kind = self.kinds.get(&kind)?;
        let by_pattern = || {
            let mut patterns = of_kind.patterns.iter();
            patterns.find(|(pattern, _)| pattern.covers(name))
        };
        let target = of_kind.names.get(name);
        target
            .or_else(|| by_pattern().map(|(_, target)| target))
            .map(String::as_str)
    }

    /// Whether nothing was set.
    pub(super) fn is_empty(&self) -> bool {
        self.kinds.is_empty()
    }
}

/// In lower case; `*` is any text.
#[derive(Debug)]
struct Pattern(String);

impl Pattern {
    fn letters(&self) -> usize {
        self.0.bytes().filter(|byte| *byte != b'*').count()
    }

    fn covers(&self, name: &str) -> bool {
        let Some((start, rest)) = self.0.split_once('*') else {
            return self.0 == name;
        };
        let (middle, end) = rest.rsplit_once('*').unwrap_or(("", rest));
        let inner = name
            .strip_prefix(start)
            .and_then(|name| name.strip_suffix(end));
        let mut left = inner;
        for part in middle.split('*') {
            // The first place leaves most for the others.
            left = left
                .and_then(|left| left.split_once(part))
                .map(|(_, left)| left);
        }
        left.is_some()
    }
}

fn dated_price(custom: &CustomPrice) -> Dated {
    let facts = ModelFacts {
        provider: custom.provider.as_str().to_owned(),
        model: custom.model.clone(),
        source: PriceSource::Custom,
        context_window: custom.context_window,
        max_output_tokens: custom.max_output_tokens,
    };
    let mut below = custom.prices;
    let tiers = custom.tiers.iter().map(|tier| {
        below = tier.prices.over(below);
        Tier {
            start: tier.starts_at,
            prices: below,
        }
    });
    let tiers = tiers.collect();
    let since = custom.effective_from.map(|from| from.date_naive());
    Dated {
        effective_from: custom.effective_from,
        price: ModelPrice::new(Arc::new(facts), since, custom.prices, tiers),
    }
}

#[cfg(test)]
mod tests {
    use super::Pattern;

    #[test]
    fn a_star_is_any_text() {
        let check = |pattern: &str, name: &str, covered: bool| {
            let pattern = Pattern(pattern.to_owned());
            assert_eq!(pattern.covers(name), covered, "{pattern:?} {name}");
        };
        check("gpt-5-*", "gpt-5-mini", true);
        check("gpt-5-*", "gpt-5-", true);
        check("gpt-5-*", "gpt-5", false);
        check("*-prod", "chat-prod", true);
        check("*-prod", "chat-prod-2", false);
        check("*nova*", "us.nova.pro", true);
        check("*nova*", "gemini", false);
        check("a*b*c", "a-b-c", true);
        check("a*b*c", "a-c-b", false);
        check("a*b*c", "abc", true);
        // The ends do not overlap.
        check("ab*ba", "aba", false);
        check("ab*ba", "abba", true);
        check("a**b", "ab", true);
        check("*é*", "café", true);
    }
}
