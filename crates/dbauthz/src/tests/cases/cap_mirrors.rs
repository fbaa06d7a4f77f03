//! Calls and checks of mirrors of caps.

use std::time::Duration;

use chrono::DateTime;
use model::{
    Micros,
    caps::{Cap, CapMirrorClaim, CapOverrideUpsert, CapScope},
};
use rbac::{
    Action::{Create, Delete, Read, Update},
    Object, ResourceType,
};
use store::cap_mirrors::CapMirrorsDue;

use super::{Case, allow, case};
use crate::{
    WriteOrder,
    tests::world::{BOB, ORG},
};

const ACME: CapScope = CapScope::Organization(ORG);
const REFRESH: Duration = Duration::from_secs(5);
const ALL: CapMirrorsDue = CapMirrorsDue {
    instance: true,
    organizations: true,
    refresh: REFRESH,
    limit: 4,
};
const CLAIM: CapMirrorClaim = CapMirrorClaim {
    scope: ACME,
    version: 0,
    at: DateTime::UNIX_EPOCH,
};
const BOBS: [CapOverrideUpsert; 1] = [CapOverrideUpsert {
    user_id: BOB,
    cap: Cap {
        amount: Micros::USD,
        enabled: true,
    },
    disabled_mode: None,
}];

pub(super) fn cap_mirrors() -> Vec<Case> {
    let everywhere = || Object::new(ResourceType::BudgetCap);
    let in_acme = || everywhere().in_org(ORG.0);
    let set = || [allow(Create, in_acme()), allow(Update, in_acme())];
    let take = || [allow(Read, everywhere()), allow(Update, everywhere())];
    vec![
        case!(system "cap_mirror_get", u => u.cap_mirrors().cap_mirror_get(ACME), [
            allow(Read, everywhere()),
        ]),
        case!(
            system "cap_mirror_local_list",
            u => u.cap_mirrors().cap_mirror_local_list(),
            [allow(Read, everywhere())]
        ),
        case!(system "cap_mirror_claim", u => u.cap_mirrors().cap_mirror_claim(&ALL), take()),
        case!(
            system "cap_mirror_begin",
            u => u.cap_mirrors().cap_mirror_begin(ACME, REFRESH),
            take()
        ),
        case!(
            system "cap_mirror_put_back",
            u => u.cap_mirrors().cap_mirror_put_back(ACME, REFRESH),
            [allow(Update, everywhere())]
        ),
        case!(
            system "cap_mirror_apply",
            u => u.cap_mirrors().cap_mirror_apply(&CLAIM, None),
            [
                allow(Create, everywhere()),
                allow(Update, everywhere()),
                allow(Delete, everywhere()),
            ]
        ),
        case!("cap_mirror_drop", u => u.upstream_caps().cap_mirror_drop(ACME), set()),
        case!(
            "cap_mirror_confirm",
            u => u.upstream_caps().cap_mirror_confirm(ACME, 1, REFRESH),
            set()
        ),
        case!(
            "cap_override_mirror",
            u => u.upstream_caps().cap_override_mirror(ACME, &BOBS, WriteOrder::Known),
            set()
        ),
    ]
}
