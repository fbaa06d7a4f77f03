//! The fake's outbox: nothing is ever due.

use std::time::Duration;

use async_trait::async_trait;
use model::{ClaimId, DeliveryId, WebhookId, deliveries::Verdict};
use store::{
    StoreResult,
    deliveries::{Claim, DeliveryWrite, MailDispatch, Tidied, WebhookDispatch},
};

use super::FakeUnit;

#[async_trait]
impl DeliveryWrite for FakeUnit {
    async fn delivery_webhook_claim(
        &mut self,
        _claim: &Claim,
        _per_webhook: u32,
        _busy: &[WebhookId],
    ) -> StoreResult<Vec<WebhookDispatch>> {
        self.call("delivery_webhook_claim");
        Ok(Vec::new())
    }

    async fn delivery_mail_claim(&mut self, _claim: &Claim) -> StoreResult<Vec<MailDispatch>> {
        self.call("delivery_mail_claim");
        Ok(Vec::new())
    }

    async fn delivery_finish(
        &mut self,
        _id: DeliveryId,
        _claim: ClaimId,
        _verdict: &Verdict,
    ) -> StoreResult<bool> {
        self.call("delivery_finish");
        Ok(false)
    }

    async fn delivery_mail_ready(&mut self, _lasting: Duration) -> StoreResult<()> {
        self.call("delivery_mail_ready");
        Ok(())
    }

    async fn delivery_tidy(&mut self, _patience: Duration, _keep: Duration) -> StoreResult<Tidied> {
        self.call("delivery_tidy");
        Ok(Tidied::default())
    }
}
