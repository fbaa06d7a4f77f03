//! The price book: its layers, and how the prices of a name are found in them.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::{
    CustomPrices, PriceError, ProviderKind, catalog::Catalog, custom::MODEL_NAME_MAX_BYTES, file,
    file::Entry, matching, memo::Memo, model_price::ModelPrice, own::Own,
};
use crate::metering::PriceSource;

/// The price file that is built in; `NOTICE` names its sources.
pub(super) const BUNDLED: &str = include_str!("../../data/model-prices.json");

/// Whose prices count when only a name is known: who makes a model before who hosts it, and the clouds, whose
/// rules are the widest, last.
pub(super) const COMPATIBLE_ORDER: [&str; 17] = [
    "openai",
    "anthropic",
    "google",
    "deepseek",
    "mistral",
    "x-ai",
    "moonshotai",
    "zai",
    "cohere",
    "meta",
    "perplexity",
    "groq",
    "cerebras",
    "together",
    "fireworks",
    "azure",
    "aws",
];

/// The prices of one provider of the built-in file.
#[derive(Debug)]
pub(super) struct Shelf {
    pub(super) provider: String,
    pub(super) entries: Vec<Arc<Entry>>,
}

/// All prices that are known. Made once at start and shared; [`PriceBook::with_own`] puts over it what the deployment
/// set at some moment, which copies nothing.
#[derive(Debug)]
pub struct PriceBook {
    pub(super) own: Own,
    /// The operator's file.
    pub(super) custom: Arc<[Arc<Entry>]>,
    /// In the order of [`COMPATIBLE_ORDER`].
    pub(super) shelves: Arc<[Shelf]>,
    catalog: Arc<Catalog>,
    /// Which entry of the two files covers a name; `None`: neither does.
    resolved: Arc<Memo<Option<Arc<Entry>>>>,
}

impl PriceBook {
    /// The prices that are built in. The crate's catalogue is decoded when a name first misses the file.
    ///
    /// # Errors
    /// [`PriceError`] when the built-in file is broken, which a test rules out.
    pub fn bundled() -> Result<Self, PriceError> {
        let mut shelves = Vec::<Shelf>::new();
        for entry in file::parse(BUNDLED, PriceSource::File)? {
            let provider = &entry.facts.provider;
            if let Some(shelf) = shelves.iter_mut().find(|shelf| shelf.provider == *provider) {
                shelf.entries.push(Arc::new(entry));
            } else {
                let provider = provider.clone();
                shelves.push(Shelf {
                    provider,
                    entries: vec![Arc::new(entry)],
                });
            }
        }
        shelves.sort_by_key(|shelf| {
            let place = COMPATIBLE_ORDER.iter().position(|id| *id == shelf.provider);
            place.unwrap_or(COMPATIBLE_ORDER.len())
        });
        Ok(Self {
            own: Own::default(),
            custom: Arc::default(),
            shelves: shelves.into(),
            catalog: Arc::default(),
            resolved: Arc::default(),
        })
    }

    /// Adds an operator's own price file, in the format of the built-in one (`data/README.md` there). Its
    /// entries win over the built-in ones, the first of them that covers a name. In it, `match` may be left out (then
    /// the name must be equal to `model`), and so may `provider` (then the entry holds for every kind of provider);
    /// otherwise `provider` is the kind's name, or for an OpenAI-compatible one any name. Zero prices are free of
    /// charge.
    ///
    /// # Errors
    /// [`PriceError`] says which entry is wrong and why.
    pub fn with_custom(mut self, json: &str) -> Result<Self, PriceError> {
        let added = file::parse(json, PriceSource::OperatorFile)?;
        let added = added.into_iter().map(Arc::new);
        self.custom = self.custom.iter().cloned().chain(added).collect();
        self.resolved = Arc::default();
        Ok(self)
    }

    /// This book under what the deployment set itself, which wins. What was set before is forgotten. The files and
    /// what was found in them are shared, so that this costs no more than what was set.
    #[must_use]
    pub fn with_own(&self, custom: &CustomPrices) -> Self {
        Self {
            own: Own::new(custom),
            custom: Arc::clone(&self.custom),
            shelves: Arc::clone(&self.shelves),
            catalog: Arc::clone(&self.catalog),
            resolved: Arc::clone(&self.resolved),
        }
    }

    /// The prices of `model` for a kind of provider at an instant. `None` when no source knows a token price.
    ///
    /// Asked in this order: custom prices of the very name; the alias that the name is, which decides alone: its
    /// model is priced like a name that is no alias, and when that has no price, neither has the name; the files and
    /// the catalogue, and custom prices of the model that those take the name for.
    #[must_use]
    pub fn lookup(&self, kind: ProviderKind, model: &str, at: DateTime<Utc>) -> Option<ModelPrice> {
        if model.is_empty() || model.len() > MODEL_NAME_MAX_BYTES {
            return None;
        }
        let name = model.to_lowercase();
        if self.own.is_empty() {
            return self.below(kind, &name, at);
        }
        if self.own.price(kind, &name, at).is_some() {
            return self.direct(kind, &name, at);
        }
        let target = self.own.alias(kind, &name).unwrap_or(&name);
        self.direct(kind, target, at)
    }

    /// The prices of a name, in lower case, that is taken for no alias.
    fn direct(&self, kind: ProviderKind, name: &str, at: DateTime<Utc>) -> Option<ModelPrice> {
        let below = self.below(kind, name, at);
        let own = self.own.price(kind, name, at).or_else(|| {
            let known_as = below.as_ref()?.model().to_lowercase();
            self.own.price(kind, &known_as, at)
        });
        match own {
            Some(own) => Some(own.price.with_limits_of(below.as_ref())),
            None => below,
        }
    }

    /// What the files and the catalogue say of a name, in lower case.
    pub(super) fn below(
        &self,
        kind: ProviderKind,
        name: &str,
        at: DateTime<Utc>,
    ) -> Option<ModelPrice> {
        let entry = self.resolved.get(kind, name).unwrap_or_else(|| {
            let entry = self.resolve(kind, name);
            self.resolved.put(kind, name, entry.clone());
            entry
        });
        match entry {
            Some(entry) => entry.at(at),
            None => self
                .catalog
                .find(kind, name, at, |id| self.shelf(id).is_some()),
        }
    }

    /// How many models the files of this book list.
    #[must_use]
    pub fn len(&self) -> usize {
        let shelves = self.shelves.iter().map(|shelf| shelf.entries.len());
        self.custom.len() + shelves.sum::<usize>()
    }

    /// Whether they list none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn shelf(&self, provider: &str) -> Option<&Shelf> {
        self.shelves.iter().find(|shelf| shelf.provider == provider)
    }

    fn resolve(&self, kind: ProviderKind, name: &str) -> Option<Arc<Entry>> {
        self.resolve_exactly(kind, name).or_else(|| {
            let written_out = matching::expand_compact_date(name)?;
            self.resolve_exactly(kind, &written_out)
        })
    }

    fn resolve_exactly(&self, kind: ProviderKind, name: &str) -> Option<Arc<Entry>> {
        self.in_operators_file(kind, name).or_else(|| match kind {
            ProviderKind::OpenAi | ProviderKind::Anthropic => self.on_shelf(kind.as_str(), name),
            ProviderKind::OpenAiCompatible => self.on_any_shelf(name),
        })
    }

    pub(super) fn in_operators_file(&self, kind: ProviderKind, name: &str) -> Option<Arc<Entry>> {
        let mut entries = self.custom.iter();
        let found = entries.find(|entry| entry.applies_to(kind) && entry.covers(name));
        found.cloned()
    }

    pub(super) fn on_shelf(&self, provider: &str, name: &str) -> Option<Arc<Entry>> {
        self.shelf(provider)?.covering(name)
    }

    /// By the provider that the name is prefixed with (`openai/gpt-5`), else by whichever knows the whole name.
    fn on_any_shelf(&self, name: &str) -> Option<Arc<Entry>> {
        let priced = |entry: &Arc<Entry>| entry.ever_priced();
        name.split_once('/')
            .and_then(|(provider, rest)| self.on_shelf(provider, rest).filter(priced))
            .or_else(|| {
                self.shelves
                    .iter()
                    .find_map(|shelf| shelf.covering(name).filter(priced))
            })
    }
}

impl Shelf {
    fn covering(&self, name: &str) -> Option<Arc<Entry>> {
        let mut entries = self.entries.iter();
        entries.find(|entry| entry.covers(name)).cloned()
    }
}
