//! Scopes: what a token lets through of its owner's rights.

use std::{
    fmt,
    str::FromStr,
    sync::{Arc, LazyLock},
};

use crate::{
    allow_list::{AllowList, AllowListError},
    generated::CompositeScope,
    permission::Permission,
    registry::{Action, ResourceType},
    role::Role,
    subject::Assignment,
};

/// A name that a token's scope is written with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ScopeName {
    /// `all`, or `coder:all`: everything but admin mode.
    All,
    /// `admin_mode`: no permission, but what a session has in admin mode. No part of `all`.
    AdminMode,
    /// A bundle of permissions, such as `coder:apikeys.manage_self`.
    Composite(CompositeScope),
    /// `<type>:*`: everything on one type.
    Type(ResourceType),
    /// `<type>:<action>`: one action on one type.
    Action(ResourceType, Action),
}

/// A scope that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScopeError {
    /// No such name.
    #[error("no scope named \"{0}\"")]
    Name(String),
    /// The allow-list is broken.
    #[error(transparent)]
    AllowList(#[from] AllowListError),
}

impl ScopeName {
    /// Every name, generated from the registry.
    #[must_use]
    pub fn catalogue() -> Vec<Self> {
        let mut names = vec![Self::All, Self::AdminMode];
        names.extend(CompositeScope::ALL.iter().copied().map(Self::Composite));
        for resource in ResourceType::ALL {
            names.push(Self::Type(*resource));
            let actions = resource.described().iter();
            names.extend(actions.map(|(action, _)| Self::Action(*resource, *action)));
        }
        names
    }

    /// What the name lets through on every object.
    #[must_use]
    pub fn permissions(self) -> Vec<Permission> {
        let one = |resource, action| Permission {
            negate: false,
            resource: Some(resource),
            action,
        };
        match self {
            Self::All => vec![Permission::ANY],
            Self::AdminMode => Vec::new(),
            Self::Type(resource) => vec![one(resource, None)],
            Self::Action(resource, action) => vec![one(resource, Some(action))],
            Self::Composite(bundle) => {
                let grants = bundle.grants().iter();
                let each = |(resource, actions): &(ResourceType, &'static [Action])| {
                    let resource = *resource;
                    actions
                        .iter()
                        .map(move |action| one(resource, Some(*action)))
                };
                grants.flat_map(each).collect()
            }
        }
    }
}

/// Whether a positive permission lets everything through that another one does. A wildcard is covered by a
/// wildcard only, so that an action which a type gains later is not covered by chance.
fn permission_covers(own: Permission, asked: Permission) -> bool {
    (own.resource.is_none() || own.resource == asked.resource)
        && (own.action.is_none() || own.action == asked.action)
}

impl FromStr for ScopeName {
    type Err = ScopeError;

    fn from_str(text: &str) -> Result<Self, ScopeError> {
        if matches!(text, "all" | "coder:all") {
            return Ok(Self::All);
        }
        if text == "admin_mode" {
            return Ok(Self::AdminMode);
        }
        if let Some(bundle) = CompositeScope::by_name(text) {
            return Ok(Self::Composite(bundle));
        }
        let named = text.split_once(':').and_then(|(resource, action)| {
            let resource: ResourceType = resource.parse().ok()?;
            if action == "*" {
                return Some(Self::Type(resource));
            }
            let action: Action = action.parse().ok()?;
            resource
                .actions()
                .contains(action)
                .then_some(Self::Action(resource, action))
        });
        named.ok_or_else(|| ScopeError::Name(text.to_owned()))
    }
}

impl fmt::Display for ScopeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all"),
            Self::AdminMode => f.write_str("admin_mode"),
            Self::Composite(bundle) => f.write_str(bundle.as_str()),
            Self::Type(resource) => write!(f, "{resource}:*"),
            Self::Action(resource, action) => write!(f, "{resource}:{action}"),
        }
    }
}

/// The scope of a token as it is asked for and stored: names and an allow-list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScopeSet {
    /// Sorted, without duplicates, never empty.
    names: Vec<ScopeName>,
    allow_list: AllowList,
}

impl ScopeSet {
    /// Everything.
    #[must_use]
    pub fn all() -> Self {
        Self {
            names: vec![ScopeName::All],
            allow_list: AllowList::any(),
        }
    }

    /// Reads what a caller asks for or what is stored. No name is `all`; no allow-list (`None`) is `*:*`,
    /// but an empty one admits nothing.
    ///
    /// # Errors
    ///
    /// A name that does not exist, or a broken allow-list.
    pub fn parse<N: AsRef<str>, A: AsRef<str>>(
        names: &[N],
        allow_list: Option<&[A]>,
    ) -> Result<Self, ScopeError> {
        let parsed: Result<Vec<_>, _> = names.iter().map(|name| name.as_ref().parse()).collect();
        let mut names: Vec<ScopeName> = parsed?;
        if names.is_empty() {
            names.push(ScopeName::All);
        }
        names.sort_unstable();
        names.dedup();
        let allow_list = match allow_list {
            Some(entries) => AllowList::parse(entries)?,
            None => AllowList::any(),
        };
        Ok(Self { names, allow_list })
    }

    /// The names.
    #[must_use]
    pub fn names(&self) -> &[ScopeName] {
        &self.names
    }

    /// The names as text: the form to store, which [`ScopeSet::parse`] reads.
    #[must_use]
    pub fn name_strings(&self) -> Vec<String> {
        self.names.iter().map(ToString::to_string).collect()
    }

    /// The objects that may be touched.
    #[must_use]
    pub const fn allow_list(&self) -> &AllowList {
        &self.allow_list
    }

    /// Whether a token with this scope is in admin mode.
    #[must_use]
    pub fn admin_mode(&self) -> bool {
        self.names.contains(&ScopeName::AdminMode)
    }

    /// The same scope in admin mode.
    #[must_use]
    pub fn in_admin_mode(mut self) -> Self {
        self.names.push(ScopeName::AdminMode);
        self.names.sort_unstable();
        self.names.dedup();
        self
    }

    /// Whether a token with this scope may mint one with the requested scope: names and allow-list may only
    /// become narrower.
    #[must_use]
    pub fn covers(&self, requested: &Self) -> bool {
        if requested.admin_mode() && !self.admin_mode() {
            return false;
        }
        let own: Vec<_> = self.permissions().collect();
        let covered = |asked| own.iter().any(|own| permission_covers(*own, asked));
        requested.permissions().all(covered) && self.allow_list.covers(&requested.allow_list)
    }

    fn permissions(&self) -> impl Iterator<Item = Permission> + '_ {
        self.names.iter().flat_map(|name| name.permissions())
    }

    /// The scope for a subject.
    #[must_use]
    pub fn to_scope(&self) -> Scope {
        let grants = self.names.iter().map(|name| Assignment {
            org: None,
            role: role_of(*name),
        });
        Scope {
            grants: grants.collect(),
            allow_list: self.allow_list.clone(),
        }
    }
}

impl Default for ScopeSet {
    fn default() -> Self {
        Self::all()
    }
}

fn role_of(name: ScopeName) -> Arc<Role> {
    static ALL: LazyLock<Arc<Role>> =
        LazyLock::new(|| Arc::new(Role::new("all", "").with_site([Permission::ANY])));
    match name {
        ScopeName::All => Arc::clone(&ALL),
        _ => Arc::new(Role::new(name.to_string(), "").with_site(name.permissions())),
    }
}

/// What a token lets through: permissions on the four levels, as roles hold them, and an allow-list.
#[derive(Debug, Clone)]
pub struct Scope {
    pub(crate) grants: Vec<Assignment>,
    pub(crate) allow_list: AllowList,
}

impl Scope {
    /// Everything.
    #[must_use]
    pub fn all() -> Self {
        ScopeSet::all().to_scope()
    }

    /// A scope that no name describes: any roles, held anywhere. Makes nobody a member of an organization.
    #[must_use]
    pub const fn from_grants(grants: Vec<Assignment>, allow_list: AllowList) -> Self {
        Self { grants, allow_list }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(names: &[&str], allow_list: Option<&[&str]>) -> ScopeSet {
        ScopeSet::parse(names, allow_list).unwrap()
    }

    #[test]
    fn every_name_of_the_catalogue_round_trips() {
        for name in ScopeName::catalogue() {
            assert_eq!(name.to_string().parse(), Ok(name));
        }
        assert_eq!("coder:all".parse(), Ok(ScopeName::All));
        assert!(ScopeName::catalogue().contains(&"ai_provider:use".parse().unwrap()));
    }

    #[test]
    fn unknown_names_are_refused() {
        for name in [
            "",
            "*",
            "*:*",
            "user",
            "user:",
            "user:ssh",
            "user:fly",
            "system:read",
            "coder:templates.build",
            "no_user_data",
            "user.*",
            "All",
        ] {
            let error = name.parse::<ScopeName>().unwrap_err();
            assert_eq!(error.to_string(), format!("no scope named \"{name}\""));
        }
    }

    #[test]
    fn no_name_is_all_and_no_allow_list_is_any() {
        assert_eq!(set(&[], None), ScopeSet::all());
        assert_eq!(set(&["coder:all", "all"], Some(&["*:*"])), ScopeSet::all());
        assert!(set(&[], Some(&[])).allow_list().entries().is_empty());
        let stored = set(&["chat:read", "api_key:*"], Some(&["chat:*"]));
        let read = ScopeSet::parse(
            &stored.name_strings(),
            Some(&stored.allow_list().to_strings()),
        );
        assert_eq!(read, Ok(stored));
    }

    #[test]
    fn admin_mode_is_no_part_of_anything_else() {
        let admin = set(&["admin_mode", "all", "admin_mode"], None);
        assert!(admin.admin_mode() && !ScopeSet::all().admin_mode());
        assert_eq!(admin, ScopeSet::all().in_admin_mode());
        assert_eq!(admin, admin.clone().in_admin_mode());
        assert_eq!(admin.name_strings(), ["all", "admin_mode"]);
        assert_eq!(ScopeName::AdminMode.permissions(), []);
        // Alone it lets nothing through, and it is not taken for no name.
        assert_eq!(set(&["admin_mode"], None).names(), [ScopeName::AdminMode]);
        for (own, asked, covered) in [
            (&["all"][..], &["all", "admin_mode"][..], false),
            (&["all"], &["admin_mode"], false),
            (&["all", "admin_mode"], &["all"], true),
            (&["all", "admin_mode"], &["all", "admin_mode"], true),
            (
                &["user:read", "admin_mode"],
                &["user:read", "admin_mode"],
                true,
            ),
            (&["admin_mode"], &["all"], false),
        ] {
            let found = set(own, None).covers(&set(asked, None));
            assert_eq!(found, covered, "{own:?} {asked:?}");
        }
    }

    #[test]
    fn a_token_mints_only_what_it_covers() {
        let chat = "chat:00000000-0000-0000-0000-000000000001";
        let rows = [
            (set(&["all"], None), set(&["all"], None), true),
            (
                set(&["all"], None),
                set(&["chat:*", "user:read"], Some(&[chat])),
                true,
            ),
            (set(&["chat:*"], None), set(&["all"], None), false),
            (set(&["chat:*"], None), set(&[], None), false),
            (set(&["chat:*"], None), set(&["chat:*"], None), true),
            (
                set(&["chat:*"], None),
                set(&["chat:read", "chat:share"], None),
                true,
            ),
            (set(&["chat:*"], None), set(&["user:read"], None), false),
            (
                set(&["chat:read", "user:read"], None),
                set(&["chat:read"], None),
                true,
            ),
            (set(&["chat:read"], None), set(&["chat:*"], None), false),
            (
                set(&["chat:read"], None),
                set(&["chat:update"], None),
                false,
            ),
            (
                set(&["coder:workspaces.access"], None),
                set(&["workspace:ssh"], None),
                true,
            ),
            (
                set(&["workspace:*"], None),
                set(&["coder:workspaces.access"], None),
                false,
            ),
            (
                set(&["workspace:*", "organization_member:read"], None),
                set(&["coder:workspaces.access"], None),
                true,
            ),
            (
                set(&["coder:apikeys.manage_self"], None),
                set(&["api_key:*"], None),
                false,
            ),
            (set(&["all"], Some(&[chat])), set(&["all"], None), false),
            (
                set(&["all"], Some(&[chat])),
                set(&["all"], Some(&["chat:*"])),
                false,
            ),
            (
                set(&["all"], Some(&["chat:*"])),
                set(&["all"], Some(&[chat])),
                true,
            ),
            (set(&["all"], Some(&[chat])), set(&["all"], Some(&[])), true),
            (
                set(&["all"], Some(&[])),
                set(&["all"], Some(&[chat])),
                false,
            ),
        ];
        for (own, asked, covered) in rows {
            assert_eq!(own.covers(&asked), covered, "{own:?} {asked:?}");
        }
    }
}
