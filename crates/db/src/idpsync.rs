//! How an identity provider's claims become organizations, groups and roles.

use async_trait::async_trait;
use store::idpsync::{IdpsyncRead, IdpsyncWrite};

use crate::unit::{Unit, Writing};

#[async_trait]
impl<Mode: Send + Sync> IdpsyncRead for Unit<Mode> {}

#[async_trait]
impl IdpsyncWrite for Unit<Writing> {}
