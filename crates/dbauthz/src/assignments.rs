//! Giving and taking roles: which ones a request means, and whether the caller may do it.

use std::collections::BTreeSet;

use model::{OrganizationId, idpsync::TakenRoles, users::User};
use rbac::{Action, Object, Role, SystemRole, builtin, custom_role};
use store::{StoreError, StoreResult};

use crate::gate::{Gate, assignment};

/// The roles of a place by their names: the program's own and, of an organization, those that it made for itself.
/// The program's come first, and every name is taken letter for letter.
#[derive(Debug, Default)]
pub(crate) struct Known {
    /// The organization; `None` for the site.
    org: Option<OrganizationId>,
    custom: Vec<Role>,
}

impl Known {
    /// The roles of the site.
    pub(crate) const SITE: Self = Self {
        org: None,
        custom: Vec::new(),
    };

    /// The roles of an organization. Its own are read, all at once, when one of these names is none of the program's.
    pub(crate) async fn in_org<U>(
        unit: &mut U,
        org: OrganizationId,
        names: [&[String]; 2],
    ) -> StoreResult<Self>
    where
        U: store::ReadUnit + ?Sized,
    {
        let built_in = |name: &String| builtin::org_role(name).is_some();
        let built_in = names.into_iter().flatten().all(built_in);
        let custom = if built_in {
            Vec::new()
        } else {
            let found = unit.custom_role_list(org).await?;
            found.into_iter().map(role).collect()
        };
        let org = Some(org);
        Ok(Self { org, custom })
    }

    fn role(&self, name: &str) -> Option<&Role> {
        let built_in = if self.org.is_some() {
            builtin::org_role(name)
        } else {
            builtin::site_role(name)
        };
        match built_in {
            Some(role) => Some(role),
            None => self.custom.iter().find(|role| role.name() == name),
        }
    }

    fn place(&self) -> Option<uuid::Uuid> {
        self.org.map(|org| org.0)
    }

    /// What a request for these roles means: implied ones come anyway and are never stored, and naming a role
    /// twice is naming it once.
    ///
    /// # Errors
    /// [`StoreError::RoleNotAssignable`] for a name that is no role there.
    fn wanted(&self, names: &[String]) -> StoreResult<Vec<String>> {
        let mut wanted: Vec<String> = Vec::new();
        let implied = SystemRole::OrganizationMember.name();
        let comes_anyway = |name: &str| self.org.is_some() && name == implied;
        for name in names.iter().filter(|name| !comes_anyway(name)) {
            let refused = |reason| StoreError::RoleNotAssignable {
                resource: assignment(self.place()),
                reason,
            };
            if name.contains(':') {
                let text = format!(
                    "attempt to assign a role \"{name}\", remove the ':<organization_id> suffix"
                );
                return Err(refused(text));
            }
            let role = self
                .role(name)
                .ok_or_else(|| refused(format!("`{name}` is not a supported role")))?;
            if !role.is_implied() && !wanted.contains(name) {
                wanted.push(name.clone());
            }
        }
        Ok(wanted)
    }

    /// Checks a change between two lists of roles of this place. A name that is no role any more grants nothing, and
    /// whoever may take roles may take it.
    fn check(&self, gate: &Gate, held: &[String], wanted: &[String]) -> StoreResult<()> {
        let given = wanted.iter().filter(|name| !held.contains(name));
        for role in given.filter_map(|name| self.role(name)) {
            gate.may_give(role, self.place())?;
        }
        let taken = held.iter().filter(|name| !wanted.contains(name));
        for role in taken.filter_map(|name| self.role(name)) {
            gate.may_take(role, self.place())?;
        }
        Ok(())
    }
}

/// A custom role as the engine takes it.
pub(crate) fn role(custom: model::roles::CustomRole) -> Role {
    custom_role(
        custom.name.into(),
        custom.display_name,
        custom.org_permissions,
        custom.member_permissions,
    )
}

/// Checks a change from the roles held to those named, in the site or in an organization, and returns what to store.
///
/// A change that changes nothing needs the right to give roles all the same: otherwise its answer would
/// tell what somebody holds.
pub(crate) async fn roles_change<U>(
    gate: &Gate,
    unit: &mut U,
    org: Option<OrganizationId>,
    held: &[String],
    names: &[String],
) -> StoreResult<Vec<String>>
where
    U: store::ReadUnit + ?Sized,
{
    let named_more = names.iter().any(|name| !held.contains(name));
    let named_all = held.iter().all(|name| names.contains(name));
    // The right comes first: only who has it learns which names are roles.
    at_the_desk(gate, org, named_more || named_all, !named_all)?;
    let known = match org {
        Some(org) => Known::in_org(unit, org, [names, held]).await?,
        None => Known::SITE,
    };
    let wanted = known.wanted(names)?;
    known.check(gate, held, &wanted)?;
    Ok(wanted)
}

/// Checks a change of the roles that every member of an organization holds, as giving and taking the difference, and
/// returns what to store.
///
/// # Errors
/// [`StoreError::NoDefaultRole`] for a name that is no role there, and for one that comes with membership anyway.
pub(crate) async fn defaults_change<U>(
    gate: &Gate,
    unit: &mut U,
    org: OrganizationId,
    held: &[String],
    names: &[String],
) -> StoreResult<Vec<String>>
where
    U: store::ReadUnit + ?Sized,
{
    let named_more = names.iter().any(|name| !held.contains(name));
    let named_all = held.iter().all(|name| names.contains(name));
    at_the_desk(gate, Some(org), named_more, !named_all)?;
    let known = Known::in_org(unit, org, [names, held]).await?;
    let mut wanted: Vec<String> = Vec::new();
    for name in names {
        let role = known.role(name).filter(|role| !role.is_implied());
        let Some(role) = role else {
            return Err(StoreError::NoDefaultRole(name.clone()));
        };
        may_be_default(role)?;
        if !wanted.contains(name) {
            wanted.push(name.clone());
        }
    }
    known.check(gate, held, &wanted)?;
    Ok(wanted)
}

/// Refuses a role that takes something away on the level of the organization: given to everybody there, it would bind
/// the administrators as well, who then could not take it back.
///
/// # Errors
/// [`StoreError::Refused`].
pub(crate) fn may_be_default(role: &Role) -> StoreResult<()> {
    if role.org().listed().iter().any(|held| held.negate) {
        let text = format!(
            "the role `{}` takes something away from whoever holds it, so it cannot be given to every member, \
             administrators included",
            role.name()
        );
        return Err(StoreError::Refused(text));
    }
    Ok(())
}

/// Refuses unless roles may be given, taken or both at all.
fn at_the_desk(
    gate: &Gate,
    org: Option<OrganizationId>,
    gives: bool,
    takes: bool,
) -> StoreResult<()> {
    let desk = match org {
        Some(org) => Object::assign_org_role(org.0),
        None => Object::assign_role(),
    };
    if gives {
        gate.check(Action::Assign, &desk)?;
    }
    if takes {
        gate.check(Action::Unassign, &desk)?;
    }
    Ok(())
}

/// Refuses unless the caller may give the roles that every member of an organization holds: whoever joins gets them.
pub(crate) async fn may_give_defaults<U>(
    gate: &Gate,
    unit: &mut U,
    org: OrganizationId,
    defaults: &[String],
) -> StoreResult<()>
where
    U: store::ReadUnit + ?Sized,
{
    let known = Known::in_org(unit, org, [defaults, &[]]).await?;
    known.check(gate, &[], defaults)
}

/// Refuses unless the caller may give each of these roles of an organization: what somebody must pass who lets a rule
/// do it.
///
/// # Errors
/// [`StoreError::Refused`] for a name that is no role there, or comes with membership.
pub(crate) async fn may_give_each<U>(
    gate: &Gate,
    unit: &mut U,
    org: OrganizationId,
    names: &[String],
) -> StoreResult<()>
where
    U: store::ReadUnit + ?Sized,
{
    at_the_desk(gate, Some(org), !names.is_empty(), false)?;
    let known = Known::in_org(unit, org, [names, &[]]).await?;
    let can_be_given = |name: &String| known.role(name).is_some_and(|role| !role.is_implied());
    if let Some(name) = names.iter().find(|name| !can_be_given(name)) {
        let text = format!("`{name}` is no role that members of the organization can be given");
        return Err(StoreError::Refused(text));
    }
    known.check(gate, &[], names)
}

/// Which roles of an organization the caller could take from its members; for a rule that is to take no other. Without
/// an organization, which of the program's own the caller could take in any.
pub(crate) async fn takeable<U>(
    gate: &Gate,
    unit: &mut U,
    org: Option<OrganizationId>,
) -> StoreResult<TakenRoles>
where
    U: store::ReadUnit + ?Sized,
{
    let custom = match org {
        Some(org) => unit.custom_role_list(org).await?,
        None => Vec::new(),
    };
    let custom: Vec<Role> = custom.into_iter().map(role).collect();
    let own = builtin::org_roles().iter().map(AsRef::as_ref);
    let all: Vec<&Role> = own
        .chain(&custom)
        .filter(|role| !role.is_implied())
        .collect();
    // In an organization that nobody belongs to only rights of the site count.
    let place = org.map_or_else(uuid::Uuid::nil, |org| org.0);
    let taken = all.iter().filter(|role| gate.could_take(role, place));
    let taken: BTreeSet<String> = taken.map(|role| role.name().to_owned()).collect();
    Ok(if taken.len() == all.len() {
        TakenRoles::All
    } else {
        TakenRoles::Only(taken)
    })
}

/// Refuses unless the caller may give every site role that is held: what somebody must pass who would act as
/// its holder, or stop the holder from acting.
pub(crate) fn not_above(gate: &Gate, held: &[String]) -> StoreResult<()> {
    none_above(gate, &Known::SITE, held)
}

fn none_above(gate: &Gate, known: &Known, held: &[String]) -> StoreResult<()> {
    for role in held.iter().filter_map(|name| known.role(name)) {
        gate.may_give(role, known.place())
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
pub(crate) async fn may_take_all<U>(
    gate: &Gate,
    unit: &mut U,
    org: OrganizationId,
    held: &[String],
) -> StoreResult<()>
where
    U: store::ReadUnit + ?Sized,
{
    let held = with_defaults(gate, unit, org, held).await?;
    let known = Known::in_org(unit, org, [&held, &[]]).await?;
    known.check(gate, &held, &[])
}

/// Refuses unless the caller may become this account: see [`not_above`], in the site and in each of its
/// organizations.
pub(crate) async fn may_become<U>(gate: &Gate, unit: &mut U, user: &User) -> StoreResult<()>
where
    U: store::ReadUnit + ?Sized,
{
    not_above(gate, &user.roles)?;
    for org in &user.organization_ids {
        if let Some(member) = unit.organization_member_get(*org, user.id).await? {
            let held = with_defaults(gate, unit, *org, &member.roles).await?;
            let known = Known::in_org(unit, *org, [&held, &[]]).await?;
            none_above(gate, &known, &held)?;
        }
    }
    Ok(())
}

/// The roles that a member was given, and those that every member of the organization holds, unless the caller is
/// a member: then they put nobody above the caller.
async fn with_defaults<U>(
    gate: &Gate,
    unit: &mut U,
    org: OrganizationId,
    given: &[String],
) -> StoreResult<Vec<String>>
where
    U: store::ReadUnit + ?Sized,
{
    let mut held = given.to_vec();
    let actor = gate.actor();
    if actor.is_some_and(|actor| actor.subject.is_member(org.0)) {
        return Ok(held);
    }
    let organization = unit.organization_get(org).await?;
    let defaults = organization.map(|organization| organization.default_org_member_roles);
    let more = defaults.iter().flatten();
    let more: Vec<_> = more.filter(|name| !given.contains(name)).cloned().collect();
    held.extend(more);
    Ok(held)
}
