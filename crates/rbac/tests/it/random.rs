//! Random drafts for millions of cases: fast, the same for the same seed, and biased to what meets: few ids, few
//! types, wildcards, empty lists, nobody.

use std::collections::BTreeMap;

use rbac::{Action, AllowEntry, Permission, ResourceType};
use uuid::Uuid;

use crate::draft::{DraftObject, DraftRole, DraftSubject};

/// Numbers from a seed (`SplitMix64`).
#[derive(Debug, Clone)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5851_f42d_4c95_7f2d)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below the bound.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(bound).unwrap()).unwrap()
    }

    /// True once in so many times.
    fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    pub(crate) fn pick<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }

    fn id(&mut self, kind: u128, count: usize) -> Uuid {
        Uuid::from_u128(kind * 256 + u128::try_from(self.below(count)).unwrap() + 1)
    }

    fn list<T>(&mut self, longest: usize, one: impl Fn(&mut Self) -> T) -> Vec<T> {
        let count = self.below(longest + 1);
        (0..count).map(|_| one(self)).collect()
    }
}

/// The few words that the cases of one world are about.
#[derive(Debug, Clone)]
pub(crate) struct World {
    types: Vec<ResourceType>,
    actions: Vec<Action>,
}

impl World {
    /// Of all types and actions a few, so that they meet.
    pub(crate) fn new(random: &mut Random) -> Self {
        let types = (0..3).map(|_| random.pick(ResourceType::ALL)).collect();
        let actions = (0..3).map(|_| random.pick(Action::ALL)).collect();
        Self { types, actions }
    }

    pub(crate) fn action(&self, random: &mut Random) -> Action {
        random.pick(&self.actions)
    }

    fn permission(&self, random: &mut Random) -> Permission {
        Permission {
            negate: random.once_in(5),
            resource: (!random.once_in(4)).then(|| random.pick(&self.types)),
            action: (!random.once_in(4)).then(|| random.pick(&self.actions)),
        }
    }

    fn permissions(&self, random: &mut Random) -> Vec<Permission> {
        random.list(2, |random| self.permission(random))
    }

    fn role(&self, random: &mut Random) -> DraftRole {
        let site = if random.once_in(3) {
            self.permissions(random)
        } else {
            Vec::new()
        };
        // Now and then many organizations, which are looked up in another way than few.
        let (orgs, most) = if random.once_in(8) { (12, 10) } else { (3, 2) };
        let by_org: BTreeMap<_, _> = random
            .list(most, |random| {
                let lists = (self.permissions(random), self.permissions(random));
                (random.id(2, orgs), lists)
            })
            .into_iter()
            .collect();
        DraftRole {
            site,
            user: self.permissions(random),
            by_org,
        }
    }

    fn allow_list(&self, random: &mut Random) -> Vec<AllowEntry> {
        if !random.once_in(3) {
            return vec![AllowEntry {
                resource: None,
                id: None,
            }];
        }
        random.list(4, |random| AllowEntry {
            resource: (!random.once_in(4)).then(|| random.pick(&self.types)),
            id: (!random.once_in(4)).then(|| match random.below(6) {
                0 => Uuid::nil(),
                _ => random.id(4, 3),
            }),
        })
    }

    /// A subject; nobody's id is nil, which only the reference's rule knows.
    pub(crate) fn subject(&self, random: &mut Random, nobody: bool) -> DraftSubject {
        let all = DraftRole {
            site: vec![Permission::ANY],
            ..DraftRole::default()
        };
        DraftSubject {
            id: if nobody { Uuid::nil() } else { random.id(1, 2) },
            roles: random.list(3, |random| self.role(random)),
            groups: random.list(3, |random| random.id(3, 3)),
            scope: if random.once_in(2) {
                all
            } else {
                self.role(random)
            },
            allow: self.allow_list(random),
        }
    }

    pub(crate) fn object(&self, random: &mut Random) -> DraftObject {
        let actions = |random: &mut Random| {
            random.list(2, |random| {
                (!random.once_in(4)).then(|| random.pick(&self.actions))
            })
        };
        let org = random.id(2, 4);
        let (org, any_org) = match random.below(12) {
            0..=1 => (None, false),
            2..=4 => (None, true),
            5 => (Some(org), true),
            _ => (Some(org), false),
        };
        DraftObject {
            resource: random.pick(&self.types),
            id: (!random.once_in(4)).then(|| random.id(4, 3)),
            owner: (!random.once_in(4)).then(|| random.id(1, 2)),
            org,
            any_org,
            users: random.list(2, |random| (random.id(1, 2), actions(random))),
            groups: random.list(2, |random| {
                let id = if random.once_in(4) {
                    random.id(2, 4)
                } else {
                    random.id(3, 3)
                };
                (id, actions(random))
            }),
        }
    }
}
