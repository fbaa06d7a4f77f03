//! Alerts: who must be told that spend has come to a threshold of a limit.

use model::alerts::AlertPass;
use rbac::{Action, Object, ResourceType};
use store::StoreResult;

use crate::{
    rules::{Rule, Shape, rule},
    units::wrapper,
};

const SYSTEM: &str = "system actors only";

pub(crate) const RULES: &[Rule] = &[
    rule("alerts_due", Shape::Check, &["ai_usage_event:read"], SYSTEM),
    rule(
        "alerts_evaluate",
        Shape::Check,
        &[
            "ai_usage_event:read",
            "ai_budget:read",
            "notification:create",
            "notification:delete",
        ],
        SYSTEM,
    ),
];

wrapper! {
    /// Alerts: who must be told that spend has come to a threshold of a limit, each call authorized. Reached by
    /// system actors only: who is told of what follows from the budgets alone.
    Alerts
}

impl<U: ?Sized> Alerts<'_, U> {
    fn check(&self, action: Action, resource: ResourceType) -> StoreResult<()> {
        self.gate.check(action, &Object::new(resource))
    }
}

impl<U: store::ReadUnit + ?Sized> Alerts<'_, U> {
    /// See [`store::alerts::AlertRead::alerts_due`].
    ///
    /// # Errors
    /// `Denied`.
    pub async fn alerts_due(&mut self) -> StoreResult<bool> {
        self.check(Action::Read, ResourceType::AiUsageEvent)?;
        self.unit.alerts_due().await
    }
}

impl<U: store::WriteUnit + ?Sized> Alerts<'_, U> {
    /// See [`store::alerts::AlertWrite::alerts_evaluate`].
    ///
    /// # Errors
    /// `Denied`.
    pub async fn alerts_evaluate(&mut self, limit: u32) -> StoreResult<AlertPass> {
        self.check(Action::Read, ResourceType::AiUsageEvent)?;
        self.check(Action::Read, ResourceType::AiBudget)?;
        self.check(Action::Create, ResourceType::Notification)?;
        self.check(Action::Delete, ResourceType::Notification)?;
        self.unit.alerts_evaluate(limit).await
    }
}
