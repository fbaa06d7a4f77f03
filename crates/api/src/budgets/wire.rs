//! Budgets as the wire shows and takes them.

use bursar_sdk::{
    AiBudgetEveryone, AiBudgetMode, AiBudgetPeriod, AiBudgetPolicy, AiBudgetSettings,
    GroupAiBudget, UserAiBudgetOverride,
};
use model::{
    Micros,
    budgets::{
        BudgetMode, BudgetOverride, BudgetPeriod, BudgetPolicy, BudgetSettings, EveryoneBudget,
        GroupBudget, MAX_SPEND_LIMIT,
    },
};

use crate::{
    error::{ApiError, ApiResult},
    validate::{Checked, wrong},
};

pub(crate) fn group_budget(budget: GroupBudget) -> GroupAiBudget {
    GroupAiBudget {
        group_id: budget.group_id.0,
        spend_limit_micros: budget.spend_limit.0,
        mode: mode(budget.mode),
        pool_limit_micros: budget.pool_limit.map(|limit| limit.0),
        pool_period: budget.pool_period.map(period),
        pool_time_zone: budget.pool_time_zone,
        created_at: budget.created_at,
        updated_at: budget.updated_at,
    }
}

pub(crate) fn budget_override(budget: &BudgetOverride) -> UserAiBudgetOverride {
    UserAiBudgetOverride {
        user_id: budget.user_id.0,
        group_id: budget.group_id.0,
        spend_limit_micros: budget.spend_limit.0,
        mode: mode(budget.mode),
        expires_at: budget.expires_at,
        created_at: budget.created_at,
        updated_at: budget.updated_at,
    }
}

pub(crate) fn settings(settings: BudgetSettings) -> AiBudgetSettings {
    AiBudgetSettings {
        policy: match settings.policy {
            BudgetPolicy::Highest => AiBudgetPolicy::Highest,
            BudgetPolicy::Lowest => AiBudgetPolicy::Lowest,
            BudgetPolicy::Sum => AiBudgetPolicy::Sum,
        },
        everyone: match settings.everyone {
            EveryoneBudget::Competes => AiBudgetEveryone::Competes,
            EveryoneBudget::Default => AiBudgetEveryone::Default,
        },
        period: period(settings.period),
        time_zone: settings.time_zone,
        alert_thresholds: settings.alert_thresholds.iter().collect(),
        changed_at: settings.changed_at,
    }
}

pub(crate) const fn mode(mode: BudgetMode) -> AiBudgetMode {
    match mode {
        BudgetMode::Enforce => AiBudgetMode::Enforce,
        BudgetMode::Observe => AiBudgetMode::Observe,
    }
}

const fn period(period: BudgetPeriod) -> AiBudgetPeriod {
    match period {
        BudgetPeriod::Day => AiBudgetPeriod::Day,
        BudgetPeriod::Week => AiBudgetPeriod::Week,
        BudgetPeriod::Month => AiBudgetPeriod::Month,
        BudgetPeriod::Quarter => AiBudgetPeriod::Quarter,
    }
}

pub(super) const fn read_mode(mode: AiBudgetMode) -> BudgetMode {
    match mode {
        AiBudgetMode::Enforce => BudgetMode::Enforce,
        AiBudgetMode::Observe => BudgetMode::Observe,
    }
}

pub(super) const fn read_period(period: AiBudgetPeriod) -> BudgetPeriod {
    match period {
        AiBudgetPeriod::Day => BudgetPeriod::Day,
        AiBudgetPeriod::Week => BudgetPeriod::Week,
        AiBudgetPeriod::Month => BudgetPeriod::Month,
        AiBudgetPeriod::Quarter => BudgetPeriod::Quarter,
    }
}

/// Reads a limit: zero up to [`MAX_SPEND_LIMIT`].
pub(super) fn read_limit(field: &str, micros: i64) -> ApiResult<Micros> {
    let limit = Micros(micros);
    if limit < Micros::ZERO {
        let wrong: Checked<Micros> = wrong(field, "must be at least 0");
        return Ok(wrong?);
    }
    if limit > MAX_SPEND_LIMIT {
        let detail = format_args!("Must not exceed {}.", MAX_SPEND_LIMIT.0);
        let message = "Invalid AI spend limit.";
        return wrong(field, detail).map_err(|validations| ApiError::Body {
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
            let outcome = match read_limit("limit", micros) {
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
