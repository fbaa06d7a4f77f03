//! The role matrix: what each built-in role alone may do to each type, decided, against a table that people read.
//! `UPDATE=1 cargo test -p rbac` rewrites the table; read what changed before it is committed.

use std::{env, fs, sync::Arc};

use rbac::{
    Action, Object, PreparedSubject, ResourceType, ShareableOwners, Subject, SystemRole,
    builtin::{org_role, org_roles, site_role, site_roles},
    docs,
};
use uuid::Uuid;

const TABLE: &str = include_str!("../data/role-matrix.txt");
const TABLE_PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/role-matrix.txt");
const PAGE_PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/generated/rbac.md");

const ME: Uuid = Uuid::from_u128(1);
const ORG: Uuid = Uuid::from_u128(2);

fn letters(action: Action) -> &'static str {
    match action {
        Action::Create => "C",
        Action::Read => "R",
        Action::Update => "U",
        Action::Delete => "D",
        Action::Use => "Us",
        Action::Share => "Sh",
        Action::Assign => "A",
        Action::Unassign => "N",
        Action::ReadPersonal => "RP",
        Action::UpdatePersonal => "UP",
        Action::Start => "St",
        Action::Stop => "Sp",
        Action::Ssh => "Ssh",
        Action::ApplicationConnect => "App",
        Action::CreateAgent => "CA",
        Action::DeleteAgent => "DA",
        Action::UpdateAgent => "UA",
    }
}

fn holder(role: &str) -> PreparedSubject {
    let nobody = Subject::new(ME);
    if let Some(role) = site_role(role) {
        return nobody.site_role(Arc::clone(role)).prepare();
    }
    let system = SystemRole::from_name(role).map(|role| role.role(ShareableOwners::Everyone));
    let role = org_role(role)
        .or(system)
        .unwrap_or_else(|| panic!("no role {role}"));
    nobody.org_role(ORG, Arc::clone(role)).prepare()
}

/// The actions by the widest place where they are allowed.
fn cell(holder: &PreparedSubject, resource: ResourceType) -> String {
    let object = Object::new(resource);
    let places = [
        ("", object.clone()),
        ("org ", object.clone().in_org(ORG)),
        ("mine ", object.clone().owner(ME)),
        ("my ", object.owner(ME).in_org(ORG)),
    ];
    let allowed = places.map(|(name, object)| {
        let actions = Action::ALL.iter().copied();
        let allowed = actions.filter(|action| holder.allows(*action, &object));
        (name, allowed.collect::<Vec<_>>())
    });
    let [every, org, ..] = &allowed;
    let wider = |name: &str, action: &Action| {
        (!name.is_empty() && every.1.contains(action)) || (name == "my " && org.1.contains(action))
    };
    let parts = allowed.iter().filter_map(|(name, actions)| {
        let own = actions.iter().filter(|action| !wider(name, action));
        let own: Vec<_> = own.map(|action| letters(*action)).collect();
        (!own.is_empty()).then(|| format!("{name}{}", own.join(" ")))
    });
    parts.collect::<Vec<_>>().join("; ")
}

#[test]
fn the_role_matrix_is_as_the_table_says() {
    let mut lines = TABLE.lines().skip_while(|line| line.starts_with('#'));
    let head = lines.next().unwrap();
    let roles: Vec<_> = head.split('|').map(str::trim).skip(1).collect();
    let given = site_roles()
        .iter()
        .chain(org_roles())
        .map(|role| role.name());
    let system = SystemRole::ALL.iter().map(|role| role.name());
    for name in given.chain(system) {
        assert!(roles.contains(&name), "the table has no column for {name}");
    }
    let rows = ResourceType::ALL.iter().map(|resource| {
        let cells = roles.iter().map(|role| cell(&holder(role), *resource));
        let cells: Vec<_> = cells.map(|cell| format!(" {cell}")).collect();
        let row = format!("{resource} |{}", cells.join(" |"));
        row.replace("|  |", "| |")
            .replace("|  |", "| |")
            .trim_end()
            .to_owned()
    });
    let rows: Vec<_> = rows.collect();
    if env::var_os("UPDATE").is_some() {
        let comments: Vec<_> = TABLE
            .lines()
            .take_while(|line| line.starts_with('#'))
            .collect();
        let text = format!("{}\n{head}\n{}\n", comments.join("\n"), rows.join("\n"));
        fs::write(TABLE_PATH, text).unwrap();
        return;
    }
    let written: Vec<_> = lines.collect();
    for (row, resource) in rows.iter().zip(ResourceType::ALL) {
        assert!(
            written.contains(&row.as_str()),
            "the row of {resource} is missing or differs; decided:\n{row}"
        );
    }
    assert_eq!(written.len(), rows.len(), "the table has rows of no type");
}

#[test]
fn the_page_is_current() {
    let page = fs::read_to_string(PAGE_PATH).unwrap();
    assert!(
        page.contains(docs::markdown().trim_end()),
        "run `cargo xtask codegen`"
    );
}
