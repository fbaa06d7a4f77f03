//! The texts of refusals.

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
    // What all have spent is not told.
    check(
        &[all],
        "This request does not fit under the subscription cap of this deployment (all people together): \
         the limit is $6.00 beyond $1.00 included for each. It resets at \
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

#[test]
fn what_has_no_bound_is_told_under_which_cap() {
    let (base, place) = (
        state(0),
        CapScope::Organization(OrganizationId(Uuid::from_u128(1))),
    );
    let check = |cap, scope, why, expected: &str| {
        let mut state = SpendState {
            budget: None,
            blocked_by: Some(BlockedCap::kind(cap)),
            blocked_scope: Some(scope),
            ..base
        };
        state.caps[0] = Some(CapState {
            cap,
            scope,
            amount: Micros(5_000_000),
            included: Micros::ZERO,
            used: Used::default(),
            own: Used::default(),
            period: base.period,
            blocks: true,
        });
        let standing = Standing {
            state: &state,
            group: None,
        };
        assert_eq!(standing.not_bounded(why, "m-1", &[]), expected);
    };
    check(
        BlockedCap::FlatUser,
        place,
        NotBounded::Unpriced,
        "The model `m-1` has no price, and the flat user cap of your organization applies ($5.00; it resets at \
         2026-12-01T00:00:00Z). Ask an administrator of your organization to add its price; prices are set by \
         `POST /api/v2/ai/model-prices`, or with the server's option `--model-prices-file`.",
    );
    check(
        BlockedCap::Subscription,
        CapScope::Instance,
        NotBounded::Input,
        "The cost of this request has no upper bound, and the subscription cap of this deployment (all people \
         together) applies ($5.00; it resets at 2026-12-01T00:00:00Z): the prompt has parts that cannot be counted \
         beforehand, and the context window of `m-1` is not known. Leave that part out, or ask an administrator of \
         this deployment.",
    );
}
