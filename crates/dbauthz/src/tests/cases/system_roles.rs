//! Calls and checks of system roles.

use rbac::{
    Action::{Create, Read, Update},
    Object,
    ResourceType::{AssignOrgRole, Organization},
};

use super::{Case, allow, case};
use crate::ReconcileMode::{Apply, DryRun};

pub(super) fn system_roles() -> Vec<Case> {
    let roles = |action| allow(action, Object::new(AssignOrgRole));
    let organizations = || allow(Read, Object::new(Organization));
    vec![
        case!(
            system "system_roles_reconcile",
            u => u.system_roles().system_roles_reconcile(Apply),
            [organizations(), roles(Read), roles(Create), roles(Update)]
        ),
        case!(
            system "system_roles_reconcile",
            u => u.system_roles().system_roles_reconcile(DryRun),
            [organizations(), roles(Read)]
        ),
    ]
}
