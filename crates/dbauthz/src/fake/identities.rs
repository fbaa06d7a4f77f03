//! The fake's identities.

use async_trait::async_trait;
use store::identities::{IdentityRead, IdentityWrite};

use super::FakeUnit;

#[async_trait]
impl IdentityRead for FakeUnit {}

#[async_trait]
impl IdentityWrite for FakeUnit {}
