//! The decision itself: pick the cell for where the object is, test a bit, and look at ACL and allow-list
//! only if that is needed.

use uuid::Uuid;

use crate::{
    fold::Grant,
    object::{AclEntry, Object},
    registry::Action,
    subject::{Mode, PreparedSubject},
};

/// The answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// The subject may.
    Allow,
    /// The subject may not, or nothing says that it may.
    Deny,
}

impl Decision {
    /// Whether the subject may.
    #[must_use]
    pub const fn allows(self) -> bool {
        matches!(self, Self::Allow)
    }

    pub(crate) const fn of(allowed: bool) -> Self {
        if allowed { Self::Allow } else { Self::Deny }
    }
}

/// The entry of an object's ACL that grants an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AclMatch {
    User,
    Group(Uuid),
    Everyone,
}

impl PreparedSubject {
    /// Decides. Takes no lock, allocates nothing, compares no text.
    #[inline]
    #[must_use]
    pub fn decide(&self, action: Action, object: &Object) -> Decision {
        Decision::of(self.allows(action, object))
    }

    /// Whether [`PreparedSubject::decide`] allows.
    #[inline]
    #[must_use]
    pub fn allows(&self, action: Action, object: &Object) -> bool {
        self.roles_or_acl_allow(action, object)
            && (self.admits_all || self.allow_list_admits(object))
    }

    #[inline]
    fn roles_or_acl_allow(&self, action: Action, object: &Object) -> bool {
        let resource = object.resource();
        if object.in_any_org() {
            return self.allows_in_any_org(action, object);
        }
        let outside = self.folded.outside(resource);
        let Some(org) = object.get_org() else {
            let own = self.owns(object) || self.both_are_nobody(object);
            return if own { outside.own } else { outside.any }.contains(action);
        };
        // What the site level grants is granted in every organization, so nothing has to be looked up for it.
        if outside.any.contains(action) {
            return true;
        }
        let Some(block) = self.folded.block(org) else {
            return false;
        };
        self.grants(self.folded.granted(block, resource), action, object)
            || (object.is_shared(action)
                && self.grants(self.folded.by_acl(block, resource), action, object)
                && self.acl_match(action, object, Some(org)).is_some())
    }

    fn allows_in_any_org(&self, action: Action, object: &Object) -> bool {
        let resource = object.resource();
        if self.contradicts_itself(object) {
            return false;
        }
        let cell = self.folded.anywhere(resource);
        if self.grants(cell.granted, action, object) {
            return true;
        }
        if !object.is_shared(action) {
            return false;
        }
        let by_acl = |grant, org| {
            self.grants(grant, action, object) && self.acl_match(action, object, org).is_some()
        };
        match self.mode {
            Mode::Bursar => self.orgs.iter().enumerate().any(|(index, org)| {
                let cell = self.folded.inside_at(index, resource);
                by_acl(cell.by_acl, Some(*org))
            }),
            Mode::Reference => !self.orgs.is_empty() && by_acl(cell.by_acl, object.get_org()),
        }
    }

    #[inline]
    fn grants(&self, grant: Grant, action: Action, object: &Object) -> bool {
        grant.any.contains(action) || (grant.own.contains(action) && self.owns(object))
    }

    /// The first ACL entry that grants the action, for an object in this organization, which the subject must
    /// be a member of.
    pub(crate) fn acl_match(
        &self,
        action: Action,
        object: &Object,
        org: Option<Uuid>,
    ) -> Option<AclMatch> {
        let grants = |entry: &&AclEntry| entry.actions.contains(action);
        if object
            .user_acl()
            .iter()
            .filter(grants)
            .any(|entry| entry.id == self.id)
        {
            return Some(AclMatch::User);
        }
        object.group_acl().iter().filter(grants).find_map(|entry| {
            if self.groups.binary_search(&entry.id).is_ok() {
                Some(AclMatch::Group(entry.id))
            } else if Some(entry.id) == org {
                Some(AclMatch::Everyone)
            } else {
                None
            }
        })
    }

    /// Whether the object is the subject's own.
    #[inline]
    pub(crate) fn owns(&self, object: &Object) -> bool {
        match self.mode {
            Mode::Bursar => object.get_owner() == Some(self.id) && !self.id.is_nil(),
            Mode::Reference => object.get_owner() == Some(self.id),
        }
    }

    /// The reference's user level takes an object without an owner as the own of a subject without an id.
    #[inline]
    pub(crate) fn both_are_nobody(&self, object: &Object) -> bool {
        self.mode == Mode::Reference && self.id.is_nil() && object.get_owner().is_none()
    }

    /// In one organization and in any at once.
    pub(crate) fn contradicts_itself(&self, object: &Object) -> bool {
        self.mode == Mode::Bursar && object.in_any_org() && object.get_org().is_some()
    }

    pub(crate) fn allow_list_admits(&self, object: &Object) -> bool {
        self.allow_list
            .admits(object.resource(), self.listed_id(object))
    }

    /// The id to look for in the allow-list. To the reference, an empty id equals an empty id.
    pub(crate) fn listed_id(&self, object: &Object) -> Option<Uuid> {
        match self.mode {
            Mode::Bursar => object.get_id(),
            Mode::Reference => object.get_id().or(Some(Uuid::nil())),
        }
    }
}
