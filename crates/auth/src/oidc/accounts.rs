//! From a person at the provider to their account here: found by the link, else by the verified address, else made.

use dbauthz::{SystemActor, SystemStore, SystemWriteUnit};
use model::{
    OrganizationId, UserId,
    audit::{AuditAction, RefusedWrite},
    identities::usernames,
    users::{LoginType, NewUser, User, UserStatus},
};
use store::{StoreError, StoreResult};
use uuid::Uuid;

use super::{OidcConfig, OidcError, Signups, error::chain, person::Person};
use crate::AuthState;

/// How often it is tried again when somebody else took a name or an address meanwhile, or the account was deleted.
const RETRIES: u32 = 3;
/// The greatest length of what the audit log says of somebody, in characters.
const TARGET_MAX_CHARS: usize = 200;

/// The account of a person, made if need be, and what the provider's claims make of it: all or nothing.
pub(super) async fn account(
    state: &AuthState,
    config: &OidcConfig,
    person: &Person,
    request_id: Option<Uuid>,
) -> Result<User, OidcError> {
    let system = state
        .authorized
        .as_system(SystemActor::IdentitySync)
        .with_request_id(request_id);
    let mut tried = 0;
    let outcome = loop {
        match attempt(state, config, person, &system).await {
            Err(OidcError::Store(StoreError::Taken(_) | StoreError::NotFound))
                if tried < RETRIES =>
            {
                tried += 1;
            }
            outcome => break outcome,
        }
    };
    if let Err(error) = &outcome
        && error.of_a_known_person()
    {
        record(&system, person, error).await;
    }
    outcome
}

async fn attempt(
    state: &AuthState,
    config: &OidcConfig,
    person: &Person,
    system: &SystemStore,
) -> Result<User, OidcError> {
    person.admitted(config)?;
    let mut unit = system.begin().await?;
    let link = unit.identities().user_link_lock(&person.identity).await?;
    let user = match link {
        Some(link) => {
            let user = unit.users().user_get(link.user_id).await?;
            may_sign_in(user.status, user.login_type)?;
            user
        }
        None => first_time(state, config, person, &mut unit).await?,
    };
    // The account's row is locked here, and only then its link: whoever deletes the account does it in that order.
    unit.identity_sync()
        .identity_sync_apply(user.id, &person.claims)
        .await?;
    unit.identities().user_link_seen(&person.identity).await?;
    unit.commit().await?;
    Ok(user)
}

fn may_sign_in(status: UserStatus, login_type: LoginType) -> Result<(), OidcError> {
    if login_type == LoginType::None {
        return Err(OidcError::ServiceAccount);
    }
    if status == UserStatus::Suspended {
        return Err(OidcError::Suspended);
    }
    Ok(())
}

/// Links somebody who comes for the first time: to the account with their address, or to a new one. An account that
/// is there needs an address that the provider itself vouches for, else anybody could take anybody's.
async fn first_time(
    state: &AuthState,
    config: &OidcConfig,
    person: &Person,
    unit: &mut SystemWriteUnit,
) -> Result<User, OidcError> {
    let email = person.email_for_sign_up(config)?;
    let user = match unit.logins().credentials_get(email).await? {
        Some(found) => {
            person.verified_email()?;
            let user = unit.users().user_get(found.user_id).await?;
            // The database folds the case of every script, by which some letters of others become Latin ones.
            if !(user.email.as_str()).eq_ignore_ascii_case(email.as_str()) {
                return Err(OidcError::Linked);
            }
            may_sign_in(found.status, found.login_type)?;
            let links = unit.identities().user_link_list(found.user_id).await?;
            let issuer = person.identity.issuer();
            if links.iter().any(|link| link.identity.issuer() == issuer) {
                return Err(OidcError::Linked);
            }
            user
        }
        None if config.signups == Signups::Refused => return Err(OidcError::Signups),
        // Whoever came first would stand in the way of the owner, who is made while there is nobody.
        None if !unit.setup().first_user_exists().await? => return Err(OidcError::Setup),
        None => {
            let new = NewUser {
                id: UserId(state.ids.next()),
                email: email.clone(),
                username: free_name(state, person, unit).await?,
                name: person.name.clone(),
                login_type: LoginType::Oidc,
                password_hash: None,
                roles: Vec::new(),
                organization_ids: first_organizations(unit).await?,
            };
            unit.users().user_create(&new).await?
        }
    };
    unit.identities()
        .user_link_create(&person.identity, user.id)
        .await?;
    Ok(user)
}

/// A name for a new account that nobody has at this moment.
async fn free_name(
    state: &AuthState,
    person: &Person,
    unit: &mut SystemWriteUnit,
) -> StoreResult<model::Name> {
    let (_, number) = state.ids.next().as_u64_pair();
    let offered: Vec<&str> = person.names.iter().map(String::as_str).collect();
    for name in usernames(&offered, number) {
        match unit.users().user_get_by_name(&name).await {
            Err(StoreError::NotFound) => return Ok(name),
            Err(error) => return Err(error),
            Ok(_) => {}
        }
    }
    Err(StoreError::Internal("every name is taken".into()))
}

/// What a new account joins: the default organization, unless the claims decide.
async fn first_organizations(unit: &mut SystemWriteUnit) -> StoreResult<Vec<OrganizationId>> {
    let settings = unit.idpsync().idpsync_organization_get().await?;
    if !settings.field.off() {
        return Ok(Vec::new());
    }
    let default = unit.organizations().organization_find("default").await;
    match default {
        Ok(organization) => Ok(vec![organization.id]),
        Err(StoreError::NotFound) => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// Records that somebody who proved who they are was refused. The answer does not depend on it.
async fn record(system: &SystemStore, person: &Person, error: &OidcError) {
    let target = format!("sign-in of {}: {}", person.identity, error.kind());
    let refused = RefusedWrite {
        action: AuditAction::Create,
        resource_type: "api_key".to_owned(),
        resource_target: target.chars().take(TARGET_MAX_CHARS).collect(),
        status_code: error.status().as_u16(),
    };
    let outcome = async {
        let mut unit = system.begin().await?;
        unit.audit().audit_refused(&refused).await?;
        unit.commit().await
    };
    if let Err(error) = outcome.await {
        tracing::error!(
            error = chain(&error),
            "a refused sign-in could not be recorded"
        );
    }
}
