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
    "cap_update_check",
    "cap_delete_check",
    "cap_override_check",
    "cap_override_mirror",
    "chat_share_check",
    "chat_acl_get",
    "chat_update_check",
    "chat_send_check",
    "chat_create_check",
    "chat_turn_check",
    "chat_readable_by",
    "chat_acl_look",
    "chat_file_create_check",
    "workspace_share_check",
    "workspace_acl_get",
    "user_find",
    "organization_find",
    "provider_use",
    "first_user_create",
    "object_get",
    "idpsync_preview",
    "idpsync_organization_preview",
    "identity_sync_apply",
    "organization_member_find",
    "organization_role_list",
    "site_role_list",
    "system_roles_reconcile",
];

/// Every repository method of the crate `store`.
pub(super) fn scan() -> Vec<(String, Kind)> {
    let mut methods = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("../store/src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if !path.ends_with("lib.rs") {
                methods.extend(methods_in(&fs::read_to_string(path).unwrap()));
            }
        }
    }
    methods
}

/// The methods of a source's repository traits, by a plain scan: each `fn`, asynchronous or not, in a
/// `trait …Read` or `…Write`, up to the brace that ends it at the left margin.
fn methods_in(text: &str) -> Vec<(String, Kind)> {
    let name = |text: &str| {
        let end = |c: char| !c.is_alphanumeric() && c != '_';
        text.split(end).next().unwrap().to_owned()
    };
    let mut methods = Vec::new();
    let mut within = None;
    for line in text.lines() {
        if line == "}" {
            within = None;
        }
        if let Some((_, rest)) = line.split_once("pub trait ") {
            let declared = name(rest);
            within = if declared.ends_with("Write") {
                Some(Kind::Write)
            } else {
                declared.ends_with("Read").then_some(Kind::Read)
            };
        }
        let line = line.trim_start();
        let declares = line.strip_prefix("async fn ").or(line.strip_prefix("fn "));
        if let (Some(kind), Some(rest)) = (within, declares) {
            let method = name(rest);
            let locks = kind == Kind::Write && method.ends_with("_lock");
            methods.push((method, if locks { Kind::Lock } else { kind }));
        }
    }
    methods
}

/// What is wrong with the tables when these are the repository methods.
fn complaints(methods: &[(String, Kind)]) -> Vec<String> {
    let listed: Vec<_> = rules::ALL.iter().flat_map(|(_, rules)| *rules).collect();
    let tried: BTreeSet<_> = all().into_iter().map(|case| case.method).collect();
    let found: BTreeSet<&str> = methods.iter().map(|(name, _)| name.as_str()).collect();
    let expected: BTreeSet<&str> = found.iter().chain(ADDED).copied().collect();
    let mut complaints = Vec::new();
    for method in &expected {
        let lines = listed.iter().filter(|rule| rule.method == *method).count();
        if lines != 1 {
            complaints.push(format!("{method} has {lines} lines"));
        }
    }
    for rule in listed {
        let (method, inside) = (rule.method, rule.shape == Shape::Inside);
        if !expected.contains(method) {
            complaints.push(format!("{method} is no method"));
        }
        if tried.contains(method) == inside {
            complaints.push(format!("{method} has a case: {}", !inside));
        }
        let kind = methods.iter().find(|(name, _)| name == method);
        match (kind.map(|(_, kind)| *kind), rule.shape) {
            (Some(Kind::Read | Kind::Lock), Shape::Lock)
            | (Some(Kind::Write), Shape::Visibility) => {
                complaints.push(format!("{method} is of another shape"));
            }
            // What exists already is fetched under its lock by whoever changes it.
            (Some(Kind::Write), Shape::Fetch) => complaints.push(format!("{method} takes no lock")),
            _ => {}
        }
    }
    complaints
}

#[test]
fn every_repository_method_has_its_line_and_its_case() {
    let methods = scan();
    assert!(methods.len() > 60, "the scan reads the traits: {methods:?}");
    assert_eq!(complaints(&methods), [""; 0]);
}

#[test]
fn a_method_without_a_line_is_noticed() {
    let made_up = "\
/// Nothing of this exists.
#[async_trait]
pub trait SpaceshipRead: Send {
    /// One.
    async fn spaceship_get(&mut self, id: &str) -> StoreResult<()>;
    /// Without a future of its own.
    fn spaceship_count(&self) -> u64 {
        fn inner() {}
        0
    }
}

pub trait Pilot {
    async fn no_repository(&mut self);
}

#[async_trait]
pub trait SpaceshipWrite: SpaceshipRead {
    async fn spaceship_lock<'a>(&'a mut self);
    async fn spaceship_launch(
        &mut self,
    );
}
";
    let found = methods_in(made_up);
    let expected = [
        ("spaceship_get", Kind::Read),
        ("spaceship_count", Kind::Read),
        ("inner", Kind::Read),
        ("spaceship_lock", Kind::Lock),
        ("spaceship_launch", Kind::Write),
    ];
    let expected = expected.map(|(name, kind)| (name.to_owned(), kind));
    assert_eq!(found, expected);
    let mut methods = scan();
    methods.push(("spaceship_launch".to_owned(), Kind::Write));
    assert_eq!(complaints(&methods), ["spaceship_launch has 0 lines"]);
    methods.pop();
    methods.retain(|(name, _)| name != "group_delete");
    assert_eq!(complaints(&methods), ["group_delete is no method"]);
}
