//! What AI providers keep for people, which only the gateway notes and asks for.

use model::{
    ProviderId, UserId,
    stored_responses::{NewStoredResponse, StoredId},
};
use rbac::{Action, Object};
use store::StoreResult;

use crate::{
    rules::{Rule, Shape, rule},
    units::wrapper,
};

const USE: &[&str] = &["ai_provider:use"];
const SYSTEM: &str = "system actors only";

pub(crate) const RULES: &[Rule] = &[
    rule("stored_response_get", Shape::Check, USE, SYSTEM),
    rule("stored_response_create", Shape::Check, USE, SYSTEM),
];

wrapper! {
    /// What AI providers keep for people. Reached by system actors only: who could note it could read what is others'.
    /// It needs the right to use the provider, which is what comes of it.
    StoredResponses
}

impl<U: ?Sized> StoredResponses<'_, U> {
    fn check(&self, provider: ProviderId) -> StoreResult<()> {
        self.gate
            .check(Action::Use, &Object::ai_provider(Some(provider.0)))
    }
}

impl<U: store::ReadUnit + ?Sized> StoredResponses<'_, U> {
    /// See [`store::stored_responses::StoredResponseRead::stored_response_get`].
    ///
    /// # Errors
    /// `Denied`.
    pub async fn stored_response_get(
        &mut self,
        provider: ProviderId,
        user: UserId,
        ids: &[StoredId],
    ) -> StoreResult<Vec<StoredId>> {
        self.check(provider)?;
        self.unit.stored_response_get(provider, user, ids).await
    }
}

impl<U: store::WriteUnit + ?Sized> StoredResponses<'_, U> {
    /// See [`store::stored_responses::StoredResponseWrite::stored_response_create`].
    ///
    /// # Errors
    /// `Denied`.
    pub async fn stored_response_create(&mut self, new: &NewStoredResponse) -> StoreResult<()> {
        self.check(new.provider_id)?;
        self.unit.stored_response_create(new).await
    }
}
