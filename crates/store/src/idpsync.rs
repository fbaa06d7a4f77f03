//! How an identity provider's claims become organizations, groups and roles.

use async_trait::async_trait;

/// Reads how an identity provider's claims become organizations, groups and roles.
#[async_trait]
pub trait IdpsyncRead: Send {}

/// Changes how an identity provider's claims become organizations, groups and roles.
#[async_trait]
pub trait IdpsyncWrite: IdpsyncRead {}
