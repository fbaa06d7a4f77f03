//! The roles that come with being a member, as every organization keeps them: brought into step with the program's
//! definitions at the start, with every organization that is made, and with every change of an organization's
//! settings.

use model::{
    OrganizationId,
    system_roles::{ChangeCause, ReconcileReport, StoredSystemRole, plan},
};
use rbac::{Action, Object, ResourceType, ShareableOwners};
use store::{StoreError, StoreResult};

use crate::{
    rules::{Rule, Shape, rule},
    units::wrapper,
};

pub(crate) const RULES: &[Rule] = &[
    rule(
        "system_roles_reconcile",
        Shape::Check,
        &[
            "organization:read",
            "assign_org_role:read",
            "assign_org_role:create",
            "assign_org_role:update",
        ],
        "system actors only; a dry run only reads",
    ),
    rule("system_role_list", Shape::Inside, &[], ""),
    rule("system_role_lock", Shape::Inside, &[], ""),
    rule("system_role_upsert", Shape::Inside, &[], ""),
];

wrapper! {
    /// The roles that come with being a member, as every organization keeps them, each call authorized.
    SystemRoles
}

/// Whether a reconciliation writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReconcileMode {
    /// It writes what differs.
    Apply,
    /// It only tells what differs.
    DryRun,
}

impl<U: store::WriteUnit + ?Sized> SystemRoles<'_, U> {
    /// Brings the system roles of every organization into step with the program's definitions, one server at a
    /// time; what is in step is not written. What a newer program wrote stays.
    ///
    /// # Errors
    /// `Denied`.
    pub async fn system_roles_reconcile(
        &mut self,
        mode: ReconcileMode,
    ) -> StoreResult<ReconcileReport> {
        let roles = Object::new(ResourceType::AssignOrgRole);
        self.gate
            .check(Action::Read, &Object::new(ResourceType::Organization))?;
        self.gate.check(Action::Read, &roles)?;
        if mode == ReconcileMode::Apply {
            self.gate.check(Action::Create, &roles)?;
            self.gate.check(Action::Update, &roles)?;
        }
        reconcile(self.unit, None, mode).await
    }
}

/// Brings the system roles of an organization, or of every one, into step. It follows from what its caller may do
/// (make the organization, change its settings) and so makes no check of its own.
///
/// Whoever locks or makes an organization in the same unit takes the lock of system roles before that: always in
/// this order, so that nobody waits in a circle.
pub(crate) async fn reconcile<U>(
    unit: &mut U,
    organization: Option<OrganizationId>,
    mode: ReconcileMode,
) -> StoreResult<ReconcileReport>
where
    U: store::WriteUnit + ?Sized,
{
    unit.system_role_lock().await?;
    let plan = plan(&unit.system_role_list(organization).await?);
    if mode == ReconcileMode::Apply {
        if !plan.writes.is_empty() {
            unit.system_role_upsert(&plan.writes).await?;
        }
        count(&plan.report);
    }
    tell(&plan.report, mode);
    Ok(plan.report)
}

/// Refuses a change of an organization's settings while a newer program defines its roles: what they are to hold
/// then, this one does not know. Called under the lock of system roles.
pub(crate) async fn refuse_beside_newer<U>(
    unit: &mut U,
    organization: OrganizationId,
) -> StoreResult<()>
where
    U: store::WriteUnit + ?Sized,
{
    let kept = unit.system_role_list(Some(organization)).await?;
    let mut roles = kept.iter().flat_map(|organization| &organization.roles);
    if roles.any(StoredSystemRole::newer) {
        let text = "a newer server defines this organization's roles; change the setting there";
        return Err(StoreError::Refused(text.to_owned()));
    }
    Ok(())
}

/// What follows, in the same unit, when an organization's rule about sharing has changed: its roles hold what the
/// rule says, and whoever may not share any more has shared nothing. The organization is locked.
pub(crate) async fn follow_settings<U>(
    unit: &mut U,
    organization: OrganizationId,
    settings: ShareableOwners,
) -> StoreResult<()>
where
    U: store::WriteUnit + ?Sized,
{
    reconcile(unit, Some(organization), ReconcileMode::Apply).await?;
    let ended = unit.workspace_acl_trim(organization, settings).await?;
    tracing::info!(%organization, %settings, ended, "the rule about sharing workspaces was set");
    Ok(())
}

fn count(report: &ReconcileReport) {
    let add = |outcome: &'static str, number: usize| {
        metrics::counter!("bursar_system_roles_reconciled_total", "outcome" => outcome)
            .increment(number.try_into().unwrap_or(u64::MAX));
    };
    for cause in ChangeCause::ALL {
        add(cause.as_str(), report.count(*cause));
    }
    add("unchanged", report.unchanged);
    add("newer", report.newer);
}

fn tell(report: &ReconcileReport, mode: ReconcileMode) {
    for change in &report.changes {
        if change.cause == ChangeCause::Missing {
            tracing::error!(
                organization = %change.organization_name, role = change.role.name(),
                "critical: a role that comes with membership was missing; the program's definition counts"
            );
        }
    }
    tracing::info!(
        dry_run = mode == ReconcileMode::DryRun,
        organizations = report.organizations,
        missing = report.count(ChangeCause::Missing),
        placeholder = report.count(ChangeCause::Placeholder),
        older = report.count(ChangeCause::Older),
        differs = report.count(ChangeCause::Differs),
        unchanged = report.unchanged,
        newer = report.newer,
        "system roles compared with their definitions"
    );
}
