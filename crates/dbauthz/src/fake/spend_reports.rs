//! The fake's spend reports.

use async_trait::async_trait;
use store::spend_reports::{SpendReportRead, SpendReportWrite};

use super::FakeUnit;

#[async_trait]
impl SpendReportRead for FakeUnit {}

#[async_trait]
impl SpendReportWrite for FakeUnit {}
