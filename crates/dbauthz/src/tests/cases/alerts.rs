//! Alerts: which system actors look at limits.

use rbac::{
    Action::{Create, Delete, Read},
    Object,
    ResourceType::{AiBudget, AiUsageEvent, Notification},
};

use super::{Case, allow, case};

pub(super) fn alerts() -> Vec<Case> {
    let object = Object::new;
    vec![
        case!(system "alerts_due", u => u.alerts().alerts_due(), [
            allow(Read, object(AiUsageEvent)),
        ]),
        case!(system "alerts_evaluate", u => u.alerts().alerts_evaluate(1), [
            allow(Read, object(AiUsageEvent)),
            allow(Read, object(AiBudget)),
            allow(Create, object(Notification)),
            allow(Delete, object(Notification)),
        ]),
    ]
}
