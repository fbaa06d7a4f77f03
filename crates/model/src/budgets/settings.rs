//! What holds for all budgets of the deployment: a row of the database, so that all servers decide alike.

use std::{fmt, str::FromStr};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{BudgetMode, BudgetPolicy, EveryoneBudget};
use crate::alerts::AlertThresholds;

/// The spans in which spend is counted together. The database alone knows when they begin and end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BudgetPeriod {
    /// From midnight to midnight.
    Day,
    /// From Monday to Sunday, as ISO 8601 has it.
    Week,
    /// A calendar month.
    #[default]
    Month,
    /// Three calendar months, the first of them January, April, July or October.
    Quarter,
}

impl BudgetPeriod {
    /// Every one.
    pub const ALL: &'static [Self] = &[Self::Day, Self::Week, Self::Month, Self::Quarter];

    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
            Self::Quarter => "quarter",
        }
    }
}

/// What holds for all budgets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BudgetSettings {
    /// How one limit is made of several group budgets.
    pub policy: BudgetPolicy,
    /// How budgets of Everyone groups stand beside others.
    pub everyone: EveryoneBudget,
    /// The period of people's budgets, and of pools without one of their own.
    pub period: BudgetPeriod,
    /// The zone whose wall clocks periods follow, by its IANA name.
    pub time_zone: String,
    /// At which shares of a limit people are told.
    pub alert_thresholds: AlertThresholds,
    /// When they were last changed.
    pub changed_at: DateTime<Utc>,
}

/// A change of the settings; what is `None` stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BudgetSettingsUpdate {
    /// Another policy.
    pub policy: Option<BudgetPolicy>,
    /// Another way with Everyone groups.
    pub everyone: Option<EveryoneBudget>,
    /// Another period: what was spent is counted anew.
    pub period: Option<BudgetPeriod>,
    /// Another zone, by its IANA name without regard to case: what was spent is counted anew.
    pub time_zone: Option<String>,
    /// Other shares of a limit at which people are told.
    pub alert_thresholds: Option<AlertThresholds>,
}

/// A text that is none of the words that are known.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("must be one of {0}")]
pub struct UnknownWord(pub(crate) String);

/// Reads and writes the words of an enum that has `ALL` and `as_str`.
macro_rules! words {
    ($($name:ident),+) => {$(
        impl FromStr for $name {
            type Err = UnknownWord;

            fn from_str(text: &str) -> Result<Self, UnknownWord> {
                let known = Self::ALL.iter().find(|word| word.as_str() == text);
                known.copied().ok_or_else(|| {
                    let words = Self::ALL.iter().map(|word| format!("`{word}`"));
                    UnknownWord(words.collect::<Vec<_>>().join(", "))
                })
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    )+};
}
pub(crate) use words;
words!(BudgetMode, BudgetPolicy, EveryoneBudget, BudgetPeriod);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_as_they_are_written() {
        fn check<T>(all: &[T])
        where
            T: FromStr<Err = UnknownWord> + fmt::Display + Copy + PartialEq + fmt::Debug,
        {
            for word in all {
                assert_eq!(word.to_string().parse(), Ok(*word));
                assert!(word.to_string().to_uppercase().parse::<T>().is_err());
            }
        }
        check(BudgetMode::ALL);
        check(BudgetPolicy::ALL);
        check(EveryoneBudget::ALL);
        check(BudgetPeriod::ALL);
        let error = "yearly".parse::<BudgetPeriod>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "must be one of `day`, `week`, `month`, `quarter`"
        );
    }
}
