//! What AI providers keep of the answers that they gave: responses that can be continued, and the items of their
//! output, which a request may name instead of sending them. It belongs to the person whose request made it.

use std::{fmt, str::FromStr};

use crate::{ProviderId, UserId};

/// The greatest length of an id, in bytes. Those of some providers hold sealed content and are long.
const ID_MAX_BYTES: usize = 1_024;

/// How long it is known whose something is, by the database's clock. Providers forget sooner.
pub const STORED_RESPONSE_LIFETIME: chrono::Duration = chrono::Duration::days(90);
/// The most ids that are noted of one answer: its own and those of its items.
pub const STORED_IDS_MAX: usize = 1_000;

/// A provider's id of something that it keeps: printable ASCII, at most 1,024 bytes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StoredId(String);

/// The text is no id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an id must be a text of 1 to {ID_MAX_BYTES} printable ASCII characters")]
pub struct StoredIdError;

impl StoredId {
    /// The id as the provider writes it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for StoredId {
    type Err = StoredIdError;
    fn from_str(text: &str) -> Result<Self, StoredIdError> {
        let plain = text.bytes().all(|byte| byte.is_ascii_graphic());
        if text.is_empty() || text.len() > ID_MAX_BYTES || !plain {
            return Err(StoredIdError);
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for StoredId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An answer of which the provider keeps something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewStoredResponse {
    /// The provider.
    pub provider_id: ProviderId,
    /// The person whose request it answers.
    pub user_id: UserId,
    /// What can be named: the response and items of its output.
    pub ids: Vec<StoredId>,
}

#[cfg(test)]
mod tests {
    use super::StoredId;

    #[test]
    fn ids_are_short_plain_texts() {
        let check = |text: &str, good: bool| {
            assert_eq!(text.parse::<StoredId>().is_ok(), good, "{text:?}");
        };
        check("resp_0f09a275409", true);
        check("msg-1/+=", true);
        check(&"x".repeat(1_024), true);
        for bad in ["", "a b", "a\0", "a\n", "é", &"x".repeat(1_025)] {
            check(bad, false);
        }
    }
}
