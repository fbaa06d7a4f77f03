//! What authentication needs, as one value to put into a router's state.

use std::{num::NonZeroUsize, sync::Arc, thread};

use chrono::TimeDelta;
use dbauthz::Authorized;
use model::{Clock, IdSource};
use url::Url;
use uuid::Uuid;

use crate::{ADMIN_MODE_LIFETIME, AccessHub, LoginThrottle, Oidc, Passwords, SubjectCache};

/// What authentication needs. A router's state `S` offers it by `impl FromRef<S> for AuthState`.
#[derive(Debug, Clone)]
pub struct AuthState {
    /// The store, to be bound to whoever calls.
    pub authorized: Authorized,
    /// Hashes and verifies passwords.
    pub passwords: Passwords,
    /// Slows down who guesses passwords.
    pub throttle: LoginThrottle,
    /// What people may do, kept by versions.
    pub subjects: SubjectCache,
    /// Watches over what is open beyond a request's beginning.
    pub access: AccessHub,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Makes ids.
    pub ids: Arc<dyn IdSource>,
    /// The address at which people reach this deployment, if it was told.
    pub access_url: Option<Url>,
    /// Sign-in at an identity provider, if it is set up.
    pub oidc: Option<Oidc>,
    /// How long admin mode lasts.
    pub admin_mode_lifetime: TimeDelta,
}

impl AuthState {
    /// As many passwords are hashed at once as there are processors.
    #[must_use]
    pub fn new(
        authorized: Authorized,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn IdSource>,
        access_url: Option<Url>,
    ) -> Self {
        let concurrent = thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        Self {
            access: AccessHub::new(&authorized),
            authorized,
            passwords: Passwords::new(concurrent),
            throttle: LoginThrottle::default(),
            subjects: SubjectCache::default(),
            clock,
            ids,
            access_url,
            oidc: None,
            admin_mode_lifetime: ADMIN_MODE_LIFETIME,
        }
    }

    /// The same with sign-in at an identity provider.
    #[must_use]
    pub fn with_oidc(mut self, oidc: Option<Oidc>) -> Self {
        self.oidc = oidc;
        self
    }

    /// The same where admin mode lasts so long.
    #[must_use]
    pub const fn with_admin_mode_lifetime(mut self, lifetime: TimeDelta) -> Self {
        self.admin_mode_lifetime = lifetime;
        self
    }
}

/// The id of a request, put among its extensions by the server before any extractor runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestId(pub Uuid);
