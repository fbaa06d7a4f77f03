//! Where budget caps live: in the database of this deployment, or at a customers portal.

mod options;

use std::{sync::Arc, time::Duration};

use ::caps::{BudgetCaps, LocalCaps, PortalCaps, keep};
use anyhow::Context;
use dbauthz::{Authorized, SystemActor};
use model::caps::{CapScope, CapTrust};
use portal::Portal;
use store::StoreResult;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub use options::{CapsPlaceOptions, CapsSource};

/// A portal, and how far what is read from it is trusted.
#[derive(Debug)]
pub(crate) struct PortalPlace {
    pub(crate) portal: Portal,
    pub(crate) trust: CapTrust,
    /// How often each subscription's caps are read.
    pub(crate) refresh: Duration,
}

/// Where caps live, and what looks after them meanwhile: ready to be asked.
///
/// # Errors
/// When the database is away.
pub(crate) async fn open(
    place: Option<PortalPlace>,
    authorized: &Authorized,
    stopping: &CancellationToken,
) -> anyhow::Result<(Arc<dyn BudgetCaps>, Option<JoinHandle<()>>)> {
    let Some(place) = place else {
        return Ok((Arc::new(LocalCaps), None));
    };
    warn_of_local(authorized, &place.trust)
        .await
        .context("it could not be read which caps were set here")?;
    let caps = Arc::new(PortalCaps::new(authorized, place.portal, place.refresh));
    let keeping = keep(&caps, stopping.clone());
    Ok((caps, Some(keeping)))
}

/// Warns of the caps that are about to become those of the portal.
async fn warn_of_local(authorized: &Authorized, trust: &CapTrust) -> StoreResult<()> {
    let store = authorized.as_system(SystemActor::CapsMirror);
    let mut unit = store.read().await?;
    let local = unit.cap_mirrors().cap_mirror_local_list().await?;
    for scope in local.into_iter().filter(|scope| trust.covers(*scope)) {
        let subscription = match scope {
            CapScope::Instance => "the whole deployment's".to_owned(),
            CapScope::Organization(id) => format!("the organization's with the id {id}"),
        };
        tracing::warn!(
            subscription,
            "caps of this subscription were set here, and are about to be replaced by those of the customers portal; \
             the audit log keeps what they were"
        );
    }
    Ok(())
}
