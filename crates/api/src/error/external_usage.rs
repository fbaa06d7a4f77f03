//! The words and statuses of what keeps another gateway from reporting, holding or settling.

use std::time::Duration;

use axum::http::StatusCode;
use bursar_sdk::{AiBudgetRefusal, AiBudgetRefusalKind, AiLimitKind, ValidationError};
use chrono::SecondsFormat;
use dbauthz::ExternalUsageError;
use model::Micros;
use store::StoreError;

use super::answer::{Answer, HIDDEN, store};

/// After which time room that others hold is worth asking for again, as the gateway says it.
const RETRY_AFTER: Duration = Duration::from_secs(2);

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
    let [all, spent, held] = [
        limit.limit_micros,
        limit.spent_micros,
        limit.reserved_micros,
    ]
    .map(Micros);
    let resets = limit.resets_at.to_rfc3339_opts(SecondsFormat::Secs, true);
    let figures = format!(
        "The limit is {all}, with {spent} spent and {held} held by requests that are still running. It resets at {resets}."
    );
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
    use bursar_sdk::{AiBudgetMode, AiLimitState};
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
        let check = |kind, limit, status: u16, words: &str, retry: bool| {
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
                },
            };
            let answer = budget(&refusal);
            assert_eq!(answer.status.as_u16(), status);
            assert_eq!(answer.retry_after.is_some(), retry);
            let message = &answer.body.message;
            let figures = "The limit is $1.00, with $0.90 spent and $0.05 held by requests that are still running. \
                It resets at 2026-12-01T00:00:00Z.";
            assert!(
                message.contains(words) && message.contains(figures),
                "{message}"
            );
            assert_eq!(answer.body.budget.as_deref(), Some(&refusal));
        };
        let (over, later) = (
            AiBudgetRefusalKind::OverBudget,
            AiBudgetRefusalKind::RetryLater,
        );
        check(over, AiLimitKind::User, 402, "the person's", false);
        check(later, AiLimitKind::Pool, 429, "the group's", true);
        check(over, AiLimitKind::UserCap, 402, "user cap", false);
        check(later, AiLimitKind::SubscriptionCap, 429, "all people", true);
    }
}
