//! What comes with membership: the flag table of the reference, and a committed text for each version of it.

use std::{env, fs, path::PathBuf, sync::Arc};

use rbac::{
    Action, ActionSet, Object, OrgPermissions, ResourceType, SYSTEM_ROLES_VERSION, ShareableOwners,
    Subject, SystemRole,
};
use uuid::Uuid;

const ME: Uuid = Uuid::from_u128(1);
const OTHER: Uuid = Uuid::from_u128(2);
const ORG: Uuid = Uuid::from_u128(11);

fn every() -> Vec<(SystemRole, ShareableOwners)> {
    let roles = SystemRole::ALL.iter();
    let with_each = roles.flat_map(|role| ShareableOwners::ALL.iter().map(move |s| (*role, *s)));
    with_each.collect()
}

#[test]
fn the_flag_table_of_the_reference_holds() {
    use ShareableOwners::{Everyone, None, ServiceAccounts};
    use SystemRole::{OrganizationMember, OrganizationServiceAccount};
    // role, mode, reads members, reads groups, denied in the organization, denied on own
    let rows = [
        (OrganizationMember, Everyone, [true, true, false, false]),
        (OrganizationMember, None, [false, false, true, true]),
        (
            OrganizationMember,
            ServiceAccounts,
            [true, false, false, true],
        ),
        (
            OrganizationServiceAccount,
            Everyone,
            [true, true, false, false],
        ),
        (
            OrganizationServiceAccount,
            None,
            [false, false, true, false],
        ),
        (
            OrganizationServiceAccount,
            ServiceAccounts,
            [true, true, false, false],
        ),
    ];
    for (role, settings, expected) in rows {
        let role = role.role(settings);
        let (org, own) = (role.org().set(), role.member().set());
        let flags = [
            org.allowed(ResourceType::OrganizationMember)
                .contains(Action::Read),
            org.allowed(ResourceType::Group).contains(Action::Read),
            org.denied(ResourceType::Workspace).contains(Action::Share),
            own.denied(ResourceType::Workspace).contains(Action::Share),
        ];
        assert_eq!(flags, expected, "{} {settings}", role.name());
    }
    assert_eq!(every().len(), rows.len());
}

#[test]
fn what_does_not_follow_the_settings_is_the_same_with_each() {
    for (role, settings) in every() {
        let who = format!("{} {settings}", role.name());
        let subject = Subject::user(ME)
            .org_role(ORG, Arc::clone(role.role(settings)))
            .prepare();
        let may = |object: &Object| -> Vec<_> {
            let actions = Action::ALL.iter().copied();
            actions
                .filter(|action| subject.allows(*action, object))
                .collect()
        };
        let person = role == SystemRole::OrganizationMember;
        let if_person = |actions: &[Action]| if person { actions.to_vec() } else { vec![] };
        let own = |resource, owner| Object::new(resource).in_org(ORG).owner(owner);
        assert_eq!(may(&Object::organization(ORG)), [Action::Read], "{who}");
        assert_eq!(may(&Object::assign_org_role(ORG)), [Action::Read], "{who}");
        let membership = Object::organization_member(ORG, ME);
        assert_eq!(may(&membership), [Action::Read], "{who}");
        assert_eq!(may(&Object::group_member(ORG, ME)), [Action::Read], "{who}");
        assert_eq!(may(&Object::group_member(ORG, OTHER)), [], "{who}");
        let chat = [Action::Create, Action::Read, Action::Update, Action::Share];
        assert_eq!(may(&own(ResourceType::Chat, ME)), if_person(&chat), "{who}");
        assert_eq!(may(&own(ResourceType::Chat, OTHER)), [], "{who}");
        let file = [Action::Create, Action::Read];
        assert_eq!(
            may(&own(ResourceType::ChatFile, ME)),
            if_person(&file),
            "{who}"
        );
        // Workspaces come with a role that is given.
        assert_eq!(may(&own(ResourceType::Workspace, ME)), [], "{who}");
        assert_eq!(may(&Object::ai_budget(ORG)), [], "{who}");
    }
}

#[test]
fn a_shared_object_is_seen_with_each_setting() {
    // An ACL asks for membership only: what is shared already stays so until it is cleared.
    for (role, settings) in every() {
        let subject = Subject::user(ME)
            .org_role(ORG, Arc::clone(role.role(settings)))
            .prepare();
        let shared = Object::workspace(None, ORG, OTHER)
            .with_user_acl(ME, ActionSet::of(Action::Read).with(Action::Share));
        assert!(subject.allows(Action::Read, &shared), "{settings}");
        let may_share = settings != ShareableOwners::None;
        assert_eq!(
            subject.allows(Action::Share, &shared),
            may_share,
            "{settings}"
        );
    }
}

fn golden(version: i32) -> PathBuf {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/system-roles");
    PathBuf::from(folder).join(format!("{version}.txt"))
}

/// All that the roles hold, in an order that says nothing: permissions are compared as sets.
fn content() -> String {
    let lines = every().into_iter().flat_map(|(role, settings)| {
        let OrgPermissions { org, member } = role.permissions(settings);
        let line = |level: &str, list: Vec<rbac::Permission>| {
            let mut list: Vec<_> = list.iter().map(ToString::to_string).collect();
            list.sort();
            let head = format!("{} | {settings} | {level} |", role.name());
            format!("{head} {}\n", list.join(", "))
        };
        [line("organization", org), line("member", member)]
    });
    lines.collect()
}

/// A program of the version before this one must be able to tell that a newer one wrote the rows.
#[test]
fn what_the_roles_hold_changes_with_the_version_only() {
    let path = golden(SYSTEM_ROLES_VERSION);
    if env::var_os("UPDATE").is_some() && !path.exists() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content()).unwrap();
    }
    let written = fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}; UPDATE=1 writes it", path.display()));
    assert_eq!(
        content(),
        written,
        "the roles hold something else than version {SYSTEM_ROLES_VERSION} does: raise SYSTEM_ROLES_VERSION, then \
         UPDATE=1 writes the text of the new version (that of an old one is never rewritten)"
    );
    let files = fs::read_dir(path.parent().unwrap()).unwrap();
    let names = files.map(|file| file.unwrap().path());
    let mut versions: Vec<i32> = names
        .map(|path| path.file_stem().unwrap().to_str().unwrap().parse().unwrap())
        .collect();
    versions.sort_unstable();
    let expected: Vec<_> = (1..=SYSTEM_ROLES_VERSION).collect();
    assert_eq!(versions, expected, "each version keeps its text");
    for older in expected.into_iter().filter(|v| *v < SYSTEM_ROLES_VERSION) {
        let text = fs::read_to_string(golden(older)).unwrap();
        assert_ne!(text, written, "version {older} holds the same");
    }
}
