//! Properties of granting and of visibility without ACLs, over random subjects and objects.

use std::sync::Arc;

use proptest::{collection::vec, prelude::*, sample::select};
use rbac::{
    Action, Mode, Object, OrgPermissions, Permission, PreparedSubject, ResourceType, Subject,
    custom_role,
};
use uuid::Uuid;

use crate::{
    draft::DraftObject,
    strategies::{action, object, org, subject},
};

const HOLDER: Uuid = Uuid::from_u128(901);
const STRANGER: Uuid = Uuid::from_u128(902);

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

fn spelled() -> impl Strategy<Value = Permission> {
    let resources = [
        ResourceType::Workspace,
        ResourceType::Chat,
        ResourceType::Group,
        ResourceType::User,
        ResourceType::AssignOrgRole,
    ];
    (any::<bool>(), select(resources.to_vec())).prop_flat_map(|(negate, resource)| {
        let actions: Vec<_> = resource.actions().iter().collect();
        select(actions).prop_map(move |action| Permission {
            negate,
            resource: Some(resource),
            action: Some(action),
        })
    })
}

/// Keeps of the list what may be granted alone, so that most cases say something.
fn granted(
    grantor: &PreparedSubject,
    org: Uuid,
    list: Vec<Permission>,
    level: fn(Permission) -> OrgPermissions,
) -> Vec<Permission> {
    list.into_iter()
        .filter(|permission| grantor.may_grant(org, &level(*permission)).is_ok())
        .collect()
}

proptest! {
    #![proptest_config(config(800))]

    #[test]
    fn a_granted_role_lets_nobody_do_what_the_grantor_could_not(
        grantor in subject(), org in org(),
        whole in vec(spelled(), 0..12), own in vec(spelled(), 0..12),
    ) {
        let grantor = grantor.prepare(Mode::Bursar);
        let asked = OrgPermissions {
            org: granted(&grantor, org, whole, |p| OrgPermissions { org: vec![p], member: vec![] }),
            member: granted(&grantor, org, own, |p| OrgPermissions { org: vec![], member: vec![p] }),
        };
        prop_assert!(grantor.may_grant(org, &asked).is_ok());
        let role = custom_role("custom".into(), String::new(), asked.org, asked.member);
        let holder = Subject::new(HOLDER).org_role(org, Arc::new(role)).prepare();
        for resource in ResourceType::ALL {
            let row = || Object::new(*resource).in_org(org);
            for action in resource.actions().iter() {
                let pairs = [
                    (row(), row()),
                    (row().owner(STRANGER), row().owner(STRANGER)),
                    // Each one's own.
                    (row().owner(HOLDER), row().owner(grantor.id())),
                ];
                for (theirs, mine) in pairs {
                    let can = holder.allows(action, &theirs);
                    prop_assert!(can <= grantor.allows(action, &mine), "{} {:?}", action, theirs);
                }
                // And nothing anywhere else.
                prop_assert!(!holder.allows(action, &Object::new(*resource).owner(HOLDER)));
            }
        }
    }

    #[test]
    fn visibility_without_acls_is_the_decision_on_rows_without_acls(
        subject in subject(), action in action(), object in object(),
    ) {
        let row = DraftObject { any_org: false, ..object };
        let bare = DraftObject { users: vec![], groups: vec![], ..row.clone() };
        for mode in [Mode::Bursar, Mode::Reference] {
            let prepared = subject.prepare(mode);
            let visibility = prepared.visibility(action, row.resource).without_acl();
            let expected = prepared.allows(action, &bare.build());
            prop_assert_eq!(visibility.matches(&row.build()), expected, "{:?}", visibility);
            prop_assert_eq!(visibility.matches(&bare.build()), expected, "{:?}", visibility);
            prop_assert_eq!(visibility.clone().without_acl(), visibility);
        }
    }
}

#[test]
fn nothing_is_left_of_a_tree_that_is_all_acl() {
    let member = Subject::user(HOLDER).member_of(STRANGER).prepare();
    let shared = member.visibility(Action::Read, ResourceType::Workspace);
    assert_ne!(shared, rbac::Visibility::None);
    assert_eq!(shared.without_acl(), rbac::Visibility::None);
}
