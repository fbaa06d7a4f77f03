//! The cap of everybody who has none of their own.

use async_graphql::{Context, InputObject, Object, SimpleObject};
use model::caps::Cap;

use super::{
    super::{
        failure::{Failure, Field, field},
        money,
        viewer::Viewer,
    },
    payload::{ErrorDetail, changed},
    scope::settable,
};

/// What to set.
#[derive(Debug, InputObject)]
struct UpsertFlatUserCapInput {
    /// The organization's name; without it, the whole deployment's cap is meant.
    namespace_path: Option<String>,
    /// The cap in a period, in dollars: from 0 to 1000000000, with at most six decimals.
    flat_user_cap: f64,
    /// Whether it is enforced. One that is not keeps its amount for later.
    flat_user_cap_enabled: bool,
    /// Comes back as it is.
    client_mutation_id: Option<String>,
}

/// What is set now.
#[derive(Debug, SimpleObject)]
struct UpsertFlatUserCapPayload {
    /// The cap in a period, in dollars.
    flat_user_cap: Option<f64>,
    /// Whether it is enforced.
    flat_user_cap_enabled: Option<bool>,
    /// Why nothing was set.
    errors: Vec<String>,
    /// The same for programs.
    error_details: Vec<ErrorDetail>,
    /// As it was given.
    client_mutation_id: Option<String>,
}

#[derive(Debug, Default)]
pub(super) struct FlatUpsert;

#[Object]
impl FlatUpsert {
    /// Set the cap of everybody who has none of their own. Takes effect with the next request.
    async fn upsert_flat_user_cap(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to set.")] input: UpsertFlatUserCapInput,
    ) -> Field<UpsertFlatUserCapPayload> {
        let outcome = async {
            let cap = Cap {
                amount: money::read("flatUserCap", input.flat_user_cap)?,
                enabled: input.flat_user_cap_enabled,
            };
            let (viewer, path) = (Viewer::of(ctx)?, input.namespace_path.as_deref());
            let writing = settable(viewer, "upsertFlatUserCap", path).await?;
            let (stored, errors) = changed(viewer.state.caps.flat_upsert(writing, cap).await)?;
            Ok::<_, Failure>(Some(UpsertFlatUserCapPayload {
                flat_user_cap: stored.map(|cap| money::write(cap.amount)),
                flat_user_cap_enabled: stored.map(|cap| cap.enabled),
                errors: errors.errors,
                error_details: errors.details,
                client_mutation_id: input.client_mutation_id,
            }))
        };
        field(outcome.await)
    }
}
