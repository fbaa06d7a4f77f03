//! Spend as the wire shows it.

use bursar_sdk::{
    AiBudgetReason, AiLimitSource, AiSpendPool, ConsideredAiBudget, EffectiveAiBudget, UserAiSpend,
};
use model::{
    Micros, UserId,
    budgets::{Considered, EffectiveBudget, LimitSource, Reason},
    spend::{PoolState, SpendView},
};

use crate::budgets::mode;

pub(crate) fn spend(user: UserId, view: SpendView) -> UserAiSpend {
    let SpendView { state, considered } = view;
    let remaining = state
        .budget
        .map(|budget| left(budget.spend_limit, state.spent, state.reserved));
    UserAiSpend {
        user_id: user.0,
        effective_group_id: state.group_id.map(|id| id.0),
        effective_budget: state.budget.map(budget),
        current_spend_micros: state.spent.0,
        reserved_micros: state.reserved.0,
        remaining_micros: remaining,
        period_start: state.period.start,
        period_end: state.period.end,
        pool: state.pool.as_ref().map(pool),
        why: considered.iter().map(reason).collect(),
    }
}

/// What is neither spent nor held.
pub(crate) fn left(limit: Micros, spent: Micros, reserved: Micros) -> i64 {
    let left = limit.saturating_sub(spent).saturating_sub(reserved);
    left.or_zero().0
}

pub(crate) const fn budget(budget: EffectiveBudget) -> EffectiveAiBudget {
    EffectiveAiBudget {
        spend_limit_micros: budget.spend_limit.0,
        limit_source: source(budget.source),
        mode: mode(budget.mode),
    }
}

pub(crate) fn pool(pool: &PoolState) -> AiSpendPool {
    AiSpendPool {
        group_id: pool.group_id.0,
        pool_limit_micros: pool.limit.0,
        mode: mode(pool.mode),
        current_spend_micros: pool.spent.0,
        reserved_micros: pool.reserved.0,
        remaining_micros: left(pool.limit, pool.spent, pool.reserved),
        period_start: pool.period.start,
        period_end: pool.period.end,
    }
}

const fn source(source: LimitSource) -> AiLimitSource {
    match source {
        LimitSource::UserOverride => AiLimitSource::UserOverride,
        LimitSource::Group => AiLimitSource::Group,
    }
}

const fn reason(considered: &Considered) -> ConsideredAiBudget {
    ConsideredAiBudget {
        limit_source: source(considered.source),
        group_id: considered.group_id.0,
        organization_id: considered.organization_id.0,
        spend_limit_micros: considered.spend_limit.0,
        mode: mode(considered.mode),
        reason: match considered.reason {
            Reason::Holds => AiBudgetReason::Holds,
            Reason::Summed => AiBudgetReason::Summed,
            Reason::Outranked => AiBudgetReason::Outranked,
            Reason::DefaultNotNeeded => AiBudgetReason::DefaultNotNeeded,
            Reason::Overridden => AiBudgetReason::Overridden,
            Reason::Observed => AiBudgetReason::Observed,
            Reason::Expired => AiBudgetReason::Expired,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_is_neither_spent_nor_held() {
        let check = |limit, spent, reserved, expected| {
            let amounts = [limit, spent, reserved].map(Micros);
            assert_eq!(left(amounts[0], amounts[1], amounts[2]), expected);
        };
        check(10, 3, 2, 5);
        check(10, 10, 0, 0);
        check(10, 11, 2, 0);
        check(0, 0, 0, 0);
    }
}
