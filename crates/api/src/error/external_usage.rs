//! The words and statuses of what keeps another gateway from reporting, holding or settling.

use std::time::Duration;

use axum::http::StatusCode;
use bursar_sdk::{AiBudgetRefusal, AiBudgetRefusalKind, AiLimitKind, ValidationError};
use chrono::SecondsFormat;
use dbauthz::ExternalUsageError;
use model::{Micros, caps::CapScope};
use store::StoreError;

use super::answer::{Answer, HIDDEN, store};

/// After which time room that others hold is worth asking for again, as the gateway says it.
const RETRY_AFTER: Duration = Duration::from_secs(2);

/// After which time it is worth asking again whether caps are known, as the gateway says it.
const CAPS_AFTER: Duration = Duration::from_secs(5);

/// What tells programs that caps are not known, as the gateway says it.
const CAPS_UNAVAILABLE: &str = "caps_unavailable";

/// Why a hold cannot be changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HoldConflict {
    /// It was settled, with other figures if it was to be settled.
    Settled,
    /// It was released.
    Released,
    /// It has expired.
    Expired,
}

pub(super) fn external_usage(error: &ExternalUsageError) -> Answer {
    match error {
        ExternalUsageError::Store(error) => store(error),
        ExternalUsageError::Persons { events, cause } => persons(events, cause),
        ExternalUsageError::KeysTaken(keys) => {
            let taken = |key: &model::external_usage::IdempotencyKey| ValidationError {
                field: "idempotency_key".to_owned(),
                detail: format!("`{key}` came with something else before"),
            };
            let message = "Idempotency keys stand for something else. Nothing was recorded.";
            Answer::new(StatusCode::CONFLICT, message).validations(keys.iter().map(taken).collect())
        }
    }
}

/// People who do not exist and people who may not be charged look alike.
fn persons(events: &[usize], cause: &StoreError) -> Answer {
    let field = |number: &usize| format!("events[{number}].user");
    let mut fields: Vec<String> = events.iter().map(field).collect();
    if fields.is_empty() {
        fields.push("user".to_owned());
    }
    let wrong = |field| ValidationError {
        field,
        detail: "does not exist, or may not be charged by you".to_owned(),
    };
    let answer = Answer::new(StatusCode::NOT_FOUND, HIDDEN)
        .validations(fields.into_iter().map(wrong).collect());
    match cause {
        StoreError::Denied { resource, .. } => answer.refused(*resource),
        _ => answer,
    }
}

/// The numbers are those that the gateway tells a client whose request does not fit.
pub(super) fn budget(refusal: &AiBudgetRefusal) -> Answer {
    let limit = &refusal.limit;
    let into = match limit.kind {
        AiLimitKind::User => "into the person's AI budget",
        AiLimitKind::Pool => "into the group's AI budget",
        AiLimitKind::UserCap => "under the person's user cap",
        AiLimitKind::SubscriptionCap => "under the cap of all people together",
    };
    let of = match &limit.cap {
        Some(cap) if cap.organization_id.is_some() => " in the organization",
        Some(_) => " in this deployment",
        None => "",
    };
    let into = format!("{into}{of}");
    let included = match (&limit.cap, limit.kind) {
        (Some(cap), AiLimitKind::SubscriptionCap) if cap.included_micros > 0 => {
            let included = Micros(cap.included_micros);
            format!(" beyond {included} included for each")
        }
        _ => String::new(),
    };
    let [all, spent, held] = [
        limit.limit_micros,
        limit.spent_micros,
        limit.reserved_micros,
    ]
    .map(Micros);
    let resets = limit.resets_at.to_rfc3339_opts(SecondsFormat::Secs, true);
    let used = match limit.kind {
        // What all have spent is not for everybody whom the text may reach.
        AiLimitKind::SubscriptionCap => String::new(),
        _ => format!(", with {spent} spent and {held} held by requests that are still running"),
    };
    let figures = format!("The limit is {all}{included}{used}. It resets at {resets}.");
    let mut answer = match refusal.kind {
        AiBudgetRefusalKind::OverBudget => Answer::new(
            StatusCode::PAYMENT_REQUIRED,
            format!("This does not fit {into}. {figures}"),
        ),
        AiBudgetRefusalKind::RetryLater => Answer::new(
            StatusCode::TOO_MANY_REQUESTS,
            format!(
                "This does not fit {into} beside the requests that are still running. {figures} Try \
                 again when one of them has ended."
            ),
        )
        .retry_after(RETRY_AFTER),
    };
    answer.body.budget = Some(Box::new(refusal.clone()));
    answer
}

/// It is logged: whoever keeps the deployment must see to it.
pub(super) fn caps_unknown(scope: CapScope) -> Answer {
    tracing::warn!(scope = %scope.id(), "a reservation was turned away: its caps have not been read for too long");
    Answer::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "It is not known at the moment which budget caps hold. Try again in a moment.",
    )
    .detail(CAPS_UNAVAILABLE)
    .retry_after(CAPS_AFTER)
}

pub(super) fn hold(why: HoldConflict) -> Answer {
    let message = match why {
        HoldConflict::Settled => "The reservation was settled before, with other figures.",
        HoldConflict::Released => "The reservation was released before.",
        HoldConflict::Expired => {
            "The reservation has expired and is charged whole. Settle or release it to correct that."
        }
    };
    Answer::new(StatusCode::CONFLICT, message)
}

#[cfg(test)]
mod tests {
    use bursar_sdk::{AiBudgetMode, AiCapSource, AiLimitCap, AiLimitState};
    use rbac::{Action, ResourceType};

    use super::*;

    #[test]
    fn each_refusal_has_its_status_and_fields() {
        let check = |error: ExternalUsageError, status: u16, fields: &[&str], recorded: bool| {
            let answer = external_usage(&error);
            assert_eq!(answer.status.as_u16(), status, "{error:?}");
            let found = answer.body.validations.iter();
            let found: Vec<_> = found.map(|one| one.field.as_str()).collect();
            assert_eq!(found, fields, "{error:?}");
            assert_eq!(answer.refused.is_some(), recorded, "{error:?}");
        };
        let denied = || StoreError::Denied {
            action: Action::Create,
            resource: ResourceType::AiUsageEvent,
        };
        let persons = |events: &[usize], cause| ExternalUsageError::Persons {
            events: events.to_vec(),
            cause,
        };
        let two = ["events[0].user", "events[4].user"];
        check(persons(&[0, 4], denied()), 404, &two, true);
        check(persons(&[0, 4], StoreError::NotFound), 404, &two, false);
        check(persons(&[], denied()), 404, &["user"], true);
        let keys = vec!["a".parse().unwrap()];
        let taken = ExternalUsageError::KeysTaken(keys);
        check(taken, 409, &["idempotency_key"], false);
        check(StoreError::NotFound.into(), 404, &[], false);
    }

    #[test]
    fn a_refusal_tells_the_figures() {
        let check = |kind, limit, cap: Option<AiLimitCap>, status: u16, words: &str| {
            let refusal = AiBudgetRefusal {
                kind,
                limit: AiLimitState {
                    kind: limit,
                    limit_micros: 1_000_000,
                    mode: AiBudgetMode::Enforce,
                    spent_micros: 900_000,
                    reserved_micros: 50_000,
                    remaining_micros: 50_000,
                    resets_at: "2026-12-01T00:00:00Z".parse().unwrap(),
                    cap,
                },
            };
            let answer = budget(&refusal);
            assert_eq!(answer.status.as_u16(), status);
            assert_eq!(answer.retry_after.is_some(), status == 429);
            let message = &answer.body.message;
            let shared = limit == AiLimitKind::SubscriptionCap;
            let used = "with $0.90 spent and $0.05 held by requests that are still running";
            for (part, expected) in [
                (words, true),
                ("The limit is $1.00", true),
                ("It resets at 2026-12-01T00:00:00Z.", true),
                (used, !shared),
                ("spent", !shared),
            ] {
                assert_eq!(message.contains(part), expected, "{part:?} {message}");
            }
            assert_eq!(answer.body.budget.as_deref(), Some(&refusal));
        };
        let (over, later) = (
            AiBudgetRefusalKind::OverBudget,
            AiBudgetRefusalKind::RetryLater,
        );
        let cap = |organization, source| {
            Some(AiLimitCap {
                organization_id: organization,
                source,
                cap_micros: 1_000_000,
                included_micros: 200_000,
            })
        };
        check(
            over,
            AiLimitKind::User,
            None,
            402,
            "the person's AI budget.",
        );
        check(later, AiLimitKind::Pool, None, 429, "the group's");
        let own = cap(Some(uuid::Uuid::nil()), AiCapSource::UserOverride);
        let words = "under the person's user cap in the organization.";
        check(over, AiLimitKind::UserCap, own, 402, words);
        let all = cap(None, AiCapSource::Subscription);
        let words = "under the cap of all people together in this deployment beside";
        check(later, AiLimitKind::SubscriptionCap, all, 429, words);
        let words = "$1.00 beyond $0.20 included for each.";
        check(over, AiLimitKind::SubscriptionCap, all, 402, words);
    }

    #[test]
    fn caps_that_are_not_known_are_worth_asking_again() {
        let answer = caps_unknown(CapScope::Instance);
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(answer.body.detail.as_deref(), Some("caps_unavailable"));
        assert_eq!(answer.retry_after, Some(CAPS_AFTER));
    }
}
