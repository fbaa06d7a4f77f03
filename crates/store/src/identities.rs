//! Accounts at an identity provider, and sign-ins under way there.

use async_trait::async_trait;

/// Reads accounts at an identity provider, and sign-ins under way there.
#[async_trait]
pub trait IdentityRead: Send {}

/// Changes accounts at an identity provider, and sign-ins under way there.
#[async_trait]
pub trait IdentityWrite: IdentityRead {}
