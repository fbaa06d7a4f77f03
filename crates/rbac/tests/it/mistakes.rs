//! Mistakes that an evaluator may make, each made on purpose in the naive one: the comparison notices every one.

use rbac::Mode;

use crate::{
    naive::{Mistake, mistaken},
    random::{Random, World},
};

/// Whether the engine answers some case differently from the naive evaluator with this mistake.
fn differs(mistake: Option<Mistake>, cases: u64) -> bool {
    (0..cases).any(|case| {
        let mut random = Random::new(case);
        let world = World::new(&mut random);
        let subject = world.subject(&mut random, case % 4 == 0);
        let prepared = subject.prepare(Mode::Reference);
        (0..8).any(|_| {
            let (action, object) = (world.action(&mut random), world.object(&mut random));
            let decided = prepared.allows(action, &object.build());
            decided != mistaken(mistake, &subject, action, &object)
        })
    })
}

#[test]
fn without_a_mistake_every_case_is_equal() {
    assert!(!differs(None, 4000));
}

#[test]
fn every_mistake_is_noticed() {
    for mistake in Mistake::ALL {
        assert!(differs(Some(mistake), 4000), "{mistake:?}");
    }
}
