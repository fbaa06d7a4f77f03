//! The fake's roles.

use async_trait::async_trait;
use store::roles::{RoleRead, RoleWrite};

use super::FakeUnit;

#[async_trait]
impl RoleRead for FakeUnit {}

#[async_trait]
impl RoleWrite for FakeUnit {}
