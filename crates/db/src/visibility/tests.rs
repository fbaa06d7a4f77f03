//! The SQL of every condition.

use super::*;

const GROUPS: Columns = Columns {
    id: Some("g.id"),
    owner: None,
    organization: Some("g.org"),
    groups: true,
};
const USERS: Columns = Columns {
    id: Some("u.id"),
    owner: Some("u.id"),
    organization: None,
    groups: false,
};

#[test]
fn every_condition_has_its_sql() {
    let check = |visibility: &Visibility, columns: &Columns, sql: &str| {
        let text = diesel::debug_query::<Pg, _>(&Visible::new(visibility, columns)).to_string();
        let text = text.split(" -- ").next().unwrap_or_default().to_owned();
        assert_eq!(text, sql, "{visibility:?}");
    };
    let id = Uuid::from_u128(1);
    let read = |action| Visibility::GroupAcl {
        groups: vec![id],
        action,
    };
    check(&Visibility::All, &USERS, "(TRUE)");
    check(&Visibility::None, &USERS, "(FALSE)");
    check(&Visibility::OwnerIs(id), &USERS, "(u.id = $1)");
    check(&Visibility::OwnerIs(id), &GROUPS, "(FALSE)");
    check(&Visibility::OrgIn(vec![id]), &USERS, "(FALSE)");
    check(&Visibility::OrgIn(vec![id]), &GROUPS, "(g.org = ANY ($1))");
    check(&Visibility::OrgIsNull, &USERS, "(TRUE)");
    check(&Visibility::OrgIsNull, &GROUPS, "(g.org IS NULL)");
    check(&Visibility::IdIn(vec![id]), &USERS, "(u.id = ANY ($1))");
    check(
        &Visibility::UserAcl {
            user: id,
            action: Action::Read,
        },
        &USERS,
        "(FALSE)",
    );
    check(
        &read(Action::Read),
        &GROUPS,
        "((g.id = ANY ($1) OR g.id = g.org))",
    );
    check(&read(Action::Update), &GROUPS, "(FALSE)");
    check(&read(Action::Read), &USERS, "(FALSE)");
    check(&Visibility::And(vec![]), &USERS, "(TRUE)");
    check(&Visibility::Or(vec![]), &USERS, "(FALSE)");
    let both = vec![
        Visibility::OwnerIs(id),
        Visibility::Or(vec![Visibility::All]),
    ];
    check(&Visibility::And(both), &USERS, "((u.id = $1 AND (TRUE)))");
}

const THINGS: Columns = Columns {
    id: Some("t.id"),
    owner: Some("t.owner"),
    organization: Some("t.org"),
    groups: false,
};
const ACL: AclTable = AclTable {
    name: "thing_acl",
    object: "thing_id",
    row: "t.root",
    granting: |action| match action {
        Action::Read => vec!["use", "admin"],
        Action::Share => vec!["admin"],
        _ => Vec::new(),
    },
    counts: "t.awake",
    live: None,
    changed: "",
};

const PASSING: AclTable = AclTable {
    live: Some("acl.live"),
    ..ACL
};

#[test]
fn entries_of_an_acl_are_looked_up_in_its_table() {
    let id = Uuid::from_u128(1);
    let check = |visible: &Visible, sql: &str| {
        let text = diesel::debug_query::<Pg, _>(visible).to_string();
        let text = text.split(" -- ").next().unwrap_or_default().to_owned();
        assert_eq!(text, sql);
    };
    let shared = |visibility: &Visibility| Visible::shared(visibility, &THINGS, &ACL);
    let (user, groups) = (id, vec![id]);
    let by_user = |action| Visibility::UserAcl { user, action };
    let by_group = |action| Visibility::GroupAcl {
        groups: groups.clone(),
        action,
    };
    check(
        &shared(&by_user(Action::Read)),
        "((t.awake AND t.root = ANY (ARRAY(SELECT acl.thing_id FROM thing_acl AS acl WHERE \
         acl.user_id = $1 AND acl.role = ANY ($2)))))",
    );
    check(
        &shared(&by_group(Action::Share)),
        "((t.awake AND t.root = ANY (ARRAY(SELECT acl.thing_id FROM thing_acl AS acl WHERE \
         (acl.group_id = acl.organization_id OR acl.group_id = ANY ($1)) AND acl.role = ANY ($2)))))",
    );
    let known = vec![
        Visibility::OrgIn(vec![id]),
        Visibility::Or(vec![by_group(Action::Share)]),
    ];
    check(
        &shared(&Visibility::And(known)),
        "((t.org = ANY ($1) AND ((t.awake AND t.root = ANY (ARRAY(SELECT acl.thing_id FROM thing_acl AS acl \
         WHERE acl.group_id = ANY ($2) AND acl.role = ANY ($3)))))))",
    );
    check(&shared(&by_user(Action::Delete)), "(FALSE)");
    check(
        &Visible::shared(&by_user(Action::Read), &THINGS, &PASSING),
        "((t.awake AND t.root = ANY (ARRAY(SELECT acl.thing_id FROM thing_acl AS acl WHERE \
         acl.user_id = $1 AND acl.role = ANY ($2) AND (acl.live)))))",
    );
    check(
        &Visible::shared_with(id, &PASSING),
        "((t.awake AND t.root IN (SELECT acl.thing_id FROM thing_acl AS acl WHERE acl.user_id = $1 AND (acl.live) \
         UNION ALL SELECT acl.thing_id FROM thing_acl AS acl \
         JOIN group_members_expanded AS e ON e.group_id = acl.group_id WHERE e.user_id = $2 AND (acl.live))))",
    );
    check(&shared(&by_group(Action::Delete)), "(FALSE)");
    check(
        &Visible::shared_with(id, &ACL),
        "((t.awake AND t.root IN (SELECT acl.thing_id FROM thing_acl AS acl WHERE acl.user_id = $1 \
         UNION ALL SELECT acl.thing_id FROM thing_acl AS acl \
         JOIN group_members_expanded AS e ON e.group_id = acl.group_id WHERE e.user_id = $2)))",
    );
}
