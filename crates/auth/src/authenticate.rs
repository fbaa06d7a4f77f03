//! From the text of a key to the person who acts by it.

use dbauthz::{Actor, PresentedKey, SystemActor};
use model::{api_keys::KeyStamp, users::UserStatus};
use uuid::Uuid;

use crate::{AuthError, AuthState, subjects::SubjectKey, tokens};

/// Finds the key's owner and what they may do by this key. One query, and a second one when anything that
/// decides has changed since it was last asked here.
pub(crate) async fn authenticate(
    state: &AuthState,
    text: &str,
    request_id: Option<Uuid>,
) -> Result<Actor, AuthError> {
    let presented = tokens::parse(text).ok_or(AuthError::Invalid)?;
    let system = state.authorized.as_system(SystemActor::Authenticator);
    let mut unit = system.read().await?;
    let stamp = unit.presented_keys().key_stamp_get(presented.id).await?;
    let stamp = stamp.ok_or(AuthError::Invalid)?;
    admit(&stamp, &presented.hashed_secret)?;
    let KeyStamp {
        key,
        username,
        versions,
        ..
    } = stamp;
    let user_id = key.user_id;
    let wanted = SubjectKey {
        user_id,
        versions,
        scopes: key.scopes,
        allow_list: key.allow_list,
    };
    let (subject, scopes) = state.subjects.subject(&mut unit, wanted, &key.id).await?;
    Ok(Actor {
        subject,
        user_id,
        username,
        key: PresentedKey {
            id: key.id,
            kind: key.kind,
            scopes,
        },
        request_id,
    })
}

fn admit(stamp: &KeyStamp, hashed_secret: &[u8; 32]) -> Result<(), AuthError> {
    // First of all the secret: what follows is said only to who has it.
    if !tokens::same(&stamp.hashed_secret, hashed_secret) {
        return Err(AuthError::Invalid);
    }
    if stamp.expired {
        return Err(AuthError::Expired);
    }
    if stamp.status == UserStatus::Suspended {
        return Err(AuthError::Suspended);
    }
    Ok(())
}
