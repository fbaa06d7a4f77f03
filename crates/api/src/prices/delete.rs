//! The end of custom prices.

use axum::http::StatusCode;
use bursar_sdk::ModelPriceDeleteQuery;
use chrono::{DateTime, SubsecRound, Utc};
use model::prices::EffectiveDates;

use crate::{
    error::{ApiError, ApiResult},
    extract::{AiBridgeSession, QueryParams},
    providers::kind,
    validate::{Checked, instant, wrong},
};

/// Remove prices of a model that were set; what is built in holds again from the next request on.
#[utoipa::path(
    delete,
    path = "/ai/model-prices",
    tag = "prices",
    params(ModelPriceDeleteQuery),
    responses(
        (status = 204, description = "They were removed."),
        (status = 403, description = "The caller may not set prices, or the feature `aibridge` is off.",
            body = bursar_sdk::ErrorBody),
        (status = 404, description = "There were none.", body = bursar_sdk::ErrorBody),
    ),
)]
pub(crate) async fn model_price_delete(
    AiBridgeSession(caller): AiBridgeSession,
    QueryParams(query): QueryParams<ModelPriceDeleteQuery>,
) -> ApiResult<StatusCode> {
    let dates = dates(query.effective_from.as_deref()).map_err(ApiError::Query)?;
    let mut unit = caller.store.begin().await?;
    let provider = kind(query.provider);
    let mut prices = unit.prices();
    let removed = prices
        .model_price_delete(provider, &query.model, dates)
        .await;
    if removed.map_err(ApiError::of_readable)? == 0 {
        return Err(ApiError::not_found());
    }
    unit.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

fn dates(text: Option<&str>) -> Checked<EffectiveDates> {
    const FIELD: &str = "effective_from";
    let at = match text {
        None => return Ok(EffectiveDates::All),
        Some("always") => return Ok(EffectiveDates::Always),
        Some(text) => match text.parse::<DateTime<Utc>>() {
            Ok(at) => at,
            Err(_) => return wrong(FIELD, "must be an instant as in RFC 3339, or `always`"),
        },
    };
    instant(FIELD, Some(at))?;
    // As exactly as it is stored.
    Ok(EffectiveDates::From(at.trunc_subsecs(6)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_an_instant_a_word_or_all() {
        let check = |text: Option<&str>, expected: Option<EffectiveDates>| {
            assert_eq!(dates(text).ok(), expected, "{text:?}");
        };
        let at = DateTime::from_timestamp(0, 1_000).unwrap();
        check(None, Some(EffectiveDates::All));
        check(Some("always"), Some(EffectiveDates::Always));
        check(
            Some("1970-01-01T01:00:00.0000019+01:00"),
            Some(EffectiveDates::From(at)),
        );
        check(Some("Always"), None);
        check(Some("1970-01-01"), None);
        check(Some("+12000-01-01T00:00:00Z"), None);
    }
}
