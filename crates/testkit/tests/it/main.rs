//! Tests over HTTP on real servers with a real database and a fake provider, one binary for all of them.

#[cfg(test)]
mod access;
#[cfg(test)]
mod admin_mode;
#[cfg(test)]
mod alerts;
#[cfg(test)]
mod audit;
#[cfg(test)]
mod audit_budgets;
#[cfg(test)]
mod audit_list;
#[cfg(test)]
mod budgets;
#[cfg(test)]
mod budgets_matrix;
#[cfg(test)]
mod budgets_races;
#[cfg(test)]
mod burst;
#[cfg(test)]
mod calls;
#[cfg(test)]
mod caps;
#[cfg(test)]
mod caps_portal;
#[cfg(test)]
mod chat_sharing;
#[cfg(test)]
mod chat_turns;
#[cfg(test)]
mod chats;
#[cfg(test)]
mod clients;
#[cfg(test)]
mod crowds;
#[cfg(test)]
mod departures;
#[cfg(test)]
mod deployment;
#[cfg(test)]
mod external_usage;
#[cfg(test)]
mod external_usage_holds;
#[cfg(test)]
mod external_usage_races;
#[cfg(test)]
mod external_usage_rights;
#[cfg(test)]
mod external_usage_room;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod feature_flags;
#[cfg(test)]
mod flags;
#[cfg(test)]
mod freshness;
#[cfg(test)]
mod gateway;
#[cfg(test)]
mod graphql;
#[cfg(test)]
mod groups;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod idpsync;
#[cfg(test)]
mod logins;
#[cfg(test)]
mod metrics;
#[cfg(test)]
mod money;
#[cfg(test)]
mod notifications;
#[cfg(test)]
mod oidc;
#[cfg(test)]
mod operations;
#[cfg(test)]
mod organizations;
#[cfg(test)]
mod overrides;
#[cfg(test)]
mod prices;
#[cfg(test)]
mod prices_charged;
#[cfg(test)]
mod privileges;
#[cfg(test)]
mod providers;
#[cfg(test)]
mod races;
#[cfg(test)]
mod reference;
#[cfg(test)]
mod reference_caps;
#[cfg(test)]
mod reference_cases;
#[cfg(test)]
mod responses;
#[cfg(test)]
mod roles;
#[cfg(test)]
mod roles_effects;
#[cfg(test)]
mod roles_escalation;
#[cfg(test)]
mod scenes;
#[cfg(test)]
mod spend_reports;
#[cfg(test)]
mod stored_responses;
#[cfg(test)]
mod story;
#[cfg(test)]
mod streams;
#[cfg(test)]
mod support;
#[cfg(test)]
mod system_roles;
#[cfg(test)]
mod tokens;
#[cfg(test)]
mod users;
#[cfg(test)]
mod waiting;
#[cfg(test)]
mod webhooks;
#[cfg(test)]
mod workspace_access;
#[cfg(test)]
mod workspace_acl;
#[cfg(test)]
mod workspace_lists;
#[cfg(test)]
mod workspace_races;
#[cfg(test)]
mod workspace_sharing;
#[cfg(test)]
mod workspaces;
