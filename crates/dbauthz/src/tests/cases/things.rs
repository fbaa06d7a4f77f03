//! Groups, providers, spend and the audit log.

use model::{
    GroupId, LeaseId, PageRequest, ProviderId,
    audit::{AuditAction, AuditFilter, RefusedWrite},
    caps::CapScope,
    groups::{GroupFilter, GroupUpdate, NewGroup},
    prices::ProviderKind,
    spend::LockWait,
};
use rbac::{
    Action::{Create, Delete, Read, Update, Use},
    Object,
    ResourceType::{self as R, AiProvider, AiUsageEvent, AuditLog, BudgetCap, Group, GroupMember},
};
use store::providers::{NewProvider, ProviderUpdate};
use uuid::Uuid;

use super::{Case, allow, case, rows};
use crate::tests::world::{ANN, BOB, GROUP, ORG, PROVIDER, name};

const LEASE: LeaseId = LeaseId(Uuid::from_u128(2));

fn new_group() -> NewGroup {
    NewGroup {
        id: GroupId(Uuid::from_u128(3)),
        organization_id: ORG,
        name: name("new"),
        display_name: String::new(),
        avatar_url: String::new(),
    }
}

pub(super) fn groups() -> Vec<Case> {
    let group = || Object::group(ORG.0, GROUP.0);
    vec![
        case!("group_get", u => u.groups().group_get(GROUP), [allow(Read, group())]),
        case!(list "group_list", u => u.groups().group_list(GroupFilter::default()), [
            rows(Group),
        ]),
        case!(list "group_member_list", u => u.groups().group_member_list(&[GROUP]), [
            rows(GroupMember),
        ]),
        case!("group_contains", u => u.groups().group_contains(GROUP, BOB), [
            allow(Read, Object::group_member(ORG.0, BOB.0)),
        ]),
        case!("group_create", u => u.groups().group_create(&new_group()), [
            allow(Create, Object::new(Group).in_org(ORG.0)),
        ]),
        case!("group_update", u => u.groups().group_update(GROUP, &GroupUpdate::default()), [
            allow(Update, group()),
        ]),
        case!("group_delete", u => u.groups().group_delete(GROUP), [allow(Delete, group())]),
    ]
}

fn new_provider() -> NewProvider {
    NewProvider {
        id: ProviderId(Uuid::from_u128(4)),
        name: name("new"),
        kind: ProviderKind::OpenAi,
        base_url: "https://example.com/v1".parse().unwrap(),
        api_key: "sk-new".into(),
    }
}

pub(super) fn providers() -> Vec<Case> {
    let provider = || Object::ai_provider(Some(PROVIDER.0));
    vec![
        case!("provider_get", u => u.providers().provider_get(&name("openai")), [
            allow(Read, provider()),
        ]),
        case!("provider_use", u => u.providers().provider_use(&name("openai")), [
            allow(Use, provider()),
        ]),
        case!(list "provider_list", u => u.providers().provider_list(), [rows(AiProvider)]),
        case!("provider_create", u => u.providers().provider_create(&new_provider()), [
            allow(Create, Object::new(AiProvider)),
        ]),
        case!(
            "provider_update",
            u => u.providers().provider_update(&name("openai"), &ProviderUpdate::default()),
            [allow(Update, provider())]
        ),
        case!("provider_delete", u => u.providers().provider_delete(&name("openai")), [
            allow(Delete, provider()),
        ]),
        case!(system "provider_key_get", u => u.provider_keys().provider_key_get(PROVIDER), [
            allow(Use, provider()),
        ]),
        case!(
            page "audit_list",
            u => u.audit().audit_list(
                &AuditFilter::default(), PageRequest { limit: 10, offset: 0 }
            ),
            [rows(AuditLog)]
        ),
        case!("audit_refused", u => u.audit().audit_refused(&refused()), []),
    ]
}

fn refused() -> RefusedWrite {
    RefusedWrite {
        action: AuditAction::Write,
        resource_type: "group".to_owned(),
        resource_target: "makers".to_owned(),
        status_code: 404,
    }
}

pub(super) fn objects() -> Vec<Case> {
    vec![
        case!("object_get", u => u.objects().object_get(R::User, BOB.0, None), [
            allow(Read, Object::user(BOB.0)),
        ]),
        case!("object_get", u => u.objects().object_get(R::Organization, ORG.0, None), [
            allow(Read, Object::organization(ORG.0)),
        ]),
        case!(
            "object_get",
            u => u.objects().object_get(R::OrganizationMember, BOB.0, Some(ORG)),
            [allow(Read, Object::organization_member(ORG.0, BOB.0))]
        ),
        case!("object_get", u => u.objects().object_get(GroupMember, BOB.0, Some(ORG)), [
            allow(Read, Object::group_member(ORG.0, BOB.0)),
        ]),
        case!("object_get", u => u.objects().object_get(Group, GROUP.0, None), [
            allow(Read, Object::group(ORG.0, GROUP.0)),
        ]),
        case!("object_get", u => u.objects().object_get(AiProvider, PROVIDER.0, None), [
            allow(Read, Object::ai_provider(Some(PROVIDER.0))),
        ]),
    ]
}

pub(super) fn ledger() -> Vec<Case> {
    let record = || [allow(Create, Object::new(AiUsageEvent))];
    vec![
        // Bob has an override in acme: who may not read acme learns less.
        case!("spend_get", u => u.spend().spend_get(BOB), [
            allow(Read, Object::user(BOB.0)),
            allow(Read, Object::organization(ORG.0)),
        ])
        .ways(&[&[0]]),
        case!(
            "cap_standing_list",
            u => u.spend().cap_standing_list(CapScope::Organization(ORG), &[BOB]),
            [allow(Read, Object::new(BudgetCap).in_org(ORG.0))]
        ),
        case!("cap_standing_list", u => u.spend().cap_standing_list(CapScope::Instance, &[ANN]), [
            allow(Read, Object::user(ANN.0)),
        ]),
        case!(system "spend_blocked_count", u => u.ledger().spend_blocked_count(), [
            allow(Read, Object::new(AiUsageEvent)),
        ]),
        case!(system "ledger_verify", u => u.ledger().ledger_verify(), [
            allow(Read, Object::new(AiUsageEvent)),
        ]),
        case!(system "ledger_batch", u => u.ledger().ledger_batch(&[], LockWait::Brief), record()),
        case!(system "ledger_months_make", u => u.ledger().ledger_months_make(), record()),
        case!(system "reservation_progress", u => u.ledger().reservation_progress(&[]), record()),
        case!(system "reservation_sweep", u => u.ledger().reservation_sweep(1), record()),
        case!(
            system "lease_renew",
            u => u.ledger().lease_renew(LEASE, chrono::Duration::seconds(1)),
            record()
        ),
        case!(system "lease_end", u => u.ledger().lease_end(LEASE), record()),
        case!(system "lease_end_others", u => u.ledger().lease_end_others(LEASE), record()),
        case!(system "spend_notify", u => u.ledger().spend_notify(&[]), record()),
    ]
}
