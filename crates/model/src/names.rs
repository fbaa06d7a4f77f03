//! Names that appear in addresses: 1–32 characters, letters, digits and single hyphens.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// The greatest length of a [`Name`], in characters.
pub const NAME_MAX_CHARS: usize = 32;

/// The name of a user, an organization, a group, a token or a provider, as it was written.
/// Two names that differ only in case are the same name to the database.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Name(String);

/// Why a text is no [`Name`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Nothing, or more than [`NAME_MAX_CHARS`] characters.
    #[error("must be between 1 and 32 characters")]
    Length,
    /// A character that is no ASCII letter, digit or hyphen, or a hyphen at an end or beside another.
    #[error("must be letters and digits, with single hyphens between them")]
    Characters,
    /// A word with a meaning of its own in addresses.
    #[error("is a reserved name")]
    Reserved,
}

impl Name {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Name {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        if text.is_empty() || text.len() > NAME_MAX_CHARS {
            return Err(NameError::Length);
        }
        let well_formed = text
            .split('-')
            .all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        if !well_formed {
            return Err(NameError::Characters);
        }
        // `me` is the caller and a UUID is an id wherever a name may stand in an address.
        if text.eq_ignore_ascii_case("me") || uuid::Uuid::parse_str(text).is_ok() {
            return Err(NameError::Reserved);
        }
        Ok(Self(text.to_owned()))
    }
}

impl TryFrom<String> for Name {
    type Error = NameError;
    fn try_from(text: String) -> Result<Self, NameError> {
        text.parse()
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::{Name, NameError};

    #[test]
    fn names_are_letters_digits_and_single_hyphens() {
        let check = |text: &str, outcome: Result<(), NameError>| {
            assert_eq!(text.parse::<Name>().map(drop), outcome, "{text:?}");
        };
        check("a", Ok(()));
        check("Ada-Lovelace-1815", Ok(()));
        check(&"x".repeat(32), Ok(()));
        check("", Err(NameError::Length));
        check(&"x".repeat(33), Err(NameError::Length));
        for bad in ["-a", "a-", "a--b", "a b", "a_b", "ä", "a.b", "a/b", "a\0"] {
            check(bad, Err(NameError::Characters));
        }
        check("me", Err(NameError::Reserved));
        check("0190d3a0b5a07c3b9d2f3f1d2a3b4c5d", Err(NameError::Reserved));
    }
}
