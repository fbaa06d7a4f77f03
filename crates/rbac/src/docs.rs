//! The generated reference page: what can be done to what, which role holds it, who may assign which role.

use std::{fmt, sync::Arc};

use uuid::Uuid;

use crate::{
    builtin,
    custom_roles::unreachable,
    explanation::Level,
    permission::Permission,
    registry::{Action, ResourceType},
    role::Role,
    scope::ScopeName,
    subject::Subject,
    system_roles::{ShareableOwners, SystemRole},
};

/// The page, as Markdown.
#[must_use]
pub fn markdown() -> String {
    Page.to_string()
}

struct Page;

impl fmt::Display for Page {
    fn fmt(&self, page: &mut fmt::Formatter<'_>) -> fmt::Result {
        page.write_str(
            "# Authorization reference\n\n\
             Generated from `crates/rbac`; do not edit.\n\n\
             Permissions act on four levels: *site* (every object), *user* (own objects in no organization), \
             *organization* (every object of it), *member* (own objects in it). A denial beats a grant on the \
             same level, and a higher level beats a lower one.\n",
        )?;
        types(page)?;
        roles(page)?;
        system_roles(page)?;
        matrix(page)?;
        assigning(page)?;
        scopes(page)
    }
}

fn types(page: &mut fmt::Formatter<'_>) -> fmt::Result {
    page.write_str("\n## Resource types and actions\n")?;
    for resource in ResourceType::ALL {
        write!(page, "\n### `{resource}`\n\n{}\n\n", resource.about())?;
        writeln!(page, "{}\n", reach(*resource))?;
        for (action, about) in resource.described() {
            writeln!(page, "- `{action}`: {about}")?;
        }
    }
    Ok(())
}

/// On which levels a permission on the type can reach something.
fn reach(resource: ResourceType) -> String {
    let levels = [
        (Level::Site, "site"),
        (Level::User, "user"),
        (Level::Organization, "organization"),
        (Level::Member, "member"),
    ];
    let whole = Permission {
        negate: false,
        resource: Some(resource),
        action: None,
    };
    let reached = levels
        .iter()
        .filter(|(level, _)| unreachable(*level, whole).is_none());
    let names: Vec<_> = reached.map(|(_, name)| *name).collect();
    format!("Reached from: {}.", names.join(", "))
}

fn every_role() -> impl Iterator<Item = &'static Arc<Role>> {
    builtin::site_roles().iter().chain(builtin::org_roles())
}

fn levels(role: &Role) -> [(&'static str, &[Permission]); 4] {
    [
        ("site", role.site().listed()),
        ("user", role.user().listed()),
        ("organization", role.org().listed()),
        ("member", role.member().listed()),
    ]
}

fn roles(page: &mut fmt::Formatter<'_>) -> fmt::Result {
    page.write_str(
        "\n## Built-in roles\n\nRoles of the deployment, then roles of an organization.\n",
    )?;
    for role in every_role() {
        write!(
            page,
            "\n### `{}` ({})\n\n",
            role.name(),
            role.display_name()
        )?;
        if role.is_implied() {
            page.write_str("Held without being given.\n\n")?;
        }
        listed(page, role)?;
    }
    Ok(())
}

fn listed(page: &mut fmt::Formatter<'_>, role: &Role) -> fmt::Result {
    for (level, permissions) in levels(role) {
        for resource in ResourceType::ALL {
            let actions = actions_on(permissions, *resource);
            if !actions.is_empty() {
                writeln!(page, "- {level}: `{resource}` {actions}")?;
            }
        }
    }
    Ok(())
}

fn system_roles(page: &mut fmt::Formatter<'_>) -> fmt::Result {
    page.write_str(
        "\n## System roles\n\nWhat comes with being a member of an organization. Nobody gives, takes or changes \
         these; what they hold follows the organization's `shareable_workspace_owners`.\n",
    )?;
    for role in SystemRole::ALL {
        write!(page, "\n### `{}` ({})\n", role.name(), role.display_name())?;
        for settings in ShareableOwners::ALL {
            write!(page, "\nWith `{settings}`:\n\n")?;
            listed(page, role.role(*settings))?;
        }
    }
    Ok(())
}

/// The actions that a list of permissions names for a type; denied ones with a `!`.
fn actions_on(permissions: &[Permission], resource: ResourceType) -> String {
    let about = permissions
        .iter()
        .filter(|p| p.resource.is_none_or(|listed| listed == resource));
    let words = about.map(|p| {
        let sign = if p.negate { "!" } else { "" };
        format!("{sign}{}", p.action.map_or("*", Action::as_str))
    });
    words.collect::<Vec<_>>().join(", ")
}

fn matrix(page: &mut fmt::Formatter<'_>) -> fmt::Result {
    page.write_str("\n## Roles and resources\n\n\
         \"own\" is the user level, \"own in org\" the member level, \"org\" every object of the organization; \
         without a word it is every object. `!` denies.\n\n| Resource |")?;
    for role in every_role() {
        write!(page, " {} |", role.name())?;
    }
    page.write_str("\n|---|")?;
    for _ in every_role() {
        page.write_str("---|")?;
    }
    page.write_str("\n")?;
    for resource in ResourceType::ALL {
        write!(page, "| `{resource}` |")?;
        for role in every_role() {
            write!(page, " {} |", matrix_cell(role, *resource))?;
        }
        page.write_str("\n")?;
    }
    Ok(())
}

fn matrix_cell(role: &Role, resource: ResourceType) -> String {
    let names = ["", "own: ", "org: ", "own in org: "];
    let parts: Vec<_> = levels(role)
        .iter()
        .zip(names)
        .map(|((_, permissions), name)| (name, actions_on(permissions, resource)))
        .filter(|(_, actions)| !actions.is_empty())
        .map(|(name, actions)| format!("{name}{actions}"))
        .collect();
    if parts.is_empty() {
        "–".to_owned()
    } else {
        parts.join("; ")
    }
}

fn assigning(page: &mut fmt::Formatter<'_>) -> fmt::Result {
    page.write_str("\n## Who may assign what\n\n\
         Assigning a role needs `assign` and every site and organization permission of the role (for a denial, \
         the grant it takes away). What reaches only the receiver's own objects, and what comes with being a \
         user, needs `assign` alone. Handing on `assign` needs `create` on the same type. Custom roles \
         follow the same rule, so whoever holds all of a custom role may assign it. For the built-in roles:\n\n\
         | Holder of | may assign |\n|---|---|\n")?;
    let org = Uuid::max();
    for role in every_role() {
        let user = Subject::user(Uuid::from_u128(1));
        let is_site = builtin::site_role(role.name()).is_some();
        let holder = if is_site {
            user.site_role(Arc::clone(role)).prepare()
        } else {
            user.member_of(org)
                .org_role(org, Arc::clone(role))
                .prepare()
        };
        let all = [holder.assignable(None), holder.assignable(Some(org))].concat();
        let may: Vec<_> = all
            .iter()
            .filter(|(_, may)| *may)
            .map(|(role, _)| role.name())
            .collect();
        let may = if may.is_empty() {
            "nothing".to_owned()
        } else {
            may.join(", ")
        };
        writeln!(page, "| {} | {may} |", role.name())?;
    }
    page.write_str(
        "\n### Where a table by role name says otherwise\n\n\
         The system that clients know decides by the name of the actor's role. For the built-in roles both ways \
         agree; they differ here:\n\n| Case | By name | Here | Why |\n|---|---|---|---|\n",
    )?;
    for [case, by_name, here, why] in DIFFERENCES {
        writeln!(page, "| {case} | {by_name} | {here} | {why} |")?;
    }
    page.write_str(
        "\nNo custom role may take a name that is built in or that clients know as one: ",
    )?;
    let names: Vec<_> = builtin::reserved()
        .map(|name| format!("`{name}`"))
        .collect();
    writeln!(page, "{}.", names.join(", "))
}

/// Where the rule about assigning gives another outcome than a table by role name; shown by `tests/it/assign.rs`.
const DIFFERENCES: [[&str; 4]; 6] = [
    [
        "`user-admin` or `organization-user-admin` gives a custom role all of whose permissions they hold",
        "no",
        "yes",
        "whoever holds a right everywhere it reaches and may assign gives away nothing that they lack",
    ],
    [
        "`organization-admin` gives a custom role with a permission they lack, such as `workspace:ssh`",
        "yes",
        "no",
        "otherwise they could give it to a second account, and so to themselves",
    ],
    [
        "the holder of a custom role with `assign` gives a role all of whose permissions they hold",
        "no",
        "yes",
        "a right to assign that assigns nothing misleads; what can be given stays bounded by what is held",
    ],
    [
        "a role with a denial is given",
        "a custom role has none; the built-in ban goes by the table",
        "to whoever holds what it denies",
        "only who has a right everywhere may decide that somebody loses it",
    ],
    [
        "`organization-member` is given",
        "to whom the table says",
        "to nobody",
        "it comes with membership; a request that names it is answered as if it did not",
    ],
    [
        "`template-admin`, `organization-template-admin`",
        "in the table",
        "no such roles",
        "there are no templates; the names stay reserved",
    ],
];

fn scopes(page: &mut fmt::Formatter<'_>) -> fmt::Result {
    page.write_str("\n## Token scopes\n\n\
         A token lets through what its scopes name and its allow-list admits, of what its owner may. \
         `coder:all` is read as `all`. A name that bundles permissions lets through what is listed with it.\n\n")?;
    for name in ScopeName::catalogue() {
        match name {
            ScopeName::Composite(bundle) => {
                let permissions = name.permissions().into_iter();
                let permissions: Vec<_> = permissions.map(|p| format!("`{p}`")).collect();
                let about = bundle.about();
                writeln!(page, "- `{name}`: {about}: {}", permissions.join(", "))?;
            }
            ScopeName::AdminMode => writeln!(
                page,
                "- `{name}`: no permission, but what a session has in admin mode. It is no part of `all`, and is given \
                 to a token by a session in admin mode only"
            )?,
            _ => writeln!(page, "- `{name}`")?,
        }
    }
    page.write_str(
        "\nKnown elsewhere and refused here: `coder:templates.build` and `coder:templates.author` (there are no \
         templates), `no_user_data` (it is for the agents of workspaces), `application_connect` without `coder:` \
         (an old spelling).\n",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_names_every_type_role_and_scope() {
        let page = markdown();
        for resource in ResourceType::ALL {
            assert!(page.contains(&format!("### `{resource}`")), "{resource}");
            assert!(page.contains(&format!("| `{resource}` |")), "{resource}");
        }
        for role in every_role() {
            assert!(
                page.contains(&format!("### `{}`", role.name())),
                "{}",
                role.name()
            );
        }
        for role in SystemRole::ALL {
            assert!(page.contains(&format!("### `{}`", role.name())), "{role:?}");
        }
        assert!(page.contains("- `ai_provider:use`\n"));
    }
}
