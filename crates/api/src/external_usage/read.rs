//! What other gateways send, read; all that is wrong with it is told at once.

use bursar_sdk::{
    AiCredentialKind, AiReservationAction, AiTokenCounts, AiUsageReport, Change,
    CreateAiReservationRequest, PatchAiReservationRequest, ReportAiUsageRequest, ValidationError,
};
use chrono::Duration;
use model::{
    IdSource, Micros,
    external_usage::{
        DEFAULT_LIFETIME, ExternalCall, ExternalCost, MAX_EVENTS, MAX_HOLD, MAX_LIFETIME,
        ReservationChange, ReservationClaim, UsageClaim,
    },
    metering::{MAX_COST, MAX_COUNT, TokenUsage},
    spend::CredentialKind,
};

use crate::validate::{Checked, both, display_name, instant, optional, parse, text, wrong};

pub(super) fn usage(body: &ReportAiUsageRequest) -> Checked<Vec<UsageClaim>> {
    if !(1..=MAX_EVENTS).contains(&body.events.len()) {
        let detail = format_args!("must be between 1 and {MAX_EVENTS}");
        return wrong("events", detail);
    }
    let (mut claims, mut errors) = (Vec::with_capacity(body.events.len()), Vec::new());
    for (number, event) in body.events.iter().enumerate() {
        match claim(&format!("events[{number}]."), event) {
            Ok(claim) => claims.push(claim),
            Err(mut wrong) => errors.append(&mut wrong),
        }
    }
    if errors.is_empty() {
        Ok(claims)
    } else {
        Err(errors)
    }
}

fn claim(at: &str, event: &AiUsageReport) -> Checked<UsageClaim> {
    let key = parse(&format!("{at}idempotency_key"), &event.idempotency_key);
    let person = given(&format!("{at}user"), &event.user, text);
    let named = [&event.provider, &event.model];
    let call = call(at, named, event.client.as_deref(), event.credential_kind);
    let answer = [&event.response_model, &event.provider_response_id];
    let cost = cost(at, event.cost_micros, event.tokens, answer);
    let occurred_at = instant(&format!("{at}occurred_at"), event.occurred_at);
    let rest = both(call, both(cost, occurred_at));
    let ((key, person), (call, (cost, occurred_at))) = both(both(key, person), rest)?;
    Ok(UsageClaim {
        key,
        person,
        call,
        cost,
        occurred_at,
    })
}

pub(super) fn reservation(
    body: &CreateAiReservationRequest,
    ids: &dyn IdSource,
) -> Checked<ReservationClaim> {
    let key = parse("idempotency_key", &body.idempotency_key);
    let person = given("user", &body.user, text);
    let named = [&body.provider, &body.model];
    let call = call("", named, body.client.as_deref(), body.credential_kind);
    let hold = hold(body.hold_micros);
    let lifetime = optional(body.expires_in_s, lifetime);
    let rest = both(call, both(hold, lifetime));
    let ((key, person), (call, (hold, lifetime))) = both(both(key, person), rest)?;
    Ok(ReservationClaim {
        key,
        person,
        call,
        hold,
        lifetime: lifetime.unwrap_or(DEFAULT_LIFETIME),
        waiter: ids.next().into(),
        lease: ids.next().into(),
    })
}

pub(super) fn change(body: &PatchAiReservationRequest) -> Checked<ReservationChange> {
    let settles = [
        ("cost_micros", !body.cost_micros.keeps()),
        ("tokens", body.tokens.is_some()),
        ("response_model", body.response_model.is_some()),
        ("provider_response_id", body.provider_response_id.is_some()),
    ];
    let extends = [
        ("hold_micros", body.hold_micros.is_some()),
        ("expires_in_s", body.expires_in_s.is_some()),
    ];
    match body.action {
        AiReservationAction::Settle => {
            let answer = [&body.response_model, &body.provider_response_id];
            let cost = cost("", body.cost_micros, body.tokens, answer);
            let (cost, ()) = both(cost, absent(&extends))?;
            Ok(ReservationChange::Settle(cost))
        }
        AiReservationAction::Release => {
            both(absent(&settles), absent(&extends))?;
            Ok(ReservationChange::Release)
        }
        AiReservationAction::Extend => {
            if extends.iter().all(|(_, given)| !given) {
                return wrong("hold_micros", "must be given, or `expires_in_s`");
            }
            let more = optional(body.hold_micros, hold);
            let longer = optional(body.expires_in_s, lifetime);
            let ((hold, lifetime), ()) = both(both(more, longer), absent(&settles))?;
            Ok(ReservationChange::Extend { hold, lifetime })
        }
    }
}

/// Refuses the fields of other actions.
fn absent(fields: &[(&str, bool)]) -> Checked<()> {
    let given = fields.iter().filter(|(_, given)| *given);
    let errors: Vec<ValidationError> = given
        .map(|(field, _)| ValidationError {
            field: (*field).to_owned(),
            detail: "belongs to another action".to_owned(),
        })
        .collect();
    if errors.is_empty() {
        Ok(())
    } else {
        Err(errors)
    }
}

fn given(field: &str, value: &str, read: fn(&str, &str) -> Checked<String>) -> Checked<String> {
    if value.trim().is_empty() {
        return wrong(field, "must be given");
    }
    read(field, value)
}

fn call(
    at: &str,
    [provider, model]: [&String; 2],
    client: Option<&str>,
    credential_kind: Option<AiCredentialKind>,
) -> Checked<ExternalCall> {
    let provider = given(&format!("{at}provider"), provider, display_name);
    let model = given(&format!("{at}model"), model, text);
    let client = optional(client, |client| {
        display_name(&format!("{at}client"), client)
    });
    let ((provider, model), client) = both(both(provider, model), client)?;
    Ok(ExternalCall {
        provider,
        model,
        client,
        credential_kind: match credential_kind.unwrap_or_default() {
            AiCredentialKind::Centralized => CredentialKind::Centralized,
            AiCredentialKind::Byok => CredentialKind::Byok,
        },
    })
}

fn cost(
    at: &str,
    micros: Change<i64>,
    counts: Option<AiTokenCounts>,
    [response_model, response_id]: [&Option<String>; 2],
) -> Checked<ExternalCost> {
    let field = format!("{at}cost_micros");
    let cost = match micros {
        Change::Keep => wrong(&field, "must be given; `null` when it is not known"),
        Change::Remove => Ok(None),
        Change::Set(micros) if (0..=MAX_COST.0).contains(&micros) => Ok(Some(Micros(micros))),
        Change::Set(_) => wrong(&field, format_args!("must be between 0 and {}", MAX_COST.0)),
    };
    let usage = tokens(&format!("{at}tokens"), counts.unwrap_or_default());
    let said = |name: &str, said: &Option<String>| {
        optional(said.as_deref(), |said| text(&format!("{at}{name}"), said))
    };
    let response_model = said("response_model", response_model);
    let response_id = said("provider_response_id", response_id);
    let ((cost, usage), (response_model, provider_response_id)) =
        both(both(cost, usage), both(response_model, response_id))?;
    Ok(ExternalCost {
        usage,
        cost,
        response_model,
        provider_response_id,
    })
}

fn tokens(at: &str, counts: AiTokenCounts) -> Checked<TokenUsage> {
    let AiTokenCounts {
        input,
        cache_read,
        cache_write_5m,
        cache_write_1h,
        output,
        reasoning,
        audio_input,
        audio_output,
        web_searches,
    } = counts;
    let bounded = [
        ("input", input),
        ("cache_read", cache_read),
        ("cache_write_5m", cache_write_5m),
        ("cache_write_1h", cache_write_1h),
        ("output", output),
        ("audio_input", audio_input),
        ("audio_output", audio_output),
        ("web_searches", web_searches),
    ];
    let too_many = bounded.iter().filter(|(_, count)| *count > MAX_COUNT);
    let mut errors: Vec<ValidationError> = too_many
        .map(|(kind, _)| ValidationError {
            field: format!("{at}.{kind}"),
            detail: format!("must not exceed {MAX_COUNT}"),
        })
        .collect();
    if reasoning > output {
        errors.push(ValidationError {
            field: format!("{at}.reasoning"),
            detail: "must not exceed `output`, of which it is a part".to_owned(),
        });
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    Ok(TokenUsage {
        input,
        cache_read,
        cache_write_5m,
        cache_write_1h,
        output,
        reasoning,
        audio_input,
        audio_output,
        web_searches,
    })
}

fn hold(micros: i64) -> Checked<Micros> {
    if (1..=MAX_HOLD.0).contains(&micros) {
        return Ok(Micros(micros));
    }
    let detail = format_args!("must be between 1 and {}", MAX_HOLD.0);
    wrong("hold_micros", detail)
}

fn lifetime(seconds: i64) -> Checked<Duration> {
    let longest = MAX_LIFETIME.num_seconds();
    if (1..=longest).contains(&seconds) {
        return Ok(Duration::seconds(seconds));
    }
    let detail = format_args!("must be between 1 and {longest}");
    wrong("expires_in_s", detail)
}
