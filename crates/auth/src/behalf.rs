//! Acting for somebody who presents no key: the one door for work that a person began and that goes on without them.
//!
//! A turn of a chat is such work: its owner asked for it, and it spends the owner's money after the request has long
//! been answered. Whoever acts for a person is bound to exactly that person's rights, as a key of theirs would be, and
//! narrowed to what the work takes: using AI providers, knowing the groups that refusals name, and reading what the chat
//! is about. It ends as a key does, when the person is suspended or deleted, and also when they leave the organization
//! that the work is in.
//!
//! It is no key: nothing is stored, nobody can present it, and no request of somebody else leads here. Only the chat
//! engine calls it, and the gateway for the chat engine.

use dbauthz::{Actor, PresentedKey, SystemReadUnit};
use model::{
    OrganizationId, UserId, api_keys::ApiKeyKind, subjects::SubjectStanding, users::UserStatus,
};
use uuid::Uuid;

use crate::{
    AdminMode, AuthError, AuthState, Caller,
    authenticate::{Authenticated, reading},
    extract::bound,
    subjects::SubjectKey,
};

/// What is done for a person takes these rights of theirs and no others.
const SCOPES: [&str; 8] = [
    "ai_provider:use",
    "chat:read",
    "chat:update",
    "chat_file:read",
    "group:read",
    "workspace:application_connect",
    "workspace:read",
    "workspace:ssh",
];
/// On any object.
const ANYTHING: &str = "*:*";

/// For whom something is done, and in which organization. In its text form it stands where the id of a key does: no key
/// has such an id, since theirs are ten letters and digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Behalf {
    pub(crate) user: UserId,
    pub(crate) organization: OrganizationId,
}

impl Behalf {
    /// What stands where the id of a key does.
    pub(crate) fn key_id(self) -> String {
        format!("{}/{}", self.user, self.organization)
    }

    /// Whom such an id stands for; `None` for the id of a key.
    pub(crate) fn of(key_id: &str) -> Option<Self> {
        let (user, organization) = key_id.split_once('/')?;
        Some(Self {
            user: user.parse().ok()?,
            organization: organization.parse().ok()?,
        })
    }
}

/// The store as somebody may use it for whom work goes on that they began in this organization, without a key.
///
/// # Errors
/// As for a key of theirs; [`AuthError::NotMember`] when they are not in the organization any more.
pub async fn on_behalf_of(
    state: &AuthState,
    user: UserId,
    organization: OrganizationId,
    request_id: Option<Uuid>,
) -> Result<Caller, AuthError> {
    let mark = state.access.mark();
    let behalf = Behalf { user, organization };
    let represented = represent(state, behalf, request_id).await?;
    Ok(bound(state, represented, mark))
}

/// What may be done for a person now.
pub(crate) async fn represent(
    state: &AuthState,
    behalf: Behalf,
    request_id: Option<Uuid>,
) -> Result<Authenticated, AuthError> {
    let mut unit = reading(state).await?;
    let standing = standing(&mut unit, behalf.user).await?;
    admit(&standing, behalf.organization)?;
    let id = behalf.key_id();
    acting(state, &mut unit, standing, (&SCOPES, id), request_id).await
}

/// How a person stands who is not suspended.
pub(crate) async fn standing(
    unit: &mut SystemReadUnit,
    user: UserId,
) -> Result<SubjectStanding, AuthError> {
    let found = unit.subjects().subject_standing_list(&[user]).await?;
    let standing = found.into_iter().next().ok_or(AuthError::Invalid)?;
    match standing.status {
        UserStatus::Suspended => Err(AuthError::Suspended),
        UserStatus::Active => Ok(standing),
    }
}

/// A person who acts by no key, with these of their rights and no others, and what stands where the id of a key does.
pub(crate) async fn acting(
    state: &AuthState,
    unit: &mut SystemReadUnit,
    standing: SubjectStanding,
    (scopes, id): (&[&str], String),
    request_id: Option<Uuid>,
) -> Result<Authenticated, AuthError> {
    let SubjectStanding {
        user_id,
        username,
        versions,
        ..
    } = standing;
    let wanted = SubjectKey {
        user_id,
        versions: versions.clone(),
        scopes: scopes.iter().map(ToString::to_string).collect(),
        allow_list: vec![ANYTHING.to_owned()],
        workspace_sharing: state.authorized.workspace_sharing(),
    };
    let (subject, scopes) = state.subjects.subject(unit, wanted, &id).await?;
    let actor = Actor {
        subject,
        user_id,
        username,
        key: PresentedKey {
            id,
            kind: ApiKeyKind::Token,
            scopes,
            admin_mode: false,
        },
        request_id,
    };
    Ok(Authenticated {
        actor,
        versions,
        admin_mode: AdminMode {
            active: false,
            until: None,
        },
    })
}

fn admit(standing: &SubjectStanding, organization: OrganizationId) -> Result<(), AuthError> {
    let organizations = &standing.versions.organizations;
    if organizations.iter().any(|(id, _)| *id == organization) {
        Ok(())
    } else {
        Err(AuthError::NotMember)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_id_of_a_key_stands_for_a_person() {
        let (user, organization) = (
            UserId(Uuid::from_u128(1)),
            OrganizationId(Uuid::from_u128(2)),
        );
        let behalf = Behalf { user, organization };
        assert_eq!(Behalf::of(&behalf.key_id()), Some(behalf));
        for id in ["", "abcdefghij", "0123456789", "/", "a/b"] {
            assert_eq!(Behalf::of(id), None, "{id}");
        }
    }
}
