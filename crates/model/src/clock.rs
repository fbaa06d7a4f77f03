//! Ports for time and new ids, so that month ends and ids can be chosen by a test.

use chrono::{DateTime, Utc};
use uuid::Uuid;

/// Tells the time, in UTC.
pub trait Clock: Send + Sync + std::fmt::Debug {
    /// The present instant.
    fn now(&self) -> DateTime<Utc>;
}

/// Makes new ids.
pub trait IdSource: Send + Sync + std::fmt::Debug {
    /// A fresh UUID; version 7 in production, so that new rows sort by their time.
    fn next(&self) -> Uuid;
}

/// The computer's own clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the clock"
    )]
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }
}

/// UUID version 7 from the computer's clock and randomness.
#[derive(Debug, Clone, Copy, Default)]
pub struct UuidV7Source;

impl IdSource for UuidV7Source {
    #[expect(clippy::disallowed_methods, reason = "the one place that makes ids")]
    fn next(&self) -> Uuid {
        Uuid::now_v7()
    }
}
