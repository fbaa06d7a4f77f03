//! One stream's view of its caller's access.

use std::future::pending;

use model::subjects::SubjectVersions;
use tokio::sync::watch;

use super::{hub::AccessHub, registry::Place};
use crate::AuthError;

/// Why access has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Revoked {
    /// The key was deleted, alone or with its owner's account.
    Gone,
    /// The key's time is over.
    Expired,
    /// The key's owner was suspended.
    Suspended,
}

impl Revoked {
    /// A word for figures and logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gone => "gone",
            Self::Expired => "expired",
            Self::Suspended => "suspended",
        }
    }
}

impl From<Revoked> for AuthError {
    /// What the next request by this key is answered.
    fn from(revoked: Revoked) -> Self {
        match revoked {
            Revoked::Gone => Self::Invalid,
            Revoked::Expired => Self::Expired,
            Revoked::Suspended => Self::Suspended,
        }
    }
}

/// What is known of a watched key.
#[derive(Debug, Clone)]
pub(super) struct Standing {
    pub(super) revoked: Option<Revoked>,
    pub(super) versions: SubjectVersions,
}

/// Watches over one caller's access for as long as it lives. Dropping it ends the watch.
#[derive(Debug)]
pub struct AccessGuard {
    pub(super) hub: AccessHub,
    pub(super) place: Place,
    pub(super) standing: watch::Receiver<Standing>,
    /// What the caller was last judged by.
    pub(super) seen: SubjectVersions,
}

impl AccessGuard {
    /// Resolves when access has ended. May be dropped and called again.
    pub async fn revoked(&self) -> Revoked {
        let mut standing = self.standing.clone();
        let ended = standing.wait_for(|standing| standing.revoked.is_some());
        let revoked = ended.await.ok().and_then(|standing| standing.revoked);
        match revoked {
            Some(revoked) => revoked,
            // Nobody looks any more, which never happens while a guard lives.
            None => pending().await,
        }
    }

    /// Resolves when what the caller may do may have changed since the caller was authenticated, or since this
    /// resolved last: it is to be judged again. May be dropped and called again.
    ///
    /// # Errors
    /// [`Revoked`] when access has ended altogether.
    pub async fn changed(&mut self) -> Result<(), Revoked> {
        let seen = &self.seen;
        let news = |standing: &Standing| standing.revoked.is_some() || standing.versions != *seen;
        let found = self.standing.wait_for(news).await.ok();
        let Some(standing) = found.map(|standing| standing.clone()) else {
            return pending().await;
        };
        self.seen = standing.versions;
        standing.revoked.map_or(Ok(()), Err)
    }

    /// What is known now, without asking anybody.
    ///
    /// # Errors
    /// [`Revoked`] when access has ended.
    pub fn standing(&self) -> Result<(), Revoked> {
        self.standing.borrow().revoked.map_or(Ok(()), Err)
    }
}

impl Drop for AccessGuard {
    fn drop(&mut self) {
        self.hub.leave(&self.place);
    }
}
