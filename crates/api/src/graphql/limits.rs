//! How often people may read and change caps: counted for each person in this server's memory, in windows of a minute,
//! an hour and a day, the last of which ends at midnight UTC.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use chrono::{DateTime, Utc};
use model::UserId;

use super::failure::{Code, Failure};

/// The length of the windows, in seconds.
const WINDOWS: [i64; 3] = [60, 3_600, 86_400];

/// How many are counted before those of whom nobody heard today are forgotten, once a day.
const FORGET_AT: usize = 10_000;

/// The greatest numbers of calls in a minute, an hour and a day; 0 is without a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    /// In a minute.
    pub per_minute: u32,
    /// In an hour.
    pub per_hour: u32,
    /// In a day.
    pub per_day: u32,
}

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

/// A window's number since 1970, and the calls in it.
type Window = (i64, u32);

#[derive(Debug, Default)]
struct Counts {
    /// The windows of each person, by what is counted.
    windows: HashMap<(UserId, Counted), [Window; 3]>,
    /// The last day on which somebody was forgotten, as its window's number.
    forgot_on: i64,
}

impl Counts {
    /// Forgets of whom nobody heard today, when they are many. Once a day: all that come after have been heard of.
    fn forget(&mut self, today: i64) {
        if self.windows.len() < FORGET_AT || self.forgot_on == today {
            return;
        }
        self.forgot_on = today;
        self.windows.retain(|_, [.., (number, _)]| *number == today);
    }
}

/// Counts calls. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Rates {
    limits: RateLimits,
    counts: Arc<Mutex<Counts>>,
}

impl Rates {
    pub(super) fn new(limits: RateLimits) -> Self {
        Self {
            limits,
            counts: Arc::default(),
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
        let seconds = now.timestamp();
        let limit = match counted {
            Counted::Update => self.limits.updates,
            Counted::Query => self.limits.queries,
        };
        let limits = [limit.per_minute, limit.per_hour, limit.per_day];
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let [.., day] = WINDOWS;
        counts.forget(seconds.div_euclid(day));
        let windows = counts.windows.entry((user, counted)).or_default();
        let mut wait = 0;
        for ((window, length), limit) in windows.iter_mut().zip(WINDOWS).zip(limits) {
            let number = seconds.div_euclid(length);
            if window.0 != number {
                *window = (number, 0);
            }
            if limit > 0 && window.1 >= limit {
                wait = wait.max(length - seconds.rem_euclid(length));
            }
        }
        if wait > 0 {
            let message = "Too many requests of this kind. Try again later.";
            let failure = Failure::told(Code::RateLimited, message);
            return Err(failure.with("retryAfter", wait));
        }
        for window in windows {
            window.1 = window.1.saturating_add(1);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rates(per_minute: u32, per_hour: u32, per_day: u32) -> Rates {
        let limit = RateLimit {
            per_minute,
            per_hour,
            per_day,
        };
        Rates::new(RateLimits {
            updates: limit,
            queries: limit,
        })
    }

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    fn user(number: u128) -> UserId {
        UserId(uuid::Uuid::from_u128(number))
    }

    #[test]
    fn the_call_beyond_the_limit_waits_for_the_next_window() {
        let rates = rates(2, 3, 0);
        let check = |seconds, wait: Option<i64>| {
            let found = rates.count(user(1), Counted::Update, at(seconds));
            let expected = wait.map(|wait| vec![("retryAfter", wait.into())]);
            let found = found.err().map(|failure| match failure {
                Failure::Told { more, .. } => more,
                other => panic!("{other}"),
            });
            assert_eq!(found, expected, "{seconds}");
        };
        check(3_600, None);
        check(3_601, None);
        check(3_610, Some(50));
        check(3_659, Some(1));
        check(3_660, None);
        check(3_661, Some(3_539));
        check(7_200, None);
    }

    #[test]
    fn people_and_kinds_are_counted_apart() {
        let rates = rates(1, 0, 0);
        let count = |number, counted| rates.count(user(number), counted, at(5)).is_ok();
        assert!(count(1, Counted::Update));
        assert!(!count(1, Counted::Update));
        assert!(count(1, Counted::Query));
        assert!(count(2, Counted::Update));
    }

    #[test]
    fn zero_is_without_a_limit() {
        let rates = rates(0, 0, 0);
        for _ in 0..1_000 {
            assert!(rates.count(user(1), Counted::Query, at(5)).is_ok());
        }
    }

    #[test]
    fn who_was_not_heard_of_today_is_forgotten_when_they_are_many() {
        let rates = rates(0, 0, 0);
        let many = u128::try_from(FORGET_AT).unwrap();
        let check = |people: std::ops::Range<u128>, seconds, expected: u128| {
            for number in people {
                let counted = rates.count(user(number), Counted::Query, at(seconds));
                assert!(counted.is_ok());
            }
            let counts = rates.counts.lock().unwrap();
            let found = u128::try_from(counts.windows.len()).unwrap();
            assert_eq!(found, expected, "{seconds}");
        };
        let day = 86_400;
        check(0..many, day, many);
        // All of them are of today.
        check(many..many + 1, day, many + 1);
        check(0..2, 2 * day, 2);
        check(2..many + 5, 2 * day, many + 5);
        check(0..1, 3 * day, 1);
    }
}
