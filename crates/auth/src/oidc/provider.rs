//! What the provider publishes of itself: its addresses and its keys, found when they are needed and kept for a
//! while.
//!
//! A key that is not among those known makes them be fetched again, so that a provider may change its keys at any
//! time. Only so often: otherwise every bad token would cause a request.

use std::{sync::Arc, time::Duration};

use openidconnect::{
    DiscoveryError, IssuerUrl, TokenUrl, UserInfoUrl,
    core::{CoreJwsSigningAlgorithm, CoreProviderMetadata},
};
use tokio::{sync::Mutex, time::Instant};

use super::{
    OidcError,
    error::chain,
    http::{Http, HttpError},
};

/// How long what is known is used without asking again.
const FRESH: Duration = Duration::from_secs(10 * 60);
/// How long it is used while the provider cannot be asked.
const STALE: Duration = Duration::from_secs(24 * 3600);
/// How long a failure is remembered, so that a crowd does not ask one after the other.
const FAILURE: Duration = Duration::from_millis(500);
/// How often keys may be fetched out of turn in a row, and how long until one more time is allowed.
const REFETCHES: u32 = 5;
const REFETCH_EVERY: Duration = Duration::from_secs(10);

/// The ways to sign that are accepted, where the provider uses them: none that is no signature, and none that is
/// made with a shared secret.
const ALGORITHMS: [CoreJwsSigningAlgorithm; 9] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha384,
    CoreJwsSigningAlgorithm::RsaSsaPssSha512,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
    CoreJwsSigningAlgorithm::EdDsa,
];

/// What is known of the provider.
#[derive(Debug)]
pub(super) struct Known {
    /// Its addresses, abilities and keys.
    pub(super) metadata: CoreProviderMetadata,
    fetched: Instant,
}

impl Known {
    /// The ways to sign that are accepted of it.
    pub(super) fn algorithms(&self) -> Vec<CoreJwsSigningAlgorithm> {
        let told = self.metadata.id_token_signing_alg_values_supported();
        ALGORITHMS
            .into_iter()
            .filter(|one| told.contains(one))
            .collect()
    }
}

/// The provider.
#[derive(Debug)]
pub(super) struct Provider {
    issuer: IssuerUrl,
    http: Http,
    /// Held while it is asked, so that it is asked once.
    cached: Mutex<Cached>,
}

#[derive(Debug, Default)]
struct Cached {
    known: Option<Arc<Known>>,
    failed: Option<Instant>,
    refetches: Refetches,
}

impl Provider {
    pub(super) fn new(issuer: IssuerUrl, http: Http) -> Self {
        Self {
            issuer,
            http,
            cached: Mutex::default(),
        }
    }

    /// What the provider publishes.
    ///
    /// # Errors
    /// [`OidcError::Unreachable`], [`OidcError::Provider`].
    pub(super) async fn known(&self) -> Result<Arc<Known>, OidcError> {
        let mut cached = self.cached.lock().await;
        let age = cached.known.as_ref().map(|known| known.fetched.elapsed());
        if let (Some(known), Some(age)) = (&cached.known, age)
            && age < FRESH
        {
            return Ok(Arc::clone(known));
        }
        let usable = cached.known.clone().filter(|_| age < Some(STALE));
        let just_failed = cached.failed.is_some_and(|at| at.elapsed() < FAILURE);
        if just_failed {
            return usable.ok_or_else(|| OidcError::Unreachable("it just could not be".into()));
        }
        match (self.fetch(&mut cached).await, usable) {
            (Err(error), Some(known)) => {
                tracing::warn!(
                    error = chain(&error),
                    "the identity provider is used as it was known"
                );
                Ok(known)
            }
            (outcome, _) => outcome,
        }
    }

    /// What the provider publishes by now, when that may be newer than what was seen; `None` when it was asked too
    /// often already.
    ///
    /// # Errors
    /// As [`Self::known`].
    pub(super) async fn newer(&self, seen: &Arc<Known>) -> Result<Option<Arc<Known>>, OidcError> {
        let mut cached = self.cached.lock().await;
        // Somebody else's token had the same key.
        if let Some(known) = cached
            .known
            .as_ref()
            .filter(|known| !Arc::ptr_eq(known, seen))
        {
            return Ok(Some(Arc::clone(known)));
        }
        if !cached.refetches.take(Instant::now()) {
            return Ok(None);
        }
        self.fetch(&mut cached).await.map(Some)
    }

    async fn fetch(&self, cached: &mut Cached) -> Result<Arc<Known>, OidcError> {
        let outcome = self.discover().await;
        cached.failed = outcome.is_err().then(Instant::now);
        let known = Arc::new(outcome?);
        cached.known = Some(Arc::clone(&known));
        Ok(known)
    }

    async fn discover(&self) -> Result<Known, OidcError> {
        let metadata = CoreProviderMetadata::discover_async(self.issuer.clone(), &self.http)
            .await
            .map_err(discovery_error)?;
        let endpoints = [
            Some(metadata.authorization_endpoint().url()),
            metadata.token_endpoint().map(TokenUrl::url),
            metadata.userinfo_endpoint().map(UserInfoUrl::url),
        ];
        for endpoint in endpoints.into_iter().flatten() {
            self.http.admit(endpoint).map_err(http_error)?;
        }
        if metadata.token_endpoint().is_none() {
            return Err(OidcError::Provider("it has no token endpoint".into()));
        }
        Ok(Known {
            metadata,
            fetched: Instant::now(),
        })
    }
}

/// A request that failed, as the reason why nobody is signed in.
pub(super) fn http_error(error: HttpError) -> OidcError {
    if error.answered() {
        OidcError::Provider(error.into())
    } else {
        OidcError::Unreachable(error.into())
    }
}

fn discovery_error(error: DiscoveryError<HttpError>) -> OidcError {
    match error {
        DiscoveryError::Request(error) => http_error(error),
        DiscoveryError::Response(status, ..) if status.is_server_error() => {
            OidcError::Unreachable(format!("its discovery answers {status}").into())
        }
        DiscoveryError::Response(status, ..) => {
            OidcError::Provider(format!("its discovery answers {status}").into())
        }
        other => OidcError::Provider(other.into()),
    }
}

/// How often keys may still be fetched out of turn.
#[derive(Debug, Default)]
struct Refetches {
    used: u32,
    since: Option<Instant>,
}

impl Refetches {
    fn take(&mut self, now: Instant) -> bool {
        let since = *self.since.get_or_insert(now);
        let passed = now.duration_since(since).as_secs() / REFETCH_EVERY.as_secs();
        let passed = u32::try_from(passed).unwrap_or(u32::MAX);
        if passed > 0 {
            self.used = self.used.saturating_sub(passed);
            self.since = Some(now);
        }
        let allowed = self.used < REFETCHES;
        if allowed {
            self.used += 1;
        }
        allowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_fetched_out_of_turn_only_so_often() {
        let start = Instant::now();
        let mut refetches = Refetches::default();
        let mut allowed = |seconds: u64| {
            let now = start + Duration::from_secs(seconds);
            (0..20).filter(|_| refetches.take(now)).count()
        };
        assert_eq!(allowed(0), 5);
        assert_eq!(allowed(9), 0);
        assert_eq!(allowed(10), 1);
        assert_eq!(allowed(30), 2);
        assert_eq!(allowed(10_000), 5);
    }
}
