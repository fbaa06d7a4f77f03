//! Visibility: which rows of a type the subject may act on, as a small tree that a database can apply.

use uuid::Uuid;

use crate::{
    fold::Cell,
    object::{AclEntry, Object},
    registry::{Action, ResourceType},
    subject::PreparedSubject,
};

/// A condition on a row. It speaks of ids only, so that it can be turned into SQL with bind parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Visibility {
    /// Every row.
    All,
    /// No row.
    None,
    /// Rows in one of these organizations.
    OrgIn(Vec<Uuid>),
    /// Rows in no organization.
    OrgIsNull,
    /// Rows with one of these ids.
    IdIn(Vec<Uuid>),
    /// Rows owned by this user.
    OwnerIs(Uuid),
    /// Rows whose user ACL lets this user do the action.
    UserAcl {
        /// The user.
        user: Uuid,
        /// The action.
        action: Action,
    },
    /// Rows whose group ACL lets one of these groups, or everyone in the row's own organization, do the
    /// action.
    GroupAcl {
        /// The groups.
        groups: Vec<Uuid>,
        /// The action.
        action: Action,
    },
    /// All conditions hold.
    And(Vec<Self>),
    /// Some condition holds.
    Or(Vec<Self>),
}

impl Visibility {
    /// Whether a row is visible. The object must be a row, not a question about any organization.
    #[must_use]
    pub fn matches(&self, object: &Object) -> bool {
        match self {
            Self::All => true,
            Self::None => false,
            Self::OrgIn(orgs) => object.get_org().is_some_and(|org| orgs.contains(&org)),
            Self::OrgIsNull => object.get_org().is_none(),
            Self::IdIn(ids) => object.get_id().is_some_and(|id| ids.contains(&id)),
            Self::OwnerIs(user) => object.get_owner() == Some(*user),
            Self::UserAcl { user, action } => {
                let grants = |e: &AclEntry| e.id == *user && e.actions.contains(*action);
                object.user_acl().iter().any(grants)
            }
            Self::GroupAcl { groups, action } => {
                let mine = |id: Uuid| groups.contains(&id) || object.get_org() == Some(id);
                let grants = |e: &AclEntry| e.actions.contains(*action) && mine(e.id);
                object.group_acl().iter().any(grants)
            }
            Self::And(parts) => parts.iter().all(|part| part.matches(object)),
            Self::Or(parts) => parts.iter().any(|part| part.matches(object)),
        }
    }

    /// The same without what ACLs grant: for tables whose ACLs do not count while sharing is switched off.
    #[must_use]
    pub fn without_acl(self) -> Self {
        match self {
            Self::UserAcl { .. } | Self::GroupAcl { .. } => Self::None,
            Self::And(parts) => Self::and(parts.into_iter().map(Self::without_acl)),
            Self::Or(parts) => Self::or(parts.into_iter().map(Self::without_acl)),
            kept @ (Self::All
            | Self::None
            | Self::OrgIn(_)
            | Self::OrgIsNull
            | Self::IdIn(_)
            | Self::OwnerIs(_)) => kept,
        }
    }

    fn and(parts: impl IntoIterator<Item = Self>) -> Self {
        let mut kept = Vec::new();
        for part in parts {
            match part {
                Self::All => {}
                Self::None => return Self::None,
                Self::And(inner) => kept.extend(inner),
                other => kept.push(other),
            }
        }
        if kept.len() > 1 {
            Self::And(kept)
        } else {
            kept.pop().unwrap_or(Self::All)
        }
    }

    fn or(parts: impl IntoIterator<Item = Self>) -> Self {
        let mut kept = Vec::new();
        for part in parts {
            match part {
                Self::None => {}
                Self::All => return Self::All,
                Self::Or(inner) => kept.extend(inner),
                other => kept.push(other),
            }
        }
        if kept.len() > 1 {
            Self::Or(kept)
        } else {
            kept.pop().unwrap_or(Self::None)
        }
    }

    fn org_in(orgs: Vec<Uuid>) -> Self {
        if orgs.is_empty() {
            Self::None
        } else {
            Self::OrgIn(orgs)
        }
    }
}

impl PreparedSubject {
    /// The rows of a type that [`PreparedSubject::decide`] allows the action on.
    #[must_use]
    pub fn visibility(&self, action: Action, resource: ResourceType) -> Visibility {
        let rows = self.rows(action, resource);
        Visibility::and([rows, self.listed_rows(resource)])
    }

    /// By roles, ACL and scope, which the cells hold joined.
    fn rows(&self, action: Action, resource: ResourceType) -> Visibility {
        let outside = self.folded.outside(resource);
        if outside.any.contains(action) {
            return Visibility::All;
        }
        let orgs_where = |test: &dyn Fn(&Cell) -> bool| {
            let cells = (0..).map(|index| self.folded.inside_at(index, resource));
            let chosen = self.orgs.iter().zip(cells).filter(|(_, cell)| test(cell));
            Visibility::org_in(chosen.map(|(org, _)| *org).collect())
        };
        let whole = |cell: &Cell| cell.granted.any.contains(action);
        let own = |cell: &Cell| cell.granted.own.contains(action) && !whole(cell);
        let by_acl = |cell: &Cell| cell.by_acl.any.contains(action) && !whole(cell);
        // On own rows roles are asked first, so an ACL matters only where they do not already grant.
        let own_by_acl = |cell: &Cell| {
            cell.by_acl.own.contains(action) && !by_acl(cell) && !whole(cell) && !own(cell)
        };
        let mine = || Visibility::OwnerIs(self.id);
        let outside_own = if outside.own.contains(action) {
            Visibility::and([Visibility::OrgIsNull, mine()])
        } else {
            Visibility::None
        };
        Visibility::or([
            outside_own,
            orgs_where(&whole),
            Visibility::and([orgs_where(&own), mine()]),
            Visibility::and([orgs_where(&by_acl), self.by_acl(action)]),
            Visibility::and([orgs_where(&own_by_acl), mine(), self.by_acl(action)]),
        ])
    }

    fn by_acl(&self, action: Action) -> Visibility {
        Visibility::Or(vec![
            Visibility::UserAcl {
                user: self.id,
                action,
            },
            Visibility::GroupAcl {
                groups: self.groups.clone(),
                action,
            },
        ])
    }

    fn listed_rows(&self, resource: ResourceType) -> Visibility {
        if self.allow_list.admits(resource, None) {
            return Visibility::All;
        }
        let fits = |t: Option<ResourceType>| t.is_none_or(|listed| listed == resource);
        let entries = self
            .allow_list
            .entries()
            .iter()
            .filter(|entry| fits(entry.resource));
        let ids: Vec<_> = entries.filter_map(|entry| entry.id).collect();
        if ids.is_empty() {
            Visibility::None
        } else {
            Visibility::IdIn(ids)
        }
    }
}
