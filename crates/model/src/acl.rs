//! Who else may use an object: the one ACL of everything that is shared, generic over the roles that it knows.
//!
//! An [`Acl`] is what an object has, an [`AclChange`] what somebody asks for: two maps from ids, in any spelling, to
//! names of roles, where the empty name removes an entry. Whatever is wrong with a change is found before anything is
//! written, and told together ([`AclChange::problems`]); then it is merged onto the value under lock
//! ([`Acl::merged`]), and only what differs is written ([`Acl::diff`]).
//!
//! To share something else: an enum that is an [`AclRole`] in the feature's module here; the rest is told in the
//! crates `db` and `dbauthz`, in the modules of this name.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    fmt::{Debug, Display},
    str::FromStr,
};

use rbac::{Action, ActionSet, Object, ResourceType};

use crate::{GroupId, Name, UserId, groups::Group};

/// With how many people and groups one object may be shared, and how many entries of a kind a change may name.
pub const ACL_ENTRIES_MAX: usize = 1_000;

/// What an entry lets its principal do: one of a type's few named roles.
pub trait AclRole: Debug + Copy + Ord + Send + Sync + 'static {
    /// The type of the objects.
    const RESOURCE: ResourceType;
    /// Every role.
    const ALL: &'static [Self];

    /// Its name, as it is stored and sent.
    fn as_str(self) -> &'static str;

    /// What it lets do.
    fn actions(self) -> ActionSet;

    /// The role of this name.
    #[must_use]
    fn parse(name: &str) -> Option<Self> {
        let known = Self::ALL.iter().copied();
        known.into_iter().find(|role| role.as_str() == name)
    }

    /// The names of the roles that let do this.
    #[must_use]
    fn granting(action: Action) -> Vec<&'static str> {
        let granting = |role: &&Self| role.actions().contains(action);
        let names = Self::ALL.iter().filter(granting);
        names.map(|role| role.as_str()).collect()
    }
}

/// Whether an entry is about a person or about a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PrincipalKind {
    /// A person or service account.
    User,
    /// A group; the Everyone group stands for its whole organization.
    Group,
}

impl PrincipalKind {
    /// The word that is stored, and that starts a sentence about one.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Group => "group",
        }
    }
}

/// With whom an object is shared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Principal {
    /// A person or service account.
    User(UserId),
    /// A group; the Everyone group stands for its whole organization.
    Group(GroupId),
}

/// With whom an object is shared, and in which roles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acl<R> {
    users: BTreeMap<UserId, R>,
    groups: BTreeMap<GroupId, R>,
}

impl<R> Default for Acl<R> {
    fn default() -> Self {
        Self {
            users: BTreeMap::new(),
            groups: BTreeMap::new(),
        }
    }
}

impl<R> FromIterator<(Principal, R)> for Acl<R> {
    fn from_iter<I: IntoIterator<Item = (Principal, R)>>(entries: I) -> Self {
        let mut acl = Self::default();
        for (principal, role) in entries {
            match principal {
                Principal::User(id) => drop(acl.users.insert(id, role)),
                Principal::Group(id) => drop(acl.groups.insert(id, role)),
            }
        }
        acl
    }
}

impl<R: AclRole> Acl<R> {
    /// The people, by id.
    #[must_use]
    pub const fn users(&self) -> &BTreeMap<UserId, R> {
        &self.users
    }

    /// The groups, by id.
    #[must_use]
    pub const fn groups(&self) -> &BTreeMap<GroupId, R> {
        &self.groups
    }

    /// How many entries there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.users.len().saturating_add(self.groups.len())
    }

    /// Whether it is shared with nobody.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.users.is_empty() && self.groups.is_empty()
    }

    /// The object with what these entries let do.
    #[must_use]
    pub fn onto(&self, object: Object) -> Object {
        let users = self.users.iter().map(|(id, role)| (id.0, role.actions()));
        let object = users.fold(object, |object, (id, actions)| {
            object.with_user_acl(id, actions)
        });
        let groups = self.groups.iter().map(|(id, role)| (id.0, role.actions()));
        groups.fold(object, |object, (id, actions)| {
            object.with_group_acl(id, actions)
        })
    }

    /// What a change makes of it: what it names is set or removed, everything else stays.
    #[must_use]
    pub fn merged(&self, change: &AclChange<R>) -> Self {
        Self {
            users: merged(&self.users, &change.users.roles),
            groups: merged(&self.groups, &change.groups.roles),
        }
    }

    /// What must be written to turn it into another one.
    #[must_use]
    pub fn diff(&self, after: &Self) -> AclDiff {
        let mut diff = AclDiff::default();
        differences(&self.users, &after.users, Principal::User, &mut diff);
        differences(&self.groups, &after.groups, Principal::Group, &mut diff);
        diff
    }
}

fn merged<Id: Ord + Copy, R: Copy>(
    before: &BTreeMap<Id, R>,
    change: &BTreeMap<Id, Option<R>>,
) -> BTreeMap<Id, R> {
    let mut after = before.clone();
    for (id, role) in change {
        match role {
            Some(role) => drop(after.insert(*id, *role)),
            None => drop(after.remove(id)),
        }
    }
    after
}

fn differences<Id: Ord + Copy, R: AclRole>(
    before: &BTreeMap<Id, R>,
    after: &BTreeMap<Id, R>,
    principal: impl Fn(Id) -> Principal,
    diff: &mut AclDiff,
) {
    let other = after
        .iter()
        .filter(|(id, role)| before.get(id) != Some(role));
    let other = other.map(|(id, role)| (principal(*id), role.as_str()));
    diff.set.extend(other);
    let gone = before.keys().filter(|id| !after.contains_key(id));
    diff.removed.extend(gone.map(|id| principal(*id)));
}

/// The entries that are written by a change.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AclDiff {
    /// New entries, and those whose role becomes this one.
    pub set: Vec<(Principal, &'static str)>,
    /// Entries that end.
    pub removed: Vec<Principal>,
}

impl AclDiff {
    /// Whether there is nothing to write.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.set.is_empty() && self.removed.is_empty()
    }
}

/// A change of an ACL as somebody asks for it, with all that is wrong with it by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AclChange<R> {
    users: Side<UserId, R>,
    groups: Side<GroupId, R>,
    others: Vec<AclProblem>,
}

/// The entries of one kind in a change.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Side<Id, R> {
    /// What becomes of each; `None` removes it.
    roles: BTreeMap<Id, Option<R>>,
    /// Everybody who is named, whatever with.
    named: BTreeSet<Id>,
    /// Who is to get a role, and so must exist.
    wanted: BTreeSet<Id>,
    problems: Vec<String>,
}

impl<R: AclRole> AclChange<R> {
    /// Reads two maps from ids to names of roles. An id may be spelled in any way that a UUID is; an empty role
    /// removes the entry.
    pub fn parse<'a>(
        user_roles: impl IntoIterator<Item = (&'a str, &'a str)>,
        group_roles: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Self {
        Self {
            users: Side::parse(PrincipalKind::User, user_roles),
            groups: Side::parse(PrincipalKind::Group, group_roles),
            others: Vec::new(),
        }
    }

    /// The same with something more that is wrong with it, which is told together with the rest.
    #[must_use]
    pub fn wrong(mut self, field: AclField, detail: &str) -> Self {
        let detail = detail.to_owned();
        self.others.push(AclProblem { field, detail });
        self
    }

    /// Whether it names this person, in whatever spelling and with whatever role.
    #[must_use]
    pub fn names(&self, user: UserId) -> bool {
        self.users.named.contains(&user)
    }

    /// The people and groups that are to get a role. Who loses one need not exist any more.
    #[must_use]
    pub fn wanted(&self) -> AclPrincipals {
        AclPrincipals {
            users: self.users.wanted.clone(),
            groups: self.groups.wanted.clone(),
        }
    }

    /// Everything that is wrong with it, groups first, then people, then the rest, when these are who may get a role and this is the ACL that it
    /// changes, of an object of this owner. The owner gets none: nobody changes their own entry, so it would stay.
    #[must_use]
    pub fn problems(&self, known: &AclPrincipals, acl: &Acl<R>, owner: UserId) -> Vec<AclProblem> {
        let mut groups = self.groups.problems(PrincipalKind::Group, &known.groups);
        let mut users = self.users.problems(PrincipalKind::User, &known.users);
        if self.users.wanted.contains(&owner) {
            users.push(format!("user with ID {owner} owns the {}", R::RESOURCE));
        }
        if acl.merged(self).len() > ACL_ENTRIES_MAX {
            let side = if self.users.wanted.is_empty() {
                &mut groups
            } else {
                &mut users
            };
            side.push(format!(
                "a {} can be shared with at most {ACL_ENTRIES_MAX} users and groups",
                R::RESOURCE
            ));
        }
        let problem = |field| move |detail| AclProblem { field, detail };
        let groups = groups.into_iter().map(problem(AclField::Groups));
        let users = users.into_iter().map(problem(AclField::Users));
        groups.chain(users).chain(self.others.clone()).collect()
    }
}

/// The greatest length of what a complaint repeats, in characters.
const REPEATED_CHARS: usize = 100;

/// A text as a complaint repeats it: a long one is known by its beginning.
fn short(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(REPEATED_CHARS) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()).into(),
        None => text.into(),
    }
}

impl<Id, R> Side<Id, R>
where
    Id: FromStr + Ord + Copy + Display,
    R: AclRole,
{
    fn parse<'a>(
        kind: PrincipalKind,
        entries: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Self {
        let mut side = Self {
            roles: BTreeMap::new(),
            named: BTreeSet::new(),
            wanted: BTreeSet::new(),
            problems: Vec::new(),
        };
        for (place, (key, name)) in entries.into_iter().enumerate() {
            if place >= ACL_ENTRIES_MAX {
                let text = format!("at most {ACL_ENTRIES_MAX} entries can be changed at once");
                side.problems.push(text);
                break;
            }
            side.read(kind, key, name);
        }
        side
    }

    fn read(&mut self, kind: PrincipalKind, key: &str, name: &str) {
        let role = R::parse(name);
        if role.is_none() && !name.is_empty() {
            let noun = R::RESOURCE;
            let text = format!("role \"{}\" is not a valid {noun} role", short(name));
            self.problems.push(text);
        }
        let Ok(id) = key.parse::<Id>() else {
            let text = format!("{} is not a valid UUID.", short(key));
            self.problems.push(text);
            return;
        };
        if !self.named.insert(id) {
            let kind = kind.as_str();
            let text = format!("{kind} with ID {id} is named more than once");
            self.problems.push(text);
        }
        self.roles.insert(id, role);
        if !name.is_empty() {
            self.wanted.insert(id);
        }
    }

    fn problems(&self, kind: PrincipalKind, known: &BTreeSet<Id>) -> Vec<String> {
        let kind = kind.as_str();
        let unknown = self.wanted.difference(known);
        let unknown = unknown.map(|id| format!("{kind} with ID {id} does not exist"));
        self.problems.iter().cloned().chain(unknown).collect()
    }
}

/// A part of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AclField {
    /// What becomes of groups' entries.
    Groups,
    /// What becomes of people's entries.
    Users,
    /// When the entries that it names end.
    Expiry,
}

/// Something that is wrong with a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AclProblem {
    /// What part of the change it is about.
    pub field: AclField,
    /// What it is, for the caller.
    pub detail: String,
}

/// People and groups.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AclPrincipals {
    /// The people.
    pub users: BTreeSet<UserId>,
    /// The groups.
    pub groups: BTreeSet<GroupId>,
}

/// Why nobody may share an object, whatever their rights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SharingOff {
    /// The deployment switched it off.
    Deployment,
    /// The organization switched it off.
    Organization,
    /// The organization lets share only what belongs to service accounts.
    Owner,
}

/// An ACL with the names of who is in it, and nothing else about them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AclListing<R> {
    /// The people, by username.
    pub users: Vec<AclUser<R>>,
    /// The groups, by name.
    pub groups: Vec<(Group, R)>,
}

/// A person with whom an object is shared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AclUser<R> {
    /// The person.
    pub id: UserId,
    /// The unique name.
    pub username: Name,
    /// The name that people read.
    pub name: String,
    /// What they may do.
    pub role: R,
}

#[cfg(test)]
mod tests;
