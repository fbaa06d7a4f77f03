//! Reads the values of options that are more than words and numbers.

use std::{ops::RangeInclusive, str::FromStr, time::Duration};

use model::{budgets::UnknownWord, chats::provider_and_model};
use url::Url;

/// The shortest lease of a server: a third of it passes between two signs of life.
const SHORTEST_LEASE: Duration = Duration::from_secs(1);

/// How often open streams may be checked.
const RECHECKS: RangeInclusive<Duration> = Duration::from_millis(100)..=Duration::from_secs(5);

/// How long admin mode may last: no longer than a session.
const ADMIN_MODES: RangeInclusive<Duration> =
    Duration::from_secs(60)..=Duration::from_secs(24 * 3600);

/// How often the caps of a portal may be read.
const CAP_REFRESHES: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(60);

/// How long a portal may take for one answer.
const PORTAL_TIMEOUTS: RangeInclusive<Duration> =
    Duration::from_millis(100)..=Duration::from_secs(60);

/// Reads the address that people reach the deployment at.
pub(super) fn web_address(text: &str) -> Result<Url, String> {
    let url: Url = text
        .parse()
        .map_err(|error: url::ParseError| error.to_string())?;
    if matches!(url.scheme(), "http" | "https") {
        Ok(url)
    } else {
        Err("must begin with http:// or https://".to_owned())
    }
}

/// Reads the name of a provider and its model.
pub(crate) fn chat_model(text: &str) -> Result<String, String> {
    let named = provider_and_model(text);
    let words = "must have the form provider/model, such as openai/gpt-5-mini";
    named.map(|_| text.to_owned()).ok_or(words.to_owned())
}

/// Reads `512KiB`, `10MiB`, `5GiB`, `1TiB`; a bare number is bytes.
pub(crate) fn bytes(text: &str) -> Result<u64, String> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits).unwrap_or((text, ""));
    let number: u64 = number
        .parse()
        .map_err(|_error| "must be a number with KiB, MiB, GiB or TiB".to_owned())?;
    let power = match unit {
        "" => 0,
        "KiB" => 1,
        "MiB" => 2,
        "GiB" => 3,
        "TiB" => 4,
        _ => return Err("must end with KiB, MiB, GiB or TiB".to_owned()),
    };
    // The database counts in numbers with a sign.
    1024_u64
        .checked_pow(power)
        .and_then(|unit| number.checked_mul(unit))
        .filter(|bytes| i64::try_from(*bytes).is_ok())
        .ok_or_else(|| "is too large".to_owned())
}

/// Reads one of the words that a type knows.
pub(crate) fn word<T: FromStr<Err = UnknownWord>>(text: &str) -> Result<T, UnknownWord> {
    text.parse()
}

/// Reads how long a lease lasts: a shorter one lapses while the server that renews it is well.
pub(super) fn lease(text: &str) -> Result<Duration, String> {
    let lease = duration(text)?;
    if lease < SHORTEST_LEASE {
        return Err(format!("must be at least {}s", SHORTEST_LEASE.as_secs()));
    }
    Ok(lease)
}

/// Reads a pause between two checks of access: none at all would never rest, a long one would let a revoked
/// stream go on.
pub(super) fn recheck(text: &str) -> Result<Duration, String> {
    let pause = duration(text)?;
    if RECHECKS.contains(&pause) {
        return Ok(pause);
    }
    let (least, most) = (RECHECKS.start().as_millis(), RECHECKS.end().as_secs());
    Err(format!("must be from {least}ms to {most}s"))
}

/// Reads how long a portal may take: a long time keeps those waiting who set caps.
pub(crate) fn portal_timeout(text: &str) -> Result<Duration, String> {
    let timeout = duration(text)?;
    if PORTAL_TIMEOUTS.contains(&timeout) {
        return Ok(timeout);
    }
    let (least, most) = (
        PORTAL_TIMEOUTS.start().as_millis(),
        PORTAL_TIMEOUTS.end().as_secs(),
    );
    Err(format!("must be from {least}ms to {most}s"))
}

/// Reads a pause between two reads of a subscription's caps: the longer it is, the longer what is set elsewhere does not
/// hold here.
pub(crate) fn cap_refresh(text: &str) -> Result<Duration, String> {
    let pause = duration(text)?;
    if CAP_REFRESHES.contains(&pause) {
        return Ok(pause);
    }
    Err("must be from 1s to 60s".to_owned())
}

/// Reads how long admin mode lasts: one that is over at once would never be of use.
pub(super) fn admin_mode(text: &str) -> Result<Duration, String> {
    let lasting = duration(text)?;
    if ADMIN_MODES.contains(&lasting) {
        return Ok(lasting);
    }
    Err("must be from 1m to 24h".to_owned())
}

/// Reads `250ms`, `10s`, `5m`, `1h`; a bare number is seconds.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits).unwrap_or((text, ""));
    let number: u64 = number
        .parse()
        .map_err(|_error| "must be a number with ms, s, m or h".to_owned())?;
    let millis = match unit {
        "ms" => Some(number),
        "" | "s" => number.checked_mul(1000),
        "m" => number.checked_mul(60_000),
        "h" => number.checked_mul(3_600_000),
        _ => return Err("must end with ms, s, m or h".to_owned()),
    };
    // A year is more than any of these waits can mean.
    millis
        .filter(|millis| *millis <= 31_536_000_000)
        .map(Duration::from_millis)
        .ok_or_else(|| "is more than a year".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_that_lapses_by_itself_is_refused() {
        let check = |text: &str, good: bool| assert_eq!(lease(text).is_ok(), good, "{text}");
        check("0s", false);
        check("999ms", false);
        check("1s", true);
        check("1d", false);
    }

    #[test]
    fn access_is_checked_every_five_seconds_at_least() {
        let check = |text: &str, good: bool| assert_eq!(recheck(text).is_ok(), good, "{text}");
        check("99ms", false);
        check("100ms", true);
        check("5s", true);
        check("5001ms", false);
    }

    #[test]
    fn admin_mode_lasts_a_minute_at_least_and_a_day_at_most() {
        let check = |text: &str, good: bool| assert_eq!(admin_mode(text).is_ok(), good, "{text}");
        check("59s", false);
        check("1m", true);
        check("24h", true);
        check("25h", false);
    }

    #[test]
    fn caps_are_read_every_minute_at_least() {
        let check = |text: &str, good: bool| assert_eq!(cap_refresh(text).is_ok(), good, "{text}");
        check("999ms", false);
        check("1s", true);
        check("1m", true);
        check("61s", false);
    }

    #[test]
    fn the_deployments_address_is_one_for_browsers() {
        let check = |text: &str, good: bool| assert_eq!(web_address(text).is_ok(), good, "{text}");
        check("https://bursar.example.com", true);
        check("http://127.0.0.1:7080/base", true);
        check("ftp://bursar.example.com", false);
        check("bursar.example.com", false);
    }

    #[test]
    fn sizes_have_units() {
        let check = |text: &str, expected: Option<u64>| {
            assert_eq!(bytes(text).ok(), expected, "{text}");
        };
        check("0", Some(0));
        check("1000", Some(1_000));
        check("2KiB", Some(2_048));
        check("10MiB", Some(10_485_760));
        check("5GiB", Some(5_368_709_120));
        check("1TiB", Some(1_099_511_627_776));
        for bad in ["", "GiB", "5GB", "5 GiB", "-1", "1.5GiB", "8388608TiB"] {
            check(bad, None);
        }
    }

    #[test]
    fn durations_have_units() {
        let check = |text: &str, millis: Option<u64>| {
            assert_eq!(
                duration(text).ok(),
                millis.map(Duration::from_millis),
                "{text}"
            );
        };
        check("250ms", Some(250));
        check("10s", Some(10_000));
        check("10", Some(10_000));
        check("5m", Some(300_000));
        check("1h", Some(3_600_000));
        for bad in [
            "",
            "s",
            "1d",
            "-1s",
            "1.5s",
            "99999999999999999999s",
            "9999999h",
            "1 s",
        ] {
            check(bad, None);
        }
    }
}
