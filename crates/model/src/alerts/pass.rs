//! What came of looking at limits.

/// What came of a pass over the limits that were to be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AlertPass {
    /// How many checks were made.
    pub checks: u64,
    /// How many thresholds were told of.
    pub alerts: u64,
    /// How many messages were written.
    pub notices: u64,
}
