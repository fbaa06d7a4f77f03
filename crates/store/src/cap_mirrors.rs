//! Mirrors of caps that an upstream system keeps: how fresh each is, and who reads it next.
//!
//! What is mirrored is in the tables of [caps](crate::caps). A write upstream is between [`CapMirrorWrite::cap_mirror_drop`]
//! and [`CapMirrorWrite::cap_mirror_confirm`], each of which raises the mirror's version; a read is between a
//! [claim](CapMirrorClaim) and [`CapMirrorWrite::cap_mirror_apply`], which does nothing when the version is another by
//! then. So no read that began before a write was done hides it, on whatever server, and whoever dies half-way leaves a
//! mirror that is due.

use std::time::Duration;

use async_trait::async_trait;
use model::caps::{CapMirror, CapMirrorClaim, CapScope, MirrorOutcome, MirroredCaps};

use crate::StoreResult;

/// Which mirrors are taken to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CapMirrorsDue {
    /// Whether the whole deployment's is.
    pub instance: bool,
    /// Whether those of organizations are.
    pub organizations: bool,
    /// From so long on they are due again.
    pub refresh: Duration,
    /// How many at most.
    pub limit: u32,
}

/// Reads how fresh mirrors are.
#[async_trait]
pub trait CapMirrorRead: Send {
    /// How fresh a subscription's mirror is; of one that does not exist nothing was ever read.
    async fn cap_mirror_get(&mut self, scope: CapScope) -> StoreResult<CapMirror>;
    /// The subscriptions whose caps were set here since their mirror was read, so that the next read replaces them.
    async fn cap_mirror_local_list(&mut self) -> StoreResult<Vec<CapScope>>;
}

/// Keeps mirrors. Of all rows of caps, a mirror's is locked first, after the organization's.
#[async_trait]
pub trait CapMirrorWrite: CapMirrorRead {
    /// Takes mirrors that are due, the longest first, each by one caller only; those of all organizations exist from then
    /// on. Whoever does not read what was taken leaves it to be due again.
    async fn cap_mirror_claim(&mut self, due: &CapMirrorsDue) -> StoreResult<Vec<CapMirrorClaim>>;
    /// Takes one mirror, whether it is due or not.
    ///
    /// # Errors
    /// [`crate::StoreError::NotFound`] when the organization does not exist any more.
    async fn cap_mirror_begin(
        &mut self,
        scope: CapScope,
        refresh: Duration,
    ) -> StoreResult<CapMirrorClaim>;
    /// Gives back what was taken and could not be read: it is due again after so long, if it is not before.
    async fn cap_mirror_put_back(&mut self, scope: CapScope, wait: Duration) -> StoreResult<()>;
    /// Makes the caps of a subscription those that were read for this claim. Without any, none is set, neither by its
    /// record nor for anybody; no record is made for that, and one that is there stays. What is as it was read is not
    /// touched, and what the upstream system does not know stays: what is included, and what a disabled cap means.
    ///
    /// # Errors
    /// [`crate::StoreError::NotFound`] when the organization does not exist any more.
    async fn cap_mirror_apply(
        &mut self,
        claim: &CapMirrorClaim,
        caps: Option<&MirroredCaps>,
    ) -> StoreResult<MirrorOutcome>;
    /// Says that something is about to be written upstream: what is read before it is done does not count, and the mirror
    /// is due. The version that this write is known by.
    ///
    /// # Errors
    /// [`crate::StoreError::NotFound`] when the organization does not exist any more.
    async fn cap_mirror_drop(&mut self, scope: CapScope) -> StoreResult<i64>;
    /// Says that the write of this version is done, and that its outcome is mirrored in this unit. Whether nobody else
    /// wrote meanwhile: else the order of the two is not known, and the mirror stays due. Its row is locked until the
    /// unit ends.
    ///
    /// # Errors
    /// [`crate::StoreError::NotFound`] when the organization, and the mirror with it, does not exist any more.
    async fn cap_mirror_confirm(
        &mut self,
        scope: CapScope,
        version: i64,
        refresh: Duration,
    ) -> StoreResult<bool>;
}
