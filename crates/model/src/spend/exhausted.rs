//! Whether a limit keeps a person from spending anything.

use super::{LimitKind, SpendState};
use crate::{Micros, admission::LimitState};

impl SpendState {
    /// The limit that is used up, the person's own first; `None` while something is left under all that block. What
    /// is only held may come back, so only what is settled counts. A limit of zero is always used up.
    #[must_use]
    pub fn exhausted(&self) -> Option<LimitKind> {
        let own = self.budget.map(|budget| LimitState {
            limit: budget.spend_limit,
            spent: self.spent,
            reserved: self.reserved,
            mode: budget.mode,
        });
        let pool = self.pool.map(|pool| LimitState {
            limit: pool.limit,
            spent: pool.spent,
            reserved: pool.reserved,
            mode: pool.mode,
        });
        let used_up = |state: &LimitState| state.enforced() && state.rest() <= Micros::ZERO;
        if own.as_ref().is_some_and(used_up) {
            return Some(LimitKind::User);
        }
        if pool.as_ref().is_some_and(used_up) {
            return Some(LimitKind::Pool);
        }
        let mut caps = self.caps.iter().flatten();
        caps.find(|cap| cap.used_up()).map(|cap| cap.cap.kind())
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use uuid::Uuid;

    use super::*;
    use crate::{
        GroupId,
        budgets::{
            BudgetMode::{self, Enforce, Observe},
            EffectiveBudget, LimitSource,
        },
        spend::{Period, PoolState},
    };

    type Limit = Option<(i64, BudgetMode)>;

    #[test]
    fn a_limit_is_used_up_when_what_is_settled_reaches_it() {
        let group_id = GroupId(Uuid::from_u128(1));
        let period = Period {
            start: DateTime::UNIX_EPOCH,
            end: DateTime::UNIX_EPOCH,
        };
        let check = |own: Limit, pool: Limit, spent: i64, expected: Option<LimitKind>| {
            let state = SpendState {
                budget: own.map(|(limit, mode)| EffectiveBudget {
                    group_id,
                    spend_limit: Micros(limit),
                    source: LimitSource::Group,
                    mode,
                    summed: false,
                }),
                group_id: Some(group_id),
                organization_id: None,
                spent: Micros(spent),
                reserved: Micros(1_000),
                period,
                now: DateTime::UNIX_EPOCH,
                pool: pool.map(|(limit, mode)| PoolState {
                    group_id,
                    limit: Micros(limit),
                    mode,
                    spent: Micros(spent),
                    reserved: Micros(1_000),
                    period,
                }),
                caps: [None; 4],
                blocked_by: None,
                blocked_scope: None,
            };
            assert_eq!(state.exhausted(), expected, "{own:?} {pool:?} {spent}");
        };
        let (user, pool) = (Some(LimitKind::User), Some(LimitKind::Pool));
        check(None, None, 9, None);
        check(Some((10, Enforce)), None, 9, None);
        check(Some((10, Enforce)), None, 10, user);
        check(Some((10, Enforce)), None, 11, user);
        check(Some((0, Enforce)), None, 0, user);
        check(Some((10, Observe)), None, 11, None);
        check(None, Some((10, Enforce)), 9, None);
        check(None, Some((10, Enforce)), 10, pool);
        check(None, Some((10, Observe)), 10, None);
        check(Some((11, Enforce)), Some((10, Enforce)), 10, pool);
        check(Some((10, Enforce)), Some((10, Enforce)), 10, user);
        check(Some((10, Observe)), Some((10, Enforce)), 10, pool);
    }
}
