//! Who may do what, method by method, with the engine itself deciding: tables to be read by people, refreshed by
//! `UPDATE=1`. What they show beside each method are its exact checks, in order.

use std::{collections::BTreeSet, fmt::Write, fs, path::Path, sync::Arc};

use model::UserId;
use rbac::{Object, Subject, builtin};
use store::StoreError;
use uuid::Uuid;

use super::{
    cases::{Case, all},
    chat_world::{ABOUT, BOBS, BOBS_FILE, DEEP, FILE, LOOSE, PART, TALK},
    recorder::{Check, Deny},
    refused, run,
    world::{ANN, BOB, GROUP, OLGA, ORG, OTHER_GROUP, OTTO, PROVIDER, WORKSPACE, actor, state},
};
use crate::{
    Actor, SystemActor, SystemStore,
    authorized::{Bound, Sharing},
    fake::FakeStore,
    gate::Gate,
};

/// How a call ends: `+` done, `-` refused, `!` a rule that no right lifts, `?` not found, or the rows of a list.
async fn end(case: &Case, gate: Gate) -> String {
    let store = FakeStore::new(state());
    let bound = SystemStore::bound(Bound {
        store: Arc::new(store.clone()),
        gate: Arc::new(gate),
    });
    let mut unit = bound.begin().await.unwrap();
    match (case.run)(&mut unit).await {
        Ok(rows) if case.list => rows.to_string(),
        Ok(_) => "+".to_owned(),
        Err(error) if refused(&error) => "-".to_owned(),
        Err(StoreError::Refused(_)) => "!".to_owned(),
        Err(StoreError::NotFound) => "?".to_owned(),
        Err(error) => panic!("{}: {error:?}", case.method),
    }
}

/// Ann with other roles than her own.
fn ann(subject: Subject) -> Actor {
    Actor {
        subject: Arc::new(subject.prepare()),
        ..actor(ANN, &[])
    }
}

/// Everybody that a column stands for, and what is said of them.
fn people() -> Vec<(String, Actor)> {
    let org = ORG.0;
    let nobody = || Subject::user(ANN.0);
    let mut people = vec![
        ("no role, in no organization".to_owned(), ann(nobody())),
        ("member of acme".to_owned(), ann(nobody().member_of(org))),
        (
            "organization-admin of another organization".to_owned(),
            ann(nobody().member_of(Uuid::from_u128(0xff)).org_role(
                Uuid::from_u128(0xff),
                named(builtin::org_roles(), "organization-admin"),
            )),
        ),
    ];
    for role in builtin::org_roles()
        .iter()
        .filter(|role| !role.is_implied())
    {
        let subject = nobody().member_of(org).org_role(org, Arc::clone(role));
        people.push((format!("{} of acme", role.name()), ann(subject)));
    }
    for role in builtin::site_roles()
        .iter()
        .filter(|role| !role.is_implied())
    {
        let subject = nobody().site_role(Arc::clone(role));
        people.push((format!("{} of the site", role.name()), ann(subject)));
    }
    people
}

fn named(roles: &[Arc<rbac::Role>], name: &str) -> Arc<rbac::Role> {
    Arc::clone(roles.iter().find(|role| role.name() == name).unwrap())
}

/// An id of the world by its name.
fn id(id: Uuid) -> String {
    let known = [
        (ANN.0, "ann"),
        (BOB.0, "bob"),
        (OLGA.0, "olga"),
        (OTTO.0, "otto"),
        (ORG.0, "acme"),
        (GROUP.0, "makers"),
        (OTHER_GROUP.0, "minders"),
        (PROVIDER.0, "openai"),
        (WORKSPACE.0, "plans"),
        (TALK.0, "talk"),
        (PART.0, "part"),
        (DEEP.0, "deep"),
        (BOBS.0, "bobs"),
        (ABOUT.0, "about"),
        (FILE.0, "file"),
        (BOBS_FILE.0, "bobs-file"),
        (LOOSE.0, "loose"),
    ];
    let known = known.iter().find(|(known, _)| *known == id);
    known.map_or("new", |(_, name)| *name).to_owned()
}

fn object(object: &Object) -> String {
    let mut words = Vec::new();
    words.extend(object.get_id().map(|it| format!("id {}", id(it))));
    words.extend(object.get_owner().map(|it| format!("of {}", id(it))));
    words.extend(object.get_org().map(|it| format!("in {}", id(it))));
    let users = object.user_acl().iter();
    words.extend(users.map(|entry| format!("shared with {}", id(entry.id))));
    let groups = object.group_acl().iter();
    words.extend(groups.map(|entry| format!("shared with group {}", id(entry.id))));
    words.join(", ")
}

fn exact(check: &Check) -> String {
    let place = |org: &Option<Uuid>| org.map_or("the site".to_owned(), id);
    match check {
        Check::Allow(action, it) => format!("{}:{action} ({})", it.resource(), object(it)),
        Check::Rows(action, resource) => format!("{resource}:{action} as a filter"),
        Check::Give(role, org) => format!("give {role} in {}", place(org)),
        Check::Take(role, org) => format!("take {role} in {}", place(org)),
        Check::Grant(org, permissions) => {
            let both = permissions.org.iter().chain(&permissions.member);
            let words: Vec<_> = both.map(ToString::to_string).collect();
            format!("grant {} in {}", words.join(" "), id(*org))
        }
    }
}

/// A table: its legend, then for each case a row of ends and its checks.
async fn table(title: &str, cases: &[Case], columns: &[(String, Gate)]) -> String {
    let mut text = format!("{title}\n\n");
    let letters: Vec<char> = ('a'..='z').take(columns.len()).collect();
    assert_eq!(letters.len(), columns.len());
    for ((name, _), letter) in columns.iter().zip(&letters) {
        writeln!(text, "  {letter}  {name}").unwrap();
    }
    let head: Vec<String> = letters.iter().map(ToString::to_string).collect();
    writeln!(text, "\n{:34}{}", "", head.join(" ")).unwrap();
    for case in cases {
        let mut ends = Vec::new();
        for (_, gate) in columns {
            ends.push(end(case, gate.clone()).await);
        }
        writeln!(text, "{:34}{}", case.method, ends.join(" ")).unwrap();
        for check in &case.checks {
            writeln!(text, "    {}", exact(check)).unwrap();
        }
        if case.ways.len() > 1 || case.ways[0].len() < case.checks.len() {
            let way = |way: &Vec<usize>| {
                let numbers = way.iter().map(|check| (check + 1).to_string());
                numbers.collect::<Vec<_>>().join(" and ")
            };
            let ways: Vec<_> = case.ways.iter().map(way).collect();
            writeln!(text, "    of these: {}", ways.join(", or ")).unwrap();
        }
    }
    text
}

pub(super) fn compare(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(name);
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, text).unwrap();
    }
    let known = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        known == text,
        "{} is stale: UPDATE=1 writes it anew\n{text}",
        path.display()
    );
}

const LEGEND: &str = "+ done   - refused   ! against a rule that no right lifts   ? not found   a number: the rows of a list\n\
    A list is of what may be seen: of none it is empty, not refused. The world: ann and bob in acme, bob an auditor\n\
    there and of the site; olga and otto own the site; makers and minders are groups of acme, bob has an override charged\n\
    to makers, plans is a workspace of bob's that he shares with makers, openai a provider. Of chats, talk is ann's, who\n\
    shares it with makers and has a file in it, part is a part of it, deep a part of part; deep and about are about\n\
    plans; bobs is bob's, who shares it with ann; loose is a file of ann's that no chat has. `new` is made.";

#[tokio::test]
async fn each_role_reaches_what_its_column_says() {
    let columns: Vec<_> = people()
        .into_iter()
        .map(|(name, actor)| (name, Gate::person(actor, Sharing::default())))
        .collect();
    let cases: Vec<Case> = all().into_iter().filter(|case| !case.system).collect();
    let title =
        format!("Every method that people reach, tried as ann with these roles.\n\n{LEGEND}");
    compare("roles.txt", &table(&title, &cases, &columns).await);
}

#[tokio::test]
async fn each_system_actor_reaches_what_its_column_says() {
    let columns: Vec<_> = SystemActor::ALL
        .iter()
        .map(|actor| {
            (
                actor.name().to_owned(),
                Gate::system(*actor, Sharing::default()),
            )
        })
        .collect();
    let title = format!("Every method, tried by every system actor.\n\n{LEGEND}");
    compare("system_actors.txt", &table(&title, &all(), &columns).await);
}

#[tokio::test]
async fn no_system_actor_holds_a_permission_that_opens_nothing() {
    for actor in SystemActor::ALL {
        let mut used = BTreeSet::new();
        for case in all() {
            let reached = end(&case, Gate::system(*actor, Sharing::default())).await;
            if reached == "+" || reached.parse().is_ok_and(|rows: usize| rows > 0) {
                used.extend(case.checks.iter().map(Check::name));
            }
        }
        for held in actor.permissions() {
            let name = held.to_string();
            assert!(
                used.contains(&name),
                "{}: {name} opens nothing",
                actor.name()
            );
        }
    }
}

/// What a check looked at is held still until the change is made.
#[tokio::test]
async fn what_exists_is_changed_under_its_lock() {
    for case in all() {
        let rules = crate::rules::ALL.iter().flat_map(|(_, rules)| *rules);
        let mut rules = rules.filter(|rule| rule.method == case.method);
        if rules.next().unwrap().shape != crate::rules::Shape::Lock {
            continue;
        }
        let calls = run(&case, Deny::Nothing).await.calls;
        let at = |wanted: &dyn Fn(&str) -> bool| calls.iter().position(|name| wanted(name));
        let lock = at(&|name| name.ends_with("_lock"));
        let change = at(&|name| name == case.method);
        assert!(
            lock.is_some() && lock < change,
            "{}: {calls:?}",
            case.method
        );
    }
}

#[tokio::test]
async fn what_is_missing_and_what_is_refused_look_alike() {
    let store = FakeStore::new(state());
    let authorized = crate::Authorized::new(Arc::new(store));
    let mut unit = authorized.as_actor(actor(ANN, &[])).read().await.unwrap();
    let missing = unit.users().user_get(UserId(Uuid::from_u128(0xdead))).await;
    let hidden = unit.users().user_get(BOB).await;
    assert!(missing.unwrap_err().hidden() && hidden.unwrap_err().hidden());
}
