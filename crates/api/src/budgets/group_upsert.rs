//! A group's budget is set.

use axum::Json;
use bursar_sdk::{GroupAiBudget, UpsertGroupAiBudgetRequest};
use model::{Micros, budgets::MAX_SPEND_LIMIT};

use super::wire;
use crate::{
    error::{ApiError, ApiResult},
    extract::{AiBridgeSession, JsonBody, PathParams, id_param},
    validate::{Checked, wrong},
};

/// Set a group's budget: what each of its members may spend in a period. Zero blocks.
#[utoipa::path(
    put,
    path = "/groups/{group}/ai/budget",
    tag = "budgets",
    params(("group" = uuid::Uuid, Path, description = "The group's id.")),
    request_body = UpsertGroupAiBudgetRequest,
    responses(
        (status = 200, description = "The budget.", body = GroupAiBudget),
        (status = 403, description = "The feature `aibridge` is off.", body = bursar_sdk::ErrorBody),
    ),
)]
pub(crate) async fn group_budget_upsert(
    AiBridgeSession(caller): AiBridgeSession,
    PathParams(group): PathParams<String>,
    JsonBody(body): JsonBody<UpsertGroupAiBudgetRequest>,
) -> ApiResult<Json<GroupAiBudget>> {
    let id = id_param(&group)?;
    let limit = spend_limit(body.spend_limit_micros)?;
    let mut unit = caller.store.begin().await?;
    let budget = unit.budgets().group_budget_upsert(id, limit).await?;
    unit.commit().await?;
    Ok(Json(wire::group_budget(budget)))
}

/// Reads a limit: zero up to [`MAX_SPEND_LIMIT`].
fn spend_limit(micros: i64) -> ApiResult<Micros> {
    const FIELD: &str = "spend_limit_micros";
    let limit = Micros(micros);
    if limit < Micros::ZERO {
        let wrong: Checked<Micros> = wrong(FIELD, "must be at least 0");
        return Ok(wrong?);
    }
    if limit > MAX_SPEND_LIMIT {
        let detail = format_args!("Must not exceed {}.", MAX_SPEND_LIMIT.0);
        let message = "Invalid AI spend limit.";
        return wrong(FIELD, detail).map_err(|validations| ApiError::Body {
            message,
            validations,
        });
    }
    Ok(limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_between_zero_and_a_million_dollars() {
        let check = |micros, expected: Result<(), (&str, &str)>| {
            let outcome = match spend_limit(micros) {
                Ok(Micros(limit)) => {
                    assert_eq!(limit, micros);
                    Ok(())
                }
                Err(ApiError::Body {
                    message,
                    validations,
                }) => Err((message.to_owned(), validations[0].detail.clone())),
                Err(other) => panic!("{other:?}"),
            };
            let expected = expected.map_err(|(m, d)| (m.to_owned(), d.to_owned()));
            assert_eq!(outcome, expected, "{micros}");
        };
        check(0, Ok(()));
        check(1_000_000_000_000, Ok(()));
        check(-1, Err(("Validation failed.", "must be at least 0")));
        let too_much = ("Invalid AI spend limit.", "Must not exceed 1000000000000.");
        check(1_000_000_000_001, Err(too_much));
        check(i64::MAX, Err(too_much));
    }
}
