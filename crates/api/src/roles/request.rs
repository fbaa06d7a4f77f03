//! Reading a custom role from a request, one complaint after the other in the order that existing clients know.

use bursar_sdk::{CustomRoleRequest, Permission as Written};
use model::{Name, roles::CustomRoleDefinition};
use rbac::{Permission, builtin};
use store::StoreError;

use crate::{
    error::{ApiError, ApiResult},
    validate::{display_name, wrong},
};

/// The greatest number of permissions of a custom role. There are fewer than this to be had.
const PERMISSIONS_MAX: usize = 1000;

/// What becomes of permissions whose type or action the program does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unknown {
    /// A role that is made shall not have any.
    Refused,
    /// A role that is changed may have some from before.
    Dropped,
}

/// Reads the name of a custom role.
pub(super) fn name(text: &str) -> ApiResult<Name> {
    if builtin::is_reserved(text) {
        return Err(reserved(text));
    }
    text.parse()
        .map_err(|error: model::names::NameError| ApiError::CustomRole {
            message: "Invalid role name",
            detail: Some(format!("the name {error}")),
        })
}

/// How the names of the program's own roles of organizations begin, those of later versions too.
const OWN_PREFIX: &str = "organization-";

/// Reads the name of a custom role that is to be made. Who holds a role holds it by its name, so a name that a later
/// version gives to a role of its own would hand that one to all of them.
pub(super) fn new_name(text: &str) -> ApiResult<Name> {
    let name = name(text)?;
    if text.to_ascii_lowercase().starts_with(OWN_PREFIX) {
        return Err(reserved(text));
    }
    Ok(name)
}

fn reserved(text: &str) -> ApiError {
    ApiError::CustomRole {
        message: "Reserved role name",
        detail: Some(format!(
            "\"{text}\" is a reserved role name, and not allowed to be used"
        )),
    }
}

/// Reads what a custom role shall be and hold.
pub(super) fn definition(
    body: &CustomRoleRequest,
    unknown: Unknown,
) -> ApiResult<CustomRoleDefinition> {
    let refused = |message| {
        Err(ApiError::CustomRole {
            message,
            detail: None,
        })
    };
    if !body.site_permissions.is_empty() {
        return refused(
            "Invalid request, not allowed to assign site wide permissions for an organization role.",
        );
    }
    if !body.user_permissions.is_empty() {
        return refused(
            "Invalid request, not allowed to assign user permissions for an organization role.",
        );
    }
    let (org, member) = (
        &body.organization_permissions,
        &body.organization_member_permissions,
    );
    if org.len().saturating_add(member.len()) > PERMISSIONS_MAX {
        let detail = format_args!("a role holds at most {PERMISSIONS_MAX} permissions");
        return Err(wrong::<()>("organization_permissions", detail)
            .err()
            .unwrap_or_default()
            .into());
    }
    Ok(CustomRoleDefinition {
        display_name: display_name("display_name", &body.display_name)?,
        org_permissions: permissions(org, unknown)?,
        member_permissions: permissions(member, unknown)?,
    })
}

/// Reads a list of permissions; one that is named twice counts once.
fn permissions(written: &[Written], unknown: Unknown) -> ApiResult<Vec<Permission>> {
    let mut read = Vec::with_capacity(written.len());
    for one in written {
        match Permission::parse(one.negate, &one.resource_type, &one.action) {
            Ok(permission) if read.contains(&permission) => {}
            Ok(permission) => read.push(permission),
            Err(_) if unknown == Unknown::Dropped => {}
            Err(error) => {
                return Err(ApiError::CustomRole {
                    message: "Failed to update role permissions",
                    detail: Some(format!("invalid role: {error}")),
                });
            }
        }
    }
    Ok(read)
}

/// What is said when the caller may, but there is no such role.
pub(super) fn no_such_role(error: StoreError, name: &Name) -> ApiError {
    match error {
        StoreError::NotFound => ApiError::NoCustomRole(name.clone()),
        error => error.into(),
    }
}
