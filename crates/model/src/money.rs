//! Money: signed integer micro-dollars, and prices in micros per million tokens.

use std::fmt;

use serde::{Deserialize, Serialize};

/// An amount of money in micro-dollars: 1 USD = 1,000,000. Every limit, price, cost and balance is one.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Micros(pub i64);

impl Micros {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// One US dollar.
    pub const USD: Self = Self(1_000_000);

    /// The sum, at most `i64::MAX` micros: a balance never wraps around.
    #[must_use]
    pub const fn saturating_add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// The difference, which may be negative, at least `i64::MIN` micros.
    #[must_use]
    pub const fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// This amount, or nothing if it is negative.
    #[must_use]
    pub const fn or_zero(self) -> Self {
        if self.0 < 0 { Self::ZERO } else { self }
    }

    /// Dollars as a bare decimal number, exactly and no longer than that takes: `1.5`, `0.000123`, `-2`.
    #[must_use]
    pub fn decimal_dollars(self) -> String {
        let sign = if self.0 < 0 { "-" } else { "" };
        let micros = self.0.unsigned_abs();
        let text = format!("{sign}{}.{:06}", micros / 1_000_000, micros % 1_000_000);
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    }
}

impl fmt::Display for Micros {
    /// Dollars with at least two and at most six decimals: `$1.50`, `$0.000123`, `-$2.00`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let micros = self.0.unsigned_abs();
        let (dollars, fraction) = (micros / 1_000_000, micros % 1_000_000);
        let mut digits = format!("{fraction:06}");
        while digits.len() > 2 && digits.ends_with('0') {
            digits.pop();
        }
        write!(f, "{sign}${dollars}.{digits}")
    }
}

#[cfg(test)]
mod tests {
    use super::Micros;

    #[test]
    fn amounts_print_as_dollars() {
        let check = |micros, text: &str| assert_eq!(Micros(micros).to_string(), text);
        check(0, "$0.00");
        check(1_500_000, "$1.50");
        check(123, "$0.000123");
        check(-2_000_000, "-$2.00");
        check(1_000_001, "$1.000001");
        check(i64::MIN, "-$9223372036854.775808");
    }

    #[test]
    fn decimals_are_exact() {
        let check = |micros, text: &str| assert_eq!(Micros(micros).decimal_dollars(), text);
        check(0, "0");
        check(1, "0.000001");
        check(1_500_000, "1.5");
        check(10_000_000, "10");
        check(-2_000_001, "-2.000001");
        check(i64::MAX, "9223372036854.775807");
        check(i64::MIN, "-9223372036854.775808");
    }
}
