//! Reads the traits of the crate `store`: a method without an entry in a table fails here.

use std::{collections::BTreeSet, fs, path::Path};

use crate::{rules, rules::Shape, tests::cases::all};

/// Which trait declares a method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Read,
    /// Declared by a `…Write` trait, but only locks.
    Lock,
    Write,
}

/// Wrapped methods that are no repository methods, but made of them.
pub(super) const ADDED: &[&str] = &[
    "user_find",
    "organization_find",
    "provider_use",
    "first_user_create",
    "object_get",
];

/// Every repository method, by a plain scan of the source: `async fn` in a `pub trait …Read` or `…Write`.
pub(super) fn scan() -> Vec<(String, Kind)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../store/src");
    let mut methods = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.ends_with("lib.rs") {
            continue;
        }
        let text = fs::read_to_string(path).unwrap();
        let mut kind = Kind::Read;
        for line in text.lines() {
            let line = line.trim_start();
            if let Some(name) = line.strip_prefix("pub trait ") {
                let name = name.split(|c: char| !c.is_alphanumeric()).next().unwrap();
                kind = if name.ends_with("Write") {
                    Kind::Write
                } else {
                    Kind::Read
                };
            }
            let Some(rest) = line.strip_prefix("async fn ") else {
                continue;
            };
            let name = rest
                .split(|c: char| !c.is_alphanumeric() && c != '_')
                .next()
                .unwrap();
            let locks = kind == Kind::Write && name.ends_with("_lock");
            methods.push((name.to_owned(), if locks { Kind::Lock } else { kind }));
        }
    }
    methods
}

#[test]
fn every_repository_method_has_its_line_and_its_case() {
    let found: BTreeSet<_> = scan().into_iter().map(|(name, _)| name).collect();
    assert!(found.len() > 50, "the scan reads the traits: {found:?}");
    let listed: Vec<_> = rules::ALL.iter().flat_map(|(_, rules)| *rules).collect();
    let names: BTreeSet<_> = listed.iter().map(|rule| rule.method.to_owned()).collect();
    assert_eq!(names.len(), listed.len(), "a method has two lines");
    let expected: BTreeSet<_> = found
        .into_iter()
        .chain(ADDED.iter().map(|name| (*name).to_owned()))
        .collect();
    assert_eq!(names, expected);

    let tried: BTreeSet<_> = all().into_iter().map(|case| case.method).collect();
    for rule in listed {
        let inside = rule.shape == Shape::Inside;
        assert_ne!(
            tried.contains(rule.method),
            inside,
            "a case for {}",
            rule.method
        );
    }
}

#[test]
fn a_line_says_that_it_changes_something_only_if_it_does() {
    let methods = scan();
    for rule in rules::ALL.iter().flat_map(|(_, rules)| *rules) {
        let kind = methods
            .iter()
            .find(|(name, _)| name == rule.method)
            .map(|(_, kind)| *kind);
        let reads = matches!(rule.shape, Shape::Visibility) || kind == Some(Kind::Read);
        assert!(!reads || rule.shape != Shape::Lock, "{}", rule.method);
    }
}
