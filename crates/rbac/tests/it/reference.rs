//! The reference's own decision table, on its own registry and with its own roles, also where they are none of
//! ours: types and actions are words here, which [`rbac::foreign`] maps to slots.

use std::collections::BTreeMap;

use rbac::foreign::Question;
use serde_json::{Value, json};

const REGISTRY: &str = include_str!("../data/reference-registry.txt");
const ROLES: &str = include_str!("../data/reference-roles.txt");
const CASES: &str = include_str!("../data/reference-cases.txt");

fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| !line.starts_with('#'))
}

fn registry() -> BTreeMap<&'static str, Vec<&'static str>> {
    let split = |line: &'static str| {
        let (name, actions) = line.split_once(": ").unwrap();
        (
            name,
            actions.split(' ').filter(|word| !word.is_empty()).collect(),
        )
    };
    lines(REGISTRY).map(split).collect()
}

/// The permissions of one level of a role.
fn permissions(role: &str, level: &str) -> Vec<Value> {
    let rows = lines(ROLES).map(|line| line.split('|').map(str::trim).collect::<Vec<_>>());
    let mut rows = rows.filter(|cells| cells[0] == role).peekable();
    assert!(rows.peek().is_some(), "no role {role}");
    let items = rows
        .filter(|cells| cells[1] == level)
        .flat_map(|cells| cells[2].split(';').collect::<Vec<_>>());
    items
        .map(str::trim)
        .filter(|item| !item.is_empty())
        .flat_map(item)
        .collect()
}

fn item(text: &str) -> Vec<Value> {
    let registry = registry();
    let one = |negate: bool, resource: &str, action: &str| json!({ "negate": negate, "resource_type": resource, "action": action });
    if let Some(except) = text.strip_prefix("* except ") {
        let except: Vec<_> = except.split(' ').collect();
        assert!(
            except.iter().all(|word| registry.contains_key(word)),
            "{text}"
        );
        let types = registry.keys().filter(|word| !except.contains(word));
        return types.map(|word| one(false, word, "*")).collect();
    }
    let (negate, text) = match text.strip_prefix('!') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (resource, actions) = text.split_once(' ').unwrap();
    for action in actions.split(' ').filter(|action| *action != "*") {
        let known = resource == "*" || registry[resource].contains(&action);
        assert!(known, "{resource} has no action {action}");
    }
    actions
        .split(' ')
        .map(|action| one(negate, resource, action))
        .collect()
}

fn role(word: &str) -> Value {
    let parts = word
        .rsplit_once(':')
        .filter(|(_, org)| org.starts_with('O'));
    let (name, by_org) = match parts {
        None => (word, json!({})),
        Some((name, org)) => {
            let held = json!({
                "org": permissions(name, "org"),
                "member": permissions(name, "member"),
            });
            (name, json!({ org: held }))
        }
    };
    json!({
        "name": name,
        "site": permissions(name, "site"),
        "user": permissions(name, "user"),
        "by_org_id": by_org,
    })
}

fn subject(roles: &str, more: &str) -> Value {
    let mut held: Vec<_> = roles
        .split('+')
        .map(str::trim)
        .filter(|word| !word.is_empty())
        .map(role)
        .collect();
    let id = match roles {
        "actor:system" | "actor:dbpurge" => "nobody",
        _ => "U",
    };
    if !roles.starts_with("actor:") {
        held.push(role("member"));
    }
    let value = |key: &str| more.split(' ').find_map(|word| word.strip_prefix(key));
    let mut scope = role(value("scope=").unwrap_or("all"));
    let entries = value("list=").unwrap_or("*:*").split(',');
    let entries = entries.filter(|entry| !entry.is_empty()).map(|entry| {
        let (resource, id) = entry.split_once(':').unwrap();
        json!({ "type": resource, "id": id })
    });
    scope["allow_list"] = entries.collect();
    let groups: Vec<_> = value("groups=").into_iter().collect();
    json!({ "id": id, "roles": held, "groups": groups, "scope": scope })
}

fn object(text: &str, more: &str) -> Value {
    let (what, place) = text.split_once('@').unwrap();
    let (resource, id) = what.split_once('#').unwrap_or((what, ""));
    let (org, owner) = place.split_once('/').unwrap_or((place, ""));
    let acl = |key: &str| {
        let entries = more.split(' ').filter_map(|word| word.strip_prefix(key));
        let entries = entries.map(|entry| {
            let (id, action) = entry.split_once(':').unwrap();
            (id.to_owned(), json!([action]))
        });
        entries.collect::<Value>()
    };
    assert!(registry().contains_key(resource), "{resource}");
    json!({
        "id": id,
        "owner": owner,
        "org_owner": org.trim_matches(['*', '-']),
        "any_org": org.contains('*'),
        "type": resource,
        "acl_user_list": acl("user="),
        "acl_group_list": acl("group="),
    })
}

#[test]
fn the_decision_table_of_the_reference_holds() {
    let mut count = 0;
    for (n, line) in lines(CASES).enumerate() {
        let cells: Vec<_> = line.split('|').map(str::trim).collect();
        let [_, roles, more, what, action, expected] = cells[..] else {
            panic!("{line}")
        };
        let allow = match expected {
            "allow" => true,
            "deny" => false,
            _ => panic!("{line}"),
        };
        let written = json!({
            "n": n,
            "subject": subject(roles, more),
            "object": object(what, more),
            "action": action,
            "role": false, "acl": false, "scope": false, "allow": allow,
        });
        let question: Question = serde_json::from_value(written).unwrap();
        assert_eq!(question.allows(), allow, "{line}\n{:?}", question.verdict());
        count += 1;
    }
    assert_eq!(count, 108);
}

#[test]
fn a_subject_without_roles_or_scope_is_an_error_and_not_a_denial() {
    // T145 of the reference.
    for missing in ["roles", "scope"] {
        let mut subject = subject("owner", "");
        subject.as_object_mut().unwrap().remove(missing);
        let written = json!({
            "n": 1, "subject": subject, "object": object("user@-", ""), "action": "read",
            "role": false, "acl": false, "scope": false, "allow": false,
        });
        let error = serde_json::from_value::<Question>(written).unwrap_err();
        assert_eq!(error.to_string(), format!("missing field `{missing}`"));
    }
}
