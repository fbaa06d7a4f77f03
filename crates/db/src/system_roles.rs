//! The roles that come with being a member, as every organization keeps them.

use async_trait::async_trait;
use store::system_roles::{SystemRoleRead, SystemRoleWrite};

use crate::unit::{Unit, Writing};

#[async_trait]
impl<Mode: Send + Sync> SystemRoleRead for Unit<Mode> {}

#[async_trait]
impl SystemRoleWrite for Unit<Writing> {}
