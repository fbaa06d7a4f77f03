//! Properties over random subjects and objects: equal to the naive evaluator, explanations and
//! visibility equal to decisions, and the laws that any such engine keeps.

use proptest::{prelude::*, sample::Index};
use rbac::{Action, AllowEntry, Mode, Permission, ResourceType};

use crate::{
    draft::{DraftObject, DraftRole, DraftSubject},
    naive,
    strategies::{acl_entry, action, maybe_nobody, object, org, permission, subject},
};

const MODES: [Mode; 2] = [Mode::Bursar, Mode::Reference];

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

fn allows(subject: &DraftSubject, mode: Mode, action: Action, object: &DraftObject) -> bool {
    subject.prepare(mode).allows(action, &object.build())
}

proptest! {
    #![proptest_config(config(800))]

    #[test]
    fn the_reference_mode_decides_as_the_naive_evaluator(
        mut subject in subject(), action in action(), object in object(), nobody in 0..8,
    ) {
        maybe_nobody(&mut subject, nobody == 0);
        let expected = naive::reference(&subject, action, &object);
        prop_assert_eq!(allows(&subject, Mode::Reference, action, &object), expected);
    }

    #[test]
    fn our_mode_decides_as_the_naive_evaluator_with_the_differences(
        subject in subject(), action in action(), object in object(),
    ) {
        let expected = naive::bursar(&subject, action, &object);
        prop_assert_eq!(allows(&subject, Mode::Bursar, action, &object), expected);
    }

    #[test]
    fn an_explanation_never_contradicts_the_decision(
        mut subject in subject(), action in action(), object in object(), nobody in 0..8,
    ) {
        maybe_nobody(&mut subject, nobody == 0);
        for mode in MODES {
            let prepared = subject.prepare(mode);
            let object = object.build();
            let explanation = prepared.explain(action, &object);
            prop_assert_eq!(explanation.decision, prepared.decide(action, &object), "{}", explanation);
        }
    }

    #[test]
    fn the_visible_rows_are_those_that_a_decision_allows(
        subject in subject(), action in action(), object in object(),
    ) {
        let row = DraftObject { any_org: false, ..object };
        for mode in MODES {
            let prepared = subject.prepare(mode);
            let row = row.build();
            let visibility = prepared.visibility(action, row.resource());
            let visible = visibility.matches(&row);
            prop_assert_eq!(visible, prepared.allows(action, &row), "{:?}: {:?}", mode, visibility);
        }
    }
}

proptest! {
    #![proptest_config(config(600))]

    #[test]
    fn one_more_permission_moves_the_decision_its_own_way_only(
        subject in subject(), action in action(), object in object(),
        more in permission(any::<bool>()), place in any::<Index>(),
    ) {
        let mut changed = subject.clone();
        let mut lists = changed.lists_mut();
        let list = place.index(lists.len());
        lists[list].push(more);
        for mode in MODES {
            let before = allows(&subject, mode, action, &object);
            let after = allows(&changed, mode, action, &object);
            let as_meant = if more.negate { after <= before } else { after >= before };
            prop_assert!(as_meant);
        }
    }

    #[test]
    fn fewer_denials_and_wider_lists_never_deny(
        subject in subject(), action in action(), object in object(),
        user in acl_entry(org()), group in acl_entry(org()),
    ) {
        let mut undenied = subject.clone();
        undenied.lists_mut().into_iter().for_each(|list| list.retain(|p| !p.negate));
        let mut unlisted = subject.clone();
        unlisted.allow.push(AllowEntry { resource: None, id: None });
        let mut shared = object.clone();
        shared.users.push((subject.id, user.1));
        shared.groups.push(group);
        for mode in MODES {
            let before = allows(&subject, mode, action, &object);
            prop_assert!(allows(&undenied, mode, action, &object) >= before);
            prop_assert!(allows(&unlisted, mode, action, &object) >= before);
            prop_assert!(allows(&subject, mode, action, &shared) >= before);
        }
    }

    #[test]
    fn order_and_duplicates_do_not_matter(
        subject in subject(), action in action(), object in object(),
    ) {
        let mut shuffled = subject.clone();
        for list in shuffled.lists_mut() {
            list.extend(list.clone());
            list.reverse();
        }
        shuffled.roles.reverse();
        shuffled.groups.extend(subject.groups.clone());
        shuffled.allow.reverse();
        let mut reversed = object.clone();
        reversed.users.reverse();
        reversed.groups.reverse();
        for mode in MODES {
            let before = allows(&subject, mode, action, &object);
            prop_assert_eq!(allows(&shuffled, mode, action, &reversed), before);
        }
    }

    #[test]
    fn a_wildcard_is_the_list_of_everything(
        subject in subject(), action in action(), object in object(),
    ) {
        let mut spelled = subject.clone();
        for list in spelled.lists_mut() {
            *list = list.iter().flat_map(|permission| spell_out(*permission)).collect();
        }
        for mode in MODES {
            let before = allows(&subject, mode, action, &object);
            prop_assert_eq!(allows(&spelled, mode, action, &object), before);
        }
    }

    #[test]
    fn a_token_never_allows_more_than_its_owner_without_it(
        subject in subject(), action in action(), object in object(),
    ) {
        let mut unscoped = subject.clone();
        unscoped.scope = DraftRole { site: vec![Permission::ANY], ..DraftRole::default() };
        unscoped.allow = vec![AllowEntry { resource: None, id: None }];
        for mode in MODES {
            let scoped = allows(&subject, mode, action, &object);
            prop_assert!(scoped <= allows(&unscoped, mode, action, &object));
        }
    }

    #[test]
    fn a_role_without_denials_that_is_taken_away_never_allows_more(
        subject in subject(), action in action(), object in object(), which in any::<Index>(),
    ) {
        let mut whole = subject;
        whole.roles.push(DraftRole::default());
        let which = which.index(whole.roles.len());
        whole.roles[which].lists_mut().into_iter().for_each(|list| list.retain(|p| !p.negate));
        let mut without = whole.clone();
        without.roles.remove(which);
        for mode in MODES {
            let after = allows(&without, mode, action, &object);
            prop_assert!(after <= allows(&whole, mode, action, &object));
        }
    }
}

fn spell_out(permission: Permission) -> Vec<Permission> {
    let types = permission
        .resource
        .map_or(ResourceType::ALL.to_vec(), |t| vec![t]);
    let actions = permission.action.map_or(Action::ALL.to_vec(), |a| vec![a]);
    let pairs = types
        .iter()
        .flat_map(|t| actions.iter().map(move |a| (*t, *a)));
    pairs
        .map(|(resource, action)| Permission {
            negate: permission.negate,
            resource: Some(resource),
            action: Some(action),
        })
        .collect()
}
