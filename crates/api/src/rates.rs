//! How often people may do something: counted in this server's memory, in windows of a minute, an hour and a day, the
//! last of which ends at midnight UTC.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use chrono::{DateTime, Utc};

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

/// A window's number since 1970, and the calls in it.
type Window = (i64, u32);

#[derive(Debug)]
struct Counts<Key> {
    /// The windows of whoever calls.
    windows: HashMap<Key, [Window; 3]>,
    /// The last day on which somebody was forgotten, as its window's number.
    forgot_on: i64,
}

impl<Key> Counts<Key> {
    /// Forgets of whom nobody heard today, when they are many. Once a day: all that come after have been heard of.
    fn forget(&mut self, today: i64) {
        if self.windows.len() < FORGET_AT || self.forgot_on == today {
            return;
        }
        self.forgot_on = today;
        self.windows.retain(|_, [.., (number, _)]| *number == today);
    }
}

/// Counts calls, by who makes them. Clones share the count.
#[derive(Debug, Clone)]
pub(crate) struct Rates<Key>(Arc<Mutex<Counts<Key>>>);

impl<Key> Default for Rates<Key> {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Counts {
            windows: HashMap::new(),
            forgot_on: 0,
        })))
    }
}

impl<Key: Eq + Hash> Rates<Key> {
    /// Counts a call, unless there were too many: one that is refused does not count.
    ///
    /// # Errors
    /// When there were too many; in how long there is room again, in whole seconds.
    pub(crate) fn count(
        &self,
        key: Key,
        limit: RateLimit,
        now: DateTime<Utc>,
    ) -> Result<(), Duration> {
        let seconds = now.timestamp();
        let limits = [limit.per_minute, limit.per_hour, limit.per_day];
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let [.., day] = WINDOWS;
        counts.forget(seconds.div_euclid(day));
        let windows = counts.windows.entry(key).or_default();
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
            return Err(Duration::from_secs(wait.unsigned_abs()));
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

    const fn limit(per_minute: u32, per_hour: u32, per_day: u32) -> RateLimit {
        RateLimit {
            per_minute,
            per_hour,
            per_day,
        }
    }

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    #[test]
    fn the_call_beyond_the_limit_waits_for_the_next_window() {
        let rates = Rates::default();
        let check = |seconds, wait: Option<u64>| {
            let found = rates.count("ada", limit(2, 3, 0), at(seconds));
            assert_eq!(found.err(), wait.map(Duration::from_secs), "{seconds}");
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
    fn each_is_counted_apart() {
        let rates = Rates::default();
        let count = |key| rates.count(key, limit(1, 0, 0), at(5)).is_ok();
        assert!(count("ada"));
        assert!(!count("ada"));
        assert!(count("bob"));
    }

    #[test]
    fn zero_is_without_a_limit() {
        let rates = Rates::default();
        for _ in 0..1_000 {
            assert!(rates.count("ada", limit(0, 0, 0), at(5)).is_ok());
        }
    }

    #[test]
    fn who_was_not_heard_of_today_is_forgotten_when_they_are_many() {
        let rates = Rates::default();
        let many = FORGET_AT;
        let check = |people: std::ops::Range<usize>, seconds, expected: usize| {
            for number in people {
                assert!(rates.count(number, limit(0, 0, 0), at(seconds)).is_ok());
            }
            assert_eq!(rates.0.lock().unwrap().windows.len(), expected, "{seconds}");
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
