//! Reports of what people and groups spent.

use async_trait::async_trait;

/// Reads reports of what people and groups spent.
#[async_trait]
pub trait SpendReportRead: Send {}

/// Changes reports of what people and groups spent.
#[async_trait]
pub trait SpendReportWrite: SpendReportRead {}
