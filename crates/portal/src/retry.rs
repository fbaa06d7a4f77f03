//! When a read is tried again.

use std::time::Duration;

use crate::{PortalError, RetryPolicy};

impl RetryPolicy {
    /// How long to wait after the attempt of this number (from 1) failed; `None` when it is not tried again. `chance`
    /// is from 0 to 1: half of the pause is certain, so that nobody hammers, and half is chance, so that replicas that
    /// failed together do not come back together.
    pub(crate) fn pause(&self, attempt: u32, error: &PortalError, chance: f64) -> Option<Duration> {
        if attempt >= self.attempts.get() || !error.may_pass() {
            return None;
        }
        let doubled = 2_u32.saturating_pow(attempt.saturating_sub(1));
        let longest = self.first_pause.saturating_mul(doubled);
        let half = longest.min(self.longest_pause) / 2;
        let pause = half.saturating_add(half.mul_f64(chance.clamp(0.0, 1.0)));
        match error {
            PortalError::Refused {
                retry_after: Some(wanted),
                ..
            } => (*wanted <= self.longest_pause).then_some(pause.max(*wanted)),
            _ => Some(pause),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;
    use crate::Malformation;

    #[test]
    fn pauses_grow_to_an_end() {
        let policy = RetryPolicy {
            attempts: NonZeroU32::new(6).unwrap(),
            first_pause: Duration::from_millis(100),
            longest_pause: Duration::from_millis(500),
        };
        let check = |attempt, least: u64, most: u64| {
            let pause = |chance| policy.pause(attempt, &PortalError::TimedOut, chance);
            assert_eq!(pause(0.0), Some(Duration::from_millis(least)), "{attempt}");
            assert_eq!(pause(1.0), Some(Duration::from_millis(most)), "{attempt}");
        };
        check(1, 50, 100);
        check(2, 100, 200);
        check(3, 200, 400);
        check(4, 250, 500);
        check(5, 250, 500);
        assert_eq!(policy.pause(6, &PortalError::TimedOut, 0.0), None);
    }

    #[test]
    fn only_what_may_pass_is_tried_again() {
        let policy = RetryPolicy::default();
        let check = |error: PortalError, again: bool| {
            assert_eq!(policy.pause(1, &error, 0.5).is_some(), again, "{error:?}");
        };
        let refused = |status, retry_after: Option<u64>| PortalError::Refused {
            status,
            retry_after: retry_after.map(Duration::from_secs),
        };
        check(PortalError::TimedOut, true);
        for status in [408, 429, 500, 502, 503, 504] {
            check(refused(status, None), true);
        }
        for status in [301, 302, 400, 401, 403, 404, 422] {
            check(refused(status, None), false);
        }
        check(refused(503, Some(2)), true);
        check(refused(503, Some(3)), false);
        check(Malformation::NotJson.into(), true);
        check(Malformation::TooLarge.into(), false);
        check(Malformation::NoData.into(), false);
        check(Malformation::Paging.into(), false);
        check(PortalError::Rejected(Vec::new()), false);
        check(PortalError::NoCredentials, false);
        let wanted = policy.pause(1, &refused(503, Some(1)), 1.0);
        assert_eq!(wanted, Some(Duration::from_secs(1)));
    }
}
