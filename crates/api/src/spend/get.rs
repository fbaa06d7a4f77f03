//! What a person spent and what is left.

use axum::Json;
use bursar_sdk::{AiLimitSource, EffectiveAiBudget, UserAiSpend};
use model::{
    Micros, UserId,
    budgets::{EffectiveBudget, LimitSource},
    spend::SpendState,
};

use crate::{
    error::ApiResult,
    extract::{AiBridgeSession, PathParams},
};

/// Get what a person spent in the present period, and the limit that holds.
///
/// The spend counts the person, whichever group was charged.
#[utoipa::path(
    get,
    path = "/users/{user}/ai/spend",
    tag = "spend",
    params(("user" = String, Path, description = "An id, a username or `me`.")),
    responses(
        (status = 200, description = "Limit and spend.", body = UserAiSpend),
        (status = 403, description = "The feature `aibridge` is off.", body = bursar_sdk::ErrorBody),
    ),
)]
pub(crate) async fn spend_get(
    AiBridgeSession(caller): AiBridgeSession,
    PathParams(user): PathParams<String>,
) -> ApiResult<Json<UserAiSpend>> {
    let mut unit = caller.store.read().await?;
    let user = unit.users().user_find(&user).await?;
    let state = unit.spend().spend_get(user.id).await?;
    Ok(Json(spend(user.id, &state)))
}

fn spend(user: UserId, state: &SpendState) -> UserAiSpend {
    let remaining = |budget: EffectiveBudget| {
        budget
            .spend_limit
            .saturating_sub(state.spent)
            .saturating_sub(state.reserved)
            .or_zero()
    };
    UserAiSpend {
        user_id: user.0,
        effective_group_id: state.group_id.map(|id| id.0),
        effective_budget: state.budget.map(budget),
        current_spend_micros: state.spent.0,
        reserved_micros: state.reserved.0,
        remaining_micros: state.budget.map(remaining).map(|Micros(micros)| micros),
        period_start: state.period.start,
        period_end: state.period.end,
    }
}

fn budget(budget: EffectiveBudget) -> EffectiveAiBudget {
    let limit_source = match budget.source {
        LimitSource::Group => AiLimitSource::Group,
    };
    EffectiveAiBudget {
        spend_limit_micros: budget.spend_limit.0,
        limit_source,
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};
    use model::{GroupId, spend::Period};
    use uuid::Uuid;

    use super::*;

    #[test]
    fn what_is_left_is_neither_spent_nor_held() {
        let group = GroupId(Uuid::from_u128(7));
        let check = |limit: Option<i64>, spent, reserved, left: Option<i64>| {
            let budget = limit.map(|limit| EffectiveBudget {
                group_id: group,
                spend_limit: Micros(limit),
                source: LimitSource::Group,
            });
            let period = Period {
                start: DateTime::<Utc>::MIN_UTC,
                end: DateTime::<Utc>::MAX_UTC,
            };
            let state = SpendState {
                budget,
                group_id: Some(group),
                organization_id: None,
                spent: Micros(spent),
                reserved: Micros(reserved),
                period,
                now: DateTime::<Utc>::MIN_UTC,
                pool: None,
                blocked_by: None,
            };
            assert_eq!(spend(UserId(Uuid::nil()), &state).remaining_micros, left);
        };
        check(Some(10), 3, 2, Some(5));
        check(Some(10), 10, 0, Some(0));
        check(Some(10), 11, 2, Some(0));
        check(None, 11, 2, None);
    }
}
