//! Whose credentials a provider sees.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Whose credentials a provider sees, and so who pays its bill.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum CredentialKind {
    /// The deployment's.
    #[default]
    Centralized,
    /// The person's own ("bring your own key").
    Byok,
}

impl CredentialKind {
    /// Every one.
    pub const ALL: &'static [Self] = &[Self::Centralized, Self::Byok];

    /// The stored name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Centralized => "centralized",
            Self::Byok => "byok",
        }
    }
}

impl fmt::Display for CredentialKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text that names no kind of credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("names no kind of credentials")]
pub struct NoSuchCredential;

impl FromStr for CredentialKind {
    type Err = NoSuchCredential;
    fn from_str(text: &str) -> Result<Self, NoSuchCredential> {
        let all = Self::ALL.iter();
        let mut named = all.filter(|kind| kind.as_str() == text);
        named.next().copied().ok_or(NoSuchCredential)
    }
}
