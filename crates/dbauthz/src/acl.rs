//! Reading and changing with whom something is shared: the checks and their order, once, for all that has an ACL.
//!
//! A feature tells by [`Shared`] what its object, its ACL and its switches are, and its wrapper goes through these
//! steps, always in this order; what comes later tells nothing to whom an earlier step refuses:
//!
//! 1. [`readable`]: who may not read the object is told that there is none;
//! 2. [`sharing_on`]: while sharing is switched off, nobody sees or changes an ACL, whatever their rights; the entries
//!    are kept;
//! 3. [`outermost`]: what takes its ACL from something around it has none of its own to see or change;
//! 4. [`may_share`]: who may read the object but not share it is told so;
//! 5. [`change`], under the object's lock: nobody changes their own entry; then all that is wrong with a change is told
//!    together, among it people and groups that are not the organization's, and the object's owner; then the change is
//!    merged onto the locked value and the difference handed back to be written.
//!
//! Steps 1 to 4 are run once before the body of a request is read, and again under the lock.

use model::{
    OrganizationId, UserId,
    acl::{Acl, AclChange, AclDiff, AclListing, AclProblem, AclRole, AclUser, SharingOff},
    groups::GroupFilter,
};
use rbac::{Action, Object, ResourceType, Visibility};
use store::{StoreError, StoreResult};
use uuid::Uuid;

use crate::{
    gate::Gate,
    rules::{Rule, Shape, rule},
};

pub(crate) const RULES: &[Rule] = &[rule(
    "acl_principal_lock",
    Shape::Inside,
    &[],
    "in every change of an ACL",
)];

/// Why an ACL was not shown or not changed.
#[derive(Debug, thiserror::Error)]
pub enum AclError {
    /// The store's error; the object is missing or may not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Sharing is switched off.
    #[error("sharing of a `{resource}` is off")]
    Off {
        /// The type of the object.
        resource: ResourceType,
        /// Who switched it off.
        off: SharingOff,
    },
    /// The object takes its ACL from another one, and has none of its own.
    #[error("this `{resource}` takes its ACL from another")]
    Inner {
        /// The type of the object.
        resource: ResourceType,
        /// Whose ACL it is.
        root: Uuid,
    },
    /// The caller may read the object, but not share it.
    #[error("the caller may not share this `{resource}`")]
    NotShareable {
        /// The type of the object.
        resource: ResourceType,
    },
    /// The change names the caller.
    #[error("nobody changes their own entry")]
    Own {
        /// The type of the object.
        resource: ResourceType,
    },
    /// There is something wrong with the change.
    #[error("the change is not valid")]
    Invalid {
        /// The type of the object.
        resource: ResourceType,
        /// All that is wrong with it.
        problems: Vec<AclProblem>,
    },
}

/// The result of a call about an ACL.
pub type AclResult<T> = Result<T, AclError>;

/// Something with an ACL, as it is stored.
pub(crate) trait Shared {
    /// What its entries can say.
    type Role: AclRole;

    /// What a decision about it is about, with its ACL as far as that counts now.
    fn object(&self, gate: &Gate) -> Object;

    /// With whom it is shared, also while that does not count.
    fn acl(&self) -> &Acl<Self::Role>;

    /// The organization whose people and groups it can be shared with.
    fn organization(&self) -> OrganizationId;

    /// Whose it is.
    fn owner(&self) -> UserId;

    /// Why nobody may share it now; `None` when sharing is on.
    fn sharing_off(&self, gate: &Gate) -> Option<SharingOff>;

    /// The object whose ACL it takes; `None` when it has its own.
    fn taken_from(&self) -> Option<Uuid> {
        None
    }
}

/// Refuses who may not read it, as if there were none.
pub(crate) fn readable<S: Shared>(gate: &Gate, shared: &S) -> AclResult<Object> {
    let object = shared.object(gate);
    gate.check(Action::Read, &object)?;
    Ok(object)
}

/// Refuses while sharing is switched off.
pub(crate) fn sharing_on<S: Shared>(gate: &Gate, shared: &S) -> AclResult<()> {
    let resource = S::Role::RESOURCE;
    let off = shared.sharing_off(gate);
    off.map_or(Ok(()), |off| Err(AclError::Off { resource, off }))
}

/// Refuses what has no ACL of its own.
pub(crate) fn outermost<S: Shared>(shared: &S) -> AclResult<()> {
    let resource = S::Role::RESOURCE;
    let root = shared.taken_from();
    root.map_or(Ok(()), |root| Err(AclError::Inner { resource, root }))
}

/// Refuses who may not share it.
pub(crate) fn may_share(gate: &Gate, object: &Object) -> AclResult<()> {
    let checked = gate.check(Action::Share, object);
    checked.map_err(|error| match error {
        StoreError::Denied { resource, .. } => AclError::NotShareable { resource },
        other => other.into(),
    })
}

/// The first four steps.
pub(crate) fn shareable<S: Shared>(gate: &Gate, shared: &S) -> AclResult<()> {
    let object = readable(gate, shared)?;
    sharing_on(gate, shared)?;
    outermost(shared)?;
    may_share(gate, &object)
}

/// Refuses a change that names the caller.
pub(crate) fn not_own<R: AclRole>(
    gate: &Gate,
    named: impl FnOnce(UserId) -> bool,
) -> AclResult<()> {
    let own = gate.actor().is_some_and(|actor| named(actor.user_id));
    let resource = R::RESOURCE;
    if own {
        Err(AclError::Own { resource })
    } else {
        Ok(())
    }
}

/// The last step: what is to be written, if anything is. The object must be locked, and the first four steps passed.
pub(crate) async fn change<S, U>(
    gate: &Gate,
    unit: &mut U,
    locked: &S,
    change: &AclChange<S::Role>,
) -> AclResult<AclDiff>
where
    S: Shared + Sync,
    U: store::WriteUnit + ?Sized,
{
    not_own::<S::Role>(gate, |user| change.names(user))?;
    let owner = locked.owner();
    let mut wanted = change.wanted();
    // Never locked: whoever ends the owner's account holds the membership, and waits for the object.
    let names_owner = wanted.users.remove(&owner);
    let mut known = unit
        .acl_principal_lock(locked.organization(), &wanted)
        .await?;
    if names_owner {
        known.users.insert(owner);
    }
    let problems = change.problems(&known, locked.acl(), owner);
    if !problems.is_empty() {
        let resource = S::Role::RESOURCE;
        return Err(AclError::Invalid { resource, problems });
    }
    Ok(locked.acl().diff(&locked.acl().merged(change)))
}

/// Who it is shared with, by name. Nothing is asked of the caller's rights to see these people and groups: whoever may
/// see the ACL sees names and numbers, and neither e-mail addresses nor who is in a group.
pub(crate) async fn listing<S, U>(unit: &mut U, shared: &S) -> StoreResult<AclListing<S::Role>>
where
    S: Shared + Sync,
    U: store::ReadUnit + ?Sized,
{
    let (acl, organization) = (shared.acl(), shared.organization());
    let users = Visibility::IdIn(acl.users().keys().map(|id| id.0).collect());
    let groups = Visibility::IdIn(acl.groups().keys().map(|id| id.0).collect());
    let filter = GroupFilter {
        organization_id: Some(organization),
        user_id: None,
    };
    let members = unit.organization_member_list(organization, &users).await?;
    let groups = unit.group_list(filter, &groups).await?;
    let user = |member: model::organizations::OrganizationMember| {
        let role = *acl.users().get(&member.user_id)?;
        Some(AclUser {
            id: member.user_id,
            username: member.username,
            name: member.name,
            role,
        })
    };
    let group = |group: model::groups::Group| {
        let role = *acl.groups().get(&group.id)?;
        Some((group, role))
    };
    Ok(AclListing {
        users: members.into_iter().filter_map(user).collect(),
        groups: groups.into_iter().filter_map(group).collect(),
    })
}
