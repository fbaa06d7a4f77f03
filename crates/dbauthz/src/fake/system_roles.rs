//! The fake's system roles.

use async_trait::async_trait;
use store::system_roles::{SystemRoleRead, SystemRoleWrite};

use super::FakeUnit;

#[async_trait]
impl SystemRoleRead for FakeUnit {}

#[async_trait]
impl SystemRoleWrite for FakeUnit {}
