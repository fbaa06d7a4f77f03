//! What a change of an ACL means, what is wrong with it, and what comes of it.

use rbac::{Action, Object, ResourceType};
use uuid::Uuid;

use super::*;
use crate::workspaces::WorkspaceRole::{self, Admin, Use};

const A: &str = "0190d3a0-b5a0-7c3b-9d2f-3f1d2a3b4c5d";
const B: &str = "0190d3a0-b5a0-7c3b-9d2f-3f1d2a3b4c5e";

fn user(text: &str) -> UserId {
    text.parse().unwrap()
}

fn group(text: &str) -> GroupId {
    text.parse().unwrap()
}

fn acl(users: &[(&str, WorkspaceRole)], groups: &[(&str, WorkspaceRole)]) -> Acl<WorkspaceRole> {
    let users = users
        .iter()
        .map(|(id, role)| (Principal::User(user(id)), *role));
    let groups = groups
        .iter()
        .map(|(id, role)| (Principal::Group(group(id)), *role));
    users.chain(groups).collect()
}

fn change(users: &[(&str, &str)], groups: &[(&str, &str)]) -> AclChange<WorkspaceRole> {
    AclChange::parse(users.iter().copied(), groups.iter().copied())
}

/// Whose the object is.
const OWNER: UserId = UserId(Uuid::from_u128(9));

/// Everybody exists but B.
fn problems(change: &AclChange<WorkspaceRole>) -> Vec<String> {
    let mut known = change.wanted();
    known.users.remove(&user(B));
    known.groups.remove(&group(B));
    let found = change.problems(&known, &Acl::default(), OWNER);
    let shown = |problem: AclProblem| {
        let field = match problem.field {
            AclField::Users => "user",
            AclField::Groups => "group",
            AclField::Expiry => "end",
        };
        format!("{field}: {}", problem.detail)
    };
    found.into_iter().map(shown).collect()
}

#[test]
fn all_that_is_wrong_is_told_at_once_groups_first() {
    let check = |users: &[(&str, &str)], groups: &[(&str, &str)], expected: &[&str]| {
        assert_eq!(
            problems(&change(users, groups)),
            expected,
            "{users:?} {groups:?}"
        );
    };
    let upper = A.to_uppercase();
    let braces = format!("{{{A}}}");
    let twice = format!("user: user with ID {A} is named more than once");
    let twice_of_groups = format!("group: group with ID {A} is named more than once");
    let no_user = format!("user: user with ID {B} does not exist");
    let no_group = format!("group: group with ID {B} does not exist");
    check(&[], &[], &[]);
    check(&[(A, "use")], &[(A, "admin")], &[]);
    check(&[(&upper, "use")], &[(&braces, "")], &[]);
    check(&[(&format!("urn:uuid:{A}"), "use")], &[], &[]);
    check(
        &[(A, "owner")],
        &[],
        &["user: role \"owner\" is not a valid workspace role"],
    );
    check(
        &[(A, "Use")],
        &[],
        &["user: role \"Use\" is not a valid workspace role"],
    );
    check(&[("x", "")], &[], &["user: x is not a valid UUID."]);
    // A complaint does not repeat a long text whole.
    let (long, most) = ("é".repeat(5_000), "é".repeat(100));
    check(
        &[(&long, "use"), (A, &long)],
        &[(&most, "")],
        &[
            &format!("group: {most} is not a valid UUID."),
            &format!("user: {most}… is not a valid UUID."),
            &format!("user: role \"{most}…\" is not a valid workspace role"),
        ],
    );
    check(&[("", "use")], &[], &["user:  is not a valid UUID."]);
    check(&[("me", "use")], &[], &["user: me is not a valid UUID."]);
    check(&[(A, "use"), (&upper, "use")], &[], &[&twice]);
    check(
        &[(A, ""), (&upper, "")],
        &[(A, "use"), (&braces, "")],
        &[&twice_of_groups, &twice],
    );
    check(&[(B, "use")], &[(B, "use")], &[&no_group, &no_user]);
    // Nobody could take the owner's entry from them but somebody else.
    let owner = OWNER.to_string();
    let owns = format!("user: user with ID {owner} owns the workspace");
    check(&[(&owner, "use")], &[(&owner, "use")], &[&owns]);
    check(&[(&owner.to_uppercase(), "admin")], &[], &[&owns]);
    check(&[(&owner, "")], &[], &[]);
    // Who loses a role need not exist.
    check(&[(B, "")], &[(B, "")], &[]);
    check(
        &[(B, "boss"), ("y", "boss")],
        &[("z", "use")],
        &[
            "group: z is not a valid UUID.",
            "user: role \"boss\" is not a valid workspace role",
            "user: role \"boss\" is not a valid workspace role",
            "user: y is not a valid UUID.",
            &no_user,
        ],
    );
}

#[test]
fn what_else_is_wrong_is_told_last() {
    let wrong = |change: AclChange<WorkspaceRole>| change.wrong(AclField::Expiry, "is past");
    let no_user = format!("user: user with ID {B} does not exist");
    let both = problems(&wrong(change(&[(B, "use")], &[])));
    assert_eq!(both, [no_user.as_str(), "end: is past"]);
    assert_eq!(problems(&wrong(change(&[], &[]))), ["end: is past"]);
}

#[test]
fn a_change_names_somebody_in_any_spelling_and_with_any_role() {
    let upper = A.to_uppercase();
    for (key, role, named) in [
        (A, "use", true),
        (upper.as_str(), "", true),
        (A, "nonsense", true),
        (B, "use", false),
        ("x", "use", false),
    ] {
        assert_eq!(
            change(&[(key, role)], &[]).names(user(A)),
            named,
            "{key} {role}"
        );
        assert!(
            !change(&[], &[(key, role)]).names(user(A)),
            "a group is nobody"
        );
    }
}

#[test]
fn a_change_is_merged_onto_what_is_there_and_only_differences_are_written() {
    let before = acl(&[(A, Use)], &[(A, Admin)]);
    let check =
        |change: AclChange<WorkspaceRole>, after: &Acl<WorkspaceRole>, writes: [usize; 2]| {
            let merged = before.merged(&change);
            assert_eq!(merged, *after);
            let diff = before.diff(&merged);
            assert_eq!([diff.set.len(), diff.removed.len()], writes, "{diff:?}");
            assert_eq!(diff.is_empty(), writes == [0, 0]);
        };
    check(change(&[], &[]), &before, [0, 0]);
    check(change(&[(A, "use")], &[(B, "")]), &before, [0, 0]);
    check(
        change(&[(A, "admin")], &[]),
        &acl(&[(A, Admin)], &[(A, Admin)]),
        [1, 0],
    );
    check(
        change(&[(B, "use")], &[]),
        &acl(&[(A, Use), (B, Use)], &[(A, Admin)]),
        [1, 0],
    );
    check(change(&[(A, "")], &[(A, "")]), &acl(&[], &[]), [0, 2]);
    check(
        change(&[(A, "")], &[(B, "use")]),
        &acl(&[], &[(A, Admin), (B, Use)]),
        [1, 1],
    );
}

#[test]
fn an_object_is_shared_with_so_many_and_no_more() {
    let ids: Vec<_> = (0..1_001)
        .map(|id| Uuid::from_u128(id).to_string())
        .collect();
    let full: Acl<_> = ids[..1_000]
        .iter()
        .map(|id| (Principal::User(user(id)), Use))
        .collect();
    let check = |change: AclChange<WorkspaceRole>, acl: &Acl<_>, expected: Option<&str>| {
        let found = change.problems(&change.wanted(), acl, OWNER);
        let found: Vec<_> = found
            .iter()
            .map(|problem| problem.detail.as_str())
            .collect();
        assert_eq!(found, expected.into_iter().collect::<Vec<_>>());
    };
    let full_text = "a workspace can be shared with at most 1000 users and groups";
    check(change(&[(&ids[1_000], "use")], &[]), &full, Some(full_text));
    check(change(&[], &[(A, "use")]), &full, Some(full_text));
    check(
        change(&[(&ids[0], ""), (&ids[1_000], "use")], &[]),
        &full,
        None,
    );
    check(change(&[(&ids[0], "admin")], &[]), &full, None);
    let many: Vec<_> = ids.iter().map(|id| (id.as_str(), "")).collect();
    let many_text = "at most 1000 entries can be changed at once";
    check(change(&many, &[]), &full, Some(many_text));
}

#[test]
fn entries_are_what_a_decision_sees() {
    let object = acl(&[(A, Use)], &[(B, Admin)]).onto(Object::new(ResourceType::Workspace));
    let [person] = object.user_acl() else {
        panic!("{object:?}")
    };
    let [team] = object.group_acl() else {
        panic!("{object:?}")
    };
    assert_eq!((person.id, team.id), (user(A).0, group(B).0));
    assert!(person.actions.contains(Action::Read) && !person.actions.contains(Action::Share));
    assert!(team.actions.contains(Action::Share) && !team.actions.contains(Action::Delete));
}

#[test]
fn roles_are_found_by_name_and_by_what_they_let_do() {
    for role in WorkspaceRole::ALL {
        assert_eq!(WorkspaceRole::parse(role.as_str()), Some(*role));
        // Nothing that the type does not know, and neither making nor removing.
        let declared = ResourceType::Workspace.actions();
        assert!(role.actions().minus(declared).is_empty(), "{role:?}");
        for never in [Action::Create, Action::Delete] {
            assert!(!role.actions().contains(never), "{role:?} {never}");
        }
    }
    assert_eq!(WorkspaceRole::granting(Action::Read), ["use", "admin"]);
    assert_eq!(WorkspaceRole::granting(Action::Share), ["admin"]);
    assert_eq!(WorkspaceRole::granting(Action::Delete), [""; 0]);
}
