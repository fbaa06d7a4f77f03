//! What it was asked.

use std::time::Instant;

use axum::http::HeaderMap;
use serde_json::{Value, json};

/// What can be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operation {
    /// The query `budgetCaps`.
    BudgetCaps,
    /// The query `subscriptionBlockedStatuses`.
    BlockedStatuses,
    /// The mutation `upsertBudgetCapSubscription`.
    FlatCap,
    /// The mutation `upsertUserBudgetCapsBulk`.
    Overrides,
}

impl Operation {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::BudgetCaps,
        Self::BlockedStatuses,
        Self::FlatCap,
        Self::Overrides,
    ];

    /// The name that documents give it; that of a mutation is its field's too.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::BudgetCaps => "budgetCaps",
            Self::BlockedStatuses => "subscriptionBlockedStatuses",
            Self::FlatCap => "upsertBudgetCapSubscription",
            Self::Overrides => "upsertUserBudgetCapsBulk",
        }
    }

    /// What a mutation's payload holds besides its errors; nothing for a query.
    pub(crate) const fn result(self) -> Option<&'static str> {
        match self {
            Self::BudgetCaps | Self::BlockedStatuses => None,
            Self::FlatCap => Some("subscriptionBudgetCap"),
            Self::Overrides => Some("userBudgetCapOverrides"),
        }
    }

    /// The answer of a payload with one error. A query has no payload, so its error is among the data.
    pub(crate) fn rejected(self, error: &str) -> String {
        let data = match self.result() {
            Some(result) => json!({ self.name(): { result: null, "errors": [error] } }),
            None => json!({ "errors": [error] }),
        };
        json!({ "data": data }).to_string()
    }
}

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Received {
    /// What was asked, if the portal knows it.
    pub operation: Option<Operation>,
    /// All headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: String,
    /// When.
    pub at: Instant,
}

impl Received {
    /// The variables, or null when the body has none.
    #[must_use]
    pub fn variables(&self) -> Value {
        let body = serde_json::from_str::<Value>(&self.body).unwrap_or_default();
        body.get("variables").cloned().unwrap_or_default()
    }

    /// The namespace that was asked for, if one was.
    #[must_use]
    pub fn namespace(&self) -> Option<String> {
        let variables = self.variables();
        let asked = variables.get("input").unwrap_or(&variables);
        Some(asked.get("namespaceId")?.as_str()?.to_owned())
    }
}
