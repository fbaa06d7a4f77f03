//! Custom roles: which permissions may be granted by whom, and which could never match.

use std::sync::Arc;

use rbac::{
    Action, GrantDenied, Level, OrgPermissions, Permission, PreparedSubject, ResourceType, Role,
    ScopeSet, ShareableOwners, Subject, SystemRole, builtin::*, custom_role, unreachable,
};
use uuid::Uuid;

const ME: Uuid = Uuid::from_u128(1);
const ORG: Uuid = Uuid::from_u128(11);
const OTHER: Uuid = Uuid::from_u128(12);

/// `type:action`, with `!` before a negative one.
fn permission(text: &str) -> Permission {
    let (negate, text) = text
        .strip_prefix('!')
        .map_or((false, text), |rest| (true, rest));
    let (resource, action) = text.split_once(':').unwrap();
    Permission::parse(negate, resource, action).unwrap()
}

fn list(text: &str) -> Vec<Permission> {
    text.split_whitespace().map(permission).collect()
}

fn permissions(org: &str, member: &str) -> OrgPermissions {
    OrgPermissions {
        org: list(org),
        member: list(member),
    }
}

/// Somebody with these roles in [`ORG`], or in the deployment. `editor` only makes custom roles; `reader` reads
/// workspaces besides.
fn grantor(roles: &str) -> Subject {
    let user = Subject::user(ME).member_of(ORG);
    roles
        .split_whitespace()
        .fold(user, |subject, name| match name {
            "editor" => subject.org_role(ORG, editor("")),
            "reader" => subject.org_role(ORG, editor("workspace:read")),
            "member-none" => {
                let role = SystemRole::OrganizationMember.role(ShareableOwners::None);
                subject.org_role(ORG, Arc::clone(role))
            }
            name => match site_role(name) {
                Some(role) => subject.site_role(Arc::clone(role)),
                None => subject.org_role(ORG, Arc::clone(org_role(name).unwrap())),
            },
        })
}

fn editor(more: &str) -> Arc<Role> {
    let org = list(&format!(
        "assign_org_role:read assign_org_role:create {more}"
    ));
    Arc::new(custom_role("editor".into(), "Editor".into(), org, vec![]))
}

fn denied(subject: &PreparedSubject, org: Uuid, asked: &OrgPermissions) -> String {
    subject
        .may_grant(org, asked)
        .map_or_else(|denied| denied.to_string(), |()| String::new())
}

const NOT_HELD: &str = "not allowed to grant this permission";
const WILDCARD: &str = "no wildcard symbols";

/// roles | organization | member | how the refusal ends, nothing where it is granted
const GRANTS: &str = "
editor | | |
editor | workspace:read | | NOT_HELD
reader | workspace:read | |
reader | workspace:read workspace:update | | NOT_HELD
organization-admin | group:read workspace:share chat:delete | |
organization-admin | workspace:ssh | | NOT_HELD
organization-admin | !workspace:ssh | | NOT_HELD
organization-admin | !workspace:delete | |
organization-admin | workspace:* | | WILDCARD
organization-admin | !workspace:* | | WILDCARD
organization-admin | *:read | | WILDCARD
owner | *:* | | WILDCARD
owner | | *:* | WILDCARD
owner | | !chat:* | WILDCARD
owner | workspace:ssh ai_budget:update | chat:create |
organization-admin | ai_budget:read | | NOT_HELD
organization-admin | assign_org_role:assign | |
organization-user-admin | assign_org_role:unassign | |
organization-user-admin | assign_org_role:assign | | NOT_HELD
user-admin | assign_org_role:assign | | NOT_HELD
organization-user-admin | group:update | |
organization-workspace-access | workspace:read | | NOT_HELD
organization-workspace-access | | workspace:ssh |
organization-workspace-access | | !workspace:ssh |
organization-workspace-access | | workspace:ssh chat:delete | NOT_HELD
organization-admin | | workspace:ssh | NOT_HELD
organization-admin | | workspace:start !chat:share |
organization-admin organization-workspace-access | | workspace:ssh |
organization-workspace-access member-none | | workspace:share | NOT_HELD
organization-workspace-access organization-workspace-creation-ban | | workspace:create | NOT_HELD
organization-workspace-access organization-workspace-creation-ban | | !workspace:create | NOT_HELD
owner | user:read | | belongs to no organization
owner | !user:read | | belongs to no organization
owner | organization:create | | an organization that is being made is in none yet
owner | | group:read | nobody owns it
owner | | api_key:read | belongs to no organization
owner | organization:read organization:update audit_log:read idpsync_settings:update | |
";

#[test]
fn nobody_grants_what_they_do_not_hold() {
    for line in GRANTS.lines().filter(|line| !line.is_empty()) {
        let cells: Vec<_> = line.split('|').map(str::trim).collect();
        let [roles, org, member, expected] = cells[..] else {
            panic!("{line}")
        };
        let expected = match expected {
            "NOT_HELD" => NOT_HELD,
            "WILDCARD" => WILDCARD,
            other => other,
        };
        let subject = grantor(roles).prepare();
        let asked = permissions(org, member);
        let said = denied(&subject, ORG, &asked);
        assert!(said.ends_with(expected), "{line}: {said}");
        assert_eq!(said.is_empty(), expected.is_empty(), "{line}: {said}");
        // Elsewhere only what is held everywhere may be granted.
        let elsewhere = subject.may_grant(OTHER, &asked).is_ok();
        let nothing = asked == OrgPermissions::default();
        let everywhere = roles == "owner" && expected.is_empty();
        assert_eq!(elsewhere, nothing || everywhere, "{line}");
    }
}

#[test]
fn a_refusal_names_the_first_permission_in_the_way() {
    let admin = grantor("organization-admin").prepare();
    let asked = permissions("group:read workspace:ssh workspace:ssh", "group:read");
    let refused = admin.may_grant(ORG, &asked).unwrap_err();
    assert_eq!(
        refused,
        GrantDenied::NotHeld {
            permission: permission("workspace:ssh")
        }
    );
    let rows = [
        (
            permissions("workspace:ssh", ""),
            "invalid permission `workspace:ssh`, not allowed to grant this permission",
        ),
        (
            permissions("", "!chat:*"),
            "invalid permission `!chat:*`, no wildcard symbols",
        ),
        (
            permissions("", "group:read"),
            "invalid permission `group:read`, it can never match: nobody owns it",
        ),
    ];
    for (asked, message) in rows {
        assert_eq!(denied(&admin, ORG, &asked), message);
    }
}

#[test]
fn a_token_grants_no_more_than_its_scope_lets_through() {
    let scoped = |scopes: &[&str], list: Option<&[&str]>| {
        let scope = ScopeSet::parse(scopes, list).unwrap().to_scope();
        grantor("organization-admin").scope(scope).prepare()
    };
    let asked = permissions("group:read", "");
    assert!(scoped(&["group:read"], None).may_grant(ORG, &asked).is_ok());
    assert!(
        scoped(&["assign_org_role:*"], None)
            .may_grant(ORG, &asked)
            .is_err()
    );
    let one = format!("group:{ORG}");
    let narrow = scoped(&["all"], Some(&[one.as_str()]));
    assert!(narrow.may_grant(ORG, &asked).is_err());
}

#[test]
fn a_custom_role_holds_what_it_was_made_of_and_is_given_like_any_other() {
    let role = custom_role(
        "support".into(),
        "Support".into(),
        list("group:read"),
        list("!workspace:delete"),
    );
    assert_eq!((role.name(), role.display_name()), ("support", "Support"));
    assert_eq!(role.org().listed(), list("group:read"));
    assert_eq!(role.member().listed(), list("!workspace:delete"));
    assert!(role.site().is_empty() && role.user().is_empty() && !role.is_implied());
    let holder = Subject::user(ME)
        .org_role(ORG, Arc::new(role.clone()))
        .org_role(
            ORG,
            Arc::clone(org_role(ORGANIZATION_WORKSPACE_ACCESS).unwrap()),
        )
        .prepare();
    let own = rbac::Object::workspace(None, ORG, ME);
    assert!(holder.allows(Action::Read, &own) && !holder.allows(Action::Delete, &own));
    let admin = grantor("organization-admin").prepare();
    assert!(admin.may_assign(&role, Some(ORG)).is_ok());
}

/// type | levels from which a permission reaches some row
const REACH: &str = "
user | site user
organization | site organization
organization_member | site organization member
group | site organization
group_member | site organization member
assign_role | site
assign_org_role | site organization
api_key | site user
audit_log | site organization
workspace | site organization member
chat | site organization member
chat_file | site organization member
ai_budget | site organization
ai_provider | site
ai_model_price | site
ai_usage_event | site organization
budget_cap | site organization
deployment_config | site
feature_flag | site organization
notification | site user
idpsync_settings | site organization
";

#[test]
fn a_permission_reaches_what_the_rows_of_its_type_are() {
    let levels = [
        (Level::Site, "site"),
        (Level::User, "user"),
        (Level::Organization, "organization"),
        (Level::Member, "member"),
    ];
    let written: Vec<_> = REACH.lines().filter(|line| !line.is_empty()).collect();
    assert_eq!(written.len(), ResourceType::COUNT);
    for line in written {
        let (resource, expected) = line.split_once(" | ").unwrap();
        let resource: ResourceType = resource.parse().unwrap();
        for action in resource.actions().iter() {
            let (yes, no) = (
                Permission::allow(resource, action),
                Permission::deny(resource, action),
            );
            let reaching = levels
                .iter()
                .filter(|(level, _)| unreachable(*level, yes).is_none());
            let reaching: Vec<_> = reaching.map(|(_, name)| *name).collect();
            let made = (resource, action) == (ResourceType::Organization, Action::Create);
            let expected = if made { "site" } else { expected };
            assert_eq!(reaching.join(" "), expected, "{yes}");
            for (level, _) in levels {
                assert_eq!(unreachable(level, yes), unreachable(level, no), "{yes}");
            }
        }
        for (level, _) in levels {
            assert_eq!(unreachable(level, Permission::ANY), None);
        }
    }
}
