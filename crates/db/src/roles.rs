//! Custom roles of an organization.

use async_trait::async_trait;
use store::roles::{RoleRead, RoleWrite};

use crate::unit::{Unit, Writing};

#[async_trait]
impl<Mode: Send + Sync> RoleRead for Unit<Mode> {}

#[async_trait]
impl RoleWrite for Unit<Writing> {}
