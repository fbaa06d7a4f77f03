//! Texts thrown at everything that reads text: no panic, and what is read is written and read again.

use rbac::{AllowList, Permission, ResourceType, RoleName, ScopeSet};

use crate::random::Random;

/// Text that a parser may choke on: words of the grammar and letters that are none, in any order.
pub(crate) fn text(random: &mut Random) -> String {
    const PIECES: &[&str] = &[
        "*",
        ":",
        "::",
        "all",
        "coder:",
        "coder:all",
        "user",
        "workspace",
        "chat",
        "read",
        "create",
        "owner",
        "organization-admin",
        "00000000-0000-0000-0000-000000000001",
        "0000",
        "-",
        " ",
        "\t",
        "\0",
        "\u{0130}",
        "\u{1F600}",
        "A",
        "é",
        "{",
        "\"",
        ".",
        "_",
        "!",
        "workspaces.access",
        "ÿÿ",
        "urn:uuid:",
    ];
    (0..random.below(7)).map(|_| random.pick(PIECES)).collect()
}

/// What goes wrong with a text.
pub(crate) fn parsed(text: &str) -> Result<(), &'static str> {
    if let Ok(name) = text.parse::<RoleName>()
        && name.to_string().parse() != Ok(name)
    {
        return Err("a role name changes when it is written");
    }
    if let Ok(list) = AllowList::parse(&[text])
        && AllowList::parse(&list.to_strings()) != Ok(list)
    {
        return Err("an allow-list changes when it is written");
    }
    if let Ok(scope) = ScopeSet::parse(&[text], None::<&[&str]>)
        && ScopeSet::parse(&scope.name_strings(), None::<&[&str]>) != Ok(scope)
    {
        return Err("a scope changes when it is written");
    }
    let (resource, action) = text.split_once(':').unwrap_or((text, text));
    if let Ok(permission) = Permission::parse(false, resource, action)
        && permission.to_string() != format!("{resource}:{action}")
    {
        return Err("a permission changes when it is written");
    }
    let known = text
        .parse::<ResourceType>()
        .is_ok_and(|t| t.as_str() == text);
    if known != ResourceType::ALL.iter().any(|t| t.as_str() == text) {
        return Err("a type is known by another name");
    }
    Ok(())
}

#[test]
fn parsers_read_what_they_write_and_never_panic() {
    let mut random = Random::new(1);
    for _ in 0..20_000 {
        let text = text(&mut random);
        assert_eq!(parsed(&text), Ok(()), "{text:?}");
    }
}
