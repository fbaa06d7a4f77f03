//! Bodies that operations take.

use serde_json::{Value, json};
use testkit::World;

/// A body that the operation takes: what it does is of no matter here.
pub(crate) fn body(operation: &str, world: &World) -> Value {
    people(operation, world)
        .or_else(|| spending(operation, world))
        .or_else(|| notices(operation))
        .or_else(|| chats(operation, world))
        .unwrap_or_else(|| panic!("{operation} needs a body here"))
}

/// Of accounts, organizations, groups, roles and workspaces.
fn people(operation: &str, world: &World) -> Option<Value> {
    Some(match operation {
        "group_update" => json!({
            "display_name": "D", "add_users": [], "remove_users": [world.cast.member_id], "avatar_url": "",
        }),
        "organization_create" => {
            json!({"name": "another", "display_name": "", "description": "", "icon": ""})
        }
        "organization_update" => json!({"display_name": "D", "description": "", "icon": ""}),
        "group_create" => json!({"name": "another", "display_name": "", "avatar_url": ""}),
        "organization_member_roles_update" | "user_roles_update" => json!({"roles": []}),
        "user_create" => json!({
            "email": "x@example.com", "username": "another", "name": "", "login_type": "none",
            "organization_ids": [],
        }),
        "first_user_create" => {
            json!({"email": "x@example.com", "username": "x", "password": "long enough"})
        }
        "login" => json!({"email": "x@example.com", "password": "long enough"}),
        "api_key_create" => {
            json!({"token_name": "another", "lifetime": 0, "scopes": [], "allow_list": []})
        }
        "admin_mode_begin" => json!({"password": null}),
        "user_password_update" => json!({"password": "long enough"}),
        "authorization_check" => json!({"checks": {"it": {
            "object": {"resource_type": "user", "resource_id": world.cast.member_id}, "action": "read",
        }}}),
        "custom_role_create" | "custom_role_update" => json!({
            "name": "another", "display_name": "", "site_permissions": [], "user_permissions": [],
            "organization_permissions": [], "organization_member_permissions": [],
        }),
        "idpsync_organization_update" | "idpsync_groups_update" | "idpsync_roles_update" => {
            json!({"field": "groups", "mapping": {}})
        }
        "idpsync_preview" | "idpsync_organization_preview" => json!({"claims": {}}),
        "workspace_create" => json!({"name": "another", "description": "", "owner": "ada"}),
        "workspace_sharing_update" => json!({"shareable_workspace_owners": "everyone"}),
        "chat_sharing_update" => json!({"enabled": true}),
        "workspace_update" => json!({"description": "D"}),
        "workspace_dormant_update" => json!({"dormant": false}),
        "workspace_acl_update" => json!({"user_roles": {}, "group_roles": {}}),
        _ => return None,
    })
}

/// Of providers, prices, budgets and usage.
fn spending(operation: &str, world: &World) -> Option<Value> {
    Some(match operation {
        "provider_create" => json!({
            "name": "another", "type": "openai", "base_url": "http://127.0.0.1:9/v1", "api_key": "k",
        }),
        "provider_update" => json!({"base_url": "http://127.0.0.1:9/v1", "api_key": "k"}),
        "group_budget_upsert" => json!({"spend_limit_micros": 1}),
        "budget_override_upsert" => json!({
            "group_id": world.cast.group_id, "spend_limit_micros": 1, "mode": "observe", "expires_at": null,
        }),
        "budget_settings_update" => json!({"policy": "sum", "time_zone": "UTC"}),
        "external_usage_create" => json!({"events": [{
            "idempotency_key": "k", "user": "ada", "provider": "openai", "model": "gpt-4o", "cost_micros": 1,
            "tokens": {"input": 1, "output": 1}, "occurred_at": null, "client": "", "credential_kind": "byok",
        }]}),
        "external_reservation_create" => json!({
            "idempotency_key": "k", "user": "ada", "provider": "openai", "model": "gpt-4o", "hold_micros": 1,
            "expires_in_s": 60, "client": "", "credential_kind": null,
        }),
        "external_reservation_update" => json!({
            "action": "extend", "hold_micros": 2, "expires_in_s": 60,
        }),
        "model_price_upsert" => json!({"prices": [{
            "provider": "openai", "model": "another", "input_price": 1, "output_price": 1, "cache_read_price": 1,
            "cache_write_price": 1,
        }]}),
        "model_alias_upsert" => {
            json!({"provider": "openai", "provider_model": "another", "priced_model": "gpt-4o"})
        }
        _ => return None,
    })
}

/// Of the inbox, of webhooks and of features.
fn notices(operation: &str) -> Option<Value> {
    Some(match operation {
        "notification_update" => json!({"is_read": true}),
        // It is off, so that nothing is sent anywhere.
        "webhook_create" => json!({
            "name": "another", "url": "https://hooks.example.com/", "secret": "", "organization_id": null,
            "enabled": false,
        }),
        "feature_flag_upsert" => json!({"enabled": false, "organization_id": null}),
        "webhook_update" => json!({"name": "renamed", "organization_id": null}),
        _ => return None,
    })
}

/// Of chats.
fn chats(operation: &str, world: &World) -> Option<Value> {
    let said = || json!([{"type": "text", "text": "Hello"}]);
    Some(match operation {
        // No model is named and none is set up: its turn ends at once.
        "chat_create" => json!({"organization_id": world.cast.organization_id, "content": said()}),
        "chat_update" => json!({"title": "another", "labels": {}}),
        "chat_viewer_update" => json!({"last_read_message_id": 1}),
        "chat_acl_update" => json!({"user_roles": {}, "group_roles": {}, "expires_at": null}),
        "chat_message_create" | "chat_message_update" => json!({"content": said(), "model": ""}),
        // A file is no JSON, and this is none without a name.
        "chat_file_create" => Value::Null,
        _ => return None,
    })
}
