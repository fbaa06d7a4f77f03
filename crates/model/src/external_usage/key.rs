//! A reporter's own name for what it reports.

use std::{fmt, str::FromStr};

/// The greatest length of a key, in characters.
const KEY_MAX_CHARS: usize = 128;

/// A reporter's own name for what it reports: the same one means the same thing, for good.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IdempotencyKey(String);

/// Why a text is no [`IdempotencyKey`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Nothing, or too much.
    #[error("must be between 1 and 128 characters")]
    Length,
    /// What cannot be seen.
    #[error("must be printable ASCII without spaces")]
    Characters,
}

impl IdempotencyKey {
    /// The key as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for IdempotencyKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        if text.is_empty() || text.chars().count() > KEY_MAX_CHARS {
            return Err(KeyError::Length);
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(KeyError::Characters);
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for IdempotencyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_can_be_seen_and_is_not_long() {
        let check = |text: &str, expected: Result<(), KeyError>| {
            assert_eq!(
                text.parse::<IdempotencyKey>().map(drop),
                expected,
                "{text:?}"
            );
        };
        check("a", Ok(()));
        check("req_01:attempt/2", Ok(()));
        check(&"x".repeat(128), Ok(()));
        check("", Err(KeyError::Length));
        check(&"x".repeat(129), Err(KeyError::Length));
        check("a b", Err(KeyError::Characters));
        check("a\n", Err(KeyError::Characters));
        check("ä", Err(KeyError::Characters));
        check("\0", Err(KeyError::Characters));
    }
}
