//! Lines of the audit log as the wire shows them.

use std::collections::BTreeMap;

use bursar_sdk::{AuditAction as WireAction, AuditDiffField, AuditLog, MinimalUser};
use model::audit::{AuditAction, AuditEntry};

pub(crate) fn audit_log(entry: AuditEntry) -> AuditLog {
    let description = description(&entry);
    let user = entry.user_id.map(|id| MinimalUser {
        id: id.0,
        username: entry.actor_name.clone(),
        avatar_url: String::new(),
    });
    AuditLog {
        id: entry.id.0,
        request_id: entry.request_id,
        time: entry.time,
        action: match entry.action {
            AuditAction::Create => WireAction::Create,
            AuditAction::Write => WireAction::Write,
            AuditAction::Delete => WireAction::Delete,
        },
        resource_type: entry.resource_type,
        resource_id: entry.resource_id,
        resource_target: entry.resource_target,
        organization_id: entry.organization_id.map(|id| id.0),
        user,
        actor_name: entry.actor_name,
        diff: diff(entry.diff),
        status_code: entry.status_code,
        description,
    }
}

pub(crate) const fn action(action: WireAction) -> AuditAction {
    match action {
        WireAction::Create => AuditAction::Create,
        WireAction::Write => AuditAction::Write,
        WireAction::Delete => AuditAction::Delete,
    }
}

fn diff(columns: serde_json::Value) -> BTreeMap<String, AuditDiffField> {
    let serde_json::Value::Object(columns) = columns else {
        return BTreeMap::new();
    };
    let field = |(name, value)| Some((name, serde_json::from_value(value).ok()?));
    columns.into_iter().filter_map(field).collect()
}

fn description(entry: &AuditEntry) -> String {
    let (did, tried) = match entry.action {
        AuditAction::Create => ("created", "create"),
        AuditAction::Write => ("updated", "update"),
        AuditAction::Delete => ("deleted", "delete"),
    };
    let kind = entry.resource_type.replace('_', " ");
    if entry.status_code < 400 {
        format!("{{user}} {did} {kind} {{target}}")
    } else {
        format!("{{user}} unsuccessfully attempted to {tried} {kind} {{target}}")
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use model::{AuditId, UserId};
    use serde_json::json;
    use uuid::Uuid;

    use super::*;

    fn entry(status_code: u16) -> AuditEntry {
        AuditEntry {
            id: AuditId(Uuid::nil()),
            time: DateTime::UNIX_EPOCH,
            action: AuditAction::Write,
            resource_type: "ai_provider".into(),
            resource_id: "7".into(),
            resource_target: "openai".into(),
            organization_id: None,
            user_id: Some(UserId(Uuid::from_u128(3))),
            actor_name: "ada".into(),
            diff: json!({"name": {"old": "a", "new": "b"}, "key": {"old": null, "new": null, "secret": true}}),
            status_code,
            request_id: None,
        }
    }

    #[test]
    fn a_line_says_what_was_done_or_tried() {
        let check = |status, expected: &str| {
            assert_eq!(audit_log(entry(status)).description, expected);
        };
        check(200, "{user} updated ai provider {target}");
        check(
            404,
            "{user} unsuccessfully attempted to update ai provider {target}",
        );
    }

    #[test]
    fn a_diff_tells_which_columns_are_secret() {
        let log = audit_log(entry(200));
        assert_eq!(log.diff["name"].new, json!("b"));
        assert!(!log.diff["name"].secret);
        assert!(log.diff["key"].secret);
        assert_eq!(log.user.unwrap().username, "ada");
    }
}
