//! Where a person stands, in words: which limit is in the way, its figures, and when it resets.

use chrono::SecondsFormat;
use model::{
    Micros,
    budgets::LimitSource,
    caps::{BlockedCap, CapScope, CapState},
    spend::{LimitKind, NotBounded, Period, PoolState, SpendState},
};

/// Where a person stands, for the text of a refusal.
#[derive(Debug)]
pub(crate) struct Standing<'a> {
    /// The state that the ledger decided by.
    pub(crate) state: &'a SpendState,
    /// The group's name, when the caller may know it.
    pub(crate) group: Option<String>,
}

impl Standing<'_> {
    /// It cannot fit any more before the period ends.
    pub(crate) fn refused(&self) -> String {
        let what = match self.cap() {
            Some(cap) => format!("under the {}", name(cap)),
            None => "into your AI budget".to_owned(),
        };
        format!(
            "This request does not fit {what}: {}.{} {} {}",
            self.figures(),
            self.also(),
            self.reset(),
            self.whom_to_ask("to raise the limit")
        )
    }

    /// It may fit as soon as others have settled.
    pub(crate) fn retry_later(&self) -> String {
        let (what, shared) = match self.cap() {
            Some(cap) => {
                let shared = cap.cap == BlockedCap::Subscription;
                (format!("under the {}", name(cap)), shared)
            }
            None => ("into your AI budget".to_owned(), self.pool().is_some()),
        };
        let whose = if shared { "the" } else { "your" };
        format!(
            "This request does not fit {what} beside {whose} requests that are still running: {}. \
             Try again when one of them has ended. {}",
            self.figures(),
            self.reset(),
        )
    }

    /// A limit applies, and the request's cost has no upper bound.
    pub(crate) fn not_bounded(&self, why: NotBounded, model: &str, what: &[String]) -> String {
        let reason = match why {
            NotBounded::Unpriced => {
                return format!(
                    "The model `{model}` has no price, and your AI budget has a limit ({}). {}; prices are \
                     set by `POST /api/v2/ai/model-prices`, or with the server's option `--model-prices-file`.",
                    self.limit(),
                    self.whom_to_ask("to add its price").trim_end_matches('.'),
                );
            }
            NotBounded::Input => format!(
                "the prompt has parts that cannot be counted beforehand, and the context window of \
                 `{model}` is not known"
            ),
            NotBounded::Fee if what.is_empty() => {
                format!("it allows searches without a bound or without a known price on `{model}`")
            }
            NotBounded::Fee => format!(
                "it asks for something without a known price: {}",
                what.join(", ")
            ),
        };
        format!(
            "The cost of this request has no upper bound, and your AI budget has a limit ({}): {reason}. \
             Leave that part out, or ask an administrator of your organization.",
            self.limit(),
        )
    }

    /// The pool, when it is what stands in the way.
    fn pool(&self) -> Option<&PoolState> {
        let pool = self.state.pool.as_ref();
        pool.filter(|_| self.state.blocked_by == Some(LimitKind::Pool))
    }

    /// The cap, when it is what stands in the way.
    fn cap(&self) -> Option<&CapState> {
        self.state.blocked_cap()
    }

    /// The other caps that stand in the way.
    fn also(&self) -> String {
        let first = self.cap();
        let caps = self.state.caps.iter().flatten();
        let others = caps.filter(|cap| cap.blocks && Some(*cap) != first);
        let others: Vec<String> = others
            .map(|cap| format!("the {} of {}", name(cap), cap.amount))
            .collect();
        if others.is_empty() {
            return String::new();
        }
        format!(" It does not fit under {} either.", others.join(" and "))
    }

    fn limit(&self) -> String {
        if let Some(cap) = self.cap() {
            return format!("{}{}", cap.amount, included(cap));
        }
        let named = |id: model::GroupId| match &self.group {
            Some(name) => format!("`{name}`"),
            None => id.to_string(),
        };
        if let Some(pool) = self.pool() {
            let (limit, name) = (pool.limit, named(pool.group_id));
            return format!("{limit} for all members of the group {name} together");
        }
        let Some(budget) = &self.state.budget else {
            return "no limit".to_owned();
        };
        let (limit, name) = (budget.spend_limit, named(budget.group_id));
        match budget.source {
            LimitSource::UserOverride => format!("{limit}, set for you"),
            LimitSource::Group if budget.summed => {
                format!("{limit}, the budgets of your groups together")
            }
            LimitSource::Group => format!("{limit} for each member of the group {name}"),
        }
    }

    fn figures(&self) -> String {
        let (spent, reserved): (Micros, Micros) = match (self.cap(), self.pool()) {
            (Some(cap), _) => (cap.used.spent, cap.used.reserved),
            (None, Some(pool)) => (pool.spent, pool.reserved),
            (None, None) => (self.state.spent, self.state.reserved),
        };
        let held = if reserved.0 > 0 {
            format!(" and {reserved} held by requests that are still running")
        } else {
            String::new()
        };
        format!("the limit is {}, with {spent} spent{held}", self.limit())
    }

    fn reset(&self) -> String {
        let pool = self.pool().map(|pool| &pool.period);
        let cap = self.cap().map(|cap| &cap.period);
        let period: &Period = cap.or(pool).unwrap_or(&self.state.period);
        let end = period.end.to_rfc3339_opts(SecondsFormat::Secs, true);
        format!("It resets at {end}.")
    }

    fn whom_to_ask(&self, what: &str) -> String {
        let of = match self.cap().map(|cap| cap.scope) {
            Some(CapScope::Instance) => "this deployment",
            Some(CapScope::Organization(_)) | None => "your organization",
        };
        format!("Ask an administrator of {of} {what}.")
    }
}

/// Which cap it is, and whose.
fn name(cap: &CapState) -> String {
    let of = match cap.scope {
        CapScope::Instance => "of this deployment",
        CapScope::Organization(_) => "of your organization",
    };
    match cap.cap {
        BlockedCap::FlatUser => format!("flat user cap {of}"),
        BlockedCap::UserOverride => format!("user cap {of} that is set for you"),
        BlockedCap::Subscription => format!("subscription cap {of} (all people together)"),
    }
}

/// What of the person's spend does not count, or is never refused.
fn included(cap: &CapState) -> String {
    if cap.included <= Micros::ZERO {
        return String::new();
    }
    match cap.cap {
        BlockedCap::Subscription => format!(" beyond {} included for each", cap.included),
        BlockedCap::FlatUser | BlockedCap::UserOverride if cap.included > cap.amount => {
            format!(
                ", but never less than the {} included for you",
                cap.included
            )
        }
        BlockedCap::FlatUser | BlockedCap::UserOverride => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;
    use model::{
        GroupId, OrganizationId,
        budgets::{BudgetMode, EffectiveBudget},
        caps::Used,
    };
    use uuid::Uuid;

    fn state(reserved: i64) -> SpendState {
        let at = |text: &str| text.parse::<DateTime<chrono::Utc>>().unwrap();
        SpendState {
            budget: Some(EffectiveBudget {
                group_id: GroupId(Uuid::from_u128(7)),
                spend_limit: Micros::USD,
                source: LimitSource::Group,
                mode: BudgetMode::Enforce,
                summed: false,
            }),
            group_id: None,
            organization_id: None,
            spent: Micros(980_000),
            reserved: Micros(reserved),
            period: Period {
                start: at("2026-11-01T00:00:00Z"),
                end: at("2026-12-01T00:00:00Z"),
            },
            now: at("2026-11-25T12:00:00Z"),
            pool: None,
            caps: [None; 4],
            blocked_by: Some(LimitKind::User),
            blocked_scope: None,
        }
    }

    #[test]
    fn refusals_say_whose_limit_it_is() {
        let state = state(0);
        let check = |source: LimitSource, summed: bool, expected: &str| {
            let budget = state.budget.map(|one| EffectiveBudget {
                source,
                summed,
                ..one
            });
            let state = SpendState { budget, ..state };
            let standing = Standing {
                state: &state,
                group: Some("team".to_owned()),
            };
            let text = standing.refused();
            assert!(text.contains(expected), "{text}");
        };
        check(
            LimitSource::UserOverride,
            false,
            "the limit is $1.00, set for you, with $0.98 spent",
        );
        check(
            LimitSource::Group,
            true,
            "the limit is $1.00, the budgets of your groups together, with",
        );
    }

    #[test]
    fn refusals_say_which_limit_what_is_spent_and_when_it_resets() {
        let state = state(10_000);
        let named = Standing {
            state: &state,
            group: Some("team".to_owned()),
        };
        assert_eq!(
            named.refused(),
            "This request does not fit into your AI budget: the limit is $1.00 for each member of the group \
             `team`, with $0.98 spent and $0.01 held by requests that are still running. It resets at \
             2026-12-01T00:00:00Z. Ask an administrator of your organization to raise the limit."
        );
        let pool = PoolState {
            group_id: GroupId(Uuid::from_u128(7)),
            limit: Micros(5_000_000),
            mode: BudgetMode::Enforce,
            spent: Micros(4_000_000),
            reserved: Micros(990_000),
            period: Period {
                end: "2026-11-30T00:00:00Z".parse().unwrap(),
                ..state.period
            },
        };
        let pooled = SpendState {
            pool: Some(pool),
            blocked_by: Some(LimitKind::Pool),
            ..state
        };
        let pooled = Standing {
            state: &pooled,
            group: Some("team".to_owned()),
        };
        assert_eq!(
            pooled.retry_later(),
            "This request does not fit into your AI budget beside the requests that are still running: the \
             limit is $5.00 for all members of the group `team` together, with $4.00 spent and $0.99 held by \
             requests that are still running. Try again when one of them has ended. It resets at \
             2026-11-30T00:00:00Z."
        );
        let unnamed = Standing {
            state: &state,
            group: None,
        };
        assert!(
            unnamed
                .retry_later()
                .contains("00000000-0000-0000-0000-000000000007")
        );
        let unpriced = named.not_bounded(NotBounded::Unpriced, "m-1", &[]);
        assert!(
            unpriced.contains("`m-1`")
                && unpriced.contains("--model-prices-file")
                && unpriced.contains("POST /api/v2/ai/model-prices"),
            "{unpriced}"
        );
    }

    #[test]
    fn refusals_name_the_cap_its_amount_and_its_reset() {
        let place = CapScope::Organization(OrganizationId(Uuid::from_u128(1)));
        let base = state(0);
        let cap = |cap, scope, [amount, included]: [i64; 2]| CapState {
            cap,
            scope,
            amount: Micros(amount),
            included: Micros(included),
            used: Used {
                spent: Micros(6_000_000),
                reserved: Micros::ZERO,
            },
            own: Used::default(),
            period: base.period,
            blocks: true,
        };
        let check = |caps: &[CapState], expected: &str| {
            let mut state = SpendState {
                blocked_by: Some(caps[0].cap.kind()),
                blocked_scope: Some(caps[0].scope),
                ..base
            };
            for (place, cap) in state.caps.iter_mut().zip(caps) {
                *place = Some(*cap);
            }
            let standing = Standing {
                state: &state,
                group: None,
            };
            assert_eq!(standing.refused(), expected);
        };
        let flat = cap(BlockedCap::FlatUser, place, [5_000_000, 0]);
        check(
            &[flat],
            "This request does not fit under the flat user cap of your organization: the limit is $5.00, with $6.00 \
             spent. It resets at 2026-12-01T00:00:00Z. Ask an administrator of your organization to raise the limit.",
        );
        let own = cap(BlockedCap::UserOverride, place, [5_000_000, 6_000_000]);
        check(
            &[own],
            "This request does not fit under the user cap of your organization that is set for you: the limit is \
             $5.00, but never less than the $6.00 included for you, with $6.00 spent. It resets at \
             2026-12-01T00:00:00Z. Ask an administrator of your organization to raise the limit.",
        );
        let all = cap(
            BlockedCap::Subscription,
            CapScope::Instance,
            [6_000_000, 1_000_000],
        );
        check(
            &[all],
            "This request does not fit under the subscription cap of this deployment (all people together): \
             the limit is $6.00 beyond $1.00 included for each, with $6.00 spent. It resets at \
             2026-12-01T00:00:00Z. Ask an administrator of this deployment to raise the limit.",
        );
        check(
            &[flat, all],
            "This request does not fit under the flat user cap of your organization: the limit is $5.00, with $6.00 \
             spent. It does not fit under the subscription cap of this deployment (all people together) of \
             $6.00 either. It resets at 2026-12-01T00:00:00Z. Ask an administrator of your organization to raise \
             the limit.",
        );
    }
}
