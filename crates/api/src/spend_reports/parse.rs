//! What the queries of reports have in common: lists of ids, and periods.

use chrono::{DateTime, Duration, Utc};
use model::spend::Period;
use uuid::Uuid;

use crate::{
    error::{ApiError, ApiResult},
    validate::{both, instant},
};

/// How many ids a query may name.
const IDS_MAX: usize = 100;

/// How many days a report may cover that is not for programs which keep it.
pub(super) const MONTH_DAYS: i64 = 31;

/// Reads a list of ids, each once.
pub(super) fn ids<T: From<Uuid> + Ord>(field: &str, given: Vec<Uuid>) -> ApiResult<Vec<T>> {
    let count = given.len();
    if count > IDS_MAX {
        return Err(ApiError::Request(format!(
            "{field} has {count} entries, maximum is {IDS_MAX}."
        )));
    }
    let mut ids: Vec<T> = given.into_iter().map(T::from).collect();
    ids.sort_unstable();
    ids.dedup();
    Ok(ids)
}

/// Reads a period of at most so many days; `None` is the present one.
pub(super) fn span(
    start: Option<DateTime<Utc>>,
    end: Option<DateTime<Utc>>,
    max_days: i64,
) -> ApiResult<Option<Period>> {
    let refused = |words: &str| Err(ApiError::Request(words.to_owned()));
    let ends = both(instant("period_start", start), instant("period_end", end));
    let (start, end) = match ends.map_err(ApiError::Query)? {
        (Some(start), Some(end)) => (start, end),
        (None, None) => return Ok(None),
        _ => {
            return refused(
                "Query parameters \"period_start\" and \"period_end\" must be provided together.",
            );
        }
    };
    if start >= end {
        return refused("Query parameter \"period_start\" must be before \"period_end\".");
    }
    if end - start > Duration::days(max_days) {
        return refused(&format!("Query period must not exceed {max_days} days."));
    }
    Ok(Some(Period { start, end }))
}

#[cfg(test)]
mod tests {
    use model::GroupId;

    use super::*;

    #[test]
    fn ids_are_bounded_and_told_once() {
        let id = Uuid::from_u128;
        let read = ids::<GroupId>("group_ids", vec![id(2), id(1), id(2)]).unwrap();
        assert_eq!(read, [GroupId(id(1)), GroupId(id(2))]);
        let many = |count: u128| ids::<GroupId>("group_ids", (0..count).map(id).collect());
        assert_eq!(many(100).unwrap().len(), 100);
        assert_eq!(
            many(101).unwrap_err().to_string(),
            "group_ids has 101 entries, maximum is 100."
        );
    }

    #[test]
    fn a_period_has_both_ends_or_none() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().ok();
        let check = |start: &str, end: &str, expected: Result<bool, &str>| {
            let read = span(at(start), at(end), 31);
            let read = read
                .map(|period| period.is_some())
                .map_err(|e| e.to_string());
            assert_eq!(read, expected.map_err(str::to_owned), "{start} {end}");
        };
        let first = "2026-01-01T00:00:00Z";
        check("", "", Ok(false));
        check(first, "2026-02-01T00:00:00Z", Ok(true));
        let together =
            "Query parameters \"period_start\" and \"period_end\" must be provided together.";
        check(first, "", Err(together));
        check("", first, Err(together));
        let before = "Query parameter \"period_start\" must be before \"period_end\".";
        check(first, first, Err(before));
        check(
            first,
            "2026-02-01T00:00:00.000001Z",
            Err("Query period must not exceed 31 days."),
        );
        check(
            first,
            "+010000-01-01T00:00:00Z",
            Err("the query is not valid"),
        );
    }
}
