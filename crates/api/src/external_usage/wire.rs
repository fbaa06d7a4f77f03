//! What other gateways reported and hold, as the wire shows it.

use bursar_sdk::{
    AiBudgetRefusal, AiBudgetRefusalKind, AiCapSource, AiLimitCap, AiLimitKind, AiLimitState,
    AiReservation, AiReservationStatus, AiUsageReportStatus, ReportedAiUsage, ReportedAiUsageEvent,
};
use model::{
    Micros,
    budgets::BudgetMode,
    caps::{BlockedCap, CapState},
    external_usage::{Closing, ExternalHold, ExternalRecord, ReportOutcome},
    spend::{LimitKind, Period, SpendState},
};

use crate::{
    budgets::mode,
    error::{ApiError, ApiResult},
    spend::left,
};

pub(super) fn reported(outcomes: Vec<ReportOutcome>) -> ReportedAiUsage {
    let event = |outcome: ReportOutcome| ReportedAiUsageEvent {
        idempotency_key: outcome.key.to_string(),
        id: outcome.id.0,
        status: if outcome.duplicate {
            AiUsageReportStatus::Duplicate
        } else {
            AiUsageReportStatus::Recorded
        },
        effective_group_id: outcome.group_id.map(Into::into),
        cost_micros: outcome.cost.map(|cost| cost.0),
    };
    ReportedAiUsage {
        events: outcomes.into_iter().map(event).collect(),
    }
}

/// A hold, beside the limits of its person.
pub(super) fn reservation(record: ExternalRecord, state: &SpendState) -> ApiResult<AiReservation> {
    let Some(hold) = record.hold else {
        return Err(ApiError::not_found());
    };
    let call = record.content.call();
    let closed = hold.closed.as_ref();
    let cost = match closed.map(|closed| &closed.how) {
        Some(Closing::Settle(cost)) => cost.cost,
        Some(Closing::Release) | None => None,
    };
    Ok(AiReservation {
        id: record.id.0,
        idempotency_key: record.key.to_string(),
        status: status(&hold),
        user_id: record.user_id.0,
        effective_group_id: record.group_id.map(Into::into),
        provider: call.provider.clone(),
        model: call.model.clone(),
        hold_micros: hold.amount.0,
        expires_at: hold.expires_at,
        created_at: record.created_at,
        closed_at: closed.map(|closed| closed.at),
        cost_micros: cost.map(|cost| cost.0),
        over_hold_micros: closed.map_or(0, |closed| closed.over_hold.0),
        corrected: closed.is_some_and(|closed| closed.corrected),
        limits: limits(state),
    })
}

fn status(hold: &ExternalHold) -> AiReservationStatus {
    match hold.closed.as_ref().map(|closed| &closed.how) {
        Some(Closing::Settle(_)) => AiReservationStatus::Settled,
        Some(Closing::Release) => AiReservationStatus::Released,
        None if hold.expired => AiReservationStatus::Expired,
        None => AiReservationStatus::Open,
    }
}

/// The refusal of what a state has no room for.
pub(super) fn refusal(kind: AiBudgetRefusalKind, state: &SpendState) -> ApiError {
    if let Some(cap) = state.blocked_cap() {
        let limit = cap_limit(cap);
        return ApiError::Budget(Box::new(AiBudgetRefusal { kind, limit }));
    }
    let blocked = match state.blocked_by {
        Some(LimitKind::Pool) => AiLimitKind::Pool,
        _ => AiLimitKind::User,
    };
    let limits = limits(state);
    let limit = limits.iter().find(|limit| limit.kind == blocked);
    match limit.or(limits.first()) {
        Some(limit) => ApiError::Budget(Box::new(AiBudgetRefusal {
            kind,
            limit: limit.clone(),
        })),
        // Without a limit nothing is refused.
        None => ApiError::not_found(),
    }
}

fn limits(state: &SpendState) -> Vec<AiLimitState> {
    let own = state.budget.map(|budget| {
        let figures = [budget.spend_limit, state.spent, state.reserved];
        limit(AiLimitKind::User, budget.mode, figures, &state.period)
    });
    let pool = state.pool.map(|pool| {
        let figures = [pool.limit, pool.spent, pool.reserved];
        limit(AiLimitKind::Pool, pool.mode, figures, &pool.period)
    });
    let caps = state.caps.iter().flatten().map(cap_limit);
    own.into_iter().chain(pool).chain(caps).collect()
}

/// A cap: of a person never less than what is included, of all what is spent beyond that.
fn cap_limit(cap: &CapState) -> AiLimitState {
    let (kind, amount) = match cap.cap {
        BlockedCap::FlatUser | BlockedCap::UserOverride => {
            (AiLimitKind::UserCap, cap.amount.max(cap.included))
        }
        BlockedCap::Subscription => (AiLimitKind::SubscriptionCap, cap.amount),
    };
    let figures = [amount, cap.used.spent, cap.used.reserved];
    AiLimitState {
        remaining_micros: cap.limit().room().or_zero().0,
        cap: Some(which(cap)),
        ..limit(kind, BudgetMode::Enforce, figures, &cap.period)
    }
}

fn which(cap: &CapState) -> AiLimitCap {
    AiLimitCap {
        organization_id: cap.scope.organization().map(Into::into),
        source: match cap.cap {
            BlockedCap::FlatUser => AiCapSource::FlatUser,
            BlockedCap::UserOverride => AiCapSource::UserOverride,
            BlockedCap::Subscription => AiCapSource::Subscription,
        },
        cap_micros: cap.amount.0,
        included_micros: cap.included.0,
    }
}

fn limit(
    kind: AiLimitKind,
    blocks: BudgetMode,
    [limit, spent, reserved]: [Micros; 3],
    period: &Period,
) -> AiLimitState {
    AiLimitState {
        kind,
        limit_micros: limit.0,
        mode: mode(blocks),
        spent_micros: spent.0,
        reserved_micros: reserved.0,
        remaining_micros: left(limit, spent, reserved),
        resets_at: period.end,
        cap: None,
    }
}
