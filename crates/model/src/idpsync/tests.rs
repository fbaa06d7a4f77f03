//! The rules as tables, and what holds for all claims.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;

use super::*;
use crate::{GroupId, Name, OrganizationId};

/// Being in these organizations, without roles and groups.
fn places(ids: &BTreeSet<OrganizationId>) -> BTreeMap<OrganizationId, Place> {
    ids.iter().map(|id| (*id, Place::default())).collect()
}

fn org(number: u8) -> OrganizationId {
    OrganizationId(Uuid::from_u128(number.into()))
}

fn group(number: u8) -> GroupId {
    GroupId(Uuid::from_u128(number.into()))
}

fn set<T: Ord>(items: impl IntoIterator<Item = T>) -> BTreeSet<T> {
    items.into_iter().collect()
}

fn texts(items: &[&str]) -> BTreeSet<String> {
    items.iter().map(ToString::to_string).collect()
}

fn mapping<T: Ord + Clone>(entries: &[(&str, &[T])]) -> Mapping<T> {
    let entry = |(value, targets): &(&str, &[T])| (value.to_string(), set(targets.to_vec()));
    Mapping::new(entries.iter().map(entry)).unwrap()
}

/// The default organization of the tables.
const DEFAULT: u8 = 1;

fn organizations(field: &str, assign_default: bool) -> OrganizationSync {
    OrganizationSync {
        field: field.parse().unwrap(),
        mapping: mapping(&[
            ("a", &[org(2)]),
            ("b", &[org(2), org(3)]),
            ("gone", &[org(9)]),
            ("none", &[]),
        ]),
        assign_default,
        takes: TakenRoles::All,
    }
}

/// Organizations 1 to 4 exist; the person is in 1 and 4.
#[test]
fn a_claim_decides_which_organizations_a_person_is_in() {
    let check =
        |claims: Value, default: bool, expected: Option<(&[u8], &[u8])>, warned: &[&str]| {
            let mut warnings = Vec::new();
            let existing = KnownOrganizations {
                default: Some(org(DEFAULT)),
                ids: set((1..=4).map(org)),
            };
            let setting = organizations("orgs", default);
            let change = setting.wanted(&claims, &mut warnings).map(|wanted| {
                let present = places(&set([org(1), org(4)]));
                setting.change(&wanted, &existing, &present, &mut warnings)
            });
            let ids = |ids: &[u8]| set(ids.iter().copied().map(org));
            let expected = expected.map(|(join, leave)| OrganizationChange {
                join: ids(join),
                leave: ids(leave),
            });
            assert_eq!(change, expected, "{claims}");
            let told: Vec<_> = warnings.iter().map(ToString::to_string).collect();
            assert_eq!(told.len(), warned.len(), "{told:?}");
            for (told, part) in told.iter().zip(warned) {
                assert!(told.contains(part), "{told}");
            }
        };
    check(json!({"orgs": "a"}), true, Some((&[2], &[4])), &[]);
    check(
        json!({"orgs": ["a", "b"]}),
        true,
        Some((&[2, 3], &[4])),
        &[],
    );
    check(json!({"orgs": ["b"]}), false, Some((&[2, 3], &[1, 4])), &[]);
    check(json!({"orgs": ["A", "a "]}), true, Some((&[], &[4])), &[]);
    check(
        json!({"orgs": ["none", "unknown"]}),
        true,
        Some((&[], &[4])),
        &[],
    );
    check(json!({"orgs": []}), false, Some((&[], &[1, 4])), &[]);
    check(json!({"orgs": null}), true, Some((&[], &[4])), &["absent"]);
    check(json!({}), false, Some((&[], &[1, 4])), &["absent"]);
    check(
        json!({"orgs": ["a", "gone"]}),
        true,
        Some((&[2], &[4])),
        &["does not exist"],
    );
    check(json!({"orgs": 5}), false, None, &["stay as they are"]);
    check(
        json!({"orgs": ["a", 5]}),
        false,
        None,
        &["stay as they are"],
    );
    let hint = json!({"_claim_names": {"orgs": "elsewhere"}});
    check(hint, false, None, &["stay as they are"]);
    check(json!([]), false, None, &["stay as they are"]);
}

#[test]
fn a_setting_without_a_field_touches_nothing() {
    let claims = json!({"": ["a"], "orgs": ["a"]});
    let mut warnings = Vec::new();
    let off = organizations("", true).wanted(&claims, &mut warnings);
    assert_eq!(off, None);
    assert_eq!(GroupSync::default().wanted(&claims, &mut warnings), None);
    assert_eq!(RoleSync::default().wanted(&claims, &mut warnings), None);
    assert_eq!(warnings, []);
}

fn known(number: u8, name: &str) -> KnownGroup {
    KnownGroup {
        id: group(number),
        name: name.parse().unwrap(),
    }
}

fn groups(filter: Option<&str>, create_missing: bool) -> GroupSync {
    GroupSync {
        field: "groups".parse().unwrap(),
        mapping: mapping(&[
            ("idp-makers", &[group(1)]),
            ("both", &[group(1), group(2)]),
            ("gone", &[group(9)]),
            ("all", &[group(0)]),
            ("nothing", &[]),
        ]),
        regex_filter: filter.map(|pattern| pattern.parse().unwrap()),
        create_missing,
    }
}

/// The organization has Makers (1), Night-Shift (2), sellers (3) and Everyone (0); the person is in 1 and 3.
fn group_change(setting: &GroupSync, claims: &Value) -> (Option<GroupChange>, Vec<SyncWarning>) {
    let all = [
        known(0, "Everyone"),
        known(1, "Makers"),
        known(2, "Night-Shift"),
        known(3, "sellers"),
    ];
    let mut warnings = Vec::new();
    let change = setting.wanted(claims, &mut warnings).map(|wanted| {
        let asked_for = |known: &&KnownGroup| {
            let lower = known.name.as_str().to_ascii_lowercase();
            wanted.ids.contains(&known.id) || wanted.names.contains_key(&lower)
        };
        let existing: Vec<_> = all.iter().filter(asked_for).cloned().collect();
        let present = set([group(1), group(3)]);
        setting.change(&wanted, &existing, &present, group(0), &mut warnings)
    });
    (change, warnings)
}

/// The claim | the filter | what becomes of missing groups | joined | made | left | warnings.
const GROUPS: &str = r#"
    ["idp-makers"]            |      | pass | | | 3 | 0
    ["both"]                  |      | pass | 2 | | 3 | 0
    ["NIGHT-shift","Sellers"] |      | pass | 2 | | 1 | 0
    "makers"                  |      | pass | | | 3 | 0
    ["nothing"]               |      | make | | | 1 3 | 0
    ["both","sellers"]        | ^x-  | pass | 2 | | 3 | 0
    ["x-new","other"]         | ^x-  | make | | x-new | 1 3 | 0
    ["new"]                   |      | pass | | | 1 3 | 0
    ["new","NEW"]             |      | make | | NEW | 1 3 | 0
    ["/new","a b"]            |      | make | | | 1 3 | 2
    ["/new"]                  |      | pass | | | 1 3 | 0
    ["/new"]                  | ^x-  | make | | | 1 3 | 0
    ["everyone","all"]        |      | make | | | 1 3 | 0
    ["gone","makers"]         |      | make | | | 3 | 1
    []                        |      | make | | | 1 3 | 0
    null                      |      | make | | | 1 3 | 1
"#;

#[test]
fn a_claim_decides_which_groups_a_person_is_in() {
    for line in GROUPS.trim().lines() {
        let cells: Vec<_> = line.split('|').map(str::trim).collect();
        let [claim, filter, missing, join, create, leave, warned] = cells[..] else {
            panic!("{line}");
        };
        let claim: Value = serde_json::from_str(claim).unwrap();
        let filter = Some(filter).filter(|pattern| !pattern.is_empty());
        let setting = groups(filter, missing == "make");
        let (change, warnings) = group_change(&setting, &json!({ "groups": claim }));
        let ids = |cell: &str| set(cell.split_whitespace().map(|id| group(id.parse().unwrap())));
        let names = create.split_whitespace();
        let expected = GroupChange {
            join: ids(join),
            create: names.map(|name| name.parse::<Name>().unwrap()).collect(),
            leave: ids(leave),
        };
        assert_eq!(change, Some(expected), "{line}");
        assert_eq!(warnings.len().to_string(), warned, "{line}: {warnings:?}");
    }
}

#[test]
fn a_claim_that_cannot_be_read_leaves_groups_as_they_are() {
    for value in [json!(5), json!({"a": 1}), json!(["a", {}])] {
        let (change, warnings) = group_change(&groups(None, true), &json!({ "groups": value }));
        assert_eq!((change, warnings.len()), (None, 1), "{value}");
    }
}

/// The organization knows `auditor`, `admin` and `ban`; the person holds `auditor`.
#[test]
fn a_claim_decides_which_roles_a_person_holds() {
    let setting = RoleSync {
        field: "roles".parse().unwrap(),
        mapping: mapping(&[
            ("audit", &["auditor".to_owned()]),
            ("lead", &["auditor".to_owned(), "admin".to_owned()]),
            ("gone", &["retired".to_owned()]),
        ]),
        takes: TakenRoles::All,
    };
    let check = |claims: Value, expected: Option<Option<&[&str]>>, warned: usize| {
        let mut warnings = Vec::new();
        let change = setting.wanted(&claims, &mut warnings).map(|wanted| {
            let existing = texts(&["auditor", "admin", "ban"]);
            setting.change(&wanted, &existing, &texts(&["auditor"]), &mut warnings)
        });
        assert_eq!(change, expected.map(|roles| roles.map(texts)), "{claims}");
        assert_eq!(warnings.len(), warned, "{claims}: {warnings:?}");
    };
    check(json!({"roles": ["audit"]}), Some(None), 0);
    check(
        json!({"roles": ["lead", "audit"]}),
        Some(Some(&["admin", "auditor"])),
        0,
    );
    // A value that is the name of a role gives nothing: only the mapping does.
    check(json!({"roles": ["admin", "owner"]}), Some(Some(&[])), 0);
    check(json!({"roles": ["gone", "audit"]}), Some(None), 1);
    check(json!({"roles": []}), Some(Some(&[])), 0);
    check(json!({}), Some(Some(&[])), 1);
    check(json!({"roles": {"admin": true}}), None, 1);
}

/// The setting's writer may take `auditor` and `ban`, not `admin`.
#[test]
fn nobody_loses_what_the_writer_of_a_setting_could_not_take() {
    let takes = TakenRoles::Only(texts(&["auditor", "ban"]));
    let roles = RoleSync {
        takes: takes.clone(),
        ..RoleSync::default()
    };
    let existing = texts(&["auditor", "admin", "ban"]);
    let orgs = OrganizationSync {
        takes,
        ..organizations("orgs", false)
    };
    for (held, then, leaves) in [
        (&["auditor"][..], Some(&["ban"][..]), true),
        (&["admin"], Some(&["admin", "ban"]), false),
        (&["admin", "auditor"], Some(&["admin", "ban"]), false),
        (&["admin", "ban"], None, false),
        (&[], Some(&["ban"]), true),
    ] {
        let mut warnings = Vec::new();
        let changed = roles.change(&texts(&["ban"]), &existing, &texts(held), &mut warnings);
        assert_eq!(changed, then.map(texts), "{held:?}");
        let place = Place {
            roles: texts(held),
            groups: BTreeSet::new(),
        };
        let places = BTreeMap::from([(org(1), place)]);
        let known = KnownOrganizations::default();
        let change = orgs.change(&BTreeSet::new(), &known, &places, &mut warnings);
        assert_eq!(change.leave.len(), usize::from(leaves), "{held:?}");
        assert_eq!(warnings.is_empty(), leaves, "{held:?}: {warnings:?}");
    }
}

#[test]
fn a_plan_can_be_narrowed() {
    let place = PlacePlan {
        roles: Some(texts(&["auditor"])),
        ..PlacePlan::default()
    };
    let mut plan = SyncPlan {
        organizations: OrganizationChange {
            join: set([org(1), org(2)]),
            leave: set([org(3), org(4)]),
        },
        places: BTreeMap::from([(org(1), place.clone()), (org(5), place.clone())]),
        warnings: Vec::new(),
    };
    assert_eq!(plan.touched(), set((1..=5).map(org)));
    plan.retain(&set([org(1), org(4)]));
    assert_eq!(plan.touched(), set([org(1), org(4)]));
    assert_eq!(plan.places, BTreeMap::from([(org(1), place)]));
}

fn any_claim() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[a-e]{0,2}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-e]", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn any_set() -> impl Strategy<Value = BTreeSet<u8>> {
    prop::collection::btree_set(0..6_u8, 0..6)
}

fn any_mapping() -> impl Strategy<Value = BTreeMap<String, BTreeSet<u8>>> {
    prop::collection::btree_map("[a-e]{1,2}", any_set(), 0..5)
}

proptest! {
    #[test]
    fn organizations_end_where_the_claims_say_and_stay_there(
        claim in any_claim(), mapped in any_mapping(), present in any_set(), existing in any_set(),
        assign_default in any::<bool>(),
    ) {
        let ids = |numbers: &BTreeSet<u8>| set(numbers.iter().copied().map(org));
        let entries = mapped.iter().map(|(value, targets)| (value.clone(), ids(targets)));
        let setting = OrganizationSync {
            field: "c".parse().unwrap(),
            mapping: Mapping::new(entries).unwrap(),
            assign_default,
            takes: TakenRoles::All,
        };
        let claims = json!({ "c": claim });
        let (present, mut ids) = (ids(&present), ids(&existing));
        ids.extend(&present);
        let existing = KnownOrganizations { default: ids.first().copied(), ids };
        let mut warnings = Vec::new();
        let wanted = setting.wanted(&claims, &mut warnings);
        let readable = claim_values(&claims, "c").is_ok();
        prop_assert_eq!(wanted.is_some(), readable);
        let Some(wanted) = wanted else { return Ok(()) };
        let change = setting.change(&wanted, &existing, &places(&present), &mut warnings);
        prop_assert!(change.join.is_disjoint(&present) && change.leave.is_subset(&present));
        let mut then: BTreeSet<_> = present.difference(&change.leave).copied().collect();
        then.extend(&change.join);
        let mut right: BTreeSet<_> = wanted.intersection(&existing.ids).copied().collect();
        right.extend(existing.default.filter(|_| assign_default));
        prop_assert_eq!(&then, &right);
        let again = setting.change(&wanted, &existing, &places(&then), &mut warnings);
        prop_assert_eq!(again, OrganizationChange::default());
    }

    #[test]
    fn groups_and_roles_change_once_whatever_the_order_of_values(
        values in prop::collection::vec("[a-e]{1,2}", 0..8), mapped in any_mapping(),
        present in any_set(), create_missing in any::<bool>(),
    ) {
        let ids = |numbers: &BTreeSet<u8>| set(numbers.iter().copied().map(group));
        let entries = mapped.iter().map(|(value, targets)| (value.clone(), ids(targets)));
        let setting = GroupSync {
            field: "c".parse().unwrap(),
            mapping: Mapping::new(entries).unwrap(),
            regex_filter: Some("^[abc]".parse().unwrap()),
            create_missing,
        };
        let existing: Vec<_> = (1..4).map(|n| known(n, &format!("a{n}"))).collect();
        let present: BTreeSet<_> = ids(&present).into_iter().filter(|id| *id != group(0)).collect();
        let plan = |values: &[String]| {
            let mut warnings = Vec::new();
            let wanted = setting.wanted(&json!({ "c": values }), &mut warnings).unwrap();
            setting.change(&wanted, &existing, &present, group(0), &mut warnings)
        };
        let mut turned = values.clone();
        turned.reverse();
        let change = plan(&values);
        prop_assert_eq!(&change, &plan(&turned));
        prop_assert!(change.join.is_disjoint(&present) && change.leave.is_subset(&present));
        prop_assert!(change.create.is_empty() || create_missing);
        prop_assert!(!change.join.contains(&group(0)));

        let roles = RoleSync { field: "c".parse().unwrap(), mapping: mapping(&[("a", &["x".to_owned()])]), takes: TakenRoles::All };
        let wanted = roles.wanted(&json!({ "c": values }), &mut Vec::new()).unwrap();
        let held = roles.change(&wanted, &texts(&["x"]), &BTreeSet::new(), &mut Vec::new());
        prop_assert_eq!(held.is_some(), values.contains(&"a".to_owned()));
        let again = roles.change(&wanted, &texts(&["x"]), &held.unwrap_or_default(), &mut Vec::new());
        prop_assert_eq!(again, None);
    }
}
