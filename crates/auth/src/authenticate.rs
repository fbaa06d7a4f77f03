//! From the text of a key to the person who acts by it.

use dbauthz::{Actor, PresentedKey, SystemActor, SystemReadUnit};
use model::{
    api_keys::{ApiKeyKind, KeyStamp},
    subjects::SubjectVersions,
    users::UserStatus,
};
use store::StoreResult;
use uuid::Uuid;

use crate::{
    AdminMode, AuthError, AuthState,
    behalf::{Behalf, represent},
    subjects::SubjectKey,
    tokens,
};

/// A caller, and what they were judged by.
pub(crate) struct Authenticated {
    pub(crate) actor: Actor,
    pub(crate) versions: SubjectVersions,
    pub(crate) admin_mode: AdminMode,
}

/// Finds the key's owner and what they may do by this key. One query, and a second one when anything that
/// decides has changed since it was last asked here.
pub(crate) async fn authenticate(
    state: &AuthState,
    text: &str,
    request_id: Option<Uuid>,
) -> Result<Authenticated, AuthError> {
    let presented = tokens::parse(text).ok_or(AuthError::Invalid)?;
    let mut unit = reading(state).await?;
    let stamp = unit.presented_keys().key_stamp_get(presented.id).await?;
    let stamp = stamp.ok_or(AuthError::Invalid)?;
    // First of all the secret: what follows is said only to who has it.
    if !tokens::same(&stamp.hashed_secret, &presented.hashed_secret) {
        return Err(AuthError::Invalid);
    }
    judge(state, &mut unit, stamp, request_id).await
}

/// What the owner of a key whose secret was presented before may do by it now, or what may be done for somebody now.
pub(crate) async fn authenticate_again(
    state: &AuthState,
    key_id: &str,
    request_id: Option<Uuid>,
) -> Result<Authenticated, AuthError> {
    if let Some(behalf) = Behalf::of(key_id) {
        return represent(state, behalf, request_id).await;
    }
    let mut unit = reading(state).await?;
    let stamp = unit.presented_keys().key_stamp_get(key_id).await?;
    judge(
        state,
        &mut unit,
        stamp.ok_or(AuthError::Invalid)?,
        request_id,
    )
    .await
}

pub(crate) async fn reading(state: &AuthState) -> StoreResult<SystemReadUnit> {
    let system = state.authorized.as_system(SystemActor::Authenticator);
    system.read().await
}

async fn judge(
    state: &AuthState,
    unit: &mut SystemReadUnit,
    stamp: KeyStamp,
    request_id: Option<Uuid>,
) -> Result<Authenticated, AuthError> {
    admit(&stamp)?;
    let KeyStamp {
        key,
        username,
        versions,
        admin_mode_until,
        ..
    } = stamp;
    let user_id = key.user_id;
    let wanted = SubjectKey {
        user_id,
        versions: versions.clone(),
        scopes: key.scopes,
        allow_list: key.allow_list,
        workspace_sharing: state.authorized.workspace_sharing(),
    };
    let (subject, scopes) = state.subjects.subject(unit, wanted, &key.id).await?;
    let admin_mode = match key.kind {
        ApiKeyKind::Session => AdminMode {
            active: admin_mode_until.is_some(),
            until: admin_mode_until,
        },
        ApiKeyKind::Token => AdminMode {
            active: scopes.admin_mode(),
            until: None,
        },
    };
    let actor = Actor {
        subject,
        user_id,
        username,
        key: PresentedKey {
            id: key.id,
            kind: key.kind,
            scopes,
            admin_mode: admin_mode.active,
        },
        request_id,
    };
    Ok(Authenticated {
        actor,
        versions,
        admin_mode,
    })
}

const fn admit(stamp: &KeyStamp) -> Result<(), AuthError> {
    if stamp.expired {
        return Err(AuthError::Expired);
    }
    match stamp.status {
        UserStatus::Active => Ok(()),
        UserStatus::Suspended => Err(AuthError::Suspended),
    }
}
