//! Workspaces: the shared folders of a team's AI work.

use async_trait::async_trait;

/// Reads workspaces: the shared folders of a team's AI work.
#[async_trait]
pub trait WorkspaceRead: Send {}

/// Changes workspaces: the shared folders of a team's AI work.
#[async_trait]
pub trait WorkspaceWrite: WorkspaceRead {}
