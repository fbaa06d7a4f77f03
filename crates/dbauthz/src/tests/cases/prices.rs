//! Calls and checks of prices.

use model::prices::{CustomPrice, EffectiveDates, ModelAlias, ProviderKind};
use rbac::{
    Action::{Read, Update},
    Object, ResourceType,
};

use super::{Case, allow, case};

fn price() -> CustomPrice {
    CustomPrice {
        provider: ProviderKind::OpenAi,
        model: "m".to_owned(),
        effective_from: None,
        prices: model::metering::UnitPrices::default(),
        tiers: Vec::new(),
        context_window: None,
        max_output_tokens: None,
    }
}

fn alias() -> ModelAlias {
    ModelAlias {
        provider: ProviderKind::OpenAi,
        provider_model: "n".to_owned(),
        priced_model: "m".to_owned(),
    }
}

pub(super) fn prices() -> Vec<Case> {
    let prices = || Object::new(ResourceType::AiModelPrice);
    vec![
        case!("price_book_get", u => u.prices().price_book_get(), [allow(Read, prices())]),
        case!("model_price_upsert", u => u.prices().model_price_upsert(&[price()]), [
            allow(Update, prices()),
        ]),
        case!(
            "model_price_delete",
            u => u.prices().model_price_delete(ProviderKind::OpenAi, "m", EffectiveDates::All),
            [allow(Update, prices())]
        ),
        case!("model_alias_upsert", u => u.prices().model_alias_upsert(&alias()), [
            allow(Update, prices()),
        ]),
        case!("model_alias_delete", u => u.prices().model_alias_delete(ProviderKind::OpenAi, "n"), [
            allow(Update, prices()),
        ]),
    ]
}
