//! Decimal text to integers, without a float on the way.

use super::PRICE_MAX_MICROS;

/// A decimal of dollars as whole micros: `"2.5"` is 2,500,000. `None` unless it is digits with at most one
/// point, not negative, exact in six decimals, and at most [`PRICE_MAX_MICROS`].
pub(super) fn dollars_to_micros(text: &str) -> Option<u64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if whole.is_empty() || !digits(whole) || !digits(fraction) {
        return None;
    }
    let fraction = fraction.trim_end_matches('0');
    let missing = DECIMALS.checked_sub(u32::try_from(fraction.len()).ok()?)?;
    let fraction = if fraction.is_empty() {
        0
    } else {
        fraction.parse::<u64>().ok()?
    };
    let micros = whole
        .parse::<u64>()
        .ok()?
        .checked_mul(10_u64.pow(DECIMALS))?
        .checked_add(fraction.checked_mul(10_u64.checked_pow(missing)?)?)?;
    (micros <= PRICE_MAX_MICROS).then_some(micros)
}

const DECIMALS: u32 = 6;

fn digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::dollars_to_micros;

    #[test]
    fn dollars_become_micros_exactly() {
        let check = |text, micros| assert_eq!(dollars_to_micros(text), micros, "{text}");
        check("0", Some(0));
        check("2.5", Some(2_500_000));
        check("0.003625", Some(3_625));
        check("10", Some(10_000_000));
        check("10.", Some(10_000_000));
        check("0.1000000000", Some(100_000));
        check("0.000001", Some(1));
        check("1000000", Some(1_000_000_000_000));
        check("1000000.000001", None);
        check("0.0000001", None);
        check("", None);
        check(".5", None);
        check("-1", None);
        check("+1", None);
        check("1e3", None);
        check("1,5", None);
        check("NaN", None);
        check("1.2.3", None);
        check("99999999999999999999", None);
        check("0.00000000000000000000000000001", None);
    }
}
