//! Calls and checks of external usage.

use chrono::{DateTime, Duration};
use model::{
    LeaseId, Micros, ReservationId, UserId, WaiterId,
    external_usage::{
        ExternalCall, ExternalCost, ExternalHold, ExternalRecord, ReservationChange,
        ReservationClaim, UsageClaim,
    },
    spend::CredentialKind,
};
use rbac::{
    Action::{Create, Read},
    Object, ResourceType,
};
use store::StoreError;
use uuid::Uuid;

use super::{Case, allow, case};
use crate::{
    ExternalUsageError,
    tests::world::{ANN, BOB, GROUP, OLGA, ORG},
};

/// What a gateway of Ann's holds for Bob, charged to the group.
const HOLD: ReservationId = ReservationId(Uuid::from_u128(0x401d));
/// What a gateway of Olga's holds for Bob, charged to the group.
const OTHER_HOLD: ReservationId = ReservationId(Uuid::from_u128(0x402d));

/// The holds of the world.
pub(in crate::tests) fn holds() -> Vec<ExternalRecord> {
    vec![hold(HOLD, ANN), hold(OTHER_HOLD, OLGA)]
}

fn hold(id: ReservationId, reporter: UserId) -> ExternalRecord {
    ExternalRecord {
        reporter_id: reporter,
        key: "held".parse().unwrap(),
        person: "bob".to_owned(),
        user_id: BOB,
        content: asked("held", "bob").content(),
        id,
        group_id: Some(GROUP),
        organization_id: Some(ORG),
        created_at: DateTime::UNIX_EPOCH,
        hold: Some(ExternalHold {
            lease: LeaseId(Uuid::from_u128(0x1e)),
            amount: Micros::USD,
            expires_at: DateTime::UNIX_EPOCH + Duration::minutes(5),
            expired: false,
            closed: None,
        }),
    }
}

fn call() -> ExternalCall {
    ExternalCall {
        provider: "openai".to_owned(),
        model: "gpt-4o".to_owned(),
        client: None,
        credential_kind: CredentialKind::Centralized,
    }
}

fn spent(key: &str, person: &str) -> UsageClaim {
    UsageClaim {
        key: key.parse().unwrap(),
        person: person.to_owned(),
        call: call(),
        cost: ExternalCost {
            cost: Some(Micros::USD),
            ..ExternalCost::default()
        },
        occurred_at: None,
    }
}

fn asked(key: &str, person: &str) -> ReservationClaim {
    ReservationClaim {
        key: key.parse().unwrap(),
        person: person.to_owned(),
        call: call(),
        hold: Micros::USD,
        lifetime: Duration::minutes(5),
        waiter: WaiterId(Uuid::from_u128(7)),
        lease: LeaseId(Uuid::from_u128(8)),
    }
}

/// As the store would say it.
fn plain(error: ExternalUsageError) -> StoreError {
    match error {
        ExternalUsageError::Store(error) | ExternalUsageError::Persons { cause: error, .. } => {
            error
        }
        other @ ExternalUsageError::KeysTaken(_) => StoreError::Refused(other.to_string()),
    }
}

/// Olga is in no organization: her usage is everybody's or nobody's.
pub(super) fn external_usage() -> Vec<Case> {
    let usage = || Object::new(ResourceType::AiUsageEvent);
    let in_acme = || usage().in_org(ORG.0);
    vec![
        case!(
            "external_usage_create",
            u => async {
                let events = [spent("a", "bob"), spent("b", "me"), spent("a", "bob")];
                u.external_usage().external_usage_create(&events).await.map_err(plain)
            },
            [allow(Create, in_acme())]
        ),
        case!(
            "external_usage_create",
            u => async {
                let events = [spent("a", "bob"), spent("b", "olga")];
                u.external_usage().external_usage_create(&events).await.map_err(plain)
            },
            [allow(Create, usage()), allow(Create, in_acme())]
        ),
        case!(
            "external_reservation_create",
            u => async {
                let asked = asked("a", "bob");
                u.external_usage().external_reservation_create(&asked).await.map_err(plain)
            },
            [allow(Create, in_acme())]
        ),
        case!(
            "external_reservation_get",
            u => u.external_usage().external_reservation_get(HOLD),
            [allow(Read, in_acme()), allow(Create, in_acme())]
        )
        .ways(&[&[0], &[1]]),
        case!(
            "external_reservation_get",
            u => u.external_usage().external_reservation_get(OTHER_HOLD),
            [allow(Read, in_acme())]
        ),
        case!(
            "external_reservation_update",
            u => async {
                let change = ReservationChange::Release;
                u.external_usage().external_reservation_update(HOLD, &change).await.map_err(plain)
            },
            [allow(Create, in_acme())]
        ),
    ]
}
