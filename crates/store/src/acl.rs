//! What every object that is shared needs of its ACL's principals.

use async_trait::async_trait;
use model::{OrganizationId, acl::AclPrincipals};

use crate::StoreResult;

/// Holds still who gets a role.
#[async_trait]
pub trait AclWrite: Send {
    /// Those of these people who are active members of the organization, and those of these groups that belong to it;
    /// each stays so until the unit ends.
    async fn acl_principal_lock(
        &mut self,
        organization: OrganizationId,
        wanted: &AclPrincipals,
    ) -> StoreResult<AclPrincipals>;
}
