//! Amounts in JSON: numbers of dollars, read and written without a float on the way.

use model::Micros;
use serde::{Serialize, Serializer, ser::Error};
use serde_json::value::RawValue;

/// The exponent of a micro.
const DECIMALS: i64 = 6;

/// The amount that a JSON number of dollars stands for. `None` when it is no number, negative, out of range, or not a
/// whole number of micros: it is never rounded.
pub(crate) fn micros(json: &str) -> Option<Micros> {
    let (negative, number) = match json.strip_prefix('-') {
        Some(number) => (true, number),
        None => (false, json),
    };
    let (mantissa, exponent) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !all_digits(whole) || !all_digits(fraction) {
        return None;
    }
    let digits = format!("{whole}{fraction}");
    let digits = digits.trim_start_matches('0');
    if digits.is_empty() {
        return Some(Micros::ZERO);
    }
    let significant = digits.trim_end_matches('0');
    let zeros = i64::try_from(digits.len() - significant.len()).ok()?;
    let shift = exponent
        .parse::<i64>()
        .ok()?
        .checked_add(DECIMALS)?
        .checked_add(zeros)?
        .checked_sub(i64::try_from(fraction.len()).ok()?)?;
    let factor = 10_i64.checked_pow(u32::try_from(shift).ok()?)?;
    let amount = significant.parse::<i64>().ok()?.checked_mul(factor)?;
    (!negative).then_some(Micros(amount))
}

/// Writes an amount as a JSON number of dollars.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
pub(crate) fn as_number<S: Serializer>(amount: &Micros, serializer: S) -> Result<S::Ok, S::Error> {
    RawValue::from_string(amount.decimal_dollars())
        .map_err(S::Error::custom)?
        .serialize(serializer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_exactly_or_not_at_all() {
        let check = |json: &str, amount: Option<i64>| {
            assert_eq!(micros(json), amount.map(Micros), "{json}");
        };
        check("0", Some(0));
        check("-0.0", Some(0));
        check("0e99999999999", Some(0));
        check("25", Some(25_000_000));
        check("25.0", Some(25_000_000));
        check("0.1", Some(100_000));
        check("0.000001", Some(1));
        check("1e-6", Some(1));
        check("1E+3", Some(1_000_000_000));
        check("1.5e2", Some(150_000_000));
        check("0.1000000000000", Some(100_000));
        check("120e-7", Some(12));
        check("9223372036854.775807", Some(i64::MAX));
        check("9223372036854.775808", None);
        check("0.0000001", None);
        check("0.30000000000000004", None);
        check("1e-7", None);
        check("1e308", None);
        check("1e99999999999999999999", None);
        check("-1", None);
        check("-0.000001", None);
        for no_number in [
            "", "\"1\"", "true", "null", "[1]", "NaN", "1e", ".5", "1.2.3",
        ] {
            check(no_number, None);
        }
    }

    #[test]
    fn amounts_are_written_as_they_are_read() {
        #[derive(Serialize)]
        struct Written(#[serde(serialize_with = "as_number")] Micros);
        let check = |amount, json: &str| {
            let written = serde_json::to_string(&Written(Micros(amount))).unwrap();
            assert_eq!(written, json);
            assert_eq!(micros(&written), Some(Micros(amount)));
        };
        check(0, "0");
        check(100_000, "0.1");
        check(1, "0.000001");
        check(25_000_000, "25");
        check(9_007_199_254_740_993, "9007199254.740993");
        check(i64::MAX, "9223372036854.775807");
    }
}
