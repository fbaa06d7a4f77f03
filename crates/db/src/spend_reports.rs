//! Reports of what people and groups spent.

use async_trait::async_trait;
use store::spend_reports::{SpendReportRead, SpendReportWrite};

use crate::unit::{Unit, Writing};

#[async_trait]
impl<Mode: Send + Sync> SpendReportRead for Unit<Mode> {}

#[async_trait]
impl SpendReportWrite for Unit<Writing> {}
