//! The audit log.

use model::{
    PageRequest,
    audit::{AuditFilter, AuditPage, RefusedWrite},
};
use rbac::ResourceType;
use store::StoreResult;

use crate::{
    rules::{Rule, Shape, rule},
    units::wrapper,
};

pub(crate) const RULES: &[Rule] = &[
    rule("audit_list", Shape::Visibility, &["audit_log:read"], ""),
    rule(
        "audit_refused",
        Shape::Free,
        &[],
        "whoever was refused lacked a right; if recording it took another, the record could be avoided",
    ),
];

wrapper! {
    /// The audit log, each call authorized.
    Audit
}

impl<U: store::ReadUnit + ?Sized> Audit<'_, U> {
    /// A page of the entries that the caller may read, newest first.
    ///
    /// # Errors
    /// None of its own.
    pub async fn audit_list(
        &mut self,
        filter: &AuditFilter,
        page: PageRequest,
    ) -> StoreResult<AuditPage> {
        let visibility = self.gate.readable(ResourceType::AuditLog);
        self.unit.audit_list(filter, page, &visibility).await
    }
}

impl<U: store::WriteUnit + ?Sized> Audit<'_, U> {
    /// Records that the caller was refused a write. Needs no right: whoever was refused lacked one, and if
    /// recording it took another, the record could be avoided.
    ///
    /// # Errors
    /// None of its own.
    pub async fn audit_refused(&mut self, refused: &RefusedWrite) -> StoreResult<()> {
        self.unit.audit_refused(refused).await
    }
}
