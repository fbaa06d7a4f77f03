//! Pages of lists: their arguments, and where a page stands.

use async_graphql::SimpleObject;

use super::failure::{Code, Failure};

/// How many rows a page has when nobody says.
const DEFAULT_ROWS: u32 = 20;
/// The most rows of a page.
pub(super) const MAX_ROWS: u32 = 200;

/// Where a page stands in its list.
#[derive(Debug, Clone, PartialEq, Eq, SimpleObject)]
pub(super) struct PageInfo {
    /// Whether something follows the page.
    pub(super) has_next_page: bool,
    /// Whether something is before the page.
    pub(super) has_previous_page: bool,
    /// The cursor of the page's first row.
    pub(super) start_cursor: Option<String>,
    /// The cursor of the page's last row.
    pub(super) end_cursor: Option<String>,
}

/// Which page is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct PageArguments {
    pub(super) first: Option<i32>,
    pub(super) after: Option<String>,
    pub(super) last: Option<i32>,
    pub(super) before: Option<String>,
}

/// Which end of a list rows are taken from, and how many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rows {
    pub(super) limit: u32,
    /// Whether the last ones.
    pub(super) last: bool,
}

impl PageArguments {
    /// How many rows of which end, at most [`MAX_ROWS`].
    ///
    /// # Errors
    /// When both ends are asked for, or a negative number of rows.
    pub(super) fn rows(&self) -> Result<Rows, Failure> {
        let number = |name: &str, rows: i32| {
            let rows = u32::try_from(rows).ok().ok_or_else(|| {
                let message = format!("{name} must be greater than or equal to 0");
                Failure::told(Code::InvalidArgument, message)
            });
            rows.map(|rows| rows.min(MAX_ROWS))
        };
        match (self.first, self.last) {
            (Some(_), Some(_)) => Err(Failure::told(
                Code::InvalidArgument,
                "first and last cannot be given together",
            )),
            (None, Some(rows)) => Ok(Rows {
                limit: number("last", rows)?,
                last: true,
            }),
            (rows, None) => Ok(Rows {
                limit: rows.map_or(Ok(DEFAULT_ROWS), |rows| number("first", rows))?,
                last: false,
            }),
        }
    }
}

/// What is said of a text that is no cursor of a list.
pub(super) fn no_cursor(text: &str) -> Failure {
    Failure::told(
        Code::InvalidArgument,
        format!("{text:?} is not a valid cursor"),
    )
}

/// A page of a list that is known by positions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Slice {
    /// The position of its first row.
    pub(super) from: u32,
    /// The position after its last row.
    pub(super) to: u32,
    /// Where it stands.
    pub(super) info: PageInfo,
}

/// The cursor of a position.
pub(super) fn cursor(position: u32) -> String {
    format!("{position:08x}")
}

fn position(text: &str) -> Result<u32, Failure> {
    let found = u32::from_str_radix(text, 16).ok();
    found
        .filter(|found| cursor(*found) == text)
        .ok_or_else(|| no_cursor(text))
}

/// The page of a list of so many rows.
///
/// # Errors
/// For arguments that cannot be.
pub(super) fn slice(page: &PageArguments, count: u32) -> Result<Slice, Failure> {
    let rows = page.rows()?;
    let after = page.after.as_deref().map(position).transpose()?;
    let before = page.before.as_deref().map(position).transpose()?;
    let low = after.map_or(0, |at| at.saturating_add(1)).min(count);
    let high = before.unwrap_or(count).min(count).max(low);
    let (from, to) = if rows.last {
        (high.saturating_sub(rows.limit).max(low), high)
    } else {
        (low, low.saturating_add(rows.limit).min(high))
    };
    let some = to > from;
    Ok(Slice {
        from,
        to,
        info: PageInfo {
            has_next_page: to < count,
            has_previous_page: from > 0,
            start_cursor: some.then(|| cursor(from)),
            end_cursor: some.then(|| cursor(to.saturating_sub(1))),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(
        first: Option<i32>,
        after: Option<u32>,
        last: Option<i32>,
        before: Option<u32>,
    ) -> PageArguments {
        PageArguments {
            first,
            after: after.map(cursor),
            last,
            before: before.map(cursor),
        }
    }

    #[test]
    fn a_page_is_cut_from_either_end() {
        let check = |page: PageArguments, from, to, previous, next| {
            let found = slice(&page, 10).unwrap();
            assert_eq!((found.from, found.to), (from, to), "{page:?}");
            let info = (found.info.has_previous_page, found.info.has_next_page);
            assert_eq!(info, (previous, next), "{page:?}");
        };
        check(page(None, None, None, None), 0, 10, false, false);
        check(page(Some(3), None, None, None), 0, 3, false, true);
        check(page(Some(3), Some(2), None, None), 3, 6, true, true);
        check(page(Some(3), Some(8), None, None), 9, 10, true, false);
        check(page(Some(3), Some(9), None, None), 10, 10, true, false);
        check(page(None, None, Some(3), None), 7, 10, true, false);
        check(page(None, None, Some(3), Some(2)), 0, 2, false, true);
        check(page(None, Some(1), Some(3), Some(3)), 2, 3, true, true);
        check(page(Some(0), None, None, None), 0, 0, false, true);
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let check = |page: PageArguments, message: &str| {
            let found = slice(&page, 10).unwrap_err().to_string();
            assert_eq!(found, message);
        };
        let negative = "first must be greater than or equal to 0";
        check(page(Some(-1), None, None, None), negative);
        let both = "first and last cannot be given together";
        check(page(Some(1), None, Some(1), None), both);
        let wrong = PageArguments {
            after: Some("x".to_owned()),
            ..PageArguments::default()
        };
        check(wrong, "\"x\" is not a valid cursor");
    }

    #[test]
    fn a_page_has_a_greatest_size() {
        let found = slice(&page(Some(10_000), None, None, None), 1_000).unwrap();
        assert_eq!((found.to, found.info.has_next_page), (MAX_ROWS, true));
    }
}
