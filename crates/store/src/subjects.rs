//! What people's rights are made of.

use async_trait::async_trait;
use model::{
    UserId,
    subjects::{SubjectRoles, SubjectStanding},
};

use crate::StoreResult;

/// Reads what people's rights are made of.
#[async_trait]
pub trait SubjectRead: Send {
    /// The roles and groups of a person, in one query. Deleted people have none, deleted organizations do not
    /// count.
    async fn subject_roles_get(&mut self, user: UserId) -> StoreResult<Option<SubjectRoles>>;
    /// How these people stand, in one query and no particular order. Deleted ones are missing.
    async fn subject_standing_list(
        &mut self,
        users: &[UserId],
    ) -> StoreResult<Vec<SubjectStanding>>;
}
