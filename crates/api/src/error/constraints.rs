//! What is said when a constraint of the database is in the way: each that a caller can run into has words here.

use axum::http::StatusCode;

use super::answer::Answer;

/// What is said of a unique value that somebody else has.
pub(super) const TAKEN: &str = "This value is already in use and should be unique.";

/// What is said of a time zone that the database does not know.
const NO_ZONE: &str = "must be the IANA name of a time zone, such as `Europe/Berlin`";

/// Each unique constraint with the field that it is about and what is said of it.
const UNIQUE: &[(&str, &str, &str)] = &[
    (
        "users_username_key",
        "username",
        "A user with this username already exists.",
    ),
    (
        "users_email_key",
        "email",
        "A user with this e-mail address already exists.",
    ),
    (
        "organizations_name_key",
        "name",
        "An organization with this name already exists.",
    ),
    (
        "organization_members_pkey",
        "user",
        "The user is already a member of the organization.",
    ),
    (
        "groups_organization_id_name_key",
        "name",
        "A group with this name already exists.",
    ),
    (
        "workspaces_owner_id_name_key",
        "name",
        "The owner already has a workspace with this name.",
    ),
    (
        "group_members_pkey",
        "add_users",
        "The user is already a member of the group.",
    ),
    (
        "custom_roles_organization_id_name_key",
        "name",
        "A role with this name already exists.",
    ),
    (
        "ai_providers_name_key",
        "name",
        "An AI provider with this name already exists.",
    ),
    (
        "webhooks_name_key",
        "name",
        "A webhook with this name already exists.",
    ),
    (
        "api_keys_user_id_token_name_key",
        "token_name",
        "A token with this name already exists.",
    ),
];

pub(super) fn taken(constraint: &str) -> Answer {
    match UNIQUE.iter().find(|(name, ..)| *name == constraint) {
        Some((_, field, message)) => {
            Answer::new(StatusCode::CONFLICT, *message).field(field, TAKEN)
        }
        None => Answer::new(StatusCode::CONFLICT, TAKEN),
    }
}

/// Each other constraint that a caller can run into, with what is said of it, the field and what is wrong there.
const RULES: &[(&str, &str, &str, &str)] = &[
    (
        "group_members_organization_member_fkey",
        "Every member of a group must belong to its organization.",
        "add_users",
        "must be members of the organization",
    ),
    (
        "user_ai_budget_overrides_must_be_group_member",
        "User is not a member of the referenced group.",
        "group_id",
        "user must be a member of this group",
    ),
    (
        "webhooks_organization_id_fkey",
        "Validation failed.",
        "organization_id",
        "is unknown",
    ),
    (
        "feature_flags_organization_id_fkey",
        "Validation failed.",
        "organization_id",
        "is unknown",
    ),
    (
        "chats_workspace_id_fkey",
        "Workspace does not belong to this chat's organization.",
        "workspace_id",
        "is unknown",
    ),
    (
        "ai_budget_settings_time_zone_check",
        "Validation failed.",
        "time_zone",
        NO_ZONE,
    ),
    (
        "group_ai_budgets_pool_time_zone_check",
        "Validation failed.",
        "pool_time_zone",
        NO_ZONE,
    ),
];

pub(super) fn violated(constraint: &str) -> Answer {
    if let Some((_, message, field, detail)) = RULES.iter().find(|(name, ..)| *name == constraint) {
        return Answer::bad(*message).field(field, *detail);
    }
    tracing::warn!(
        constraint,
        "a constraint without words of its own refused a change"
    );
    Answer::bad("The change is against a rule of the database.")
}
