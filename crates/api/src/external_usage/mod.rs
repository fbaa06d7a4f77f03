//! Spend that other gateways report, or ask for first. Every route belongs to the feature `aibridge`.

mod create;
mod read;
mod reservation_create;
mod reservation_get;
mod reservation_update;
mod wire;

use dbauthz::SystemActor;
use model::spend::LimitKey;
use store::StoreResult;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{ApiState, error::chain};

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(create::external_usage_create))
        .routes(routes!(reservation_create::external_reservation_create))
        .routes(routes!(
            reservation_get::external_reservation_get,
            reservation_update::external_reservation_update
        ))
}

/// Tells all servers that waiters at these limits may try again. A hint: whoever does not hear it looks again by
/// itself.
async fn tell(state: &ApiState, limits: &[LimitKey]) {
    if limits.is_empty() {
        return;
    }
    let gateway = state.auth.authorized.as_system(SystemActor::Gateway);
    let told: StoreResult<()> = async {
        let mut unit = gateway.begin().await?;
        unit.ledger().spend_notify(limits).await?;
        unit.commit().await
    }
    .await;
    if let Err(error) = told {
        tracing::warn!(error = %chain(&error), "waiters could not be told");
    }
}
