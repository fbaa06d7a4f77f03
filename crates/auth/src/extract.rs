//! The extractor: a request in, a store bound to its caller out.

use axum::extract::{FromRef, FromRequestParts};
use dbauthz::BoundStore;
use http::{Extensions, HeaderMap, HeaderName, header, request::Parts};
use model::{Name, UserId, subjects::SubjectVersions};
use uuid::Uuid;

use crate::{
    AdminMode, AuthError, AuthState, RequestId,
    access::Mark,
    authenticate::{Authenticated, authenticate, authenticate_again},
    cookies, origin,
};

const BURSAR_HEADER: HeaderName = HeaderName::from_static("bursar-session-token");
/// What clients that were written for Coder send.
const CODER_HEADER: HeaderName = HeaderName::from_static("coder-session-token");
/// Where Anthropic's clients put the key.
const API_KEY_HEADER: HeaderName = HeaderName::from_static("x-api-key");

/// Who calls, and the store as they may use it.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The store, bound to the caller.
    pub store: BoundStore,
    /// Who it is.
    pub user_id: UserId,
    /// The caller's unique name.
    pub username: Name,
    /// The public id of the key that was presented, or what stands for it (see [`crate::on_behalf_of`]).
    pub key_id: String,
    /// Whether it is in admin mode.
    pub admin_mode: AdminMode,
    /// The request's id, if it was given one.
    pub request_id: Option<Uuid>,
    /// What the caller was judged by.
    pub(crate) versions: SubjectVersions,
    /// What the process had heard before that.
    pub(crate) mark: Mark,
}

impl<S> FromRequestParts<S> for Caller
where
    AuthState: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = AuthError;

    /// By `Bursar-Session-Token`, `Coder-Session-Token`, `Authorization: Bearer`, else by the cookie: the
    /// first that the request carries decides.
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, AuthError> {
        let state = AuthState::from_ref(state);
        if let Some(text) = header_key(&parts.headers) {
            return caller(&state, text?, &parts.extensions).await;
        }
        let text = cookies::session_of(&parts.headers).ok_or(AuthError::Missing)?;
        // Before the key is looked at, so that another site learns nothing about it.
        let Parts {
            method,
            uri,
            headers,
            ..
        } = &*parts;
        if !origin::admits(method, uri, headers, state.access_url.as_ref()) {
            return Err(AuthError::CrossOrigin);
        }
        caller(&state, text, &parts.extensions).await
    }
}

/// Who calls the gateway: by any sign-in header or `x-api-key`, never by the cookie, which a browser would
/// send along for another site. The gateway says no in the provider's own words.
///
/// # Errors
/// See [`AuthError`].
pub async fn gateway_caller(
    state: &AuthState,
    headers: &HeaderMap,
    extensions: &Extensions,
) -> Result<Caller, AuthError> {
    let text = header_key(headers).or_else(|| named(headers, &API_KEY_HEADER));
    caller(state, text.ok_or(AuthError::Missing)??, extensions).await
}

/// The same caller with the rights of now, for what goes on after a change: see [`crate::AccessGuard::changed`].
///
/// # Errors
/// See [`AuthError`]: as for a new request by the same key.
pub async fn caller_renew(state: &AuthState, caller: &Caller) -> Result<Caller, AuthError> {
    let mark = state.access.mark();
    let again = authenticate_again(state, &caller.key_id, caller.request_id).await?;
    Ok(bound(state, again, mark))
}

async fn caller(
    state: &AuthState,
    text: &str,
    extensions: &Extensions,
) -> Result<Caller, AuthError> {
    let request_id = extensions.get::<RequestId>().map(|id| id.0);
    let mark = state.access.mark();
    let authenticated = authenticate(state, text, request_id).await?;
    Ok(bound(state, authenticated, mark))
}

pub(crate) fn bound(state: &AuthState, authenticated: Authenticated, mark: Mark) -> Caller {
    let Authenticated {
        actor,
        versions,
        admin_mode,
    } = authenticated;
    Caller {
        user_id: actor.user_id,
        username: actor.username.clone(),
        key_id: actor.key.id.clone(),
        admin_mode,
        request_id: actor.request_id,
        versions,
        mark,
        store: state.authorized.as_actor(actor),
    }
}

/// The key of the first sign-in header.
fn header_key(headers: &HeaderMap) -> Option<Result<&str, AuthError>> {
    named(headers, &BURSAR_HEADER)
        .or_else(|| named(headers, &CODER_HEADER))
        .or_else(|| bearer(headers))
}

/// The text of a header; none when it is empty, an error when it is no text.
fn named<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<Result<&'a str, AuthError>> {
    let value = headers.get(name).filter(|value| !value.is_empty())?;
    Some(value.to_str().ok().map(str::trim).ok_or(AuthError::Invalid))
}

/// The key of `Authorization: Bearer`; another scheme is not ours.
fn bearer(headers: &HeaderMap) -> Option<Result<&str, AuthError>> {
    let text = match named(headers, &header::AUTHORIZATION)? {
        Ok(text) => text,
        Err(error) => return Some(Err(error)),
    };
    let (scheme, key) = text.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then_some(Ok(key.trim()))
}
