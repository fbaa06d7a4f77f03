//! Workspaces: the shared folders of a team's AI work.
