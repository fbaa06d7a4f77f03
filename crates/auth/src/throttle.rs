//! Slows down who guesses passwords: ten failures in five minutes for one name, then a pause.
//!
//! It is kept by this process alone and forgotten with it. It counts the names that are typed, known or not,
//! so that it tells nothing about accounts. Whoever fills it to lock somebody out stops new sign-ins for some
//! minutes, not the sessions and tokens that exist.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};

/// How many tries a name has in a window.
const TRIES: u32 = 10;
/// How long a window is.
const WINDOW: TimeDelta = TimeDelta::minutes(5);
/// How many names are remembered; beyond it the oldest windows are forgotten.
const NAMES: usize = 10_000;

#[derive(Debug, Clone, Copy)]
struct Window {
    since: DateTime<Utc>,
    tries: u32,
}

/// Counts tries to sign in, by name. Clones share the count.
#[derive(Debug, Clone, Default)]
pub struct LoginThrottle(Arc<Mutex<HashMap<String, Window>>>);

impl LoginThrottle {
    /// Counts a try before it is judged, so that many at once are counted too.
    ///
    /// # Errors
    /// How long to wait, when there were too many.
    pub(crate) fn admit(&self, name: &str, now: DateTime<Utc>) -> Result<(), Duration> {
        let mut windows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let name = key(name);
        if !windows.contains_key(&name) && windows.len() >= NAMES {
            make_room(&mut windows, now);
        }
        let window = windows.entry(name).or_insert(Window {
            since: now,
            tries: 0,
        });
        if now >= window.since + WINDOW || now < window.since {
            *window = Window {
                since: now,
                tries: 0,
            };
        }
        if window.tries >= TRIES {
            let left = (window.since + WINDOW).signed_duration_since(now);
            // Whole seconds, rounded up: what a `Retry-After` can say.
            let seconds = left
                .num_milliseconds()
                .max(1)
                .unsigned_abs()
                .div_ceil(1_000);
            return Err(Duration::from_secs(seconds));
        }
        window.tries = window.tries.saturating_add(1);
        Ok(())
    }

    /// Forgets a name that has proved to be who it says.
    pub(crate) fn forget(&self, name: &str) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&key(name));
    }
}

/// Names differ in no more than the database sees; an endless one is cut.
fn key(name: &str) -> String {
    name.chars()
        .take(254)
        .flat_map(char::to_lowercase)
        .collect()
}

/// Forgets windows that have ended, else the older half.
fn make_room(windows: &mut HashMap<String, Window>, now: DateTime<Utc>) {
    windows.retain(|_, window| now < window.since + WINDOW);
    if windows.len() < NAMES {
        return;
    }
    let mut starts: Vec<_> = windows.values().map(|window| window.since).collect();
    let (_, middle, _) = starts.select_nth_unstable(NAMES / 2);
    let middle = *middle;
    let mut excess = windows.len().saturating_sub(NAMES / 2);
    windows.retain(|_, window| {
        let old = window.since <= middle && excess > 0;
        excess = excess.saturating_sub(usize::from(old));
        !old
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    #[test]
    fn ten_tries_then_a_pause_until_the_window_ends() {
        let throttle = LoginThrottle::default();
        for _ in 0..TRIES {
            assert_eq!(throttle.admit("ada@example.com", at(0)), Ok(()));
        }
        let refused = |seconds| Err(Duration::from_secs(seconds));
        assert_eq!(throttle.admit("ADA@example.com", at(0)), refused(300));
        assert_eq!(throttle.admit("ada@example.com", at(299)), refused(1));
        assert_eq!(throttle.admit("bob@example.com", at(0)), Ok(()));
        assert_eq!(throttle.admit("ada@example.com", at(300)), Ok(()));
    }

    #[test]
    fn a_right_password_starts_anew() {
        let throttle = LoginThrottle::default();
        for _ in 0..3 {
            for _ in 0..TRIES {
                assert_eq!(throttle.admit("ada@example.com", at(0)), Ok(()));
            }
            throttle.forget("Ada@example.com");
        }
    }

    #[test]
    fn it_never_remembers_more_than_its_bound() {
        let throttle = LoginThrottle::default();
        for number in 0..(NAMES + 100) {
            let now = at(i64::try_from(number / 1_000).unwrap());
            assert_eq!(throttle.admit(&number.to_string(), now), Ok(()));
            assert!(throttle.0.lock().unwrap().len() <= NAMES);
        }
        assert!(
            throttle
                .0
                .lock()
                .unwrap()
                .contains_key(&(NAMES + 99).to_string())
        );
        // Also when all windows began at one instant.
        let throttle = LoginThrottle::default();
        for number in 0..(NAMES + 100) {
            assert_eq!(throttle.admit(&number.to_string(), at(0)), Ok(()));
        }
        assert!(throttle.0.lock().unwrap().len() > NAMES / 2 - 1);
    }
}
