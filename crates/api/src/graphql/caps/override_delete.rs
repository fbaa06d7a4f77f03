//! The end of people's own caps.

use async_graphql::{Context, InputObject, Object, SimpleObject};
use model::UserId;

use super::{
    super::{
        failure::{Code, Failure, Field, field},
        ids::GlobalId,
        viewer::Viewer,
    },
    payload::{ErrorDetail, changed},
    scope::settable,
};

/// The most caps that are removed at once.
const MAX_OVERRIDES: usize = 200;

/// What to remove.
#[derive(Debug, InputObject)]
struct DeleteUserBudgetCapOverridesInput {
    /// Whose: at most 200. Of somebody who has none, nothing is removed.
    user_ids: Vec<GlobalId>,
    /// The organization's name; without it, caps over the whole deployment are meant.
    namespace_path: Option<String>,
    /// Comes back as it is.
    client_mutation_id: Option<String>,
}

/// What is removed.
#[derive(Debug, SimpleObject)]
struct DeleteUserBudgetCapOverridesPayload {
    /// Whose own caps there were, sorted by id: the flat cap holds for them now.
    deleted_user_ids: Option<Vec<GlobalId>>,
    /// Why nothing was removed.
    errors: Vec<String>,
    /// The same for programs.
    error_details: Vec<ErrorDetail>,
    /// As it was given.
    client_mutation_id: Option<String>,
}

#[derive(Debug, Default)]
pub(super) struct OverrideDelete;

#[Object]
impl OverrideDelete {
    /// Remove people's own caps, so that the flat one holds for them. Takes effect with the next request.
    async fn delete_user_budget_cap_overrides(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to remove.")] input: DeleteUserBudgetCapOverridesInput,
    ) -> Field<DeleteUserBudgetCapOverridesPayload> {
        let outcome = async {
            let users = input.user_ids.iter().map(GlobalId::read);
            let users = users.collect::<Result<Vec<Option<UserId>>, Failure>>()?;
            let (viewer, path) = (Viewer::of(ctx)?, input.namespace_path.as_deref());
            let operation = "deleteUserBudgetCapOverrides";
            let writing = settable(viewer, operation, path).await?;
            if users.len() > MAX_OVERRIDES {
                let message = format!("Cannot delete more than {MAX_OVERRIDES} overrides at once");
                return Err(Failure::told(Code::BatchTooLarge, message));
            }
            let users: Vec<UserId> = users.into_iter().flatten().collect();
            let outcome = viewer.state.caps.override_delete(writing, &users).await;
            let (deleted, errors) = changed(outcome).inspect_err(|failure| {
                viewer.refused(failure, operation, path);
            })?;
            let deleted =
                deleted.map(|users: Vec<UserId>| users.into_iter().map(GlobalId::from).collect());
            Ok::<_, Failure>(Some(DeleteUserBudgetCapOverridesPayload {
                deleted_user_ids: deleted,
                errors: errors.errors,
                error_details: errors.details,
                client_mutation_id: input.client_mutation_id,
            }))
        };
        field(outcome.await)
    }
}
