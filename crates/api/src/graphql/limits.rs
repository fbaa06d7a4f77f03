//! How often people may read and change caps: counted for each person, by this server alone.

use chrono::{DateTime, Utc};
use model::UserId;

use super::failure::{Code, Failure};
use crate::rates::{self, RateLimit};

/// What is counted apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Counted {
    /// Changes of caps, whichever.
    Update,
    /// Reads of caps and usage.
    Query,
}

/// How often people may read and change caps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimits {
    /// Changes of caps.
    pub updates: RateLimit,
    /// Reads of caps and usage.
    pub queries: RateLimit,
}

impl Default for RateLimits {
    fn default() -> Self {
        let of = |per_minute, per_hour, per_day| RateLimit {
            per_minute,
            per_hour,
            per_day,
        };
        Self {
            updates: of(150, 1_000, 20_000),
            queries: of(300, 10_000, 40_000),
        }
    }
}

/// Counts calls. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Rates {
    limits: RateLimits,
    counts: rates::Rates<(UserId, Counted)>,
}

impl Rates {
    pub(super) fn new(limits: RateLimits) -> Self {
        Self {
            limits,
            counts: rates::Rates::default(),
        }
    }

    /// Counts a call, unless there were too many: one that is refused does not count.
    ///
    /// # Errors
    /// When there were too many; it says in how many seconds there is room again.
    pub(super) fn count(
        &self,
        user: UserId,
        counted: Counted,
        now: DateTime<Utc>,
    ) -> Result<(), Failure> {
        let limit = match counted {
            Counted::Update => self.limits.updates,
            Counted::Query => self.limits.queries,
        };
        let counted = self.counts.count((user, counted), limit, now);
        counted.map_err(|wait| {
            let message = "Too many requests of this kind. Try again later.";
            Failure::told(Code::RateLimited, message).with("retryAfter", wait.as_secs())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_and_kinds_are_counted_apart_and_the_wait_is_told() {
        let limit = |per_minute| RateLimit {
            per_minute,
            per_hour: 0,
            per_day: 0,
        };
        let rates = Rates::new(RateLimits {
            updates: limit(1),
            queries: limit(2),
        });
        let check = |number: u128, counted, wait: Option<u64>| {
            let user = UserId(uuid::Uuid::from_u128(number));
            let at = DateTime::from_timestamp(3_610, 0).unwrap();
            let found = rates.count(user, counted, at);
            let found = found.err().map(|failure| match failure {
                Failure::Told { more, .. } => more,
                other => panic!("{other}"),
            });
            let expected = wait.map(|wait| vec![("retryAfter", wait.into())]);
            assert_eq!(found, expected, "{number} {counted:?}");
        };
        check(1, Counted::Update, None);
        check(1, Counted::Update, Some(50));
        check(1, Counted::Query, None);
        check(1, Counted::Query, None);
        check(1, Counted::Query, Some(50));
        check(2, Counted::Update, None);
    }
}
