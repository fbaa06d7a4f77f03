//! Usage of models without a price, counted by provider and model as far as labels may tell them apart.

use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
};

use metrics::counter;
use model::providers::Provider;

pub(super) const UNPRICED: &str = "bursar_cost_control_unpriced_token_usage_records_total";

/// So many pairs of provider and model are told apart in labels. Models are named by clients, so there is no end of
/// them; those that come later are told together.
const MOST_MODELS: usize = 200;
/// The greatest length of a model's name in a label, in characters.
const MODEL_CHARS: usize = 100;
/// What the models are called that are too many.
const OTHER_MODELS: &str = "other";

/// A model without a price, as labels tell it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unpriced {
    provider: String,
    provider_type: &'static str,
    model: String,
}

impl Unpriced {
    /// A model as the client named it, at a provider.
    pub(crate) fn new(provider: &Provider, model: &str) -> Self {
        Self {
            provider: provider.name.to_string(),
            provider_type: provider.kind.as_str(),
            model: model.chars().take(MODEL_CHARS).collect(),
        }
    }

    /// Counts usage of it.
    pub(crate) fn count(&self) {
        static KNOWN: Mutex<BTreeSet<(String, String)>> = Mutex::new(BTreeSet::new());
        let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        let model = self.label(&mut known);
        counter!(
            UNPRICED,
            "provider" => self.provider.clone(), "provider_type" => self.provider_type, "model" => model
        )
        .increment(1);
    }

    /// The model's label: its name, unless there are too many already.
    fn label(&self, known: &mut BTreeSet<(String, String)>) -> String {
        let pair = (self.provider.clone(), self.model.clone());
        if known.len() < MOST_MODELS {
            known.insert(pair);
            return self.model.clone();
        }
        if known.contains(&pair) {
            self.model.clone()
        } else {
            OTHER_MODELS.to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use model::{ProviderId, prices::ProviderKind};
    use uuid::Uuid;

    use super::*;

    fn provider(name: &str) -> Provider {
        Provider {
            id: ProviderId(Uuid::nil()),
            name: name.parse().unwrap(),
            kind: ProviderKind::OpenAi,
            base_url: "https://example.com/v1".parse().unwrap(),
            created_at: DateTime::UNIX_EPOCH,
            updated_at: DateTime::UNIX_EPOCH,
        }
    }

    #[test]
    fn models_without_a_price_are_told_apart_up_to_a_number() {
        let mut known = BTreeSet::new();
        let mut label = |provider_name: &str, model: &str| {
            Unpriced::new(&provider(provider_name), model).label(&mut known)
        };
        for number in 0..MOST_MODELS {
            let model = format!("model-{number}");
            assert_eq!(label("near", &model), model);
        }
        assert_eq!(label("near", "one-too-many"), OTHER_MODELS);
        assert_eq!(label("far", "model-1"), OTHER_MODELS);
        assert_eq!(label("near", "model-1"), "model-1");
        assert_eq!(known.len(), MOST_MODELS);
        let long = Unpriced::new(&provider("near"), &"\u{e9}".repeat(MODEL_CHARS + 1));
        assert_eq!(long.model.chars().count(), MODEL_CHARS);
    }
}
