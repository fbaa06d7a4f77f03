//! Following an identity provider's claims when somebody signs in: what they change, and the change.

use std::collections::{BTreeMap, BTreeSet};

use model::{
    OrganizationId, UserId,
    groups::GroupUpdate,
    idpsync::{
        GroupChange, IdentitySyncReport, OrganizationChange, Person, Place, PlacePlan,
        PlaceSettings, SyncPlan, SyncWarning,
    },
};
use rbac::{Action, Object, ResourceType, builtin};
use serde_json::Value;
use store::{StoreError, StoreResult};

use crate::{
    gate::Gate,
    rules::{Rule, Shape, rule},
    units::wrapper,
};

/// How many warnings of one sign-in are written to the log.
const WARNINGS_LOGGED: usize = 20;

pub(crate) const RULES: &[Rule] = &[
    rule(
        "identity_sync_apply",
        Shape::Check,
        &[
            "idpsync_settings:read",
            "organization_member:create",
            "organization_member:delete",
            "group:create",
            "group:update",
            "assign_org_role:assign",
            "assign_org_role:unassign",
        ],
        "system actors only; what the claims change, and nothing else; which roles a claim may give was checked \
         when the mapping was written",
    ),
    rule("idpsync_place_list", Shape::Inside, &[], ""),
    rule("idpsync_person_get", Shape::Inside, &[], ""),
    rule("idpsync_person_lock", Shape::Inside, &[], ""),
    rule("idpsync_organization_find", Shape::Inside, &[], ""),
    rule("idpsync_group_find", Shape::Inside, &[], ""),
    rule("idpsync_group_create", Shape::Inside, &[], ""),
];

wrapper! {
    /// Following an identity provider's claims. Reached by system actors only.
    IdentitySync
}

impl<U: store::WriteUnit + ?Sized> IdentitySync<'_, U> {
    /// Brings a person's organizations, groups and roles in line with the claims of a sign-in, as the settings
    /// say. Only what differs is written. A claim that cannot be read changes nothing of what it decides, and what
    /// a mapping names that does not exist is passed over; the report tells both. Site roles are never touched.
    ///
    /// It locks the person's row, then, if anything is to change, the organizations in which it does, in the
    /// order of their ids. Whatever somebody does by hand meanwhile happens as if before or after it.
    ///
    /// # Errors
    /// `NotFound` when there is no such person; `Denied`.
    pub async fn identity_sync_apply(
        &mut self,
        user: UserId,
        claims: &Value,
    ) -> StoreResult<IdentitySyncReport> {
        self.gate
            .check(Action::Read, &Object::idpsync_settings(None))?;
        if !self.unit.idpsync_person_lock(user).await? {
            return Err(StoreError::NotFound);
        }
        let person = self.unit.idpsync_person_get(user).await?;
        let mut plan = planned(self.unit, &person, claims).await?;
        let touched = plan.touched();
        if !touched.is_empty() {
            for organization in &touched {
                self.unit.organization_lock(*organization).await?;
            }
            // What was true before the locks were held may not be any more.
            let person = self.unit.idpsync_person_get(user).await?;
            plan = planned(self.unit, &person, claims).await?;
            plan.retain(&touched);
            check(self.gate, user, &person, &plan)?;
        }
        let report = carry_out(self.unit, user, plan).await?;
        tell(user, &report);
        Ok(report)
    }
}

/// What the claims change for a person.
pub(crate) async fn planned<U>(
    unit: &mut U,
    person: &Person,
    claims: &Value,
) -> StoreResult<SyncPlan>
where
    U: store::ReadUnit + ?Sized,
{
    let mut plan = SyncPlan::default();
    let present: BTreeSet<OrganizationId> = person.places.keys().copied().collect();
    plan.organizations = organizations_planned(unit, person, claims, &mut plan.warnings).await?;
    let OrganizationChange { join, leave } = &plan.organizations;
    let then = present.difference(leave).chain(join).copied().collect();
    let nothing = Place::default();
    for settings in unit.idpsync_place_list(&then).await? {
        let id = settings.organization_id;
        let place = person.places.get(&id).unwrap_or(&nothing);
        let change = place_planned(unit, &settings, place, claims, &mut plan.warnings).await?;
        if !change.is_empty() {
            plan.places.insert(id, change);
        }
    }
    Ok(plan)
}

async fn organizations_planned<U>(
    unit: &mut U,
    person: &Person,
    claims: &Value,
    warnings: &mut Vec<SyncWarning>,
) -> StoreResult<OrganizationChange>
where
    U: store::ReadUnit + ?Sized,
{
    let settings = unit.idpsync_organization_get().await?;
    let Some(wanted) = settings.wanted(claims, warnings) else {
        return Ok(OrganizationChange::default());
    };
    let existing = unit.idpsync_organization_find(&wanted).await?;
    Ok(settings.change(&wanted, &existing, &person.places, warnings))
}

/// What the claims change for a person in an organization.
pub(crate) async fn place_planned<U>(
    unit: &mut U,
    settings: &PlaceSettings,
    place: &Place,
    claims: &Value,
    warnings: &mut Vec<SyncWarning>,
) -> StoreResult<PlacePlan>
where
    U: store::ReadUnit + ?Sized,
{
    let id = settings.organization_id;
    let mut plan = PlacePlan::default();
    if let Some(wanted) = settings.groups.wanted(claims, warnings) {
        let existing = unit.idpsync_group_find(id, &wanted).await?;
        let (present, everyone) = (&place.groups, id.everyone());
        let groups = &settings.groups;
        plan.groups = groups.change(&wanted, &existing, present, everyone, warnings);
    }
    if let Some(wanted) = settings.roles.wanted(claims, warnings) {
        let existing = existing_roles(unit, id, &wanted).await?;
        plan.roles = settings
            .roles
            .change(&wanted, &existing, &place.roles, warnings);
    }
    Ok(plan)
}

/// Those of these names that are roles which somebody can be given in an organization.
async fn existing_roles<U>(
    unit: &mut U,
    organization: OrganizationId,
    names: &BTreeSet<String>,
) -> StoreResult<BTreeSet<String>>
where
    U: store::ReadUnit + ?Sized,
{
    let built_in = |name: &String| builtin::org_role(name).is_some_and(|role| !role.is_implied());
    let (mut known, other): (BTreeSet<String>, BTreeSet<String>) =
        names.iter().cloned().partition(built_in);
    if !other.is_empty() {
        let custom = unit.custom_role_list(organization).await?;
        let custom = custom.into_iter().map(|role| String::from(role.name));
        known.extend(custom.filter(|name| other.contains(name)));
    }
    Ok(known)
}

/// Every check of a plan, before anything of it is written.
fn check(gate: &Gate, user: UserId, person: &Person, plan: &SyncPlan) -> StoreResult<()> {
    let membership = |org: &OrganizationId| Object::organization_member(org.0, user.0);
    for org in &plan.organizations.join {
        gate.check(Action::Create, &membership(org))?;
    }
    for org in &plan.organizations.leave {
        gate.check(Action::Delete, &membership(org))?;
    }
    for (org, place) in &plan.places {
        if !place.groups.create.is_empty() {
            let group = Object::new(ResourceType::Group).in_org(org.0);
            gate.check(Action::Create, &group)?;
        }
        for group in place.groups.join.iter().chain(&place.groups.leave) {
            gate.check(Action::Update, &Object::group(org.0, group.0))?;
        }
        let Some(roles) = &place.roles else {
            continue;
        };
        let none = BTreeSet::new();
        let held = person.places.get(org).map_or(&none, |place| &place.roles);
        let desk = Object::assign_org_role(org.0);
        if !roles.is_subset(held) {
            gate.check(Action::Assign, &desk)?;
        }
        if !held.is_subset(roles) {
            gate.check(Action::Unassign, &desk)?;
        }
    }
    Ok(())
}

async fn carry_out<U>(
    unit: &mut U,
    user: UserId,
    mut plan: SyncPlan,
) -> StoreResult<IdentitySyncReport>
where
    U: store::WriteUnit + ?Sized,
{
    let mut report = IdentitySyncReport {
        warnings: plan.warnings,
        ..IdentitySyncReport::default()
    };
    for organization in plan.organizations.leave {
        unit.organization_member_delete(organization, user).await?;
        report.left.push(organization);
    }
    for organization in plan.organizations.join {
        let place = plan.places.get_mut(&organization);
        let roles = place.and_then(|place| place.roles.take());
        let roles: Vec<String> = roles.unwrap_or_default().into_iter().collect();
        unit.organization_member_create(organization, user, &roles)
            .await?;
        report.joined.push(organization);
    }
    for (organization, place) in plan.places {
        groups_changed(unit, user, organization, place.groups, &mut report).await?;
        if let Some(roles) = place.roles {
            let roles: Vec<String> = roles.into_iter().collect();
            unit.organization_member_roles_update(organization, user, &roles)
                .await?;
            report.roles_changed += 1;
        }
    }
    Ok(report)
}

async fn groups_changed<U>(
    unit: &mut U,
    user: UserId,
    organization: OrganizationId,
    mut change: GroupChange,
    report: &mut IdentitySyncReport,
) -> StoreResult<()>
where
    U: store::WriteUnit + ?Sized,
{
    for name in &change.create {
        let made = unit.idpsync_group_create(organization, name).await?;
        change.join.insert(made);
        report.groups_created += 1;
    }
    // One after the other in the order of their ids, since each is locked.
    let joined = change.join.into_iter().map(|group| (group, true));
    let left = change.leave.into_iter().map(|group| (group, false));
    let all: BTreeMap<_, _> = joined.chain(left).collect();
    for (group, joins) in all {
        let mut update = GroupUpdate::default();
        if joins {
            update.add_users.push(user);
            report.groups_joined += 1;
        } else {
            update.remove_users.push(user);
            report.groups_left += 1;
        }
        unit.group_update(group, &update).await?;
    }
    Ok(())
}

/// Writes to the log and counts what was done.
fn tell(user: UserId, report: &IdentitySyncReport) {
    let length = |list: &[OrganizationId]| u64::try_from(list.len()).unwrap_or(u64::MAX);
    let changes = [
        ("organization_joined", length(&report.joined)),
        ("organization_left", length(&report.left)),
        ("group_created", report.groups_created),
        ("group_joined", report.groups_joined),
        ("group_left", report.groups_left),
        ("roles_changed", report.roles_changed),
    ];
    for (change, times) in changes.into_iter().filter(|(_, times)| *times > 0) {
        metrics::counter!("bursar_identity_sync_changes_total", "change" => change)
            .increment(times);
    }
    for warning in report.warnings.iter().take(WARNINGS_LOGGED) {
        tracing::warn!(%user, %warning, "an identity provider's claim was passed over");
    }
    let warnings = u64::try_from(report.warnings.len()).unwrap_or(u64::MAX);
    metrics::counter!("bursar_identity_sync_warnings_total").increment(warnings);
    if report.changed() {
        tracing::info!(
            %user, joined = ?report.joined, left = ?report.left,
            groups_created = report.groups_created, groups_joined = report.groups_joined,
            groups_left = report.groups_left, roles_changed = report.roles_changed, warnings,
            "an identity provider's claims changed where somebody is"
        );
    }
}
