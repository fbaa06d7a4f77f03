//! The fake's alerts: it never has any.

use async_trait::async_trait;
use model::alerts::AlertPass;
use store::{
    StoreResult,
    alerts::{AlertRead, AlertWrite},
};

use super::FakeUnit;

#[async_trait]
impl AlertRead for FakeUnit {
    async fn alerts_due(&mut self) -> StoreResult<bool> {
        self.call("alerts_due");
        Ok(false)
    }
}

#[async_trait]
impl AlertWrite for FakeUnit {
    async fn alerts_evaluate(&mut self, _limit: u32) -> StoreResult<AlertPass> {
        self.call("alerts_evaluate");
        Ok(AlertPass::default())
    }
}
