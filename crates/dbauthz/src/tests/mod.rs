//! The proof: every method of the store makes exactly the checks of its table, in order, and writes nothing
//! when one of them fails.

mod budgets;
mod caps;
mod cases;
mod chat_world;
mod chats;
mod coverage;
mod golden;
mod limits;
mod recorder;
mod world;

use std::{collections::BTreeSet, sync::Arc};

use store::StoreError;

use crate::{
    SystemStore,
    authorized::Bound,
    gate::{Authorizer, Gate},
    rules::{self, rules},
    tests::{
        cases::{Case, all},
        coverage::{ADDED, Kind, scan},
        recorder::{Check, Deny, Recorder},
        world::{ANN, actor, state},
    },
};

/// What one run did.
struct Run {
    outcome: Result<usize, StoreError>,
    checks: Vec<Check>,
    calls: Vec<&'static str>,
}

/// Runs a case as Ann, or as a system actor: which one does not matter, since the recorder decides.
async fn run(case: &Case, deny: Deny) -> Run {
    let store = crate::fake::FakeStore::new(state());
    let recorder = Arc::new(Recorder::new(deny));
    let gate = if case.system {
        Gate::system(
            crate::SystemActor::Gateway,
            crate::authorized::Sharing::default(),
        )
    } else {
        Gate::person(actor(ANN, &[]), crate::authorized::Sharing::default())
    };
    let watcher: Arc<dyn Authorizer> = recorder.clone();
    let gate = Arc::new(gate.watched(watcher));
    let bound = SystemStore::bound(Bound {
        store: Arc::new(store.clone()),
        gate,
    });
    let mut unit = bound.begin().await.unwrap();
    let outcome = (case.run)(&mut unit).await;
    Run {
        outcome,
        checks: recorder.checks(),
        calls: store.calls(),
    }
}

fn refused(error: &StoreError) -> bool {
    matches!(
        error,
        StoreError::Denied { .. }
            | StoreError::RoleNotAssignable { .. }
            | StoreError::NotGrantable { .. }
    )
}

#[tokio::test]
async fn every_method_makes_exactly_its_checks_in_order() {
    for case in all() {
        let Run {
            outcome,
            checks,
            calls,
        } = run(&case, Deny::Nothing).await;
        assert!(outcome.is_ok(), "{}: {outcome:?}", case.method);
        assert_eq!(checks, case.checks, "{}", case.method);
        let reached = calls.contains(&case.method) || ADDED.contains(&case.method);
        assert!(reached, "{} calls {calls:?}", case.method);
    }
}

#[tokio::test]
async fn a_refusal_of_any_check_refuses_the_call_before_anything_is_written() {
    let methods = scan();
    let writes = |name: &&'static str| {
        methods
            .iter()
            .any(|(method, kind)| method == name && *kind == Kind::Write)
    };
    for case in all() {
        for refusals in subsets(&case) {
            let deny = match refusals.len() == case.checks.len() {
                true => Deny::Everything,
                false => Deny::At(refusals.clone()),
            };
            let context = format!("{} with {deny:?}", case.method);
            let Run { outcome, calls, .. } = run(&case, deny).await;
            let allowed = case.allowed_without(&refusals);
            match outcome {
                Ok(rows) => assert!(allowed || rows == 0, "{context} gives {rows}"),
                Err(error) => assert!(!allowed && refused(&error), "{context}: {error:?}"),
            }
            let written: Vec<_> = calls.iter().filter(|name| writes(name)).collect();
            assert!(written.is_empty() || allowed, "{context} wrote {written:?}");
        }
    }
}

/// What to refuse: each check alone and all of them, and where some stand in for others, every choice of them.
fn subsets(case: &Case) -> Vec<Vec<usize>> {
    let all = case.checks.len();
    if case.ways.len() == 1 && case.ways[0].len() == all {
        let alone = (0..all).map(|check| vec![check]);
        return alone.chain([(0..all).collect()]).collect();
    }
    let chosen = |bits: usize| (0..all).filter(move |check| bits & (1 << check) != 0);
    (1..1_usize << all)
        .map(|bits| chosen(bits).collect())
        .collect()
}

#[test]
fn the_tables_name_every_check_that_the_cases_show_and_no_other() {
    for rule in rules::ALL.iter().flat_map(|(_, rules)| *rules) {
        let cases = all().into_iter().filter(|case| case.method == rule.method);
        let shown: BTreeSet<_> = cases
            .flat_map(|case| case.checks)
            .map(|check| check.name())
            .collect();
        let told: BTreeSet<_> = rule
            .checks
            .iter()
            .map(|check| (*check).to_owned())
            .collect();
        assert_eq!(shown, told, "{}", rule.method);
    }
}

#[test]
fn what_only_system_actors_reach_says_so() {
    for case in all().into_iter().filter(|case| case.system) {
        let mut rules = rules::ALL.iter().flat_map(|(_, rules)| *rules);
        let rule = rules.find(|rule| rule.method == case.method).unwrap();
        let known = rule.note.contains("system actors only");
        assert!(known, "{}: {}", case.method, rule.note);
    }
}

#[test]
fn the_rules_print_as_tables() {
    let text = rules();
    assert!(text.contains(
        "| `group_budget_upsert` | lock, check, change | `group:update`, `ai_budget:update` |"
    ));
    assert!(text.contains(
        "| `gateway` | `ai_model_price:read`, `ai_provider:use`, `ai_usage_event:create` |"
    ));
}
