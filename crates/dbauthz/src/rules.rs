//! The table of all methods and their checks: read by the tests, printed into the documentation.

use std::fmt::Write;

use crate::{
    SystemActor, acl, alerts, api_keys, audit, budgets, cap_mirrors, caps, chat_files,
    chat_messages, chat_turns, chats, deliveries, external_usage, feature_flags, groups,
    identities, identity_sync, idpsync, notifications, objects, organizations, prices, providers,
    roles, spend, spend_reports, stored_responses, subjects, system_roles, users, webhooks,
    workspaces,
};

/// How a wrapped method goes about its check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Checks, then calls: for what does not exist yet.
    Check,
    /// Fetches the row and checks the object made from it, then returns it.
    Fetch,
    /// Fetches and locks the row, checks the object made from it, changes it in the same transaction.
    Lock,
    /// Passes down which rows may be seen, or drops the others.
    Visibility,
    /// Needs no right.
    Free,
    /// Is not offered by itself: a wrapped method calls it.
    Inside,
}

impl Shape {
    const fn text(self) -> &'static str {
        match self {
            Self::Check => "check, call",
            Self::Fetch => "fetch, check",
            Self::Lock => "lock, check, change",
            Self::Visibility => "visibility",
            Self::Free => "free",
            Self::Inside => "inside another",
        }
    }
}

/// A method and its checks.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// Its name: the repository's method, or one that this crate adds.
    pub method: &'static str,
    /// How it goes about it.
    pub shape: Shape,
    /// Every check that it may make, as `type:action`, or `give a role`, `take a role`,
    /// `grant permissions`.
    pub checks: &'static [&'static str],
    /// What else holds.
    pub note: &'static str,
}

/// A line of a module's table.
pub(crate) const fn rule(
    method: &'static str,
    shape: Shape,
    checks: &'static [&'static str],
    note: &'static str,
) -> Rule {
    Rule {
        method,
        shape,
        checks,
        note,
    }
}

/// The tables of all features.
pub(crate) const ALL: &[(&str, &[Rule])] = &[
    ("users", users::RULES),
    ("organizations", organizations::RULES),
    ("groups", groups::RULES),
    ("api_keys", api_keys::RULES),
    ("budgets", budgets::RULES),
    ("providers", providers::RULES),
    ("spend", spend::RULES),
    ("stored_responses", stored_responses::RULES),
    ("subjects", subjects::RULES),
    ("objects", objects::RULES),
    ("audit", audit::RULES),
    ("roles", roles::RULES),
    ("system_roles", system_roles::RULES),
    ("workspaces", workspaces::RULES),
    ("chats", chats::RULES),
    ("chat_messages", chat_messages::RULES),
    ("chat_files", chat_files::RULES),
    ("chat_turns", chat_turns::RULES),
    ("acl", acl::RULES),
    ("identities", identities::RULES),
    ("idpsync", idpsync::RULES),
    ("caps", caps::RULES),
    ("cap_mirrors", cap_mirrors::RULES),
    ("feature_flags", feature_flags::RULES),
    ("prices", prices::RULES),
    ("external_usage", external_usage::RULES),
    ("spend_reports", spend_reports::RULES),
    ("notifications", notifications::RULES),
    ("alerts", alerts::RULES),
    ("webhooks", webhooks::RULES),
    ("deliveries", deliveries::RULES),
    ("identity_sync", identity_sync::RULES),
];

/// The checks of every method and the system actors, as Markdown, for the generated reference.
#[must_use]
pub fn rules() -> String {
    let mut text = String::from("## Checks of the store\n");
    for (feature, rules) in ALL {
        put(&mut text, format_args!("\n### {feature}\n\n"));
        put(
            &mut text,
            format_args!("| method | shape | checks | besides |\n|---|---|---|---|\n"),
        );
        for Rule {
            method,
            shape,
            checks,
            note,
        } in *rules
        {
            let checks: Vec<_> = checks.iter().map(|check| format!("`{check}`")).collect();
            let (shape, checks) = (shape.text(), checks.join(", "));
            put(
                &mut text,
                format_args!("| `{method}` | {shape} | {checks} | {note} |\n"),
            );
        }
    }
    put(
        &mut text,
        format_args!("\n## System actors\n\n| actor | permissions | why |\n|---|---|---|\n"),
    );
    for actor in SystemActor::ALL {
        let permissions: Vec<_> = actor.permissions().into_iter().map(permission).collect();
        let (name, permissions, why) = (actor.name(), permissions.join(", "), actor.reason());
        put(
            &mut text,
            format_args!("| `{name}` | {permissions} | {why} |\n"),
        );
    }
    text
}

fn permission(permission: rbac::Permission) -> String {
    let resource = permission.resource.map_or("*", rbac::ResourceType::as_str);
    let action = permission.action.map_or("*", rbac::Action::as_str);
    format!("`{resource}:{action}`")
}

fn put(text: &mut String, line: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    text.write_fmt(line).unwrap_or_default();
}
