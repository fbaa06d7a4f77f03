//! People and service accounts.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{Name, OrganizationId, UserId, names::NameError};

/// Words that stand in addresses where a username may stand: whoever had one for a name would be reached by their id
/// only.
pub const RESERVED_USERNAMES: &[&str] =
    &["authmethods", "first", "login", "logout", "oidc", "roles"];

/// Reads the name of a new account. Accounts from before a word was reserved keep theirs.
///
/// # Errors
/// [`NameError`].
pub fn new_username(text: &str) -> Result<Name, NameError> {
    let name: Name = text.parse()?;
    if RESERVED_USERNAMES
        .iter()
        .any(|word| word.eq_ignore_ascii_case(text))
    {
        return Err(NameError::Reserved);
    }
    Ok(name)
}

/// Whether an account may act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UserStatus {
    /// May sign in and act.
    Active,
    /// Keeps its data, may do nothing.
    Suspended,
}

/// How an account signs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LoginType {
    /// By e-mail address and password.
    Password,
    /// At the identity provider.
    Oidc,
    /// Not at all: it acts through API tokens that somebody else makes for it.
    None,
}

/// A person or service account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Its id.
    pub id: UserId,
    /// Its e-mail address, unique without regard to case among live accounts.
    pub email: EmailAddress,
    /// Its unique name in addresses.
    pub username: Name,
    /// The name that people read; may be empty.
    pub name: String,
    /// Whether it may act.
    pub status: UserStatus,
    /// How it signs in.
    pub login_type: LoginType,
    /// The names of the site roles it was given; `member` is implied and not among them.
    pub roles: Vec<String>,
    /// The organizations it belongs to.
    pub organization_ids: Vec<OrganizationId>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
    /// When it last signed in.
    pub last_seen_at: Option<DateTime<Utc>>,
}

/// An account to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewUser {
    /// Its id.
    pub id: UserId,
    /// Its e-mail address.
    pub email: EmailAddress,
    /// Its unique name.
    pub username: Name,
    /// The name that people read; may be empty.
    pub name: String,
    /// How it signs in.
    pub login_type: LoginType,
    /// The hash of its password, for [`LoginType::Password`].
    pub password_hash: Option<PasswordHash>,
    /// Site roles to give it.
    pub roles: Vec<String>,
    /// Organizations that it joins at once.
    pub organization_ids: Vec<OrganizationId>,
}

/// What a list of users is narrowed by.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserFilter {
    /// Only accounts whose username, name or e-mail address contains this, without regard to case.
    pub search: Option<String>,
    /// Only accounts of this status.
    pub status: Option<UserStatus>,
    /// Only these accounts.
    pub ids: Option<Vec<UserId>>,
}

/// A password's hash as a PHC string. Its `Debug` shows nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(pub String);

impl std::fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PasswordHash(..)")
    }
}

/// What signing in needs to know of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// Whose they are.
    pub user_id: UserId,
    /// Whether the account may act.
    pub status: UserStatus,
    /// How it signs in.
    pub login_type: LoginType,
    /// The hash to compare with.
    pub password_hash: Option<PasswordHash>,
}

/// An e-mail address: one `@` with text on both sides, no white space, at most 254 bytes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EmailAddress(String);

/// The text is no e-mail address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be an e-mail address")]
pub struct EmailAddressError;

impl EmailAddress {
    /// The address as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for EmailAddress {
    type Err = EmailAddressError;
    fn from_str(text: &str) -> Result<Self, EmailAddressError> {
        let parts = text.split_once('@').filter(|(local, domain)| {
            !local.is_empty() && !domain.is_empty() && !domain.contains('@')
        });
        let plain = !text.chars().any(|c| c.is_whitespace() || c.is_control());
        if parts.is_none() || !plain || text.len() > 254 {
            return Err(EmailAddressError);
        }
        Ok(Self(text.to_owned()))
    }
}

impl TryFrom<String> for EmailAddress {
    type Error = EmailAddressError;
    fn try_from(text: String) -> Result<Self, EmailAddressError> {
        text.parse()
    }
}

impl From<EmailAddress> for String {
    fn from(address: EmailAddress) -> Self {
        address.0
    }
}

#[cfg(test)]
mod tests {
    use super::EmailAddress;

    #[test]
    fn addresses_have_one_at_sign_and_no_space() {
        let check = |text: &str, good: bool| {
            assert_eq!(text.parse::<EmailAddress>().is_ok(), good, "{text:?}");
        };
        check("ada@example.com", true);
        check("ada@localhost", true);
        for bad in ["", "ada", "@example.com", "ada@", "a@b@c", "a b@c", "a@b\n"] {
            check(bad, false);
        }
        check(&format!("{}@x", "a".repeat(253)), false);
    }
}
