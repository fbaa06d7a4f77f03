//! The fake's workspaces.

use async_trait::async_trait;
use store::workspaces::{WorkspaceRead, WorkspaceWrite};

use super::FakeUnit;

#[async_trait]
impl WorkspaceRead for FakeUnit {}

#[async_trait]
impl WorkspaceWrite for FakeUnit {}
