//! From the text of a key to the person who acts by it.

use std::sync::Arc;

use dbauthz::{Actor, PresentedKey, SystemActor};
use model::{api_keys::KeyOwner, users::UserStatus};
use rbac::{RoleName, ScopeSet, Subject};
use uuid::Uuid;

use crate::{AuthError, AuthState, tokens};

/// Finds the key's owner and what they may do by this key. One query.
pub(crate) async fn authenticate(
    state: &AuthState,
    text: &str,
    request_id: Option<Uuid>,
) -> Result<Actor, AuthError> {
    let presented = tokens::parse(text).ok_or(AuthError::Invalid)?;
    let system = state.authorized.as_system(SystemActor::Authenticator);
    let mut unit = system.read().await?;
    let owner = unit.presented_keys().key_owner_get(presented.id).await?;
    let owner = owner.ok_or(AuthError::Invalid)?;
    // First of all the secret: what follows is said only to who has it.
    if !tokens::same(&owner.hashed_secret, &presented.hashed_secret) {
        return Err(AuthError::Invalid);
    }
    if owner.expired {
        return Err(AuthError::Expired);
    }
    if owner.status == UserStatus::Suspended {
        return Err(AuthError::Suspended);
    }
    actor(owner, request_id)
}

/// What the owner of a key may do by it: the roles given, those implied, and the groups, narrowed by scopes.
fn actor(owner: KeyOwner, request_id: Option<Uuid>) -> Result<Actor, AuthError> {
    let KeyOwner {
        key,
        username,
        site_roles,
        organization_roles,
        group_ids,
        ..
    } = owner;
    let scopes = match ScopeSet::parse(&key.scopes, Some(&key.allow_list)) {
        Ok(scopes) => scopes,
        Err(error) => {
            // A scope that cannot be read may have been narrower than anything: it admits nothing.
            tracing::error!(key = key.id, %error, "the stored scope of a key cannot be read");
            return Err(AuthError::Invalid);
        }
    };
    let given_in = |(org, roles): &(model::OrganizationId, Vec<String>)| {
        let org = org.0;
        roles
            .iter()
            .map(move |role| RoleName::in_org(role, org))
            .collect::<Vec<_>>()
    };
    let given = site_roles.iter().map(RoleName::site);
    let given = given.chain(organization_roles.iter().flat_map(given_in));
    let (subject, unknown) = Subject::user(key.user_id.0).role_names(given);
    for role in unknown {
        tracing::warn!(user = %key.user_id, %role, "a role that is not known grants nothing");
    }
    let subject = organization_roles
        .iter()
        .fold(subject, |subject, (org, _)| subject.member_of(org.0));
    let subject = subject
        .groups(group_ids.into_iter().map(Uuid::from))
        .scope(scopes.to_scope());
    Ok(Actor {
        subject: Arc::new(subject.prepare()),
        user_id: key.user_id,
        username,
        key: PresentedKey {
            id: key.id,
            kind: key.kind,
            scopes,
        },
        request_id,
    })
}
