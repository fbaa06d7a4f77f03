//! Accounts at an identity provider, and sign-ins under way there.

use async_trait::async_trait;
use store::identities::{IdentityRead, IdentityWrite};

use crate::unit::{Unit, Writing};

#[async_trait]
impl<Mode: Send + Sync> IdentityRead for Unit<Mode> {}

#[async_trait]
impl IdentityWrite for Unit<Writing> {}
