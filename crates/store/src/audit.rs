//! The audit log. Its lines are written by the database's triggers; only refusals come from outside.

use async_trait::async_trait;
use model::{
    PageRequest,
    audit::{AuditFilter, AuditPage, RefusedWrite},
};
use rbac::Visibility;

use crate::StoreResult;

/// Reads the audit log.
#[async_trait]
pub trait AuditRead: Send {
    /// A page of the entries that the visibility admits, newest first. Counts at most
    /// [`model::audit::AUDIT_COUNT_CAP`] and one, and nothing when the filter names a place to go on from.
    async fn audit_list(
        &mut self,
        filter: &AuditFilter,
        page: PageRequest,
        visibility: &Visibility,
    ) -> StoreResult<AuditPage>;
}

/// Records what no trigger can see.
#[async_trait]
pub trait AuditWrite: AuditRead {
    /// Records that the unit's actor was refused a write.
    async fn audit_refused(&mut self, refused: &RefusedWrite) -> StoreResult<()>;
}
