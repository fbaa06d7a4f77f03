//! Workspaces: the shared folders of a team's AI work.

use async_trait::async_trait;
use store::workspaces::{WorkspaceRead, WorkspaceWrite};

use crate::unit::{Unit, Writing};

#[async_trait]
impl<Mode: Send + Sync> WorkspaceRead for Unit<Mode> {}

#[async_trait]
impl WorkspaceWrite for Unit<Writing> {}
