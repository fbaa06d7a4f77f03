//! Explanations as they are sent.

use bursar_sdk::{
    AuthorizationAcl, AuthorizationAclEntry, AuthorizationAclKind, AuthorizationCause,
    AuthorizationExplanation, AuthorizationFault, AuthorizationLevel, AuthorizationSide,
    AuthorizationVerdict,
};
use rbac::{AclCause, AclVerdict, AllowListVerdict, Cause, Explanation, Fault, Level, Side};

pub(super) fn explanation(why: &Explanation) -> AuthorizationExplanation {
    AuthorizationExplanation {
        text: why.to_string(),
        organization_id: why.organization_id,
        fault: why.fault.map(fault),
        roles: side(&why.roles),
        acl: acl(&why.acl),
        scope: side(&why.scope),
        allow_list: match why.allow_list {
            AllowListVerdict::Admitted(entry) => Some(entry.to_string()),
            AllowListVerdict::NotListed => None,
        },
    }
}

const fn fault(fault: Fault) -> AuthorizationFault {
    match fault {
        Fault::UndeclaredAction => AuthorizationFault::UndeclaredAction,
        Fault::Contradiction => AuthorizationFault::Contradiction,
    }
}

fn side(side: &Side) -> AuthorizationSide {
    let (verdict, decided) = match side {
        Side::Granted(by) => (AuthorizationVerdict::Granted, Some(by)),
        Side::Refused(by) => (AuthorizationVerdict::Refused, Some(by)),
        Side::Silent => (AuthorizationVerdict::Silent, None),
    };
    AuthorizationSide {
        verdict,
        cause: decided.map(cause),
    }
}

fn cause(cause: &Cause) -> AuthorizationCause {
    AuthorizationCause {
        level: match cause.level {
            Level::Site => AuthorizationLevel::Site,
            Level::User => AuthorizationLevel::User,
            Level::Organization => AuthorizationLevel::Organization,
            Level::Member => AuthorizationLevel::Member,
        },
        role: cause.role.clone(),
        organization_id: cause.organization_id,
        permission: cause.permission.to_string(),
    }
}

fn acl(acl: &AclVerdict) -> AuthorizationAcl {
    let (verdict, entry, by) = match acl {
        AclVerdict::Granted(entry) => (AuthorizationVerdict::Granted, Some(entry), None),
        AclVerdict::Barred { entry, by } => (AuthorizationVerdict::Refused, Some(entry), Some(by)),
        AclVerdict::Silent => (AuthorizationVerdict::Silent, None, None),
    };
    AuthorizationAcl {
        verdict,
        entry: entry.map(|entry| {
            let (kind, id) = match *entry {
                AclCause::User(id) => (AuthorizationAclKind::User, id),
                AclCause::Group(id) => (AuthorizationAclKind::Group, id),
                AclCause::Everyone(id) => (AuthorizationAclKind::Everyone, id),
            };
            AuthorizationAclEntry { kind, id }
        }),
        barred_by: by.map(cause),
    }
}
