//! Prepared subjects, kept for as long as nothing that decides has changed.

use std::{fmt, sync::Arc};

use dbauthz::{BoundStore, SystemReadUnit};
use model::{
    OrganizationId, UserId,
    subjects::{SubjectRoles, SubjectVersions},
};
use moka::{policy::EvictionPolicy, sync::Cache};
use rbac::{PreparedSubject, RoleName, ScopeSet, Subject};
use store::{StoreError, StoreResult};
use uuid::Uuid;

use crate::AuthError;

/// How many subjects are kept; beyond it the one that was not asked for longest goes. Those of outdated
/// versions are never asked for again and go by themselves.
const CAPACITY: u64 = 10_000;

/// Everything that a subject is made of, by version, and what narrows it. There is nothing else: no time, no
/// notice that might be lost.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct SubjectKey {
    pub(crate) user_id: UserId,
    pub(crate) versions: SubjectVersions,
    pub(crate) scopes: Vec<String>,
    pub(crate) allow_list: Vec<String>,
}

/// A subject, and the scopes that narrow it.
type Narrowed = (Arc<PreparedSubject>, ScopeSet);

/// The prepared subjects of this process. Clones share them.
#[derive(Clone)]
pub struct SubjectCache(Cache<SubjectKey, Narrowed>);

impl Default for SubjectCache {
    fn default() -> Self {
        let cache = Cache::builder()
            .max_capacity(CAPACITY)
            .eviction_policy(EvictionPolicy::lru());
        Self(cache.build())
    }
}

impl fmt::Debug for SubjectCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SubjectCache").finish_non_exhaustive()
    }
}

impl SubjectCache {
    /// What a person may do by a key of this id. The roles are read after the versions, so they are as new as
    /// these at least; were they newer, nobody would be told the older versions again.
    pub(crate) async fn subject(
        &self,
        unit: &mut SystemReadUnit,
        wanted: SubjectKey,
        key_id: &str,
    ) -> Result<Narrowed, AuthError> {
        let kept = self.0.get(&wanted);
        count(kept.is_some());
        if let Some(kept) = kept {
            return Ok(kept);
        }
        let scopes = match ScopeSet::parse(&wanted.scopes, Some(&wanted.allow_list)) {
            Ok(scopes) => scopes,
            Err(error) => {
                // A scope that cannot be read may have been narrower than anything: it admits nothing.
                tracing::error!(key_id, %error, "the stored scope of a key cannot be read");
                return Err(AuthError::Invalid);
            }
        };
        let roles = unit.subjects().subject_roles_get(wanted.user_id).await;
        let roles = roles.map_err(|error| match error {
            // Deleted since the key was read.
            StoreError::NotFound => AuthError::Invalid,
            other => AuthError::Store(other),
        })?;
        let subject = subject(wanted.user_id, roles).scope(scopes.to_scope());
        let narrowed = (Arc::new(subject.prepare()), scopes);
        self.0.insert(wanted, narrowed.clone());
        Ok(narrowed)
    }
}

fn count(kept: bool) {
    let outcome = if kept { "hit" } else { "miss" };
    metrics::counter!("bursar_auth_subject_cache_total", "outcome" => outcome).increment(1);
}

/// What somebody may do by a key that nothing narrows, for whoever may know it: see
/// [`dbauthz::Subjects::subject_roles_get`].
///
/// # Errors
/// `NotFound`, `Denied`.
pub async fn subject_get(store: &BoundStore, user_id: UserId) -> StoreResult<PreparedSubject> {
    let mut unit = store.read().await?;
    let roles = unit.subjects().subject_roles_get(user_id).await?;
    Ok(subject(user_id, roles).prepare())
}

/// The roles given, those implied, and the groups.
fn subject(user_id: UserId, roles: SubjectRoles) -> Subject {
    let SubjectRoles {
        site_roles,
        organization_roles,
        group_ids,
    } = roles;
    let given_in = |(org, roles): &(OrganizationId, Vec<String>)| {
        let org = org.0;
        roles
            .iter()
            .map(move |role| RoleName::in_org(role, org))
            .collect::<Vec<_>>()
    };
    let given = site_roles.iter().map(RoleName::site);
    let given = given.chain(organization_roles.iter().flat_map(given_in));
    let (subject, unknown) = Subject::user(user_id.0).role_names(given);
    for role in unknown {
        tracing::warn!(user = %user_id, %role, "a role that is not known grants nothing");
    }
    organization_roles
        .iter()
        .fold(subject, |subject, (org, _)| subject.member_of(org.0))
        .groups(group_ids.into_iter().map(Uuid::from))
}
