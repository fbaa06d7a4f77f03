//! How an identity provider's claims become organizations, groups and roles: the settings, and what they would do.
//!
//! Nobody hands out or takes away by a setting what they could not by hand: a claim that gives a role, or a
//! membership, is a standing order to do so. What its writer could not give is refused; what the writer could not
//! take is left to its holders, whatever the claims say.

use std::collections::BTreeSet;

use model::{
    OrganizationId, UserId,
    idpsync::{
        GroupSync, GroupSyncUpdate, OrganizationSync, OrganizationSyncUpdate, Person,
        PlaceSettings, RoleSync, RoleSyncUpdate, SyncPlan, WantedGroups,
    },
};
use rbac::{Action, Object, ResourceType};
use serde_json::Value;
use store::{StoreError, StoreResult};

use crate::{
    assignments::{may_give_defaults, may_give_each, takeable},
    identity_sync::{place_planned, planned},
    rules::{Rule, Shape, rule},
    units::wrapper,
};

pub(crate) const RULES: &[Rule] = &[
    rule(
        "idpsync_organization_get",
        Shape::Check,
        &["idpsync_settings:read"],
        "",
    ),
    rule(
        "idpsync_groups_get",
        Shape::Fetch,
        &["idpsync_settings:read"],
        "",
    ),
    rule(
        "idpsync_roles_get",
        Shape::Fetch,
        &["idpsync_settings:read"],
        "",
    ),
    rule("idpsync_organization_lock", Shape::Inside, &[], ""),
    rule(
        "idpsync_organization_update",
        Shape::Lock,
        &[
            "idpsync_settings:update",
            "organization_member:create",
            "organization_member:delete",
            "give a role",
        ],
        "joining each organization named, with its default roles; while it is on also leaving any; it takes nobody \
         out who holds a role that the caller could not take",
    ),
    rule(
        "idpsync_groups_update",
        Shape::Lock,
        &["idpsync_settings:update", "group:create", "group:update"],
        "locks the organization; making groups when missing ones are made",
    ),
    rule(
        "idpsync_roles_update",
        Shape::Lock,
        &[
            "idpsync_settings:update",
            "assign_org_role:assign",
            "assign_org_role:unassign",
            "give a role",
        ],
        "locks the organization; giving each role named; while it is on also taking roles; it takes none that the \
         caller could not take",
    ),
    rule(
        "idpsync_preview",
        Shape::Fetch,
        &[
            "idpsync_settings:read",
            "user:read",
            "organization_member:read",
            "group_member:read",
        ],
        "the person in each of its organizations",
    ),
    rule(
        "idpsync_organization_preview",
        Shape::Fetch,
        &[
            "idpsync_settings:read",
            "organization_member:read",
            "group_member:read",
        ],
        "",
    ),
];

wrapper! {
    /// How an identity provider's claims become organizations, groups and roles, each call authorized.
    Idpsync
}

impl<U: store::ReadUnit + ?Sized> Idpsync<'_, U> {
    /// Which organizations people are in.
    ///
    /// # Errors
    /// `Denied`.
    pub async fn idpsync_organization_get(&mut self) -> StoreResult<OrganizationSync> {
        self.readable(None)?;
        self.unit.idpsync_organization_get().await
    }

    /// Which groups of an organization its people are in.
    ///
    /// # Errors
    /// `NotFound`, `Denied`.
    pub async fn idpsync_groups_get(
        &mut self,
        organization: OrganizationId,
    ) -> StoreResult<GroupSync> {
        self.found(organization).await?;
        self.unit.idpsync_groups_get(organization).await
    }

    /// Which roles people hold in an organization.
    ///
    /// # Errors
    /// `NotFound`, `Denied`.
    pub async fn idpsync_roles_get(
        &mut self,
        organization: OrganizationId,
    ) -> StoreResult<RoleSync> {
        self.found(organization).await?;
        self.unit.idpsync_roles_get(organization).await
    }

    /// What these claims would change at the sign-in of a person, or of somebody who is new.
    ///
    /// # Errors
    /// `NotFound` for an unknown person, `Denied`.
    pub async fn idpsync_preview(
        &mut self,
        user: Option<UserId>,
        claims: &Value,
    ) -> StoreResult<SyncPlan> {
        self.readable(None)?;
        let mut person = Person::default();
        if let Some(user) = user {
            let found = self
                .unit
                .user_get(user)
                .await?
                .ok_or(StoreError::NotFound)?;
            self.gate.check(Action::Read, &Object::user(found.id.0))?;
            person = self.unit.idpsync_person_get(user).await?;
            for organization in person.places.keys() {
                self.place_readable(*organization, user)?;
            }
        }
        planned(self.unit, &person, claims).await
    }

    /// What these claims would change in an organization at the sign-in of a member, or of somebody who is no
    /// member yet when they join it.
    ///
    /// # Errors
    /// `NotFound` for an unknown organization or somebody who is no member, `Denied`.
    pub async fn idpsync_organization_preview(
        &mut self,
        organization: OrganizationId,
        user: Option<UserId>,
        claims: &Value,
    ) -> StoreResult<SyncPlan> {
        self.found(organization).await?;
        let mut person = Person::default();
        if let Some(user) = user {
            self.place_readable(organization, user)?;
            person = self.unit.idpsync_person_get(user).await?;
            if !person.places.contains_key(&organization) {
                return Err(StoreError::NotFound);
            }
        }
        let settings = PlaceSettings {
            organization_id: organization,
            groups: self.unit.idpsync_groups_get(organization).await?,
            roles: self.unit.idpsync_roles_get(organization).await?,
        };
        let place = person.places.remove(&organization).unwrap_or_default();
        let mut plan = SyncPlan::default();
        let warnings = &mut plan.warnings;
        let change = place_planned(self.unit, &settings, &place, claims, warnings).await?;
        if !change.is_empty() {
            plan.places.insert(organization, change);
        }
        Ok(plan)
    }

    fn readable(&self, organization: Option<OrganizationId>) -> StoreResult<()> {
        let settings = Object::idpsync_settings(organization.map(|id| id.0));
        self.gate.check(Action::Read, &settings)
    }

    async fn found(&mut self, organization: OrganizationId) -> StoreResult<()> {
        let found = self.unit.organization_get(organization).await?;
        let found = found.ok_or(StoreError::NotFound)?;
        self.readable(Some(found.id))
    }

    /// Refuses unless the caller may read where a person is in an organization.
    fn place_readable(&self, organization: OrganizationId, user: UserId) -> StoreResult<()> {
        let membership = Object::organization_member(organization.0, user.0);
        self.gate.check(Action::Read, &membership)?;
        let in_groups = Object::group_member(organization.0, user.0);
        self.gate.check(Action::Read, &in_groups)
    }
}

impl<U: store::WriteUnit + ?Sized> Idpsync<'_, U> {
    /// Changes which organizations people are in.
    ///
    /// # Errors
    /// `Denied`, `RoleNotAssignable`; `Refused` for an organization that does not exist.
    pub async fn idpsync_organization_update(
        &mut self,
        update: OrganizationSyncUpdate,
    ) -> StoreResult<OrganizationSync> {
        self.gate
            .check(Action::Update, &Object::idpsync_settings(None))?;
        self.unit.idpsync_organization_lock().await?;
        let before = self.unit.idpsync_organization_get().await?;
        // An organization that ended since it was mapped does not stand in the way of another change.
        let stale = before.mapping.targets();
        let mut settings = before.updated(update);
        let on = !settings.field.off();

        let named = settings.mapping.targets();
        let existing = self.unit.idpsync_organization_find(&named).await?;
        let missing = named
            .difference(&existing.ids)
            .find(|id| !stale.contains(id));
        if let Some(missing) = missing {
            let text = format!("the organization `{missing}` does not exist");
            return Err(StoreError::Refused(text));
        }
        let default = existing.default.filter(|_| on && settings.assign_default);
        let joined: BTreeSet<_> = existing.ids.iter().copied().chain(default).collect();
        for organization in joined {
            self.may_add(organization).await?;
        }
        if on {
            let members = Object::new(ResourceType::OrganizationMember);
            self.gate.check(Action::Delete, &members)?;
        }
        settings.takes = takeable(self.gate, self.unit, None).await?;
        self.unit.idpsync_organization_update(&settings).await?;
        Ok(settings)
    }

    /// Changes which groups of an organization its people are in.
    ///
    /// # Errors
    /// `NotFound`, `Denied`; `Refused` for a group that the organization does not have, and for its Everyone group.
    pub async fn idpsync_groups_update(
        &mut self,
        organization: OrganizationId,
        update: GroupSyncUpdate,
    ) -> StoreResult<GroupSync> {
        self.changeable(organization).await?;
        let before = self.unit.idpsync_groups_get(organization).await?;
        // A group that ended since it was mapped does not stand in the way of another change.
        let stale = before.mapping.targets();
        let settings = before.updated(update);

        let wanted = WantedGroups {
            ids: settings.mapping.targets(),
            ..WantedGroups::default()
        };
        let groups = Object::new(ResourceType::Group).in_org(organization.0);
        if !(settings.field.off() && wanted.ids.is_empty()) {
            self.gate.check(Action::Update, &groups)?;
        }
        if settings.create_missing {
            self.gate.check(Action::Create, &groups)?;
        }
        if wanted.ids.contains(&organization.everyone()) {
            let text = "the Everyone group follows the organization's membership";
            return Err(StoreError::Refused(text.to_owned()));
        }
        let existing = self.unit.idpsync_group_find(organization, &wanted).await?;
        let there = |id| stale.contains(id) || existing.iter().any(|group| group.id == *id);
        if let Some(missing) = wanted.ids.iter().find(|id| !there(id)) {
            let text = format!("the organization has no group `{missing}`");
            return Err(StoreError::Refused(text));
        }
        self.unit
            .idpsync_groups_update(organization, &settings)
            .await?;
        Ok(settings)
    }

    /// Changes which roles people hold in an organization.
    ///
    /// # Errors
    /// `NotFound`, `Denied`, `RoleNotAssignable`; `Refused` for a name that is no role of the organization, or one
    /// that comes with membership.
    pub async fn idpsync_roles_update(
        &mut self,
        organization: OrganizationId,
        update: RoleSyncUpdate,
    ) -> StoreResult<RoleSync> {
        self.changeable(organization).await?;
        let before = self.unit.idpsync_roles_get(organization).await?;
        let mut settings = before.updated(update);
        let given: Vec<String> = settings.mapping.targets().into_iter().collect();
        may_give_each(self.gate, self.unit, organization, &given).await?;
        if !settings.field.off() {
            let desk = Object::assign_org_role(organization.0);
            self.gate.check(Action::Unassign, &desk)?;
        }
        settings.takes = takeable(self.gate, self.unit, Some(organization)).await?;
        self.unit
            .idpsync_roles_update(organization, &settings)
            .await?;
        Ok(settings)
    }

    async fn changeable(&mut self, organization: OrganizationId) -> StoreResult<()> {
        let found = self.unit.organization_lock(organization).await?;
        let found = found.ok_or(StoreError::NotFound)?;
        self.gate
            .check(Action::Update, &Object::idpsync_settings(Some(found.id.0)))
    }

    /// Refuses unless the caller may add anybody to an organization.
    async fn may_add(&mut self, organization: OrganizationId) -> StoreResult<()> {
        let members = Object::new(ResourceType::OrganizationMember).in_org(organization.0);
        self.gate.check(Action::Create, &members)?;
        let found = self.unit.organization_get(organization).await?;
        let found = found.ok_or(StoreError::NotFound)?;
        let defaults = &found.default_org_member_roles;
        may_give_defaults(self.gate, self.unit, organization, defaults).await
    }
}
