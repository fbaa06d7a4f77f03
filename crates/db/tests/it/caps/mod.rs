//! Caps: what is set, left alone and removed, with what it goes, and what the audit log says.

mod ends;
mod local;
mod pages;
mod upserts;

use db::Database;
use model::{
    Micros, OrganizationId, PageRequest, UserId,
    audit::{AuditEntry, AuditFilter},
    caps::{Cap, CapOverrideUpsert, CapScope, DisabledMode, SubscriptionCaps},
};
use rbac::Visibility;

use crate::support::{TestDb, World, begin, new_user, read};

const fn cap(micros: i64, enabled: bool) -> Cap {
    Cap {
        amount: Micros(micros),
        enabled,
    }
}

fn of(user: UserId, micros: i64, mode: Option<DisabledMode>) -> CapOverrideUpsert {
    CapOverrideUpsert {
        user_id: user,
        cap: cap(micros, true),
        disabled_mode: mode,
    }
}

/// An organization with people, in the order of their ids.
pub(crate) struct Acme {
    pub(crate) id: OrganizationId,
    pub(crate) scope: CapScope,
    pub(crate) people: Vec<UserId>,
}

impl Acme {
    pub(crate) async fn new(store: &Database, names: &[&str]) -> Self {
        let World { organization, .. } = World::new(store, None).await;
        let mut people = Vec::new();
        let mut unit = begin(store).await;
        for name in names {
            let user = new_user(name, &[organization]);
            unit.user_create(&user).await.unwrap();
            people.push(user.id);
        }
        unit.commit().await.unwrap();
        assert!(people.is_sorted(), "ids are made in their order");
        Self {
            id: organization,
            scope: CapScope::Organization(organization),
            people,
        }
    }
}

async fn set_flat(store: &Database, scope: CapScope, cap: Cap) -> SubscriptionCaps {
    let mut unit = begin(store).await;
    let set = unit.cap_flat_upsert(scope, cap).await.unwrap();
    unit.commit().await.unwrap();
    assert_eq!(read(store).await.cap_get(scope).await.unwrap(), Some(set));
    set
}

async fn set_own(store: &Database, scope: CapScope, overrides: &[CapOverrideUpsert]) {
    let mut unit = begin(store).await;
    unit.cap_override_upsert(scope, overrides).await.unwrap();
    unit.commit().await.unwrap();
}

/// The lines about caps, the oldest first.
pub(crate) async fn entries(store: &Database) -> Vec<AuditEntry> {
    let filter = AuditFilter {
        resource_type: Some("budget_cap".to_owned()),
        ..AuditFilter::default()
    };
    let page = PageRequest {
        limit: 1000,
        offset: 0,
    };
    let mut unit = read(store).await;
    let found = unit.audit_list(&filter, page, &Visibility::All).await;
    found.unwrap().items.into_iter().rev().collect()
}

/// A line as `action target: field old→new, …`.
pub(crate) fn told(line: &AuditEntry) -> String {
    let changes = line.diff.as_object().unwrap();
    let change = |(field, change): (&String, &serde_json::Value)| {
        format!("{field} {}→{}", change["old"], change["new"])
    };
    let mut changes: Vec<_> = changes.iter().map(change).collect();
    changes.sort();
    format!(
        "{:?} {}: {}",
        line.action,
        line.resource_target,
        changes.join(", ")
    )
}
