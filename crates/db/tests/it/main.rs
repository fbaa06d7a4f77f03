//! Integration tests of the crate `db`, one binary for all of them.

#[cfg(test)]
mod alerts;
#[cfg(test)]
mod audit;
#[cfg(test)]
mod audit_budgets;
#[cfg(test)]
mod audit_pages;
#[cfg(test)]
mod budgets;
#[cfg(test)]
mod cap_mirrors;
#[cfg(test)]
mod caps;
#[cfg(test)]
mod chats;
#[cfg(test)]
mod decisions;
#[cfg(test)]
mod dump;
#[cfg(test)]
mod external_usage;
#[cfg(test)]
mod feature_flags;
#[cfg(test)]
mod hints;
#[cfg(test)]
mod idpsync;
#[cfg(test)]
mod keys;
#[cfg(test)]
mod ledger;
#[cfg(test)]
mod ledger_alerts;
#[cfg(test)]
mod ledger_caps;
#[cfg(test)]
mod ledger_extend;
#[cfg(test)]
mod ledger_pools;
#[cfg(test)]
mod ledger_queue;
#[cfg(test)]
mod ledger_races;
#[cfg(test)]
mod ledger_report;
#[cfg(test)]
mod ledger_sweep;
#[cfg(test)]
mod ledger_trust;
#[cfg(test)]
mod ledger_waits;
#[cfg(test)]
mod lists;
#[cfg(test)]
mod local;
#[cfg(test)]
mod locks;
#[cfg(test)]
mod migrations;
#[cfg(test)]
mod override_races;
#[cfg(test)]
mod overrides;
#[cfg(test)]
mod people;
#[cfg(test)]
mod periods;
#[cfg(test)]
mod prices;
#[cfg(test)]
mod roles;
#[cfg(test)]
mod spend_days;
#[cfg(test)]
mod spend_reports;
#[cfg(test)]
mod stored_responses;
#[cfg(test)]
mod support;
#[cfg(test)]
mod units;
#[cfg(test)]
mod upgrade;
#[cfg(test)]
mod versions;
#[cfg(test)]
mod workspace_acl;
#[cfg(test)]
mod workspaces;
