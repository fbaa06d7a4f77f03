//! A decision allocates nothing, whatever it has to look at.

use std::hint::black_box;

use rbac::{Action, Mode, PreparedSubject};

use crate::{
    draft::DraftObject,
    random::{Random, World},
};

#[test]
fn a_decision_allocates_nothing() {
    let mut cases: Vec<(PreparedSubject, Vec<(Action, DraftObject)>)> = Vec::new();
    for seed in 0..500 {
        let mut random = Random::new(seed);
        let world = World::new(&mut random);
        let mode = [Mode::Bursar, Mode::Reference][random.below(2)];
        let prepared = world.subject(&mut random, false).prepare(mode);
        let asked = (0..20).map(|_| (world.action(&mut random), world.object(&mut random)));
        cases.push((prepared, asked.collect()));
    }
    let (mut allowed, mut denied) = (0, 0);
    for (subject, asked) in &cases {
        for (action, draft) in asked {
            let object = draft.build();
            let counted = allocation_counter::measure(|| {
                if black_box(subject).allows(*action, black_box(&object)) {
                    allowed += 1;
                } else {
                    denied += 1;
                }
            });
            assert_eq!(counted.count_total, 0, "{action} {object:?}");
        }
    }
    assert!(allowed > 500 && denied > 500, "{allowed} {denied}");
    // The counter counts: an explanation names roles, and names are text.
    let (subject, asked) = &cases[0];
    let object = asked[0].1.build();
    let counted = allocation_counter::measure(|| {
        black_box(subject.explain(asked[0].0, &object).to_string());
    });
    assert!(counted.count_total > 0);
}
