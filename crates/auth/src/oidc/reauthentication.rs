//! Proving again who one is, at the provider: the same person as the one whose session it is, who has signed in there
//! since it was asked for.

use chrono::{DateTime, TimeDelta, Utc};
use dbauthz::SystemActor;
use model::users::UserStatus;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{
    Oidc, OidcConfig, OidcDeparture, OidcError, exchange::Said, flow::depart, person::Person,
    verify::LEEWAY,
};
use crate::{
    AuthState, Caller,
    admin_mode::{Session, session_only},
};

/// Sends somebody who is signed in to the provider once more, to prove again who they are: back from there, their
/// session is in admin mode.
///
/// # Errors
/// [`OidcError::NotASession`]; as [`super::oidc_login`].
pub async fn oidc_admin_mode(
    state: &AuthState,
    oidc: &Oidc,
    caller: &Caller,
    redirect: Option<&str>,
) -> Result<OidcDeparture, OidcError> {
    session_only(caller).map_err(|_error| OidcError::NotASession)?;
    depart(state, oidc, redirect, Some(caller.key_id.clone())).await
}

/// Puts the session into admin mode, if what the provider says is about its person and new.
pub(super) async fn reauthenticated(
    state: &AuthState,
    config: &OidcConfig,
    said: Said,
    age: TimeDelta,
    key_id: &str,
    request_id: Option<Uuid>,
) -> Result<(), OidcError> {
    signed_in_anew(&said.token, state.clock.now(), age)?;
    let person = Person::read(config, said)?;
    person.admitted(config)?;
    let system = state.authorized.as_system(SystemActor::Authenticator);
    let stamp = system
        .read()
        .await?
        .presented_keys()
        .key_stamp_get(key_id)
        .await?;
    let stamp = stamp.filter(|stamp| !stamp.expired);
    let stamp = stamp.ok_or(OidcError::State)?;
    if stamp.status == UserStatus::Suspended {
        return Err(OidcError::Suspended);
    }
    let system = state.authorized.as_system(SystemActor::IdentitySync);
    let link = system
        .read()
        .await?
        .identities()
        .user_link_get(&person.identity)
        .await?;
    if link.is_none_or(|link| link.user_id != stamp.key.user_id) {
        return Err(OidcError::AnotherPerson);
    }
    let session = Session {
        user_id: stamp.key.user_id,
        username: &stamp.username,
        key_id,
        request_id,
    };
    let begun = session.begin(state, |_present| true).await?;
    begun.map(drop).ok_or(OidcError::Suspended)
}

/// Refuses an ID token that does not say that the person signed in after it was asked for (OpenID Connect Core 1.0,
/// 3.1.2.1, `max_age`). The provider's clock may be off a little.
fn signed_in_anew(
    token: &Map<String, Value>,
    now: DateTime<Utc>,
    age: TimeDelta,
) -> Result<(), OidcError> {
    let at = token.get("auth_time").and_then(Value::as_i64);
    let at = at.and_then(|seconds| DateTime::from_timestamp(seconds, 0));
    let anew = |at: &DateTime<Utc>| now - age - LEEWAY <= *at && *at <= now + LEEWAY;
    at.filter(anew).map(drop).ok_or(OidcError::NotAnew)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_a_sign_in_after_it_was_asked_for_counts() {
        let now = DateTime::from_timestamp(10_000, 0).unwrap();
        let check = |auth_time: Value, anew: bool| {
            let token = json!({"auth_time": auth_time});
            let token = token.as_object().unwrap();
            let found = signed_in_anew(token, now, TimeDelta::seconds(30));
            assert_eq!(found.is_ok(), anew, "{auth_time}");
        };
        check(json!(10_000), true);
        check(json!(9_970), true);
        // A minute for clocks that differ, either way.
        check(json!(9_910), true);
        check(json!(9_909), false);
        check(json!(10_060), true);
        check(json!(10_061), false);
        check(json!(0), false);
        check(json!("10000"), false);
        check(json!(null), false);
        check(json!(i64::MAX), false);
        assert!(signed_in_anew(&Map::new(), now, TimeDelta::zero()).is_err());
    }
}
