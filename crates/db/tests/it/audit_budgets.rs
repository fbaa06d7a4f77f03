//! Audit lines of budgets that vanish with something else, or move, by hand in the database too: by name.

use db::local::LocalRole;
use model::{
    Micros,
    audit::{AuditAction, AuditEntry, AuditFilter},
    budgets::GroupBudgetUpsert,
};
use rbac::Visibility;

use crate::{
    overrides::{Team, charged_to},
    support::{TestDb, begin, read},
};

/// A line as `action target`, with the names of groups that its difference tells.
fn told(line: &AuditEntry) -> String {
    let action = match line.action {
        AuditAction::Create => "create",
        AuditAction::Write => "write",
        AuditAction::Delete => "delete",
    };
    let group = &line.diff["group_name"];
    if group.is_null() {
        format!("{action} {}", line.resource_target)
    } else {
        format!(
            "{action} {} {}→{}",
            line.resource_target, group["old"], group["new"]
        )
    }
}

async fn check(statement: &str, expected: &[&str]) {
    let db = TestDb::new().await;
    let store = db.store().await;
    let made = Team::new(&store).await;
    let mut unit = begin(&store).await;
    let budget = GroupBudgetUpsert::limit(Micros(5));
    unit.group_budget_upsert(made.team, &budget).await.unwrap();
    unit.budget_override_upsert(made.user, &charged_to(made.team, 9))
        .await
        .unwrap();
    unit.commit().await.unwrap();
    let filter = AuditFilter {
        resource_type: Some("ai_budget".to_owned()),
        ..AuditFilter::default()
    };
    let page = model::PageRequest {
        limit: 100,
        offset: 0,
    };
    let mut unit = read(&store).await;
    let before = unit.audit_list(&filter, page, &Visibility::All).await;
    let before = before.unwrap().items.len();
    let statement = statement
        .replace("<team>", &format!("'{}'", made.team))
        .replace("<other>", &format!("'{}'", made.other))
        .replace("<ada>", &format!("'{}'", made.user));
    let owner = db.client(LocalRole::Owner).await;
    let sql = format!(
        "BEGIN; SELECT set_config('bursar.actor_name', 'by hand', true); {statement}; COMMIT"
    );
    owner.batch_execute(&sql).await.unwrap();
    let lines = unit.audit_list(&filter, page, &Visibility::All).await;
    let mut lines = lines.unwrap().items;
    lines.truncate(lines.len() - before);
    let mut found: Vec<String> = lines.iter().map(told).collect();
    found.sort();
    assert_eq!(found, expected, "{statement}");
    for line in lines {
        assert_eq!((line.actor_name.as_str(), line.user_id), ("by hand", None));
        assert_eq!(line.organization_id, Some(made.organization));
    }
}

#[tokio::test]
async fn a_group_that_is_deleted_by_hand_is_named_in_the_lines_of_its_budgets() {
    check(
        "DELETE FROM groups WHERE id = <team>",
        &["delete ada \"team\"→null", "delete team"],
    )
    .await;
}

#[tokio::test]
async fn a_person_who_is_deleted_by_hand_is_named_in_the_line_of_the_override() {
    check(
        "DELETE FROM users WHERE id = <ada>",
        &["delete ada \"team\"→null"],
    )
    .await;
}

#[tokio::test]
async fn an_override_whose_membership_moves_to_another_group_is_told_as_removed_once() {
    check(
        "UPDATE group_members SET group_id = <other> WHERE user_id = <ada>",
        &["delete ada \"team\"→null"],
    )
    .await;
}

#[tokio::test]
async fn an_override_that_moves_with_its_person_tells_both_groups() {
    check(
        "INSERT INTO group_members (group_id, organization_id, user_id) \
         SELECT id, organization_id, <ada> FROM groups WHERE id = <other>; \
         UPDATE user_ai_budget_overrides SET group_id = <other> WHERE user_id = <ada>",
        &["write ada \"team\"→\"other\""],
    )
    .await;
}

#[tokio::test]
async fn what_is_set_to_what_it_was_leaves_no_line() {
    let statements = [
        "UPDATE user_ai_budget_overrides SET updated_at = now(), spend_limit_micros = 9",
        "UPDATE group_ai_budgets SET updated_at = now(), pool_counted_from = now(), mode = 'enforce'",
        "UPDATE ai_budget_settings SET changed_at = now(), policy = 'highest'",
        "UPDATE groups SET name = 'crew' WHERE id = <team>",
    ];
    for statement in statements {
        check(statement, &[]).await;
    }
}
