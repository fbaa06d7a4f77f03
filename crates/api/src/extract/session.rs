//! Who calls, and the store bound to them.

use std::{
    convert::Infallible,
    sync::{Arc, OnceLock},
};

use auth::{AuthState, Caller, RequestId, same_site};
use axum::{
    extract::{FromRef, FromRequestParts},
    http::request::Parts,
};
use dbauthz::BoundStore;
use uuid::Uuid;

use crate::{
    error::ApiError,
    state::{ApiState, Features},
};

/// The signed-in caller. A handler that takes one answers 401 to nobody.
#[derive(Debug)]
pub(crate) struct Session(pub(crate) Caller);

impl<S> FromRequestParts<S> for Session
where
    AuthState: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let caller = Caller::from_request_parts(parts, state).await?;
        if let Some(slot) = parts.extensions.get::<CallerSlot>() {
            slot.fill(caller.store.clone());
        }
        Ok(Self(caller))
    }
}

/// The signed-in caller of a route that belongs to the feature `aibridge`; 403 where that is off.
#[derive(Debug)]
pub(crate) struct AiBridgeSession(pub(crate) Caller);

impl FromRequestParts<ApiState> for AiBridgeSession {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Self, ApiError> {
        let Session(caller) = Session::from_request_parts(parts, state).await?;
        let Features { aibridge } = state.features;
        if aibridge {
            Ok(Self(caller))
        } else {
            Err(ApiError::FeatureOff("aibridge"))
        }
    }
}

/// Where a middleware finds the caller's store after the handler has run.
#[derive(Debug, Clone, Default)]
pub(crate) struct CallerSlot(Arc<OnceLock<BoundStore>>);

impl CallerSlot {
    fn fill(&self, store: BoundStore) {
        // An extractor runs once for each request; were it to run twice, the caller would be the same.
        let _same = self.0.get_or_init(|| store);
    }

    /// The caller's store, if the request was authenticated.
    pub(crate) fn get(&self) -> Option<BoundStore> {
        self.0.get().cloned()
    }
}

/// A request that changes something before anybody is signed in: its id. Programs send it, and pages of this
/// site, but no page of another one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Unsigned(pub(crate) Option<Uuid>);

/// The id of a request that needs nobody signed in and may come from anywhere, as a browser that another site
/// sends here does.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RequestIdOf(pub(crate) Option<Uuid>);

impl<S: Send + Sync> FromRequestParts<S> for RequestIdOf {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(parts.extensions.get::<RequestId>().map(|id| id.0)))
    }
}

impl FromRequestParts<ApiState> for Unsigned {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Self, ApiError> {
        same_site(&state.auth, parts)?;
        Ok(Self(parts.extensions.get::<RequestId>().map(|id| id.0)))
    }
}
