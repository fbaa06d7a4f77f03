//! People and service accounts.

mod logins;

use model::{
    Name, Page, PageRequest, UserId,
    users::{LoginType, NewUser, PasswordHash, User, UserFilter, UserStatus},
};
use rbac::{Action, Object, ResourceType, builtin};
use store::{StoreError, StoreResult};

pub use logins::{Logins, Setup};

use crate::{
    assignments::{may_become, may_give_defaults, not_above, roles_change},
    gate::Gate,
    rules::{Rule, Shape, rule},
    units::wrapper,
};

pub(crate) const RULES: &[Rule] = &[
    rule("user_get", Shape::Fetch, &["user:read"], ""),
    rule("user_get_by_name", Shape::Fetch, &["user:read"], ""),
    rule(
        "user_find",
        Shape::Fetch,
        &["user:read"],
        "by id, username or `me`",
    ),
    rule("user_list", Shape::Visibility, &["user:read"], ""),
    rule(
        "user_create",
        Shape::Check,
        &[
            "user:create",
            "organization_member:create",
            "assign_role:assign",
            "give a role",
        ],
        "each organization, each role, and the roles that every member of the organizations holds",
    ),
    rule("user_lock", Shape::Inside, &[], ""),
    rule("owner_count_lock", Shape::Inside, &[], ""),
    rule(
        "user_delete",
        Shape::Lock,
        &["user:delete", "give a role"],
        "nobody deletes themself; each site role held must be one that the caller may give; the last owner stays",
    ),
    rule(
        "user_status_update",
        Shape::Lock,
        &["user:update", "give a role"],
        "nobody suspends themself; each site role held must be one that the caller may give; the last owner stays",
    ),
    rule(
        "user_roles_update",
        Shape::Lock,
        &[
            "user:read",
            "assign_role:assign",
            "assign_role:unassign",
            "give a role",
            "take a role",
        ],
        "nobody changes their own; the last owner stays",
    ),
    rule(
        "user_password_update",
        Shape::Lock,
        &["user:update_personal", "user:update", "give a role"],
        "one's own: `user:update_personal`; another's: `user:update`, and each role held there, in the site \
         and its organizations, must be one that the caller may give; ends the other sessions",
    ),
    rule(
        "credentials_get",
        Shape::Fetch,
        &["user:read_personal"],
        "system actors only",
    ),
    rule(
        "credentials_get_by_user",
        Shape::Fetch,
        &["user:read_personal"],
        "system actors only",
    ),
    rule(
        "user_seen",
        Shape::Check,
        &["user:update_personal"],
        "system actors only",
    ),
    rule(
        "first_user_exists",
        Shape::Check,
        &["user:read"],
        "system actors only",
    ),
    rule("first_user_lock", Shape::Inside, &[], ""),
    rule(
        "first_user_create",
        Shape::Check,
        &[
            "organization:create",
            "user:create",
            "organization_member:create",
        ],
        "system actors only; gives the role `owner` unasked, but only while there is no account",
    ),
];

wrapper! {
    /// People and service accounts, each call authorized.
    Users
}

impl<U: store::ReadUnit + ?Sized> Users<'_, U> {
    /// One account.
    ///
    /// # Errors
    /// `NotFound`, `Denied`.
    pub async fn user_get(&mut self, id: UserId) -> StoreResult<User> {
        let user = self.unit.user_get(id).await?;
        self.readable(user)
    }

    /// One account by its unique name, without regard to case.
    ///
    /// # Errors
    /// `NotFound`, `Denied`.
    pub async fn user_get_by_name(&mut self, username: &Name) -> StoreResult<User> {
        let user = self.unit.user_get_by_name(username).await?;
        self.readable(user)
    }

    /// One account as an address names it: by id, by username, or `me` for the caller.
    ///
    /// # Errors
    /// `NotFound`, also for a text that can be no name; `Denied`.
    pub async fn user_find(&mut self, text: &str) -> StoreResult<User> {
        let user = locate(self.gate, self.unit, text).await?;
        self.readable(Some(user))
    }

    /// A page of the accounts that the caller may read, by username.
    ///
    /// # Errors
    /// None of its own: who may read nobody gets an empty page.
    pub async fn user_list(
        &mut self,
        filter: &UserFilter,
        page: PageRequest,
    ) -> StoreResult<Page<User>> {
        let visibility = self.gate.readable(ResourceType::User);
        self.unit.user_list(filter, page, &visibility).await
    }

    fn readable(&self, user: Option<User>) -> StoreResult<User> {
        let user = user.ok_or(StoreError::NotFound)?;
        self.gate.check(Action::Read, &Object::user(user.id.0))?;
        Ok(user)
    }
}

impl<U: store::WriteUnit + ?Sized> Users<'_, U> {
    /// Makes an account, and its memberships. Implied roles among those named are dropped.
    ///
    /// # Errors
    /// `Denied`, `RoleNotAssignable`; as [`store::users::UserWrite::user_create`].
    pub async fn user_create(&mut self, user: &NewUser) -> StoreResult<User> {
        self.gate
            .check(Action::Create, &Object::new(ResourceType::User))?;
        for org in &user.organization_ids {
            let membership = Object::organization_member(org.0, user.id.0);
            self.gate.check(Action::Create, &membership)?;
            if self.gate.actor().is_none() {
                // The program gives nobody a role of its own accord: whoever set the defaults could give them, as
                // whoever maps claims to an organization could. It follows claims next, which locks the organization:
                // two who shared it until then would wait for each other.
                let held = self.unit.organization_lock(*org).await?;
                held.ok_or(StoreError::NotFound)?;
                continue;
            }
            let organization = self.unit.organization_get(*org).await?;
            let organization = organization.ok_or(StoreError::NotFound)?;
            let defaults = &organization.default_org_member_roles;
            may_give_defaults(self.gate, self.unit, *org, defaults).await?;
        }
        if user.roles.is_empty() {
            return self.unit.user_create(user).await;
        }
        let roles = roles_change(self.gate, self.unit, None, &[], &user.roles).await?;
        self.unit
            .user_create(&NewUser {
                roles,
                ..user.clone()
            })
            .await
    }

    /// Marks an account deleted; ends its keys and memberships.
    ///
    /// # Errors
    /// `NotFound`, `Denied`; `RoleNotAssignable` for an account above the caller; `Refused` for one's own
    /// and for the last owner.
    pub async fn user_delete(&mut self, id: UserId) -> StoreResult<()> {
        let (user, owners) = self.locked(id, Action::Delete).await?;
        if self.gate.acts_as(id) {
            return Err(StoreError::Refused(
                "You cannot delete yourself.".to_owned(),
            ));
        }
        not_above(self.gate, &user.roles)?;
        self.owner_stays(&user, owners).await?;
        self.unit.user_delete(id).await
    }

    /// Lets an account act, or stops it.
    ///
    /// # Errors
    /// `NotFound`, `Denied`; `RoleNotAssignable` for an account above the caller; `Refused` for suspending
    /// oneself or the last owner.
    pub async fn user_status_update(
        &mut self,
        id: UserId,
        status: UserStatus,
    ) -> StoreResult<User> {
        let (user, owners) = self.locked(id, Action::Update).await?;
        if status == UserStatus::Suspended && self.gate.acts_as(id) {
            return Err(StoreError::Refused(
                "You cannot suspend yourself.".to_owned(),
            ));
        }
        not_above(self.gate, &user.roles)?;
        if status == UserStatus::Suspended {
            self.owner_stays(&user, owners).await?;
        }
        self.unit.user_status_update(id, status).await
    }

    /// Replaces the site roles that an account was given. Implied roles among those named are dropped.
    ///
    /// # Errors
    /// `NotFound`, `Denied`, `RoleNotAssignable`; `Refused` for one's own roles and for the last owner.
    pub async fn user_roles_update(&mut self, id: UserId, roles: &[String]) -> StoreResult<User> {
        let (user, owners) = self.locked(id, Action::Read).await?;
        if self.gate.acts_as(id) {
            return Err(StoreError::Refused(
                "You cannot change your own roles.".to_owned(),
            ));
        }
        let wanted = roles_change(self.gate, self.unit, None, &user.roles, roles).await?;
        if !wanted.iter().any(|role| role == builtin::OWNER) {
            self.owner_stays(&user, owners).await?;
        }
        self.unit.user_roles_update(id, &wanted).await
    }

    /// Replaces a password and ends the account's other sessions. Confirming one's old password is the
    /// business of the crate `auth`.
    ///
    /// # Errors
    /// `NotFound`, `Denied`; `RoleNotAssignable` for an account above the caller; `Refused` for one that
    /// does not sign in by password.
    pub async fn user_password_update(
        &mut self,
        id: UserId,
        hash: &PasswordHash,
    ) -> StoreResult<()> {
        let user = self.unit.user_lock(id).await?.ok_or(StoreError::NotFound)?;
        let object = Object::user(user.id.0);
        let own = self.gate.actor().filter(|actor| actor.user_id == user.id);
        if own.is_some() {
            self.gate.check(Action::UpdatePersonal, &object)?;
        } else {
            self.gate.check(Action::Update, &object)?;
            may_become(self.gate, self.unit, &user).await?;
        }
        if user.login_type != LoginType::Password {
            let text = "This account does not sign in with a password.".to_owned();
            return Err(StoreError::Refused(text));
        }
        self.unit.user_password_update(id, hash).await?;
        let except = own.map(|actor| actor.key.id.as_str());
        self.unit.api_key_delete_sessions(id, except).await?;
        Ok(())
    }

    /// Checks and locks an account. The owners are locked before it, if it is one, and counted: always in
    /// this order, so that two removals of owners wait for each other instead of failing.
    async fn locked(&mut self, id: UserId, action: Action) -> StoreResult<(User, Option<u64>)> {
        let seen = self.unit.user_get(id).await?.ok_or(StoreError::NotFound)?;
        self.gate.check(action, &Object::user(seen.id.0))?;
        let owners = if active_owner(&seen) {
            Some(self.unit.owner_count_lock().await?)
        } else {
            None
        };
        let user = self.unit.user_lock(id).await?.ok_or(StoreError::NotFound)?;
        Ok((user, owners))
    }

    /// Refuses to lose the last active owner.
    async fn owner_stays(&mut self, user: &User, owners: Option<u64>) -> StoreResult<()> {
        if !active_owner(user) {
            return Ok(());
        }
        let owners = match owners {
            Some(owners) => owners,
            // The account became an owner between the look and the lock.
            None => self.unit.owner_count_lock().await?,
        };
        if owners > 1 {
            return Ok(());
        }
        Err(StoreError::Refused(
            "The last active owner must stay.".to_owned(),
        ))
    }
}

/// The account that an address names, by id, by username, or as `me`. What the caller may do with it, or that
/// it exists, is still to be checked.
pub(crate) async fn locate<U: store::ReadUnit + ?Sized>(
    gate: &Gate,
    unit: &mut U,
    text: &str,
) -> StoreResult<User> {
    let found = if text.eq_ignore_ascii_case("me") {
        let me = gate.actor().ok_or(StoreError::NotFound)?.user_id;
        unit.user_get(me).await?
    } else if let Ok(id) = text.parse() {
        unit.user_get(id).await?
    } else {
        let name: Name = text.parse().ok().ok_or(StoreError::NotFound)?;
        unit.user_get_by_name(&name).await?
    };
    found.ok_or(StoreError::NotFound)
}

fn active_owner(user: &User) -> bool {
    user.status == UserStatus::Active && user.roles.iter().any(|role| role == builtin::OWNER)
}
