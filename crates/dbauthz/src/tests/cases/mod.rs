//! For each wrapped method: how to call it, and the checks it must make, in order.

mod alerts;
mod budgets;
mod cap_mirrors;
mod caps;
pub(super) mod chat_messages;
mod chat_turns;
pub(super) mod chats;
pub(super) mod external_usage;
mod feature_flags;
mod identities;
mod idpsync;
mod notifications;
mod people;
mod prices;
mod roles;
mod spend_reports;
mod stored_responses;
mod system_roles;
mod things;
mod webhooks;
mod workspaces;

use futures_util::future::BoxFuture;
use rbac::{Action, Object, ResourceType};
use store::StoreResult;
use uuid::Uuid;

use crate::{SystemWriteUnit, tests::recorder::Check};

/// A call and its checks.
pub(super) struct Case {
    pub(super) method: &'static str,
    /// Whether it is reached by system actors only.
    pub(super) system: bool,
    /// Whether it is a list, which is empty for who may see nothing.
    pub(super) list: bool,
    pub(super) checks: Vec<Check>,
    /// The ways to be allowed, each by the places of the checks that it takes; one alone takes them all.
    pub(super) ways: Vec<Vec<usize>>,
    /// Gives the number of rows for a list, and 1 for anything else.
    pub(super) run: for<'a> fn(&'a mut SystemWriteUnit) -> BoxFuture<'a, StoreResult<usize>>,
}

impl Case {
    /// Says which checks stand in for each other.
    fn ways(mut self, ways: &[&[usize]]) -> Self {
        self.ways = ways.iter().map(|way| way.to_vec()).collect();
        self
    }

    /// Whether the call is allowed when these checks are refused.
    pub(super) fn allowed_without(&self, refused: &[usize]) -> bool {
        self.ways
            .iter()
            .any(|way| way.iter().all(|check| !refused.contains(check)))
    }
}

/// Every case.
pub(super) fn all() -> Vec<Case> {
    let mut cases = people::users();
    cases.extend(people::system());
    cases.extend(people::organizations());
    cases.extend(people::members());
    cases.extend(people::former_members());
    cases.extend(people::keys());
    cases.extend(things::groups());
    cases.extend(budgets::budgets());
    cases.extend(things::providers());
    cases.extend(things::objects());
    cases.extend(things::ledger());
    cases.extend(stored_responses::stored_responses());
    cases.extend(roles::roles());
    cases.extend(system_roles::system_roles());
    cases.extend(workspaces::workspaces());
    cases.extend(chats::chats());
    cases.extend(chats::changes());
    cases.extend(chat_messages::chat_messages());
    cases.extend(chat_messages::chat_queues());
    cases.extend(chat_messages::chat_files());
    cases.extend(chat_turns::chat_turns());
    cases.extend(identities::identities());
    cases.extend(idpsync::idpsync());
    cases.extend(caps::caps());
    cases.extend(cap_mirrors::cap_mirrors());
    cases.extend(feature_flags::feature_flags());
    cases.extend(prices::prices());
    cases.extend(external_usage::external_usage());
    cases.extend(spend_reports::spend_reports());
    cases.extend(notifications::notifications());
    cases.extend(alerts::alerts());
    cases.extend(webhooks::webhooks());
    cases.extend(webhooks::deliveries());
    cases
}

/// `case!("method", unit => a call, [checks])`, `case!(system …)`, `case!(list …)`.
macro_rules! case {
    ($method:literal, $unit:ident => $call:expr, $checks:expr) => {
        case!(@ false, false, $method, $unit => $call.await.map(|_| 1), $checks)
    };
    (system $method:literal, $unit:ident => $call:expr, $checks:expr) => {
        case!(@ true, false, $method, $unit => $call.await.map(|_| 1), $checks)
    };
    (list $method:literal, $unit:ident => $call:expr, $checks:expr) => {
        case!(@ false, true, $method, $unit => $call.await.map(|rows| rows.len()), $checks)
    };
    (page $method:literal, $unit:ident => $call:expr, $checks:expr) => {
        case!(@ false, true, $method, $unit => $call.await.map(|page| page.items.len()), $checks)
    };
    (@ $system:literal, $list:literal, $method:literal, $unit:ident => $call:expr, $checks:expr) => {{
        let checks = Vec::from($checks);
        $crate::tests::cases::Case {
            method: $method,
            system: $system,
            list: $list,
            ways: vec![(0..checks.len()).collect()],
            checks,
            run: |$unit| Box::pin(async move { $call }),
        }
    }};
}
use case;

fn allow(action: Action, object: Object) -> Check {
    Check::Allow(action, object)
}

fn rows(resource: ResourceType) -> Check {
    Check::Rows(Action::Read, resource)
}

fn give(role: &str, org: Option<Uuid>) -> Check {
    Check::Give(role.to_owned(), org)
}

fn take(role: &str, org: Option<Uuid>) -> Check {
    Check::Take(role.to_owned(), org)
}

fn roles(names: &[&str]) -> Vec<String> {
    names.iter().map(ToString::to_string).collect()
}
