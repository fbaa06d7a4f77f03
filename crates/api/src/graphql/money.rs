//! Money at the edge: a `Float` in, exact micros inside. No arithmetic is done on floats: one is taken as its shortest
//! decimal text.

use model::Micros;

use super::failure::{Code, Failure};

/// The greatest amount, in dollars.
const MAX_DOLLARS: u32 = 1_000_000_000;

/// How many micros a dollar has, as its decimals count.
const DECIMALS: usize = 6;

/// Reads an amount of dollars, exactly.
///
/// # Errors
/// When it is negative, greater than [`MAX_DOLLARS`], or has more than six decimals; `field` says which it is.
pub(super) fn read(field: &str, value: f64) -> Result<Micros, Failure> {
    let wrong = |why: String| Failure::told(Code::InvalidArgument, format!("{field} must {why}"));
    if value.is_nan() || value < 0.0 {
        return Err(wrong("be greater than or equal to 0".to_owned()));
    }
    if value > f64::from(MAX_DOLLARS) {
        return Err(wrong(format!("be less than or equal to {MAX_DOLLARS}")));
    }
    let text = value.to_string();
    // Zero has a sign of its own among floats.
    let text = text.trim_start_matches('-');
    let (dollars, decimals) = text.split_once('.').unwrap_or((text, ""));
    if decimals.len() > DECIMALS {
        return Err(wrong("have at most six decimals".to_owned()));
    }
    let micros = format!("{dollars}{decimals:0<DECIMALS$}").parse();
    micros
        .map(Micros)
        .ok()
        .ok_or_else(|| wrong("be a number".to_owned()))
}

/// An amount in dollars, as the float that is nearest to it.
pub(super) fn write(amount: Micros) -> f64 {
    // A decimal number is always one.
    amount.decimal_dollars().parse().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_float_is_its_shortest_decimal_text() {
        let check = |value: f64, expected: Result<i64, &str>| {
            let found = read("cap", value).map(|amount| amount.0);
            let found = found.map_err(|failure| failure.to_string());
            assert_eq!(found, expected.map_err(ToOwned::to_owned), "{value}");
        };
        let negative = Err("cap must be greater than or equal to 0");
        let fine = Err("cap must have at most six decimals");
        let great = Err("cap must be less than or equal to 1000000000");
        check(0.0, Ok(0));
        check(-0.0, Ok(0));
        check(25.0, Ok(25_000_000));
        check(0.1, Ok(100_000));
        check(0.000_001, Ok(1));
        check(1.1, Ok(1_100_000));
        check(4.35, Ok(4_350_000));
        check(999_999_999.999_999, Ok(999_999_999_999_999));
        check(1e9, Ok(1_000_000_000_000_000));
        check(1_000_000_000.000_001, great);
        check(1e300, great);
        check(f64::INFINITY, great);
        check(-10.0, negative);
        check(-0.01, negative);
        check(f64::NAN, negative);
        check(0.000_000_1, fine);
        check(0.123_456_7, fine);
        check(0.1 + 0.2, fine);
    }

    #[test]
    fn a_tenth_ten_times_is_one() {
        let tenth = read("cap", 0.1).unwrap();
        let sum = (0..10).fold(Micros::ZERO, |sum, _| sum.saturating_add(tenth));
        assert_eq!(sum, Micros::USD);
        assert_eq!(write(sum).to_string(), "1");
    }

    #[test]
    fn what_is_written_is_read_as_the_same() {
        for micros in [0, 1, 99, 100_000, 4_350_000, 999_999_999_999_999] {
            let amount = Micros(micros);
            assert_eq!(read("cap", write(amount)).unwrap(), amount);
        }
    }
}
