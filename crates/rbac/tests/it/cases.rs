//! The decision table: cases of the reference for our types, and ours for what differs on purpose.

use std::sync::Arc;

use rbac::{
    Action, ActionSet, Assignment, Decision, Mode, Object, Permission, ResourceType, Role, Scope,
    ScopeSet, ShareableOwners, Subject, SystemRole, builtin,
};
use uuid::Uuid;

/// Both modes: `id | roles | more | object | action | allow?`. U asks, V is somebody else, O1 and O2 are
/// organizations, G and H groups. Objects: `type#id@organization/owner`, `-` for no organization, `*` for any.
/// More: `groups=`, `scope=`, `list=` (allow-list, comma separated), `user=` and `group=` (ACL).
const BOTH: &str = "
T001 | owner | | organization@- | create | allow
T002 | owner | | organization@O1 | delete | allow
T004 | OM:O1 | | organization@O1 | read | allow
T005 | OM:O1 | | organization@O1 | update | deny
T007 | OAdm:O2 | | organization@O1 | read | deny
T008 | OAdm:O1 | | organization@- | create | deny
T010 | user-admin | | organization@O1 | update | deny
T011 | | | user#U@-/U | read | allow
T013 | | | user#U@-/U | update | deny
T014 | | | user#U@-/U | update_personal | allow
T016 | auditor | | user#V@-/V | read | allow
T017 | auditor | | user#V@-/V | read_personal | deny
T019 | OAdm:O1 | | user#V@-/V | update | deny
T020 | OAud:O1 | | user#V@-/V | read | deny
T025 | OUsr:O1 | | group#H@O2 | delete | deny
T026 | OM:O1 | group=G:read | group#G@O1 | read | allow
T028 | OM-none:O1 | groups=G group=G:read | group#G@O1 | read | allow
T029 | | groups=G group=G:read | group#G@O1 | read | deny
T031 | OM:O1 | | group_member#V@O1/V | read | deny
T032 | OAud:O1 | | group_member#V@O1/V | read | allow
T034 | OM-none:O1 | | organization_member#V@O1/V | read | deny
T035 | OM-none:O1 | | organization_member#U@O1/U | read | allow
T037 | OAud:O1 | | organization_member#V@O1/V | update | deny
T038 | | | assign_role@- | read | allow
T040 | user-admin | | assign_org_role@O1 | create | deny
T041 | OAdm:O1 | | assign_org_role@O1 | create | allow
T043 | OUsr:O1 | | assign_org_role@O1 | assign | allow
T044 | OUsr:O1 | | assign_org_role@O1 | update | deny
T046 | OAud:O1 + OM:O1 | | assign_org_role@O1 | read | allow
T047 | auditor | | audit_log@- | read | allow
T049 | auditor | | audit_log@O1 | create | deny
T050 | OAud:O1 | | audit_log@O1 | read | allow
T052 | OAud:O1 | | audit_log@O2 | read | deny
T055 | OAdm:O1 | | api_key#K@-/V | read | deny
T056 | owner | | api_key#K@-/V | delete | allow
T058 | OM:O1 | | chat#C@O1/U | delete | deny
T059 | OM:O1 | | chat#C@O1/V | read | deny
T061 | OM:O1 | user=U:read | chat#C@O1/V | update | deny
T062 | OM:O2 | user=U:read | chat#C@O1/V | read | deny
T064 | WA:O1 | | chat#C@O1/U | read | deny
T065 | OAdm:O1 | | chat#C@O1/V | delete | allow
T067 | owner + no-chat-sharing | | chat#C@O1/V | share | deny
T073 | owner | | ai_provider@- | update | allow
T074 | auditor | | ai_provider@- | read | deny
T082 | auditor | | deployment_config@- | read | allow
T083 | auditor | | deployment_config@- | update | deny
T089 | WA:O1 | | workspace#W1@O1/U | create | allow
T091 | WA:O1 + BAN:O1 | | workspace#W1@O1/U | create | deny
T092 | WA:O1 + BAN:O1 | | workspace#W1@O1/U | start | allow
T094 | OAdm:O1 + BAN:O1 | | workspace#W1@O1/V | delete | deny
T095 | WA:O1 + OM-service:O1 | | workspace#W1@O1/U | share | deny
T097 | WA:O1 + SA-service:O1 | | workspace#W1@O1/U | share | allow
T098 | OAdm:O1 + OM-none:O1 | | workspace#W1@O1/V | share | deny
T100 | OAdm:O1 | | workspace#W1@O1/V | ssh | deny
T103 | WA:O1 | | workspace@O1/V | create | deny
T106 | user-admin | group=O1:read | workspace#W1@O1 | read | deny
T107 | WA:O1 | groups=G group=G:ssh | workspace#W1@O1/V | ssh | allow
T109 | empty:O1 | group=O1:read | workspace#W1@O1 | read | allow
T110 | WA:O1 | user=U:* | workspace#W1@O1/V | delete | allow
T112 | owner | scope=workspace:read | workspace#W1@O1/V | read | allow
T113 | owner | scope=workspace:read | workspace#W1@O1/V | update | deny
T118 | owner | list=workspace:W1 | workspace#W1@O1/V | update | allow
T119 | owner | list=workspace:W1 | workspace@O1/V | create | deny
T121 | owner | list=workspace:* | chat#C@O1 | read | deny
T122 | owner | list= | user#V@-/V | read | deny
T131 | OAud:O1 | | workspace@* | create | deny
T133 | WA:O1 + BAN:O1 | | workspace@*/U | create | deny
T134 | OUsr:O1 | | organization_member@* | create | allow
T136 | group-reader:O1 | | group#H@O2 | read | deny
T137 | owner + no-user-read | | user#V@-/V | read | deny
E03 | | | workspace#W1@O1/U | read | deny
E08 | owner + BAN:O1 | | workspace@O1/U | create | allow
E11 | OM:O2 | groups=G group=G:read | chat#C@O1/V | read | deny
E15 | owner | list=workspace:W1 | workspace#W2@O1 | read | deny
B01 | | | ai_provider@- | use | allow
B02 | | | ai_provider@- | read | deny
B03 | owner | scope=chat:* | ai_provider@- | use | deny
B04 | | scope=ai_provider:use | ai_provider@- | use | allow
B05 | | | api_key#K@-/U | create | allow
B06 | | | api_key#K@-/V | read | deny
B07 | OAdm:O1 + OM:O1 | | ai_budget@O1 | update | deny
B08 | OAdm:O1 + OM:O1 | | ai_budget@O1/U | update | deny
B09 | owner | | ai_budget@O1 | update | allow
B10 | auditor | | ai_usage_event@O1 | read | deny
B11 | OM:O1 | | organization_member#V@O1/V | read | allow
B12 | OUsr:O1 | | user#V@-/V | read | allow
B13 | OM-service:O1 | | group#G@O1 | read | deny
B14 | SA-service:O1 | | group#G@O1 | read | allow
B15 | SA-service:O1 | | chat#C@O1/U | create | deny
B16 | WA:O1 + SA-none:O1 | | workspace#W1@O1/U | share | deny
B17 | owner + OM-none:O1 | | workspace#W1@O1/V | share | allow
B18 | owner + no-workspace-sharing | | workspace#W1@O1/V | share | deny
B19 | owner + no-workspace-sharing | | workspace#W1@O1/V | update | allow
B20 | WA:O1 + OM:O1 + no-workspace-sharing | | workspace#W1@O1/U | share | deny
B21 | OAdm:O1 + no-workspace-sharing | | workspace#W1@O1/V | share | deny
";

/// Where the modes differ: ours first, then the reference.
const DIFFERENT: &str = "
T146 | owner | | workspace@O1*/U | create | deny | allow
E13 | WA:O1 + OM-none:O1 | user=U:* | workspace#W1@O1/U | share | deny | allow
E13w | owner + OM:O1 + no-workspace-sharing | user=U:* | workspace#W1@O1/V | share | deny | allow
E13s | no-chat-sharing + OM:O1 | user=U:* | chat#C@O1/V | share | deny | allow
E19 | WA:O1 + BAN:O1 + OM:O2 | | workspace@*/U | create | deny | allow
D01 | everything | | user@- | ssh | deny | allow
";

fn id(word: &str) -> Uuid {
    let number = match word {
        "U" => 1,
        "V" => 2,
        "O1" => 11,
        "O2" => 12,
        "G" => 21,
        "H" => 22,
        "K" => 31,
        "C" => 32,
        "W1" => 33,
        "W2" => 34,
        other => panic!("no id {other}"),
    };
    Uuid::from_u128(number)
}

fn role(word: &str) -> Arc<Role> {
    let org = |name| Arc::clone(builtin::org_role(name).unwrap());
    let member = |settings| Arc::clone(SystemRole::OrganizationMember.role(settings));
    let service = |settings| Arc::clone(SystemRole::OrganizationServiceAccount.role(settings));
    let deny = |t, action| Role::new("deny", "").with_site([Permission::deny(t, action)]);
    match word {
        "OAdm" => org(builtin::ORGANIZATION_ADMIN),
        "OAud" => org(builtin::ORGANIZATION_AUDITOR),
        "OUsr" => org(builtin::ORGANIZATION_USER_ADMIN),
        "WA" => org(builtin::ORGANIZATION_WORKSPACE_ACCESS),
        "BAN" => org(builtin::ORGANIZATION_WORKSPACE_CREATION_BAN),
        "OM" => member(ShareableOwners::Everyone),
        "OM-none" => member(ShareableOwners::None),
        "OM-service" => member(ShareableOwners::ServiceAccounts),
        "SA-none" => service(ShareableOwners::None),
        "SA-service" => service(ShareableOwners::ServiceAccounts),
        "no-workspace-sharing" => builtin::no_workspace_sharing(),
        "empty" => Arc::new(Role::new("empty", "")),
        "group-reader" => {
            let read = Permission::allow(ResourceType::Group, Action::Read);
            Arc::new(Role::new("group-reader", "").with_org([read]))
        }
        "no-chat-sharing" => Arc::new(deny(ResourceType::Chat, Action::Share)),
        "no-user-read" => Arc::new(deny(ResourceType::User, Action::Read)),
        "everything" => Arc::new(Role::new("everything", "").with_site([Permission::ANY])),
        site => Arc::clone(builtin::site_role(site).unwrap()),
    }
}

fn subject(roles: &str, more: &str) -> Subject {
    let mut subject = Subject::user(id("U"));
    for word in roles
        .split('+')
        .map(str::trim)
        .filter(|word| !word.is_empty())
    {
        subject = match word.split_once(':') {
            Some((name, org)) => subject.org_role(id(org), role(name)),
            None => subject.site_role(role(word)),
        };
    }
    let value = |key: &str| more.split(' ').find_map(|word| word.strip_prefix(key));
    let list = value("list=").map(|entries| {
        let entries = entries.split(',').filter(|entry| !entry.is_empty());
        let spelled = entries.map(|entry| match entry.split_once(':').unwrap() {
            (_, "*") => entry.to_owned(),
            (resource, word) => format!("{resource}:{}", id(word)),
        });
        spelled.collect::<Vec<_>>()
    });
    let names: Vec<_> = value("scope=").into_iter().collect();
    let scope = ScopeSet::parse(&names, list.as_deref()).unwrap();
    subject
        .groups(value("groups=").map(id))
        .scope(scope.to_scope())
}

fn object(text: &str, more: &str) -> Object {
    let (what, place) = text.split_once('@').unwrap();
    let (resource, row) = what
        .split_once('#')
        .map_or((what, None), |(t, row)| (t, Some(row)));
    let (org, owner) = place
        .split_once('/')
        .map_or((place, None), |(o, user)| (o, Some(user)));
    let mut object = Object::new(resource.parse().unwrap());
    object = row.map_or(object.clone(), |row| object.id(id(row)));
    object = owner.map_or(object.clone(), |owner| object.owner(id(owner)));
    if org.ends_with('*') {
        object = object.any_org();
    }
    let org = org.trim_end_matches(['*', '-']);
    if !org.is_empty() {
        object = object.in_org(id(org));
    }
    let actions = |word: &str| {
        if word == "*" {
            ActionSet::ALL
        } else {
            ActionSet::of(word.parse().unwrap())
        }
    };
    for word in more.split(' ') {
        if let Some((user, action)) = word
            .strip_prefix("user=")
            .map(|w| w.split_once(':').unwrap())
        {
            object = object.with_user_acl(id(user), actions(action));
        }
        if let Some((group, action)) = word
            .strip_prefix("group=")
            .map(|w| w.split_once(':').unwrap())
        {
            object = object.with_group_acl(id(group), actions(action));
        }
    }
    object
}

fn check(line: &str, cells: &[&str], mode: Mode, expected: &str) {
    let [_, roles, more, what, action, ..] = cells else {
        panic!("{line}")
    };
    let subject = subject(roles, more).mode(mode).prepare();
    let (object, action) = (object(what, more), action.parse().unwrap());
    let explanation = subject.explain(action, &object);
    let expected = if expected == "allow" {
        Decision::Allow
    } else {
        Decision::Deny
    };
    assert_eq!(
        subject.decide(action, &object),
        expected,
        "{mode:?} {line}\n{explanation}"
    );
    assert_eq!(
        explanation.decision, expected,
        "{mode:?} {line}\n{explanation}"
    );
}

fn rows(table: &str) -> impl Iterator<Item = (&str, Vec<&str>)> {
    let lines = table.lines().filter(|line| !line.is_empty());
    lines.map(|line| (line, line.split('|').map(str::trim).collect()))
}

#[test]
fn the_decision_table_holds_in_both_modes() {
    for (line, cells) in rows(BOTH) {
        for mode in [Mode::Bursar, Mode::Reference] {
            check(line, &cells, mode, cells[5]);
        }
    }
}

#[test]
fn the_modes_differ_where_they_are_meant_to() {
    for (line, cells) in rows(DIFFERENT) {
        check(line, &cells, Mode::Bursar, cells[5]);
        check(line, &cells, Mode::Reference, cells[6]);
    }
}

#[test]
fn a_scope_may_reach_own_objects_of_an_organization_only() {
    // T124 and T125 of the reference.
    let every_workspace = Permission {
        negate: false,
        resource: Some(ResourceType::Workspace),
        action: None,
    };
    let part = Role::new("part", "").with_member([every_workspace]);
    let grants = vec![Assignment {
        org: Some(id("O1")),
        role: Arc::new(part),
    }];
    let scope = Scope::from_grants(grants, ScopeSet::all().allow_list().clone());
    let subject = subject("OAdm:O1", "").scope(scope).prepare();
    for (owner, expected) in [("U", true), ("V", false)] {
        let workspace = Object::new(ResourceType::Workspace)
            .in_org(id("O1"))
            .owner(id(owner));
        assert_eq!(
            subject.allows(Action::Read, &workspace),
            expected,
            "{owner}"
        );
    }
}

#[test]
fn rows_become_objects_with_the_right_owner_and_organization() {
    let (user, org, group) = (id("U"), id("O1"), id("G"));
    let member = Subject::user(user).member_of(org).groups([group]).prepare();
    let rows = [
        (Object::user(user), Action::ReadPersonal, true),
        (Object::user(id("V")), Action::Read, false),
        (Object::organization(org), Action::Read, true),
        (Object::organization_member(org, user), Action::Read, true),
        (Object::group(org, group), Action::Read, true),
        (Object::group(org, group), Action::Update, false),
        (Object::group_member(org, user), Action::Read, true),
        (Object::group_member(org, id("V")), Action::Read, false),
        (Object::api_key(None, user), Action::Create, true),
        (Object::ai_provider(None), Action::Use, true),
        (Object::audit_log(Some(org)), Action::Read, false),
        (Object::workspace(None, org, user), Action::Read, false),
        (Object::idpsync_settings(Some(org)), Action::Read, false),
        (Object::ai_budget(org), Action::Read, false),
        (Object::assign_role(), Action::Read, true),
        (Object::assign_org_role(org), Action::Read, true),
        (Object::deployment_config(), Action::Read, false),
    ];
    for (object, action, expected) in rows {
        assert_eq!(
            member.allows(action, &object),
            expected,
            "{}",
            member.explain(action, &object)
        );
    }
}

#[test]
fn a_part_of_the_system_holds_what_it_lists_and_owns_nothing() {
    let actor = Subject::system(
        "gateway",
        &[Permission::allow(ResourceType::User, Action::Read)],
    );
    let actor = actor.prepare();
    assert!(actor.allows(Action::Read, &Object::user(id("U"))));
    assert!(!actor.allows(Action::Update, &Object::user(id("U"))));
    assert!(!actor.allows(Action::ReadPersonal, &Object::user(Uuid::nil())));
}

#[test]
fn an_explanation_names_what_decided() {
    let share = subject("WA:O1 + OM-none:O1", "").prepare();
    let workspace = object("workspace#W1@O1/U", "user=U:share");
    let text = share.explain(Action::Share, &workspace).to_string();
    let org = id("O1");
    let by = format!("!workspace:share of organization-member (organization level, held in {org})");
    let user = id("U");
    assert_eq!(
        text,
        format!(
            "deny workspace:share; roles: refused by {by}; acl: the entry of user {user} is barred by \
             {by}; scope: granted by *:* of all (site level); allow-list: *:*"
        )
    );
    let json = serde_json::to_value(share.explain(Action::Share, &workspace)).unwrap();
    assert_eq!(json["decision"], "deny");
    assert_eq!(json["roles"]["refused"]["role"], "organization-member");
    assert_eq!(json["allow_list"]["admitted"], "*:*");
}
