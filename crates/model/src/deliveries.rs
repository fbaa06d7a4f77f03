//! What is sent besides the inbox: how a delivery stands, and when it is tried again.

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::{DeliveryId, WebhookId};

/// A delivery to a webhook, as people look at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookDelivery {
    /// What the receiver knows it by, however often it is sent.
    pub id: DeliveryId,
    /// The receiver.
    pub webhook_id: WebhookId,
    /// The kind of event.
    pub event_type: String,
    /// What is sent: JSON.
    pub body: String,
    /// How it stands.
    pub state: DeliveryState,
    /// How often it was tried since it was last asked for.
    pub attempts: u32,
    /// Why the last attempt failed, also when a later one did not.
    pub last_error: Option<String>,
    /// When it was written down.
    pub created_at: DateTime<Utc>,
}

/// How a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryState {
    /// It is to be sent, or being sent.
    Pending {
        /// When it is tried next; while it is being sent, when another server takes it over.
        next_attempt_at: DateTime<Utc>,
    },
    /// The receiver took it.
    Delivered {
        /// When.
        at: DateTime<Utc>,
    },
    /// It was given up.
    Failed {
        /// When.
        at: DateTime<Utc>,
    },
}

/// Why an attempt failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What went wrong, for people. It holds nothing that the receiver answered but its status.
    pub error: String,
    /// Whether it would go wrong again, however often it is tried.
    pub lasting: bool,
    /// How long the receiver asked to be left alone.
    pub retry_after: Option<Duration>,
}

impl Failure {
    /// A failure that may pass.
    #[must_use]
    pub fn passing(error: impl Into<String>) -> Self {
        Self {
            error: error.into(),
            lasting: false,
            retry_after: None,
        }
    }

    /// A failure that stays.
    #[must_use]
    pub fn lasting(error: impl Into<String>) -> Self {
        Self {
            lasting: true,
            ..Self::passing(error)
        }
    }
}

/// What becomes of a delivery after an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The receiver took it.
    Delivered,
    /// It is tried again.
    Retry {
        /// In this time.
        after: Duration,
        /// What went wrong.
        error: String,
    },
    /// It is given up.
    GaveUp {
        /// What went wrong.
        error: String,
    },
}

/// When a delivery that failed is tried again, and when no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryRule {
    /// The pause after the first attempt; each later one is twice as long.
    pub first: Duration,
    /// The longest pause, whatever a receiver asks for.
    pub longest: Duration,
    /// How often it is tried.
    pub attempts: u32,
}

impl Default for RetryRule {
    /// Ten seconds, doubling up to six hours, sixteen times: about a day and a half.
    fn default() -> Self {
        Self {
            first: Duration::from_secs(10),
            longest: Duration::from_secs(6 * 3600),
            attempts: 16,
        }
    }
}

impl RetryRule {
    /// What becomes of a delivery whose attempt of this number, counted from one, failed.
    #[must_use]
    pub fn verdict(&self, id: DeliveryId, attempt: u32, failure: Failure) -> Verdict {
        let error = failure.error;
        if failure.lasting || attempt >= self.attempts {
            return Verdict::GaveUp { error };
        }
        let asked = failure.retry_after.unwrap_or_default().min(self.longest);
        let after = self.pause(id, attempt).max(asked);
        Verdict::Retry { after, error }
    }

    /// The pause after an attempt: from three to five quarters of what doubling says. The share follows from the
    /// delivery and the attempt, so that deliveries which failed together do not come back together.
    fn pause(&self, id: DeliveryId, attempt: u32) -> Duration {
        let doubled = 2_u32.saturating_pow(attempt.saturating_sub(1));
        let pause = self.first.saturating_mul(doubled).min(self.longest);
        let (_, random) = id.0.as_u64_pair();
        let share = spread(random, attempt);
        (pause / 4 * 3).saturating_add(pause / 2 / 256 * u32::from(share))
    }
}

/// A byte that looks random and follows from an id and a number (the finalizer of `SplitMix64`).
fn spread(id: u64, number: u32) -> u8 {
    let mut mixed = id ^ u64::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    let [byte, ..] = (mixed ^ (mixed >> 31)).to_le_bytes();
    byte
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use uuid::Uuid;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const RULE: RetryRule = RetryRule {
        first: SECOND,
        longest: Duration::from_secs(60),
        attempts: 10,
    };

    fn id(number: u128) -> DeliveryId {
        DeliveryId(Uuid::from_u128(number))
    }

    #[test]
    fn pauses_double_up_to_the_longest_and_spread() {
        let check = |attempt: u32, seconds: u32| {
            let pauses: BTreeSet<_> = (0..100)
                .map(|number| RULE.pause(id(number), attempt))
                .collect();
            let (least, most) = (SECOND * seconds / 4 * 3, SECOND * seconds / 4 * 5);
            assert!(
                pauses.iter().all(|pause| (least..=most).contains(pause)),
                "{attempt}"
            );
            assert!(pauses.len() > 50, "{attempt}");
            // Asked again, the answer is the same.
            assert_eq!(RULE.pause(id(7), attempt), RULE.pause(id(7), attempt));
        };
        check(1, 1);
        check(2, 2);
        check(6, 32);
        check(7, 60);
        check(u32::MAX, 60);
    }

    #[test]
    fn it_is_tried_again_until_it_is_given_up() {
        let failed = |attempt, failure| match RULE.verdict(id(1), attempt, failure) {
            Verdict::Retry { after, .. } => Some(after),
            Verdict::GaveUp { error } => {
                assert_eq!(error, "no");
                None
            }
            Verdict::Delivered => panic!("a failure is no delivery"),
        };
        let check = |attempt, failure, least: Option<u64>, most: u64| {
            let after = failed(attempt, failure);
            let least = least.map(|seconds| SECOND * u32::try_from(seconds).unwrap() / 4);
            assert!(after >= least, "{attempt}: {after:?}");
            assert!(
                after <= least.map(|_| Duration::from_secs(most)),
                "{attempt}: {after:?}"
            );
        };
        let asked = |seconds| Failure {
            retry_after: Some(Duration::from_secs(seconds)),
            ..Failure::passing("no")
        };
        check(1, Failure::passing("no"), Some(3), 2);
        check(9, Failure::passing("no"), Some(180), 75);
        check(10, Failure::passing("no"), None, 0);
        check(11, Failure::passing("no"), None, 0);
        check(1, Failure::lasting("no"), None, 0);
        // What the receiver asks for counts, up to the longest pause.
        check(1, asked(30), Some(120), 30);
        check(1, asked(100_000), Some(240), 60);
        check(1, asked(0), Some(3), 2);
    }
}
