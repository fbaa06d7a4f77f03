//! Alerts: who must be told that spend has come to a threshold of a limit.
//!
//! A threshold is a share of a limit in percent. It is told of once for each limit and period: the mark stays for
//! as long as spend is at or above the threshold's amount, and goes when the limit is raised over it, so that
//! reaching it again is told again. What is spent, what the limit is and what was told is all that decides, not how
//! it came to be: a limit that is lowered below spend tells as well.

mod notice;
mod pass;

use std::{collections::BTreeSet, fmt::Display};

use thiserror::Error;

pub use notice::{Alert, AlertSource, Audience, Named, Notice};
pub use pass::AlertPass;

use crate::Micros;

/// How many thresholds there may be.
pub const MAX_THRESHOLDS: usize = 10;
/// The greatest threshold, in percent: spend may pass a limit that is only observed.
pub const MAX_THRESHOLD: u16 = 1000;
/// What no spend reaches.
pub const NEVER: Micros = Micros(i64::MAX);

/// At which shares of a limit, in percent, people are told: ascending, each once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertThresholds(Vec<u16>);

/// Why percentages are no thresholds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum BadThresholds {
    /// One of them is no share that can be told of.
    #[error("must be whole percentages from 1 to {MAX_THRESHOLD}")]
    Range,
    /// There are too many.
    #[error("must not be more than {MAX_THRESHOLDS}")]
    Number,
}

impl AlertThresholds {
    /// These percentages, in order, each once.
    ///
    /// # Errors
    /// When one is out of bounds, or there are too many.
    pub fn new<T>(percents: &[T]) -> Result<Self, BadThresholds>
    where
        T: Copy + TryInto<u16, Error: Display>,
    {
        let read = |percent: &T| {
            let percent = (*percent)
                .try_into()
                .map_err(|_error| BadThresholds::Range)?;
            match percent {
                1..=MAX_THRESHOLD => Ok(percent),
                _ => Err(BadThresholds::Range),
            }
        };
        let all: BTreeSet<u16> = percents.iter().map(read).collect::<Result<_, _>>()?;
        if all.len() > MAX_THRESHOLDS {
            return Err(BadThresholds::Number);
        }
        Ok(Self(all.into_iter().collect()))
    }

    /// Each of them, in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = u16> {
        self.0.iter().copied()
    }
}

impl Default for AlertThresholds {
    fn default() -> Self {
        Self(vec![50, 85, 100])
    }
}

/// What is to be told of a limit, and when to look again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evaluation {
    /// The thresholds that were reached and are not told of, in ascending order.
    pub fire: Vec<u16>,
    /// The thresholds that were told of and are not reached any more.
    pub clear: Vec<u16>,
    /// From which spend on there will be something to tell; [`NEVER`] when there will not.
    pub next_at: Micros,
}

/// What a threshold comes to: rounded down, and at least the least that can be spent.
#[must_use]
pub fn amount(limit: Micros, percent: u16) -> Micros {
    let amount = i128::from(limit.0) * i128::from(percent) / 100;
    Micros(i64::try_from(amount).unwrap_or(i64::MAX).max(1))
}

/// What is to be told of a limit (`None`: there is none) with this spend in a period, `told` being the thresholds
/// that were told of in the same period. A limit of zero tells nothing: it is reached by nobody's spending.
#[must_use]
pub fn evaluate(
    limit: Option<Micros>,
    spent: Micros,
    thresholds: &AlertThresholds,
    told: &BTreeSet<u16>,
) -> Evaluation {
    let Some(limit) = limit else {
        return Evaluation {
            fire: Vec::new(),
            clear: told.iter().copied().collect(),
            next_at: NEVER,
        };
    };
    if limit <= Micros::ZERO {
        return Evaluation {
            fire: Vec::new(),
            clear: Vec::new(),
            next_at: NEVER,
        };
    }
    let reached = |percent: &u16| spent >= amount(limit, *percent);
    let ahead = thresholds.iter().filter(|percent| !reached(percent));
    Evaluation {
        fire: thresholds
            .iter()
            .filter(|percent| reached(percent) && !told.contains(percent))
            .collect(),
        clear: told.iter().filter(|told| !reached(told)).copied().collect(),
        next_at: ahead
            .map(|percent| amount(limit, percent))
            .min()
            .unwrap_or(NEVER),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cents(cents: i64) -> Micros {
        Micros(cents * 10_000)
    }

    fn set(percents: &[u16]) -> BTreeSet<u16> {
        percents.iter().copied().collect()
    }

    /// Takes the steps one after the other, each a limit and what is spent, in dollars and cents; says what each
    /// fires, keeping the marks as a store does.
    fn check(thresholds: &[u16], steps: &[(Option<i64>, i64, &[u16])]) {
        let thresholds = AlertThresholds::new(thresholds).unwrap();
        let mut told = BTreeSet::new();
        for (step, (limit, spent, expected)) in steps.iter().enumerate() {
            let found = evaluate(limit.map(cents), cents(*spent), &thresholds, &told);
            assert_eq!(found.fire, *expected, "step {step}");
            told.retain(|percent| !found.clear.contains(percent));
            told.extend(&found.fire);
            assert!(found.next_at > cents(*spent), "step {step}");
        }
    }

    #[test]
    fn each_threshold_is_told_once_when_it_is_reached() {
        let dollars = Some(10_000);
        // The cases of the reference.
        check(
            &[85, 100],
            &[(dollars, 9950, &[85]), (dollars, 10_050, &[100])],
        );
        check(
            &[85, 100],
            &[(dollars, 8000, &[]), (dollars, 10_000, &[85, 100])],
        );
        check(
            &[85, 100],
            &[(dollars, 10_900, &[85, 100]), (dollars, 11_000, &[])],
        );
        check(&[85, 100], &[(Some(0), 5, &[]), (Some(0), 500, &[])]);
        // Exactly, and just below.
        check(
            &[85],
            &[
                (dollars, 8499, &[]),
                (dollars, 8500, &[85]),
                (dollars, 8500, &[]),
            ],
        );
        // None, and without a limit.
        check(&[], &[(dollars, 20_000, &[])]);
        check(&[85], &[(None, 20_000, &[])]);
        // Beyond the limit.
        check(
            &[100, 200],
            &[(dollars, 15_000, &[100]), (dollars, 20_000, &[200])],
        );
    }

    #[test]
    fn a_changed_limit_tells_and_forgets() {
        // Lowered below what is spent.
        check(
            &[50, 100],
            &[(Some(10_000), 4000, &[]), (Some(3000), 4000, &[50, 100])],
        );
        // Raised, and reached again.
        check(
            &[85, 100],
            &[
                (Some(100), 100, &[85, 100]),
                (Some(200), 100, &[]),
                (Some(200), 170, &[85]),
                (Some(200), 200, &[100]),
                (Some(200), 300, &[]),
            ],
        );
        // Raised a little: what is still reached stays told.
        check(
            &[50, 100],
            &[
                (Some(100), 100, &[50, 100]),
                (Some(110), 100, &[]),
                (Some(110), 110, &[100]),
            ],
        );
        // No limit any more, then one again.
        check(
            &[100],
            &[
                (Some(100), 100, &[100]),
                (None, 100, &[]),
                (Some(100), 100, &[100]),
            ],
        );
        // A limit of zero in between is nothing new.
        check(
            &[100],
            &[
                (Some(100), 100, &[100]),
                (Some(0), 100, &[]),
                (Some(100), 100, &[]),
            ],
        );
    }

    #[test]
    fn the_next_amount_is_the_least_that_is_ahead() {
        let all = AlertThresholds::new(&[50, 85, 100]).unwrap();
        let check = |limit: Option<i64>, spent: i64, next: Micros| {
            let found = evaluate(limit.map(Micros), Micros(spent), &all, &BTreeSet::new());
            assert_eq!(found.next_at, next, "{limit:?} {spent}");
        };
        check(Some(1000), 0, Micros(500));
        check(Some(1000), 500, Micros(850));
        check(Some(1000), 999, Micros(1000));
        check(Some(1000), 1000, NEVER);
        check(Some(0), 0, NEVER);
        check(None, 7, NEVER);
        // Rounded down, but never to nothing.
        check(Some(101), 0, Micros(50));
        check(Some(1), 0, Micros(1));
        check(
            Some(i64::MAX),
            i64::MAX / 2,
            Micros(7_839_866_231_326_559_435),
        );
    }

    #[test]
    fn marks_of_thresholds_that_are_not_set_any_more_follow_the_limit() {
        let set_now = AlertThresholds::new(&[100]).unwrap();
        let told = set(&[50, 90]);
        let found = evaluate(Some(cents(100)), cents(60), &set_now, &told);
        assert_eq!((found.fire, found.clear), (vec![], vec![90]));
    }

    #[test]
    fn thresholds_are_ordered_and_bounded() {
        let check = |percents: &[i32], expected: Result<&[u16], BadThresholds>| {
            let read = AlertThresholds::new(percents).map(|all| all.iter().collect::<Vec<_>>());
            assert_eq!(read, expected.map(<[u16]>::to_vec), "{percents:?}");
        };
        check(&[100, 50, 85, 50], Ok(&[50, 85, 100]));
        check(&[], Ok(&[]));
        check(&[1, 1000], Ok(&[1, 1000]));
        check(&[0], Err(BadThresholds::Range));
        check(&[1001], Err(BadThresholds::Range));
        check(&[-1], Err(BadThresholds::Range));
        check(&[70_000], Err(BadThresholds::Range));
        check(
            &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11],
            Err(BadThresholds::Number),
        );
    }
}
