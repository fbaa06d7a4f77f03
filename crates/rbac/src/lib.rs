//! The authorization engine: may this subject do this action to this object?
//!
//! Pure and compiled. Roles and scopes are lists of permissions; [`Subject::prepare`] folds them once into
//! bit sets, and [`PreparedSubject::decide`] then answers without an allocation, a lock or a comparison of
//! text. The same prepared subject explains a decision ([`PreparedSubject::explain`]) and says which rows
//! of a table it may see ([`PreparedSubject::visibility`]).
//!
//! # The rule
//!
//! Permissions act on four levels: *site* (every object), *user* (the subject's own objects that belong to
//! no organization), *organization* (every object of it) and *member* (the subject's own objects in it). On
//! a level a negative permission beats a positive one, and a higher level beats a lower one. Besides the
//! roles, an ACL entry of the object may grant, to members of the object's organization only. The token's
//! scope, made of the same four levels plus an allow-list, can only take away:
//! `(roles or ACL) and scope and allow-list`.
//!
//! Two rules differ from the reference engine, and [`Mode::Reference`] switches both back:
//!
//! - a negative permission at site or organization level also beats an ACL grant;
//! - "in any organization" asks organization by organization and then *exists*, where the reference takes
//!   the highest vote of each level over different organizations.
//!
//! [`Mode::Bursar`] is also strict where the reference's types allow nonsense: an action that the type does
//! not declare is denied, an object that is in one organization *and* in any is denied, and nobody (the nil
//! id) does not own what nobody owns.
//!
//! # What this crate must not know
//!
//! No I/O, no SQL, no HTTP, no clock, no model types: ids are plain [`uuid::Uuid`]s. Who a caller is, and
//! which rows exist, is told to it; it never looks anything up.
//!
//! # To add
//!
//! - **a resource type or an action**: one entry in `policy.toml`, which also says how its rows look. Nobody holds it
//!   until a role lists it.
//! - **a built-in role**: one function in `builtin.rs`, its name among the constants, its line in `SITE` or
//!   `ORG`. Built-ins list what they hold; a wildcard would hand out every type that is added later.
//! - **what comes with membership**: the lists in `system_roles.rs`, and a higher [`SYSTEM_ROLES_VERSION`] with them.
//! - **a kind of row**: a constructor in `object.rs` that says which owner, organization and ACL it has.
//!
//! Then run the tests and `cargo xtask codegen`, which writes [`docs::markdown`] into the documentation.

pub mod builtin;
pub mod docs;
pub mod foreign;

mod allow_list;
mod assign;
mod custom_roles;
mod decision;
mod explain;
mod explanation;
mod fold;
#[expect(clippy::too_many_lines, reason = "tables grow with the registry")]
mod generated;
mod object;
mod permission;
mod places;
mod registry;
mod role;
mod scope;
mod subject;
mod system_roles;
mod visibility;

pub use allow_list::{AllowEntry, AllowList, AllowListError};
pub use assign::AssignDenied;
pub use custom_roles::{GrantDenied, custom_role, unreachable};
pub use decision::Decision;
pub use explanation::{
    AclCause, AclVerdict, AllowListVerdict, Cause, Explanation, Fault, Level, Side,
};
pub use generated::CompositeScope;
pub use object::{AclEntry, Object};
pub use permission::{Permission, PermissionError, PermissionSet, Vote};
pub use registry::{Action, ActionSet, ResourceType, UnknownName};
pub use role::{PermissionList, Role, RoleName, RoleNameError};
pub use scope::{Scope, ScopeError, ScopeName, ScopeSet};
pub use subject::{Assignment, Mode, PreparedSubject, Subject};
pub use system_roles::{
    OrgPermissions, SYSTEM_ROLES_VERSION, ShareableOwners, SystemRole, UnknownShareableOwners,
    is_system, org_member_permissions, org_service_account_permissions,
};
pub use visibility::Visibility;
