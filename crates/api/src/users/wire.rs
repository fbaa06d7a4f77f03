//! Accounts as the wire shows them.

use std::sync::Arc;

use bursar_sdk as sdk;
use model::users::{LoginType, User, UserStatus};
use rbac::{Role, builtin};

pub(crate) fn user(user: User) -> sdk::User {
    sdk::User {
        id: user.id.0,
        username: user.username.into(),
        name: user.name,
        email: user.email.into(),
        avatar_url: String::new(),
        created_at: user.created_at,
        updated_at: user.updated_at,
        last_seen_at: user.last_seen_at,
        status: match user.status {
            UserStatus::Active => sdk::UserStatus::Active,
            UserStatus::Suspended => sdk::UserStatus::Suspended,
        },
        login_type: match user.login_type {
            LoginType::Password => sdk::LoginType::Password,
            LoginType::Oidc => sdk::LoginType::Oidc,
            LoginType::None => sdk::LoginType::None,
        },
        organization_ids: user.organization_ids.into_iter().map(|id| id.0).collect(),
        roles: slim_roles(user.roles, builtin::site_role),
    }
}

pub(crate) const fn admin_mode(mode: auth::AdminMode) -> sdk::AdminMode {
    sdk::AdminMode {
        active: mode.active,
        expires_at: mode.until,
    }
}

/// Roles with the names that people read; a stored name that is no role any more is its own.
pub(crate) fn slim_roles(
    names: Vec<String>,
    role: fn(&str) -> Option<&'static Arc<Role>>,
) -> Vec<sdk::SlimRole> {
    let slim = |name: String| {
        let display_name = role(&name)
            .map_or(name.as_str(), |role| role.display_name())
            .to_owned();
        sdk::SlimRole { name, display_name }
    };
    names.into_iter().map(slim).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_carry_the_names_that_people_read() {
        let roles = slim_roles(vec!["owner".into(), "gone".into()], builtin::site_role);
        let names: Vec<_> = roles
            .iter()
            .map(|role| role.display_name.as_str())
            .collect();
        assert_eq!(names, ["Owner", "gone"]);
    }
}
