//! Reading the fields of a request into domain types, and telling all that is wrong with them at once.

use std::{fmt::Display, str::FromStr};

use bursar_sdk::ValidationError;
use chrono::{DateTime, Datelike, Utc};
use model::{Change, Name, PageRequest};

/// The greatest length of a name that people read, in characters.
const DISPLAY_NAME_MAX_CHARS: usize = 64;
/// The greatest length of a text that describes something, in characters.
const TEXT_MAX_CHARS: usize = 512;
/// The greatest number of rows of a page.
const PAGE_LIMIT_MAX: u32 = 1000;

/// A value read from a request, or what is wrong with its fields.
pub(crate) type Checked<T> = Result<T, Vec<ValidationError>>;

/// A single complaint.
pub(crate) fn wrong<T>(field: &str, detail: impl Display) -> Checked<T> {
    Err(vec![ValidationError {
        field: field.to_owned(),
        detail: detail.to_string(),
    }])
}

/// Reads a field by the rule of its type.
pub(crate) fn parse<T>(field: &str, text: &str) -> Checked<T>
where
    T: FromStr,
    T::Err: Display,
{
    text.parse().or_else(|error: T::Err| wrong(field, error))
}

/// Reads a field that may be absent.
pub(crate) fn optional<T, U>(
    value: Option<T>,
    read: impl Fn(T) -> Checked<U>,
) -> Checked<Option<U>> {
    value.map(read).transpose()
}

/// Reads what becomes of a value that may be removed.
pub(crate) fn change<T, U, E>(
    change: bursar_sdk::Change<T>,
    read: impl FnOnce(T) -> Result<U, E>,
) -> Result<Change<U>, E> {
    Ok(match change {
        bursar_sdk::Change::Keep => Change::Keep,
        bursar_sdk::Change::Remove => Change::Remove,
        bursar_sdk::Change::Set(value) => Change::Set(read(value)?),
    })
}

/// Two values, or what is wrong with either. Nests for more.
pub(crate) fn both<A, B>(a: Checked<A>, b: Checked<B>) -> Checked<(A, B)> {
    match (a, b) {
        (Ok(a), Ok(b)) => Ok((a, b)),
        (Err(mut a), Err(mut b)) => {
            a.append(&mut b);
            Err(a)
        }
        (Err(errors), Ok(_)) | (Ok(_), Err(errors)) => Err(errors),
    }
}

/// Reads a name that people read: short, on one line.
pub(crate) fn display_name(field: &str, text: &str) -> Checked<String> {
    plain(field, text, DISPLAY_NAME_MAX_CHARS)
}

/// Reads a description or an address of a picture: on one line.
pub(crate) fn text(field: &str, text: &str) -> Checked<String> {
    plain(field, text, TEXT_MAX_CHARS)
}

fn plain(field: &str, text: &str, max_chars: usize) -> Checked<String> {
    if text.chars().count() > max_chars {
        return wrong(
            field,
            format_args!("must not be longer than {max_chars} characters"),
        );
    }
    if text.chars().any(char::is_control) {
        return wrong(field, "must not contain control characters");
    }
    Ok(text.to_owned())
}

/// Reads the unique name of a new account, of which some words are taken by addresses.
pub(crate) fn username(field: &str, text: &str) -> Checked<Name> {
    model::users::new_username(text).or_else(|error| wrong(field, error))
}

/// Reads the unique name of an organization, of which one word is taken by addresses.
pub(crate) fn organization_name(field: &str, text: &str) -> Checked<Name> {
    if text.eq_ignore_ascii_case("default") {
        return wrong(field, model::names::NameError::Reserved);
    }
    parse(field, text)
}

/// Reads an instant of the years that RFC 3339 and the database write alike: what is read with more digits may be
/// before all that the database can count, and the year 0000 is one before Christ to it.
pub(crate) fn instant(field: &str, at: Option<DateTime<Utc>>) -> Checked<Option<DateTime<Utc>>> {
    match at {
        Some(at) if !(1..=9999).contains(&at.year()) => {
            wrong(field, "must be in the years 0001 to 9999")
        }
        at => Ok(at),
    }
}

/// Reads which part of a list is asked for.
pub(crate) fn page(limit: Option<u32>, offset: Option<u32>, default: u32) -> Checked<PageRequest> {
    let limit = limit.unwrap_or(default);
    if !(1..=PAGE_LIMIT_MAX).contains(&limit) {
        return wrong(
            "limit",
            format_args!("must be between 1 and {PAGE_LIMIT_MAX}"),
        );
    }
    Ok(PageRequest {
        limit,
        offset: offset.unwrap_or(0),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_wrong_field_is_told() {
        let fields = |checked: Checked<(Name, String)>| match checked {
            Ok(_) => Vec::new(),
            Err(errors) => errors.into_iter().map(|error| error.field).collect(),
        };
        assert!(fields(both(parse("a", "ada"), display_name("b", "Ada"))).is_empty());
        assert_eq!(
            fields(both(parse("a", ""), display_name("b", "Ada"))),
            ["a"]
        );
        assert_eq!(
            fields(both(parse("a", ""), display_name("b", "A\0"))),
            ["a", "b"]
        );
        assert_eq!(
            fields(both(parse("a", "ada"), display_name("b", &"x".repeat(65)))),
            ["b"]
        );
    }

    #[test]
    fn somebody_named_roles_is_not_reached_by_name_so_nobody_is() {
        let document = crate::openapi();
        let places = ["/users/", "/organizations/{organization}/members/"];
        let words = document.paths.paths.keys().filter_map(|path| {
            let rest = places.iter().find_map(|place| path.split(place).nth(1))?;
            rest.split('/').next().filter(|word| !word.starts_with('{'))
        });
        let words: std::collections::BTreeSet<&str> = words.collect();
        assert!(
            words.contains("roles") && words.contains("oidc"),
            "{words:?}"
        );
        for word in words {
            for text in [word.to_owned(), word.to_uppercase()] {
                assert!(username("username", &text).is_err(), "{text}");
            }
        }
        assert!(username("username", "roland").is_ok());
    }

    #[test]
    fn pages_are_bounded() {
        let check =
            |limit, good: bool| assert_eq!(page(limit, None, 25).is_ok(), good, "{limit:?}");
        check(None, true);
        check(Some(1), true);
        check(Some(1000), true);
        check(Some(0), false);
        check(Some(1001), false);
    }

    #[test]
    fn one_word_is_no_organization() {
        assert!(organization_name("name", "Default").is_err());
        assert!(organization_name("name", "defaults").is_ok());
    }
}
