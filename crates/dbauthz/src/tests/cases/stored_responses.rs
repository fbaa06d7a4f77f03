//! What AI providers keep for people.

use model::stored_responses::{NewStoredResponse, StoredId};
use rbac::{Action::Use, Object};

use super::{Case, allow, case};
use crate::tests::world::{ANN, PROVIDER};

fn ids() -> Vec<StoredId> {
    vec!["resp_1".parse().unwrap()]
}

fn new() -> NewStoredResponse {
    NewStoredResponse {
        provider_id: PROVIDER,
        user_id: ANN,
        ids: ids(),
    }
}

pub(super) fn stored_responses() -> Vec<Case> {
    let provider = || [allow(Use, Object::ai_provider(Some(PROVIDER.0)))];
    vec![
        case!(
            system "stored_response_get",
            u => u.stored_responses().stored_response_get(PROVIDER, ANN, &ids()),
            provider()
        ),
        case!(
            system "stored_response_create",
            u => u.stored_responses().stored_response_create(&new()),
            provider()
        ),
    ]
}
