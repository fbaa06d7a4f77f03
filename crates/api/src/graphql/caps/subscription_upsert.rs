//! The cap of all people together, and what is included for each.

use async_graphql::{Context, InputObject, Object, SimpleObject};
use model::caps::{Cap, SubscriptionCapUpsert};

use super::{
    super::{
        failure::{Code, Failure, Field, field},
        money,
        viewer::Viewer,
    },
    payload::{ErrorDetail, changed},
    scope::settable,
};

/// What to set; what is absent stays as it is.
#[derive(Debug, InputObject)]
struct UpsertSubscriptionCapInput {
    /// The organization's name; without it, the whole deployment's cap is meant.
    namespace_path: Option<String>,
    /// The cap of all people together in a period, beyond what is included, in dollars: from 0 to 1000000000, with at
    /// most six decimals. Goes with `subscriptionCapEnabled`.
    subscription_cap: Option<f64>,
    /// Whether it is enforced. One that is not keeps its amount for later.
    subscription_cap_enabled: Option<bool>,
    /// What each person may spend in a period whatever the caps say, in dollars.
    included: Option<f64>,
    /// Comes back as it is.
    client_mutation_id: Option<String>,
}

/// What is set now.
#[derive(Debug, SimpleObject)]
struct UpsertSubscriptionCapPayload {
    /// The cap of all people together in a period, beyond what is included, in dollars.
    subscription_cap: Option<f64>,
    /// Whether it is enforced.
    subscription_cap_enabled: Option<bool>,
    /// What each person may spend in a period whatever the caps say, in dollars.
    included: Option<f64>,
    /// Why nothing was set.
    errors: Vec<String>,
    /// The same for programs.
    error_details: Vec<ErrorDetail>,
    /// As it was given.
    client_mutation_id: Option<String>,
}

#[derive(Debug, Default)]
pub(super) struct SubscriptionUpsert;

#[Object]
impl SubscriptionUpsert {
    /// Set the cap of all people together, and what is included for each. Takes effect with the next request.
    async fn upsert_subscription_cap(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to set.")] input: UpsertSubscriptionCapInput,
    ) -> Field<UpsertSubscriptionCapPayload> {
        let outcome = async {
            let upsert = upsert(&input)?;
            let (viewer, path) = (Viewer::of(ctx)?, input.namespace_path.as_deref());
            let writing = settable(viewer, "upsertSubscriptionCap", path).await?;
            let outcome = viewer.state.caps.subscription_upsert(writing, &upsert);
            let (stored, errors) = changed(outcome.await)?;
            let cap = stored.and_then(|stored| stored.subscription);
            Ok::<_, Failure>(Some(UpsertSubscriptionCapPayload {
                subscription_cap: cap.map(|cap| money::write(cap.amount)),
                subscription_cap_enabled: cap.map(|cap| cap.enabled),
                included: stored.map(|stored| money::write(stored.included)),
                errors: errors.errors,
                error_details: errors.details,
                client_mutation_id: input.client_mutation_id,
            }))
        };
        field(outcome.await)
    }
}

fn upsert(input: &UpsertSubscriptionCapInput) -> Result<SubscriptionCapUpsert, Failure> {
    let included = input.included.map(|value| money::read("included", value));
    let cap = match (input.subscription_cap, input.subscription_cap_enabled) {
        (Some(value), Some(enabled)) => Some(Cap {
            amount: money::read("subscriptionCap", value)?,
            enabled,
        }),
        (None, None) => None,
        _ => {
            let message = "subscriptionCap and subscriptionCapEnabled must be given together";
            return Err(Failure::told(Code::InvalidArgument, message));
        }
    };
    let included = included.transpose()?;
    if cap.is_none() && included.is_none() {
        let message = "subscriptionCap or included must be given";
        return Err(Failure::told(Code::InvalidArgument, message));
    }
    Ok(SubscriptionCapUpsert { cap, included })
}
