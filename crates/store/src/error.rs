//! What can go wrong with persistence, by kind.

/// The result of a repository call.
pub type StoreResult<T> = Result<T, StoreError>;

/// What went wrong with a repository call.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The row does not exist.
    #[error("not found")]
    NotFound,
    /// The caller may not do this. Outside it looks like [`StoreError::NotFound`], except where an
    /// endpoint's table says otherwise; inside, logs and metrics tell the two apart.
    #[error("the caller may not `{action}` this `{resource}`")]
    Denied {
        /// The action that was asked for.
        action: rbac::Action,
        /// The type of the object.
        resource: rbac::ResourceType,
    },
    /// A role may not be given or taken by this caller, with the reason.
    #[error("{reason}")]
    RoleNotAssignable {
        /// The type of the right that is missing: for roles of the site or of an organization.
        resource: rbac::ResourceType,
        /// Why, for the caller.
        reason: String,
    },
    /// A custom role would hold a permission that this caller may not put there, with the reason.
    #[error("{reason}")]
    NotGrantable {
        /// Which permission, and why not, for the caller.
        reason: String,
    },
    /// An organization's members cannot all hold a role of this name.
    #[error("`{0}` is no role that members of the organization can be given")]
    NoDefaultRole(String),
    /// A unique value is taken; names the constraint.
    #[error("the constraint `{0}` is violated: the value is taken")]
    Taken(String),
    /// A rule of the database refuses the row; names the constraint.
    #[error("the constraint `{0}` is violated")]
    Violated(String),
    /// A rule of the domain refuses the change; says which, for the caller.
    #[error("{0}")]
    Refused(String),
    /// The database cannot be reached, or not in time. Trying again may help.
    #[error("the database is not available")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Anything that should not happen.
    #[error("the store failed")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl StoreError {
    /// Whether a caller must not learn the difference: the row is missing or may not be touched.
    #[must_use]
    pub const fn hidden(&self) -> bool {
        matches!(self, Self::NotFound | Self::Denied { .. })
    }
}
