//! One random case: both modes against the naive evaluator; on every eighth the explanation and the visibility
//! against the decision; and a text thrown at the parsers.

use std::panic::catch_unwind;

use rbac::{Action, Mode, Object, PreparedSubject};

use crate::{
    draft::{DraftObject, DraftSubject},
    naive,
    parsers::{parsed, text},
    random::{Random, World},
};

/// Objects that each subject is asked about.
pub(crate) const ASKED: usize = 8;

/// One subject with its objects.
pub(crate) fn case(seed: u64) -> Result<(), String> {
    let mut random = Random::new(seed);
    let world = World::new(&mut random);
    let nobody = seed.is_multiple_of(4);
    let subject = world.subject(&mut random, nobody);
    let [ours, theirs] = [Mode::Bursar, Mode::Reference].map(|mode| subject.prepare(mode));
    for _ in 0..ASKED {
        let (action, draft) = (world.action(&mut random), world.object(&mut random));
        let object = draft.build();
        let told = |what: &str| Err(format!("{what}\n{action} {draft:#?}\n{subject:#?}"));
        if theirs.allows(action, &object) != naive::reference(&subject, action, &draft) {
            return told("the reference's mode differs from the naive evaluator");
        }
        if !nobody && ours.allows(action, &object) != naive::bursar(&subject, action, &draft) {
            return told("our mode differs from the naive evaluator");
        }
        if seed.is_multiple_of(8)
            && let Err(what) = explained(&subject, &[&ours, &theirs], action, &draft)
        {
            return told(what);
        }
    }
    let text = text(&mut random);
    match catch_unwind(|| parsed(&text)) {
        Ok(outcome) => outcome.map_err(|what| format!("{what}: {text:?}")),
        Err(_) => Err(format!("a parser panics on {text:?}")),
    }
}

fn explained(
    subject: &DraftSubject,
    modes: &[&PreparedSubject],
    action: Action,
    draft: &DraftObject,
) -> Result<(), &'static str> {
    let object: Object = draft.build();
    for prepared in modes {
        let allowed = prepared.allows(action, &object);
        if prepared.explain(action, &object).decision.allows() != allowed {
            return Err("the explanation contradicts the decision");
        }
        let row = !draft.any_org && !subject.id.is_nil();
        let visible = prepared.visibility(action, object.resource());
        if row && visible.matches(&object) != allowed {
            return Err("the visibility contradicts the decision");
        }
    }
    Ok(())
}

#[test]
fn random_cases_agree() {
    for seed in 0..1500 {
        assert_eq!(case(seed), Ok(()), "seed {seed}");
    }
}
