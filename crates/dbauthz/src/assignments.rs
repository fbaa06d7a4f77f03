//! Giving and taking roles: which ones a request means, and whether the caller may do it.

use std::sync::Arc;

use model::{OrganizationId, users::User};
use rbac::{Action, Object, Role, SystemRole, builtin};
use store::{StoreError, StoreResult};

use crate::gate::{Gate, assignment};

/// The role of this name in an organization, or of the site.
fn role(name: &str, org: Option<OrganizationId>) -> Option<&'static Arc<Role>> {
    if org.is_some() {
        builtin::org_role(name)
    } else {
        builtin::site_role(name)
    }
}

/// What a request for these roles means: implied ones come anyway and are never stored, and naming a role
/// twice is naming it once.
///
/// # Errors
/// [`StoreError::RoleNotAssignable`] for a name that is no role there.
fn wanted(names: &[String], org: Option<OrganizationId>) -> StoreResult<Vec<String>> {
    let mut wanted: Vec<String> = Vec::with_capacity(names.len());
    let comes_anyway = |name: &str| org.is_some() && name == SystemRole::OrganizationMember.name();
    for name in names.iter().filter(|name| !comes_anyway(name)) {
        let role = role(name, org).ok_or_else(|| StoreError::RoleNotAssignable {
            resource: assignment(org.map(|org| org.0)),
            reason: format!("`{name}` is not a supported role"),
        })?;
        if !role.is_implied() && !wanted.contains(name) {
            wanted.push(name.clone());
        }
    }
    Ok(wanted)
}

/// Checks a change from the roles held to those named, and returns what to store.
///
/// A change that changes nothing needs the right to give roles all the same: otherwise its answer would
/// tell what somebody holds.
pub(crate) fn roles_change(
    gate: &Gate,
    org: Option<OrganizationId>,
    held: &[String],
    names: &[String],
) -> StoreResult<Vec<String>> {
    let object = match org {
        Some(org) => Object::assign_org_role(org.0),
        None => Object::assign_role(),
    };
    // The right comes first: only who has it learns which names are roles.
    let named_more = names.iter().any(|name| !held.contains(name));
    let named_all = held.iter().all(|name| names.contains(name));
    if named_more || named_all {
        gate.check(Action::Assign, &object)?;
    }
    if !named_all {
        gate.check(Action::Unassign, &object)?;
    }
    let wanted = wanted(names, org)?;
    for name in wanted.iter().filter(|name| !held.contains(name)) {
        if let Some(role) = role(name, org) {
            gate.may_give(role, org.map(|org| org.0))?;
        }
    }
    // A stored name that is no role any more grants nothing, and whoever may take roles may take it.
    for role in held
        .iter()
        .filter(|name| !wanted.contains(name))
        .filter_map(|n| role(n, org))
    {
        gate.may_take(role, org.map(|org| org.0))?;
    }
    Ok(wanted)
}

/// Refuses unless the caller may give every role that is held: what somebody must pass who would act as
/// its holder, or stop the holder from acting.
pub(crate) fn not_above(
    gate: &Gate,
    org: Option<OrganizationId>,
    held: &[String],
) -> StoreResult<()> {
    for role in held.iter().filter_map(|name| role(name, org)) {
        gate.may_give(role, org.map(|org| org.0))
            .map_err(|error| match error {
                StoreError::RoleNotAssignable { resource, .. } => StoreError::RoleNotAssignable {
                    resource,
                    reason: format!(
                        "the account holds the role `{}`, which you may not assign",
                        role.name()
                    ),
                },
                other => other,
            })?;
    }
    Ok(())
}

/// Refuses unless the caller may take every role that is held: ending a membership ends its roles.
pub(crate) fn may_take_all(gate: &Gate, org: OrganizationId, held: &[String]) -> StoreResult<()> {
    let held = held.iter().filter_map(|name| role(name, Some(org)));
    held.into_iter()
        .try_for_each(|role| gate.may_take(role, Some(org.0)))
}

/// Refuses unless the caller may become this account: see [`not_above`], in the site and in each of its
/// organizations.
pub(crate) async fn may_become<U>(gate: &Gate, unit: &mut U, user: &User) -> StoreResult<()>
where
    U: store::ReadUnit + ?Sized,
{
    not_above(gate, None, &user.roles)?;
    for org in &user.organization_ids {
        if let Some(member) = unit.organization_member_get(*org, user.id).await? {
            not_above(gate, Some(*org), &member.roles)?;
        }
    }
    Ok(())
}
