//! The budget rule, row by row and on random people.

use chrono::{DateTime, Utc};
use proptest::prelude::*;
use uuid::Uuid;

use super::*;

const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;

fn group(id: u128) -> GroupId {
    GroupId(Uuid::from_u128(id))
}

fn at(second: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(second, 0).unwrap()
}

fn budget(id: u128, organization: u128, limit: i64, joined: i64) -> BudgetCandidate {
    BudgetCandidate {
        group_id: group(id),
        organization_id: OrganizationId(Uuid::from_u128(organization)),
        spend_limit: Micros(limit),
        mode: BudgetMode::Enforce,
        joined_at: at(joined),
    }
}

fn observed(id: u128, organization: u128, limit: i64, joined: i64) -> BudgetCandidate {
    BudgetCandidate {
        mode: BudgetMode::Observe,
        ..budget(id, organization, limit, joined)
    }
}

fn person(id: u128, limit: i64, mode: BudgetMode, expires: Option<i64>) -> OverrideCandidate {
    OverrideCandidate {
        group_id: group(id),
        organization_id: OrganizationId(Uuid::from_u128(9)),
        spend_limit: Micros(limit),
        mode,
        expires_at: expires.map(at),
    }
}

fn place(organization: u128, default: bool, joined: i64) -> FallbackCandidate {
    FallbackCandidate {
        organization_id: OrganizationId(Uuid::from_u128(organization)),
        default,
        joined_at: at(joined),
    }
}

type Short = Option<(u128, i64)>;

fn short(budget: Option<EffectiveBudget>) -> Short {
    budget.map(|one| (one.group_id.0.as_u128(), one.spend_limit.0))
}

#[test]
fn the_policy_makes_one_limit_of_several() {
    use BudgetPolicy::{Highest, Lowest, Sum};
    let check = |groups: &[BudgetCandidate], expected: [Short; 3]| {
        let candidates = Candidates {
            groups: groups.to_vec(),
            ..Candidates::default()
        };
        let found = [Highest, Lowest, Sum].map(|policy| {
            short(resolve(policy, EveryoneBudget::Competes, &candidates, NOW).enforced)
        });
        assert_eq!(found, expected, "{groups:?}");
    };
    check(&[], [None; 3]);
    check(&[budget(1, 9, 0, 1)], [Some((1, 0)); 3]);
    let two = [budget(1, 9, 10, 1), budget(2, 9, 50, 1)];
    check(&two, [Some((2, 50)), Some((1, 10)), Some((2, 60))]);
    // Everyone of organization 9 competes like any other group.
    let everyone = [budget(9, 9, 20, 1), budget(2, 9, 10, 1)];
    check(&everyone, [Some((9, 20)), Some((2, 10)), Some((9, 30))]);
    // Ties: the organization joined first, then the smallest id.
    let joined = [budget(1, 8, 10, 2), budget(2, 9, 10, 1)];
    check(&joined, [Some((2, 10)), Some((2, 10)), Some((2, 20))]);
    let same = [budget(2, 9, 10, 1), budget(1, 9, 10, 1)];
    check(&same, [Some((1, 10)), Some((1, 10)), Some((1, 20))]);
    let much = [budget(1, 9, i64::MAX, 1), budget(2, 9, 5, 1)];
    check(
        &much,
        [Some((1, i64::MAX)), Some((2, 5)), Some((1, i64::MAX))],
    );
}

#[test]
fn an_everyone_budget_may_be_a_default() {
    let check = |groups: &[BudgetCandidate], expected: Short| {
        let candidates = Candidates {
            groups: groups.to_vec(),
            ..Candidates::default()
        };
        let found = resolve(
            BudgetPolicy::Highest,
            EveryoneBudget::Default,
            &candidates,
            NOW,
        );
        assert_eq!(short(found.enforced), expected, "{groups:?}");
    };
    check(&[budget(9, 9, 20, 1), budget(2, 9, 10, 1)], Some((2, 10)));
    check(&[budget(9, 9, 20, 1)], Some((9, 20)));
    check(&[budget(9, 9, 20, 1), budget(8, 8, 30, 2)], Some((8, 30)));
    // What is only observed does not stand in for a default that is enforced.
    check(&[budget(9, 9, 20, 1), observed(2, 9, 10, 1)], Some((9, 20)));
}

#[test]
fn an_override_stands_in_for_groups_until_it_expires() {
    let check = |person: OverrideCandidate, enforced: Short, seen: Short, charged: u128| {
        let candidates = Candidates {
            person: Some(person),
            groups: vec![budget(1, 9, 10, 1)],
            fallbacks: vec![place(9, true, 1)],
        };
        let found = resolve(
            BudgetPolicy::Highest,
            EveryoneBudget::Competes,
            &candidates,
            NOW,
        );
        let told = (short(found.enforced), short(found.observed), found.group_id);
        assert_eq!(told, (enforced, seen, Some(group(charged))), "{person:?}");
    };
    use BudgetMode::{Enforce, Observe};
    check(person(2, 5, Enforce, None), Some((2, 5)), None, 2);
    check(person(2, 500, Enforce, Some(1)), Some((2, 500)), None, 2);
    check(person(2, 500, Enforce, Some(0)), Some((1, 10)), None, 1);
    check(
        person(2, 500, Observe, None),
        Some((1, 10)),
        Some((2, 500)),
        1,
    );
}

#[test]
fn what_is_observed_is_counted_where_it_belongs_and_blocks_nobody() {
    let candidates = Candidates {
        groups: vec![observed(1, 9, 10, 1)],
        fallbacks: vec![place(9, true, 1)],
        ..Candidates::default()
    };
    let found = resolve(
        BudgetPolicy::Highest,
        EveryoneBudget::Competes,
        &candidates,
        NOW,
    );
    assert_eq!(
        (found.enforced, short(found.observed)),
        (None, Some((1, 10)))
    );
    assert_eq!(found.group_id, Some(group(1)));
}

#[test]
fn spend_without_a_budget_falls_to_an_everyone_group() {
    let check = |fallbacks: &[FallbackCandidate], expected: Option<u128>| {
        let candidates = Candidates {
            fallbacks: fallbacks.to_vec(),
            ..Candidates::default()
        };
        let found = resolve(
            BudgetPolicy::Highest,
            EveryoneBudget::Competes,
            &candidates,
            NOW,
        );
        let told = (found.enforced, found.group_id, found.organization_id);
        let organization = expected.map(|id| OrganizationId(Uuid::from_u128(id)));
        assert_eq!(told, (None, expected.map(group), organization));
    };
    check(&[], None);
    check(&[place(1, false, 1), place(2, true, 5)], Some(2));
    check(&[place(1, false, 3), place(2, false, 2)], Some(2));
    check(&[place(2, false, 2), place(1, false, 2)], Some(1));
}

#[test]
fn every_candidate_is_told_what_became_of_it() {
    use Reason::{DefaultNotNeeded, Expired, Holds, Observed, Outranked, Overridden, Summed};
    let check = |policy, everyone, candidates: &Candidates, expected: &[Reason]| {
        let found = resolve(policy, everyone, candidates, NOW);
        let reasons: Vec<_> = found.considered.iter().map(|one| one.reason).collect();
        assert_eq!(reasons, expected, "{candidates:?}");
    };
    let (highest, sum) = (BudgetPolicy::Highest, BudgetPolicy::Sum);
    let (competes, default) = (EveryoneBudget::Competes, EveryoneBudget::Default);
    let mut candidates = Candidates {
        person: None,
        groups: vec![
            budget(1, 9, 10, 1),
            budget(2, 9, 50, 1),
            observed(3, 9, 99, 1),
            budget(9, 9, 70, 1),
        ],
        fallbacks: Vec::new(),
    };
    check(
        highest,
        competes,
        &candidates,
        &[Outranked, Outranked, Observed, Holds],
    );
    check(
        highest,
        default,
        &candidates,
        &[Outranked, Holds, Observed, DefaultNotNeeded],
    );
    check(
        sum,
        default,
        &candidates,
        &[Summed, Summed, Observed, DefaultNotNeeded],
    );
    candidates.person = Some(person(1, 1, BudgetMode::Enforce, None));
    check(
        sum,
        default,
        &candidates,
        &[Holds, Overridden, Overridden, Observed, Overridden],
    );
    candidates.person = Some(person(1, 1, BudgetMode::Enforce, Some(-1)));
    check(
        highest,
        competes,
        &candidates,
        &[Expired, Outranked, Outranked, Observed, Holds],
    );
}

fn any_budget() -> impl Strategy<Value = BudgetCandidate> {
    (0..6_u128, 0..3_u128, 0..50_i64, 0..3_i64, any::<bool>()).prop_map(
        |(id, organization, limit, joined, enforced)| {
            let id = if id < 3 {
                100 + organization
            } else {
                id * 10 + organization
            };
            let candidate = budget(
                id,
                100 + organization,
                limit,
                joined + i64::try_from(organization).unwrap(),
            );
            let mode = if enforced {
                BudgetMode::Enforce
            } else {
                BudgetMode::Observe
            };
            BudgetCandidate { mode, ..candidate }
        },
    )
}

fn any_candidates() -> impl Strategy<Value = Candidates> {
    let person = (0..50_i64, any::<bool>(), -2..3_i64).prop_map(|(limit, enforced, expires)| {
        let mode = if enforced {
            BudgetMode::Enforce
        } else {
            BudgetMode::Observe
        };
        person(7, limit, mode, Some(expires))
    });
    let groups = proptest::collection::vec(any_budget(), 0..6).prop_map(|mut groups| {
        groups.sort_by_key(|one| one.group_id);
        groups.dedup_by_key(|one| one.group_id);
        groups
    });
    (proptest::option::of(person), groups).prop_map(|(person, groups)| Candidates {
        person,
        groups,
        fallbacks: vec![place(100, true, 0)],
    })
}

proptest! {
    #[test]
    fn the_rule_does_not_depend_on_the_order_of_candidates(
        candidates in any_candidates(),
        policy in proptest::sample::select(BudgetPolicy::ALL),
        everyone in proptest::sample::select(EveryoneBudget::ALL),
    ) {
        let mut turned = candidates.clone();
        turned.groups.reverse();
        let (one, other) = (resolve(policy, everyone, &candidates, NOW), resolve(policy, everyone, &turned, NOW));
        prop_assert_eq!((one.enforced, one.observed, one.group_id), (other.enforced, other.observed, other.group_id));
        prop_assert_eq!(one.considered.len(), candidates.groups.len() + usize::from(candidates.person.is_some()));
    }

    #[test]
    fn what_is_observed_never_changes_what_is_enforced(
        candidates in any_candidates(),
        policy in proptest::sample::select(BudgetPolicy::ALL),
        everyone in proptest::sample::select(EveryoneBudget::ALL),
    ) {
        let mut without = candidates.clone();
        without.groups.retain(|one| one.mode == BudgetMode::Enforce);
        without.person = without.person.filter(|one| one.mode == BudgetMode::Enforce);
        let (with, without) = (resolve(policy, everyone, &candidates, NOW), resolve(policy, everyone, &without, NOW));
        prop_assert_eq!(with.enforced, without.enforced);
        prop_assert_eq!(without.observed, None);
    }

    #[test]
    fn the_lowest_is_at_most_the_highest_and_that_at_most_the_sum(
        candidates in any_candidates(),
        everyone in proptest::sample::select(EveryoneBudget::ALL),
    ) {
        let limit = |policy| resolve(policy, everyone, &candidates, NOW).enforced.map(|one| one.spend_limit);
        let (lowest, highest, sum) = (limit(BudgetPolicy::Lowest), limit(BudgetPolicy::Highest), limit(BudgetPolicy::Sum));
        prop_assert!(lowest <= highest && highest <= sum);
        prop_assert_eq!(lowest.is_some(), sum.is_some());
    }
}
