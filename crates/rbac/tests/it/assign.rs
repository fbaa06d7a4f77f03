//! Who may give and take which role: the reference's table for our roles, and the rule for custom ones.

use std::sync::Arc;

use rbac::{
    Action, AssignDenied, Permission, PreparedSubject, ResourceType, Role, ScopeSet,
    ShareableOwners, Subject, SystemRole, builtin::*, is_system,
};
use uuid::Uuid;

const ORG: Uuid = Uuid::from_u128(11);
const OTHER: Uuid = Uuid::from_u128(12);

fn actor(name: &str) -> Subject {
    let user = Subject::user(Uuid::from_u128(1));
    match (site_role(name), org_role(name)) {
        (Some(role), _) => user.site_role(Arc::clone(role)),
        (None, Some(role)) => user.member_of(ORG).org_role(ORG, Arc::clone(role)),
        (None, None) if is_system(name) => user.member_of(ORG),
        (None, None) => panic!("no role {name}"),
    }
}

fn may(actor: &PreparedSubject, org: Option<Uuid>) -> Vec<&'static str> {
    let assignable = actor.assignable(org).into_iter().filter(|(_, may)| *may);
    assignable.map(|(role, _)| role.name()).collect()
}

#[test]
fn the_table_of_the_reference_follows_from_the_rule() {
    let every_org_role: Vec<_> = org_roles().iter().map(|role| role.name()).collect();
    let few = vec![ORGANIZATION_WORKSPACE_ACCESS];
    let rows = [
        (
            OWNER,
            vec![OWNER, MEMBER, AUDITOR, USER_ADMIN],
            every_org_role.clone(),
        ),
        (USER_ADMIN, vec![MEMBER], few.clone()),
        (AUDITOR, vec![], vec![]),
        (MEMBER, vec![], vec![]),
        (ORGANIZATION_ADMIN, vec![], every_org_role),
        (ORGANIZATION_USER_ADMIN, vec![], few),
        (ORGANIZATION_AUDITOR, vec![], vec![]),
        ("organization-member", vec![], vec![]),
        (ORGANIZATION_WORKSPACE_ACCESS, vec![], vec![]),
        (ORGANIZATION_WORKSPACE_CREATION_BAN, vec![], vec![]),
    ];
    for (name, site, org) in rows {
        let actor = actor(name).prepare();
        assert_eq!(may(&actor, None), site, "{name}");
        assert_eq!(may(&actor, Some(ORG)), org, "{name}");
        for role in org_roles() {
            let given = actor.may_assign(role, Some(ORG)).is_ok();
            assert_eq!(
                actor.may_unassign(role, Some(ORG)).is_ok(),
                given,
                "{name} {}",
                role.name()
            );
        }
    }
}

#[test]
fn an_organization_role_reaches_its_own_organization_only() {
    for name in [ORGANIZATION_ADMIN, ORGANIZATION_USER_ADMIN] {
        assert_eq!(
            may(&actor(name).prepare(), Some(OTHER)),
            Vec::<&str>::new(),
            "{name}"
        );
    }
}

#[test]
fn a_custom_role_goes_to_whoever_holds_all_of_it() {
    use ResourceType::{AssignOrgRole, Group, Workspace};
    let custom = |permission| Role::new("custom", "Custom").with_org([permission]);
    let read_groups = custom(Permission::allow(Group, Action::Read));
    let no_groups = custom(Permission::deny(Group, Action::Delete));
    let shell = custom(Permission::allow(Workspace, Action::Ssh));
    let all_groups = custom(Permission {
        negate: false,
        resource: Some(Group),
        action: None,
    });
    let everything = custom(Permission::ANY);
    let hand_on = custom(Permission::allow(AssignOrgRole, Action::Assign));
    let rows = [
        (OWNER, &read_groups, None),
        (OWNER, &shell, None),
        (OWNER, &everything, None),
        (OWNER, &hand_on, None),
        (ORGANIZATION_ADMIN, &read_groups, None),
        (ORGANIZATION_ADMIN, &shell, Some("workspace:ssh")),
        (ORGANIZATION_ADMIN, &everything, Some("*:*")),
        (ORGANIZATION_ADMIN, &hand_on, None),
        (ORGANIZATION_USER_ADMIN, &read_groups, None),
        (ORGANIZATION_USER_ADMIN, &no_groups, None),
        (ORGANIZATION_USER_ADMIN, &all_groups, None),
        (
            ORGANIZATION_USER_ADMIN,
            &hand_on,
            Some("assign_org_role:assign"),
        ),
        (USER_ADMIN, &hand_on, Some("assign_org_role:assign")),
    ];
    for (name, role, lacking) in rows {
        let denied = match actor(name).prepare().may_assign(role, Some(ORG)) {
            Ok(()) => None,
            Err(AssignDenied::Exceeds { missing, .. }) => Some(missing.to_string()),
            Err(other) => panic!("{name}: {other}"),
        };
        assert_eq!(denied.as_deref(), lacking, "{name} {role:?}");
    }
}

#[test]
fn a_token_hands_on_no_more_than_its_scope_lets_through() {
    let scope = |names: &[&str]| ScopeSet::parse(names, None::<&[&str]>).unwrap().to_scope();
    let auditor = site_role(AUDITOR).unwrap();
    let narrow = actor(OWNER).scope(scope(&["assign_role:*"])).prepare();
    assert!(matches!(
        narrow.may_assign(auditor, None),
        Err(AssignDenied::Exceeds { .. })
    ));
    let without = actor(OWNER).scope(scope(&["user:*"])).prepare();
    let denied = without.may_assign(auditor, None).unwrap_err();
    assert_eq!(
        denied.to_string(),
        "not authorized to assign role \"auditor\""
    );
}

#[test]
fn an_organization_role_is_not_held_in_the_deployment() {
    let role = org_role(ORGANIZATION_ADMIN).unwrap();
    let denied = actor(OWNER).prepare().may_assign(role, None).unwrap_err();
    assert!(matches!(denied, AssignDenied::WithoutOrganization { .. }));
}

/// The reference's cases A01 to A14: actor, role, organization, whether it may be given; and what is different here.
#[test]
fn the_assignment_cases_of_the_reference_hold() {
    use ResourceType::{AuditLog, Group, Workspace};
    let custom = |permission| Role::new("custom", "Custom").with_org([permission]);
    let built_in = |name| match (site_role(name), org_role(name)) {
        (Some(role), _) | (None, Some(role)) => Role::clone(role),
        (None, None) => panic!("no role {name}"),
    };
    let read_groups = custom(Permission::allow(Group, Action::Read));
    let read_audit = custom(Permission::allow(AuditLog, Action::Read));
    let rows = [
        ("A01", OWNER, built_in(OWNER), None, true),
        ("A02", USER_ADMIN, built_in(OWNER), None, false),
        (
            "A04",
            USER_ADMIN,
            built_in(ORGANIZATION_ADMIN),
            Some(ORG),
            false,
        ),
        (
            "A05",
            ORGANIZATION_ADMIN,
            built_in(ORGANIZATION_AUDITOR),
            Some(ORG),
            true,
        ),
        (
            "A07",
            ORGANIZATION_ADMIN,
            read_groups.clone(),
            Some(ORG),
            true,
        ),
        ("A08", ORGANIZATION_USER_ADMIN, read_audit, Some(ORG), false),
        // Different here: who holds all of a custom role gives it, whatever their role is called.
        (
            "A08, held",
            ORGANIZATION_USER_ADMIN,
            read_groups,
            Some(ORG),
            true,
        ),
        (
            "A13",
            ORGANIZATION_ADMIN,
            custom(Permission::allow(Workspace, Action::Ssh)),
            Some(ORG),
            false,
        ),
        // Different here: a denial may be given by who holds what it takes away.
        (
            "A14, held",
            ORGANIZATION_ADMIN,
            custom(Permission::deny(Workspace, Action::Delete)),
            Some(ORG),
            true,
        ),
        (
            "A14, not held",
            ORGANIZATION_ADMIN,
            custom(Permission::deny(Workspace, Action::Ssh)),
            Some(ORG),
            false,
        ),
    ];
    for (case, name, role, org, expected) in rows {
        let given = actor(name).prepare().may_assign(&role, org);
        assert_eq!(given.is_ok(), expected, "{case}: {given:?}");
    }
}

#[test]
fn names_and_defaults_are_as_in_the_cases_of_the_reference() {
    // A10 and A11: a name is looked up where it is to be held.
    assert!(org_role("no-such-role").is_none() && org_role(AUDITOR).is_none());
    // A16: the default roles of members are taken away by who may change the organization and take them.
    let admin = actor(ORGANIZATION_ADMIN).prepare();
    assert!(admin.allows(Action::Update, &rbac::Object::organization(ORG)));
    let access = org_role(ORGANIZATION_WORKSPACE_ACCESS).unwrap();
    assert!(admin.may_unassign(access, Some(ORG)).is_ok());
}

#[test]
fn a_custom_role_with_assign_gives_what_its_holder_holds() {
    use ResourceType::{AssignOrgRole, Group};
    let giver = Role::new("giver", "Giver").with_org([
        Permission::allow(AssignOrgRole, Action::Assign),
        Permission::allow(Group, Action::Read),
    ]);
    let holder = Subject::user(Uuid::from_u128(1)).org_role(ORG, Arc::new(giver.clone()));
    let holder = holder.prepare();
    let read_groups = Role::new("a", "A").with_org([Permission::allow(Group, Action::Read)]);
    assert!(holder.may_assign(&read_groups, Some(ORG)).is_ok());
    // Not the right to assign itself: that takes `create`.
    assert!(holder.may_assign(&giver, Some(ORG)).is_err());
}

#[test]
fn what_a_custom_role_gives_on_own_objects_must_be_held_on_own_objects() {
    use ResourceType::{Group, Workspace};
    let own = Role::new("maker", "Maker").with_member([
        Permission::allow(Workspace, Action::Update),
        Permission::deny(Workspace, Action::Delete),
    ]);
    let more = own
        .clone()
        .with_org([Permission::allow(Group, Action::Update)]);
    let shell =
        Role::new("shell", "Shell").with_member([Permission::allow(Workspace, Action::Ssh)]);
    let built_in = org_role(ORGANIZATION_WORKSPACE_ACCESS).unwrap();
    let rows = [
        (ORGANIZATION_ADMIN, &own, true),
        (ORGANIZATION_ADMIN, &more, true),
        (ORGANIZATION_ADMIN, &shell, false),
        (ORGANIZATION_ADMIN, built_in, true),
        (ORGANIZATION_USER_ADMIN, &own, false),
        (ORGANIZATION_USER_ADMIN, built_in, true),
        (USER_ADMIN, &more, false),
        (USER_ADMIN, built_in, true),
        // Held, but without the right to assign.
        (ORGANIZATION_WORKSPACE_ACCESS, &own, false),
        (ORGANIZATION_AUDITOR, &own, false),
    ];
    for (name, role, expected) in rows {
        let actor = actor(name).prepare();
        for outcome in [
            actor.may_assign(role, Some(ORG)),
            actor.may_unassign(role, Some(ORG)),
        ] {
            assert_eq!(
                outcome.is_ok(),
                expected,
                "{name} {}: {outcome:?}",
                role.name()
            );
        }
        assert!(
            actor.may_assign(role, Some(OTHER)).is_err() || name == USER_ADMIN,
            "{name}"
        );
    }
    // With own workspaces, an administrator hands on what these allow.
    let both = actor(ORGANIZATION_ADMIN).org_role(ORG, Arc::clone(built_in));
    assert!(both.prepare().may_assign(&shell, Some(ORG)).is_ok());
}

#[test]
fn nobody_gives_or_takes_what_comes_with_membership() {
    for (system, settings) in SystemRole::ALL.iter().zip(ShareableOwners::ALL) {
        let role = system.role(*settings);
        for name in [OWNER, USER_ADMIN, ORGANIZATION_ADMIN] {
            let actor = actor(name).prepare();
            for outcome in [
                actor.may_assign(role, Some(ORG)),
                actor.may_unassign(role, Some(ORG)),
            ] {
                let denied = outcome.unwrap_err();
                assert!(matches!(denied, AssignDenied::System { .. }), "{denied}");
            }
            let listed = actor.assignable(Some(ORG));
            assert!(listed.iter().all(|(role, _)| role.name() != system.name()));
        }
        // Without the right to assign, that is all that is said.
        let denied = actor(AUDITOR).prepare().may_assign(role, Some(ORG));
        assert!(
            matches!(denied, Err(AssignDenied::NotAssigner { .. })),
            "{denied:?}"
        );
        assert!(org_role(system.name()).is_none() && is_reserved(system.name()));
    }
}

#[test]
fn retired_and_reserved_names_grant_nothing() {
    for name in reserved() {
        assert!(is_reserved(&name.to_uppercase()), "{name}");
    }
    for name in [
        "agents-access",
        "template-admin",
        "organization-service-account",
        "system",
    ] {
        assert!(is_reserved(name), "{name}");
        assert!(
            site_role(name).is_none() && org_role(name).is_none(),
            "{name}"
        );
    }
}
