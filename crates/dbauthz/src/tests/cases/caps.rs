//! Calls and checks of caps.

use model::{
    Micros,
    caps::{Cap, CapOverrideUpsert, CapScope, SubscriptionCapUpsert},
};
use rbac::{
    Action::{Create, Delete, Read, Update},
    Object, ResourceType,
};
use store::caps::CapOverrideFilter;

use super::{Case, allow, case};
use crate::tests::world::{BOB, ORG};

const ACME: CapScope = CapScope::Organization(ORG);
const CAP: Cap = Cap {
    amount: Micros::USD,
    enabled: true,
};
const BOBS: [CapOverrideUpsert; 1] = [CapOverrideUpsert {
    user_id: BOB,
    cap: CAP,
    disabled_mode: None,
}];

fn in_acme() -> Object {
    Object::new(ResourceType::BudgetCap).in_org(ORG.0)
}

fn everywhere() -> Object {
    Object::new(ResourceType::BudgetCap)
}

pub(super) fn caps() -> Vec<Case> {
    let set = |object: fn() -> Object| [allow(Create, object()), allow(Update, object())];
    vec![
        case!("cap_get", u => u.caps().cap_get(ACME), [allow(Read, in_acme())]),
        case!("cap_get", u => u.caps().cap_get(CapScope::Instance), [allow(Read, everywhere())]),
        case!(
            "cap_override_list",
            u => u.caps().cap_override_list(ACME, &CapOverrideFilter::default()),
            [allow(Read, in_acme())]
        ),
        case!("cap_update_check", u => u.caps().cap_update_check(ACME), set(in_acme)),
        case!(
            "cap_delete_check",
            u => u.caps().cap_delete_check(ACME),
            [allow(Delete, in_acme())]
        ),
        case!(
            "cap_override_check",
            u => u.caps().cap_override_check(ACME, &[BOB]),
            set(in_acme)
        ),
        case!("cap_flat_upsert", u => u.caps().cap_flat_upsert(ACME, CAP), set(in_acme)),
        case!(
            "cap_flat_upsert",
            u => u.caps().cap_flat_upsert(CapScope::Instance, CAP),
            set(everywhere)
        ),
        case!(
            "cap_subscription_upsert",
            u => u.caps().cap_subscription_upsert(ACME, &SubscriptionCapUpsert::default()),
            set(in_acme)
        ),
        case!(
            "cap_override_upsert",
            u => u.caps().cap_override_upsert(ACME, &BOBS, true),
            set(in_acme)
        ),
        case!(
            "cap_override_delete",
            u => u.caps().cap_override_delete(ACME, &[BOB]),
            [allow(Delete, in_acme())]
        ),
    ]
}
