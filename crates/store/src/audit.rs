//! The audit log. Its lines are written by the database's triggers; only refusals come from outside.

use async_trait::async_trait;
use model::{
    Page, PageRequest,
    audit::{AuditEntry, AuditFilter, RefusedWrite},
};
use rbac::Visibility;

use crate::StoreResult;

/// Reads the audit log.
#[async_trait]
pub trait AuditRead: Send {
    /// A page of the entries that the visibility admits, newest first.
    async fn audit_list(
        &mut self,
        filter: &AuditFilter,
        page: PageRequest,
        visibility: &Visibility,
    ) -> StoreResult<Page<AuditEntry>>;
}

/// Records what no trigger can see.
#[async_trait]
pub trait AuditWrite: AuditRead {
    /// Records that the unit's actor was refused a write.
    async fn audit_refused(&mut self, refused: &RefusedWrite) -> StoreResult<()>;
}
