//! What was settled here frees room that requests at all servers may wait for.

use dbauthz::SystemActor;
use model::spend::LimitKey;
use store::StoreResult;

use crate::{ApiState, error::chain};

/// Tells all servers that waiters at these limits may try again. A hint: whoever does not hear it looks again by
/// itself.
pub(super) async fn tell(state: &ApiState, limits: &[LimitKey]) {
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
