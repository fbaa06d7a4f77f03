//! Leaves a failing portal alone for a while, then lets one exchange find out whether it is back.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use model::Clock;

use crate::{BreakerPolicy, PortalScope};

/// The breakers of a portal: one for each scope, so that what the portal does not answer about one is answered about all
/// others as ever.
#[derive(Debug)]
pub(crate) struct Breakers {
    policy: BreakerPolicy,
    clock: Arc<dyn Clock>,
    of: Mutex<HashMap<PortalScope, Arc<Breaker>>>,
}

impl Breakers {
    pub(crate) fn new(policy: BreakerPolicy, clock: Arc<dyn Clock>) -> Self {
        let of = Mutex::default();
        Self { policy, clock, of }
    }

    /// The one of a scope; it lets everything through at first.
    pub(crate) fn of(&self, scope: &PortalScope) -> Arc<Breaker> {
        let mut all = self.of.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(breaker) = all.get(scope) {
            return Arc::clone(breaker);
        }
        let breaker = Breaker::new(self.policy, Arc::clone(&self.clock));
        let breaker = Arc::new(breaker);
        all.insert(scope.clone(), Arc::clone(&breaker));
        breaker
    }
}

/// A circuit breaker. Its time is the clock's.
#[derive(Debug)]
pub(crate) struct Breaker {
    policy: BreakerPolicy,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

/// What an exchange may know is what was so when it began: each change of phase is a new epoch, and what exchanges of
/// an older one find out does not count.
#[derive(Debug)]
struct State {
    epoch: u64,
    phase: Phase,
}

#[derive(Debug, Clone, Copy)]
enum Phase {
    /// All may ask; so many failed in a row.
    Closed { failures: u32 },
    /// Nobody may ask.
    Open { since: DateTime<Utc> },
    /// One is asking.
    Trial { since: DateTime<Utc> },
}

impl Breaker {
    /// One that lets everything through as yet.
    pub(crate) fn new(policy: BreakerPolicy, clock: Arc<dyn Clock>) -> Self {
        let phase = Phase::Closed { failures: 0 };
        Self {
            policy,
            clock,
            state: Mutex::new(State { epoch: 0, phase }),
        }
    }

    /// Lets an exchange through.
    ///
    /// # Errors
    /// When the portal may be asked again.
    pub(crate) fn admit(&self) -> Result<Permit<'_>, DateTime<Utc>> {
        let now = self.clock.now();
        let mut state = self.state();
        match state.phase {
            Phase::Closed { .. } => {}
            Phase::Trial { since } => return Err(self.until(since)),
            Phase::Open { since } => {
                let until = self.until(since);
                // A clock that was set back must not keep it open for longer.
                if since <= now && now < until {
                    return Err(until);
                }
                state.enter(Phase::Trial { since });
            }
        }
        Ok(Permit {
            breaker: self,
            epoch: state.epoch,
            judged: false,
        })
    }

    /// For how long nobody is let through yet; not at all while one is finding out.
    pub(crate) fn left_alone(&self) -> Duration {
        let now = self.clock.now();
        let Phase::Open { since } = self.state().phase else {
            return Duration::ZERO;
        };
        if now < since {
            return Duration::ZERO;
        }
        let left = self.until(since).signed_duration_since(now);
        left.to_std().unwrap_or_default()
    }

    fn judge(&self, epoch: u64, failed: bool) {
        let now = self.clock.now();
        let mut state = self.state();
        if state.epoch != epoch {
            return;
        }
        match (state.phase, failed) {
            (Phase::Closed { .. }, false) => state.phase = Phase::Closed { failures: 0 },
            (Phase::Trial { .. }, false) => {
                tracing::info!("the portal is back");
                state.enter(Phase::Closed { failures: 0 });
            }
            (Phase::Closed { failures }, true) => {
                let failures = failures.saturating_add(1);
                if failures < self.policy.failures.get() {
                    state.phase = Phase::Closed { failures };
                } else {
                    tracing::warn!(failures, "the portal fails and is left alone");
                    state.enter(Phase::Open { since: now });
                }
            }
            (Phase::Trial { .. }, true) => state.enter(Phase::Open { since: now }),
            (Phase::Open { .. }, _) => {}
        }
    }

    /// An exchange that nobody waits for any more found out nothing: another may try.
    fn abandon(&self, epoch: u64) {
        let mut state = self.state();
        if let (Phase::Trial { since }, true) = (state.phase, state.epoch == epoch) {
            state.enter(Phase::Open { since });
        }
    }

    fn until(&self, since: DateTime<Utc>) -> DateTime<Utc> {
        let open_for = TimeDelta::from_std(self.policy.open_for).unwrap_or(TimeDelta::MAX);
        since
            .checked_add_signed(open_for)
            .unwrap_or(DateTime::<Utc>::MAX_UTC)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // It is replaced whole, so a panicked holder leaves nothing half written.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    const fn enter(&mut self, phase: Phase) {
        self.phase = phase;
        self.epoch = self.epoch.wrapping_add(1);
    }
}

/// An exchange that was let through. Dropping it says nothing of the portal.
#[derive(Debug)]
pub(crate) struct Permit<'a> {
    breaker: &'a Breaker,
    epoch: u64,
    judged: bool,
}

impl Permit<'_> {
    /// The portal is there.
    pub(crate) fn succeeded(mut self) {
        self.judged = true;
        self.breaker.judge(self.epoch, false);
    }

    /// The portal fails.
    pub(crate) fn failed(mut self) {
        self.judged = true;
        self.breaker.judge(self.epoch, true);
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        if !self.judged {
            self.breaker.abandon(self.epoch);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;

    /// Seconds since the epoch, turned by hand.
    #[derive(Debug, Default)]
    struct Hands(Mutex<i64>);

    impl Clock for Hands {
        fn now(&self) -> DateTime<Utc> {
            DateTime::from_timestamp(*self.0.lock().unwrap(), 0).unwrap()
        }
    }

    fn breaker() -> (Breaker, Arc<Hands>) {
        let hands = Arc::new(Hands::default());
        let policy = BreakerPolicy {
            failures: NonZeroU32::new(2).unwrap(),
            open_for: Duration::from_secs(10),
        };
        let clock = Arc::<Hands>::clone(&hands);
        (Breaker::new(policy, clock), hands)
    }

    fn at(hands: &Hands, seconds: i64) {
        *hands.0.lock().unwrap() = seconds;
    }

    /// One that was opened at second 0.
    fn opened() -> (Breaker, Arc<Hands>) {
        let (breaker, hands) = breaker();
        breaker.admit().unwrap().failed();
        breaker.admit().unwrap().failed();
        (breaker, hands)
    }

    #[test]
    fn failures_count_in_a_row() {
        let (breaker, _) = breaker();
        for _ in 0..3 {
            breaker.admit().unwrap().failed();
            breaker.admit().unwrap().succeeded();
        }
        breaker.admit().unwrap().failed();
        drop(breaker.admit().unwrap());
        breaker.admit().unwrap().failed();
        assert!(breaker.admit().is_err());
    }

    #[test]
    fn it_opens_for_its_time_and_then_lets_one_through() {
        let (breaker, hands) = opened();
        let until = DateTime::from_timestamp(10, 0).unwrap();
        for second in [0, 9] {
            at(&hands, second);
            assert_eq!(breaker.admit().err(), Some(until));
        }
        at(&hands, 10);
        let trial = breaker.admit().unwrap();
        assert!(breaker.admit().is_err());
        trial.failed();
        at(&hands, 19);
        assert!(breaker.admit().is_err());
        at(&hands, 20);
        breaker.admit().unwrap().succeeded();
        let (first, second) = (breaker.admit(), breaker.admit());
        assert!(first.is_ok() && second.is_ok());
    }

    #[test]
    fn it_says_how_long_that_takes() {
        let (breaker, hands) = breaker();
        let seconds = Duration::from_secs;
        assert_eq!(breaker.left_alone(), seconds(0));
        breaker.admit().unwrap().failed();
        breaker.admit().unwrap().failed();
        for (second, left) in [(0, 10), (3, 7), (10, 0), (11, 0), (-1_000_000, 0)] {
            at(&hands, second);
            assert_eq!(breaker.left_alone(), seconds(left), "{second}");
        }
        let _trial = breaker.admit().unwrap();
        assert_eq!(breaker.left_alone(), seconds(0));
    }

    #[test]
    fn a_trial_that_is_given_up_leaves_room_for_the_next() {
        let (breaker, hands) = opened();
        at(&hands, 10);
        drop(breaker.admit().unwrap());
        assert!(breaker.admit().is_ok());
    }

    #[test]
    fn late_news_does_not_count() {
        let (breaker, hands) = breaker();
        let (good, bad) = (breaker.admit().unwrap(), breaker.admit().unwrap());
        breaker.admit().unwrap().failed();
        breaker.admit().unwrap().failed();
        good.succeeded();
        assert!(breaker.admit().is_err());
        at(&hands, 10);
        let trial = breaker.admit().unwrap();
        bad.failed();
        trial.succeeded();
        breaker.admit().unwrap().failed();
        assert!(breaker.admit().is_ok());
    }

    #[test]
    fn a_clock_set_back_does_not_keep_it_open() {
        let (breaker, hands) = opened();
        at(&hands, -1_000_000);
        assert!(breaker.admit().is_ok());
    }
}
