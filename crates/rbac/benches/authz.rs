//! Measures the engine and prints a table: `cargo xtask bench authz`. `docs/performance.md` tells what is measured.

#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a program that measures or compares may stop where it stands"
)]

#[path = "../tests/it/random.rs"]
#[expect(dead_code, reason = "only the numbers are needed")]
mod random;

#[expect(
    dead_code,
    reason = "the random numbers come with drafts that are not needed here"
)]
#[path = "../tests/it/draft.rs"]
mod draft;

use std::{hint::black_box, sync::Arc, time::Instant};

use rbac::{
    Action, ActionSet, Object, PreparedSubject, ResourceType, Role, ShareableOwners, Subject,
    SystemRole, builtin,
};
use uuid::Uuid;

use crate::random::Random;

/// Pairs of a subject and an object in rotation.
const PAIRS: usize = 4096;
/// So many sets of organizations and groups there are; person and object of the same number share one.
const CIRCLES: usize = 50;
/// Bytes that are touched to push everything else out of the caches.
const FLUSH: usize = 128 << 20;

fn main() {
    table("| measured | median | goal |", "");
    table("|---|---|---|", "");
    for (orgs, goal, prepare) in [(3, "≤ 20 ns", "≤ 10 µs"), (100, "≤ 40 ns", "≤ 50 µs")]
    {
        let who = format!("{orgs} organizations");
        let crowd: Vec<_> = (0..64).map(|n| person(n, orgs)).collect();
        let prepared: Vec<_> = crowd.iter().map(|p| p.subject().prepare()).collect();
        let objects: Vec<_> = (0..PAIRS)
            .map(|n| object(&crowd[n % crowd.len()], n))
            .collect();
        row(
            &format!("one decision, warm, {who}"),
            warm(&prepared, &objects),
            goal,
        );
        let [rotation, alone, built] = cold(orgs);
        let goal = if orgs == 3 { "≤ 150 ns" } else { "–" };
        let cold = format!("one decision, cache-cold, {who}");
        row(&cold, rotation, goal);
        row(
            &format!("{cold}, each waiting for the answer before"),
            alone,
            "–",
        );
        row(&format!("{cold}, but the object just built"), built, "–");
        let asked = |index: usize| {
            let (subject, object) = (&prepared[index % prepared.len()], &objects[index]);
            drop(black_box(subject.explain(action(index), object)));
        };
        row(&format!("explain, {who}"), each(PAIRS, asked), "≤ 1 µs");
        let seen = |index: usize| {
            let resource = ResourceType::ALL[index % ResourceType::COUNT];
            let subject = &prepared[index % prepared.len()];
            drop(black_box(subject.visibility(action(index), resource)));
        };
        row(
            &format!("build a visibility, {who}"),
            each(PAIRS, seen),
            "≤ 5 µs",
        );
        let prepares = |index: usize| {
            drop(black_box(crowd[index % crowd.len()].subject().prepare()));
        };
        row(
            &format!("prepare a subject, {who}"),
            each(512, prepares),
            prepare,
        );
        filter(&crowd[0], &prepared[0], &who);
    }
}

/// Everything in rotation, many times, in memory that the caches hold.
fn warm(prepared: &[PreparedSubject], objects: &[Object]) -> f64 {
    each(objects.len(), |index| {
        let subject = &prepared[index % prepared.len()];
        black_box(subject.allows(action(index), black_box(&objects[index])));
    })
}

/// As many subjects as objects, each asked once in a random order, after other memory has filled the caches.
/// First as they come, so that the processor may go ahead; then each index made from the answer before, so that it
/// cannot; then with a few objects, in the same organizations, that stay in the caches as those do that were just
/// made from a row.
fn cold(orgs: usize) -> [f64; 3] {
    let people: Vec<_> = (0..PAIRS).map(|n| person(n, orgs)).collect();
    let prepared: Vec<_> = people.iter().map(|p| p.subject().prepare()).collect();
    let objects: Vec<_> = people
        .iter()
        .enumerate()
        .map(|(n, p)| object(p, n))
        .collect();
    let mut random = Random::new(7);
    let mut order: Vec<_> = (0..PAIRS).collect();
    for index in (1..PAIRS).rev() {
        order.swap(index, random.below(index + 1));
    }
    let mut other = vec![1_u8; FLUSH];
    let mut rounds = |dependent: usize, objects: &[Object]| {
        let figures = (0..15).map(|_| {
            other
                .iter_mut()
                .step_by(64)
                .for_each(|byte| *byte = byte.wrapping_add(1));
            black_box(&other);
            if objects.len() < PAIRS {
                black_box(objects.to_vec());
            }
            let (start, mut allowed) = (Instant::now(), 0_usize);
            for index in &order {
                // The processor cannot know that this adds nothing.
                let index = index + (allowed & dependent);
                let (subject, object) = (&prepared[index % PAIRS], &objects[index % objects.len()]);
                allowed = usize::from(subject.allows(action(index), object)) << 1;
                black_box(allowed);
            }
            nanoseconds(start, PAIRS)
        });
        median(figures.collect())
    };
    [
        rounds(black_box(0), &objects),
        rounds(black_box(1), &objects),
        rounds(black_box(1), &objects[..CIRCLES]),
    ]
}

/// A list of one type in memory, filtered.
fn filter(person: &Person, prepared: &PreparedSubject, who: &str) {
    let resource = ResourceType::Workspace;
    let objects: Vec<_> = (0..10_000)
        .map(|n| object_of(person, n, resource))
        .collect();
    let visible = || {
        let kept = objects
            .iter()
            .filter(|object| prepared.allows(Action::Read, object));
        black_box(kept.count());
    };
    let all = each(1, |_| visible());
    row(&format!("10,000 objects filtered, {who}"), all, "≤ 0.2 ms");
}

/// What a subject is made from, as it is at hand when one is prepared.
struct Person {
    id: Uuid,
    roles: Vec<(Option<Uuid>, Arc<Role>)>,
    orgs: Vec<Uuid>,
    groups: Vec<Uuid>,
}

impl Person {
    fn subject(&self) -> Subject {
        let mut subject = Subject::user(self.id).groups(self.groups.iter().copied());
        for (org, role) in &self.roles {
            subject = match org {
                Some(org) => subject.org_role(*org, Arc::clone(role)),
                None => subject.site_role(Arc::clone(role)),
            };
        }
        subject
    }
}

fn random_id(kind: u64, number: usize) -> Uuid {
    let number = u64::try_from(number).unwrap_or_default();
    let mut random = Random::new(kind << 32 | number);
    let mut half = || u64::try_from(random.below(1 << 62)).unwrap_or_default();
    Uuid::from_u64_pair(half(), half())
}

/// Five roles in three organizations, or two and more in each of many; besides those that are implied.
fn person(number: usize, count: usize) -> Person {
    let orgs: Vec<_> = (0..count)
        .map(|n| random_id(2, number % CIRCLES * count + n))
        .collect();
    let role = |name| Arc::clone(builtin::org_role(name).unwrap_or(&builtin::org_roles()[0]));
    let member = SystemRole::OrganizationMember.role(ShareableOwners::Everyone);
    let mut roles: Vec<_> = orgs
        .iter()
        .map(|org| (Some(*org), Arc::clone(member)))
        .collect();
    roles.extend(builtin::site_role(builtin::AUDITOR).map(|role| (None, Arc::clone(role))));
    for (n, org) in orgs.iter().enumerate() {
        let given: &[&str] = match (count, n % 10) {
            (3, 0) => &[builtin::ORGANIZATION_ADMIN],
            (3, 1) => &[
                builtin::ORGANIZATION_WORKSPACE_ACCESS,
                builtin::ORGANIZATION_WORKSPACE_CREATION_BAN,
            ],
            (3, _) => &[builtin::ORGANIZATION_USER_ADMIN],
            (_, 0) => &[
                builtin::ORGANIZATION_WORKSPACE_ACCESS,
                builtin::ORGANIZATION_ADMIN,
            ],
            _ => &[builtin::ORGANIZATION_WORKSPACE_ACCESS],
        };
        roles.extend(given.iter().map(|name| (Some(*org), role(name))));
    }
    Person {
        id: random_id(1, number),
        roles,
        orgs,
        groups: (0..10)
            .map(|n| random_id(3, number % CIRCLES * 10 + n))
            .collect(),
    }
}

fn action(index: usize) -> Action {
    const ASKED: [Action; 4] = [Action::Read, Action::Update, Action::Create, Action::Share];
    ASKED[index % ASKED.len()]
}

fn object(person: &Person, number: usize) -> Object {
    const ASKED: [ResourceType; 5] = [
        ResourceType::Workspace,
        ResourceType::Chat,
        ResourceType::Group,
        ResourceType::OrganizationMember,
        ResourceType::ApiKey,
    ];
    object_of(person, number, ASKED[number % ASKED.len()])
}

/// Seven of eight in an organization of the subject, the others in a foreign one or (tokens) in none; a third is
/// the subject's own; a quarter has an ACL of a user and two groups, one of which may be the subject's.
fn object_of(person: &Person, number: usize, resource: ResourceType) -> Object {
    let mut random = Random::new(u64::try_from(number).unwrap_or_default());
    let mut object = Object::new(resource).id(random_id(4, number));
    let owner = if random.below(3) == 0 {
        person.id
    } else {
        random_id(1, 1 << 20 | number)
    };
    object = object.owner(owner);
    if resource != ResourceType::ApiKey {
        object = object.in_org(match random.below(8) {
            0 => random_id(2, 1 << 20 | number),
            _ => random.pick(&person.orgs),
        });
    }
    if random.below(4) == 0 {
        let read = ActionSet::of(Action::Read);
        let group = random.pick(&person.groups);
        object = object
            .with_user_acl(random_id(1, 1 << 21 | number), read)
            .with_group_acl(random_id(3, 1 << 20 | number), read)
            .with_group_acl(group, read);
    }
    object
}

/// Nanoseconds of one call, the median of many rounds over all indices.
fn each(count: usize, mut call: impl FnMut(usize)) -> f64 {
    let figures = (0..101).map(|_| {
        let start = Instant::now();
        (0..count).for_each(&mut call);
        nanoseconds(start, count)
    });
    median(figures.collect())
}

#[expect(clippy::as_conversions, reason = "a figure for people")]
fn nanoseconds(start: Instant, count: usize) -> f64 {
    start.elapsed().as_secs_f64() * 1e9 / count as f64
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

fn row(what: &str, nanoseconds: f64, goal: &str) {
    let figure = match nanoseconds {
        n if n < 1e3 => format!("{n:.1} ns"),
        n if n < 1e6 => format!("{:.2} µs", n / 1e3),
        n => format!("{:.3} ms", n / 1e6),
    };
    table(&format!("| {what} | {figure} |"), &format!(" {goal} |"));
}

#[expect(clippy::print_stdout, reason = "a bench prints its figures")]
fn table(line: &str, rest: &str) {
    println!("{line}{rest}");
}
