//! Whether the server can do its work.

use axum::{Json, extract::State, http::StatusCode};
use bursar_sdk::{HealthCheck, HealthReport};

use crate::{ApiState, error::chain};

/// Tell whether the server can do its work, and which part cannot.
#[utoipa::path(
    get,
    path = "/readyz",
    tag = "deployment",
    responses(
        (status = 200, description = "Every part is ready.", body = HealthReport),
        (status = 503, description = "Some part is not ready.", body = HealthReport),
    ),
)]
pub(crate) async fn readyz(State(state): State<ApiState>) -> (StatusCode, Json<HealthReport>) {
    let mut checks = vec![check("database", database(&state).await)];
    for part in state.readiness.iter() {
        checks.push(check(part.name(), part.check().await));
    }
    let ready = checks.iter().all(|check| check.ready);
    let status = if ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, Json(HealthReport { ready, checks }))
}

fn check(name: &str, outcome: Result<(), String>) -> HealthCheck {
    let ready = outcome.is_ok();
    HealthCheck {
        name: name.to_owned(),
        ready,
        detail: outcome.err().unwrap_or_default(),
    }
}

/// Why it does not answer is for the log: everybody may read the report.
async fn database(state: &ApiState) -> Result<(), String> {
    state.auth.authorized.ping().await.map_err(|error| {
        tracing::warn!(error = %chain(&error), "the database does not answer");
        "the database does not answer".to_owned()
    })
}
