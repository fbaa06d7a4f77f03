//! The caps of a subscription.

use async_graphql::{Context, Object};
use model::caps::{CapScope, SubscriptionCaps};

use super::{
    super::{
        connection::PageArguments,
        failure::{Failure, Field, field},
        ids::GlobalId,
        money,
        viewer::Viewer,
    },
    overrides::{OverrideConnection, list},
};

/// The caps of a subscription, which the caller may read.
#[derive(Debug)]
pub(super) struct BudgetCaps {
    pub(super) scope: CapScope,
    /// `None` when none was ever set.
    pub(super) caps: Option<SubscriptionCaps>,
}

/// Budget cap controls of one subscription. Without a cap that was ever set, all is null.
#[Object(name = "GitlabSubscriptionBudgetCaps")]
impl BudgetCaps {
    /// The cap of all people together in a period, beyond what is included, in dollars.
    async fn subscription_cap(&self) -> Option<f64> {
        let cap = self.caps?.subscription?;
        Some(money::write(cap.amount))
    }

    /// Whether the cap of all people together is enforced.
    async fn subscription_cap_enabled(&self) -> Option<bool> {
        Some(self.caps?.subscription?.enabled)
    }

    /// The cap in a period of everybody who has none of their own, in dollars.
    async fn flat_user_cap(&self) -> Option<f64> {
        let cap = self.caps?.flat_user?;
        Some(money::write(cap.amount))
    }

    /// Whether the flat cap is enforced.
    async fn flat_user_cap_enabled(&self) -> Option<bool> {
        Some(self.caps?.flat_user?.enabled)
    }

    /// What each person may spend in a period whatever the caps say, in dollars.
    async fn included(&self) -> Option<f64> {
        Some(money::write(self.caps?.included))
    }

    /// People's own caps, sorted by the people's ids: 20 on a page unless said otherwise, at most 200.
    async fn user_overrides(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only of these people; an empty list is of nobody.")] user_ids: Option<
            Vec<GlobalId>,
        >,
        #[graphql(desc = "So many from the beginning.")] first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
        #[graphql(desc = "So many from the end.")] last: Option<i32>,
        #[graphql(desc = "Only what is before this cursor.")] before: Option<String>,
    ) -> Field<OverrideConnection> {
        let outcome = async {
            let page = PageArguments {
                first,
                after,
                last,
                before,
            };
            let ahead = ctx.look_ahead();
            let with_users = ahead.field("nodes").field("user").exists()
                || ahead.field("edges").field("node").field("user").exists();
            let (viewer, users) = (Viewer::of(ctx)?, user_ids.as_deref());
            let page = list(viewer, self.scope, users, &page, with_users).await?;
            Ok::<_, Failure>(Some(page))
        };
        field(outcome.await)
    }
}
