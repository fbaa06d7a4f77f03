//! Accounts at an identity provider, and sign-ins under way there.

use std::fmt;

use chrono::{DateTime, Utc};

use crate::{Name, NameError, UserId, names::NAME_MAX_CHARS, users::new_username};

/// The greatest length of a subject, in bytes: OpenID Connect Core 1.0, section 2.
const SUBJECT_MAX_BYTES: usize = 255;
/// How many names are tried for a person before a number decides.
const NAME_TRIES: u32 = 20;
/// What somebody is called whose claims hold no name.
const NAMELESS: &str = "user";

/// How long a sign-in may stay at the identity provider, by the database's clock.
pub const OIDC_LOGIN_LIFETIME: chrono::Duration = chrono::Duration::minutes(10);
/// How many sign-ins may be under way; beyond it the oldest are forgotten.
pub const OIDC_LOGINS_MAX: u32 = 10_000;

/// A person as an identity provider knows them: what is true of nobody else, ever.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identity {
    issuer: String,
    subject: String,
}

/// The text is no subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a subject must be a text of 1 to 255 bytes without control characters")]
pub struct SubjectError;

impl Identity {
    /// The person whom this issuer calls by this subject.
    ///
    /// # Errors
    /// [`SubjectError`] for a subject that cannot be one.
    pub fn new(issuer: &str, subject: &str) -> Result<Self, SubjectError> {
        let plain = !subject.chars().any(char::is_control);
        if subject.is_empty() || subject.len() > SUBJECT_MAX_BYTES || !plain {
            return Err(SubjectError);
        }
        Ok(Self {
            issuer: issuer.to_owned(),
            subject: subject.to_owned(),
        })
    }

    /// The identity provider, as it calls itself.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The person's name there, which is never given to another.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.subject
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}", self.subject, self.issuer)
    }
}

/// Which account a person of an identity provider has here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserLink {
    /// The person there.
    pub identity: Identity,
    /// The account here.
    pub user_id: UserId,
    /// When the two were linked.
    pub created_at: DateTime<Utc>,
    /// When the person last signed in by it.
    pub last_login_at: DateTime<Utc>,
}

/// A sign-in that begins. Its `Debug` shows nothing: what it holds would complete the sign-in.
#[derive(Clone, PartialEq, Eq)]
pub struct NewOidcLogin {
    /// The SHA-256 of the state, which the provider's answer names.
    pub state_hash: [u8; 32],
    /// The SHA-256 of the cookie of the browser that begins.
    pub browser_hash: [u8; 32],
    /// What the ID token must repeat.
    pub nonce: String,
    /// What proves to the provider that its answer came to who began.
    pub pkce_verifier: String,
    /// Where the browser goes in the end: a path of this site.
    pub redirect: String,
    /// The session that shall be in admin mode; absent when a new session shall be made.
    pub admin_mode_key: Option<String>,
}

impl fmt::Debug for NewOidcLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NewOidcLogin(..)")
    }
}

/// A sign-in whose answer has come. Its `Debug` shows nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct OidcLogin {
    /// What the ID token must repeat.
    pub nonce: String,
    /// What proves to the provider that its answer came to who began.
    pub pkce_verifier: String,
    /// Where the browser goes in the end.
    pub redirect: String,
    /// The session that shall be in admin mode; absent when a new session shall be made.
    pub admin_mode_key: Option<String>,
    /// How long ago it began, by the database's clock.
    pub age: chrono::Duration,
}

impl fmt::Debug for OidcLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OidcLogin(..)")
    }
}

/// The names to try for a new account, best first, from what its claims offer: what is no letter or digit
/// becomes a hyphen, and the first text of which anything is left is taken. When it is taken, a number follows;
/// in the end `number` makes it one of its own.
pub fn usernames(offered: &[&str], number: u64) -> impl Iterator<Item = Name> + use<> {
    let base = offered.iter().find_map(|text| base_name(text));
    let base = base.unwrap_or_else(|| NAMELESS.to_owned());
    (1..=NAME_TRIES + 1).filter_map(move |count| {
        let suffix = match count {
            1 => String::new(),
            count if count <= NAME_TRIES => format!("-{count}"),
            _ => format!("-{number:016x}"),
        };
        new_username(&suffixed(&base, &suffix)).ok()
    })
}

/// Letters, digits and single hyphens; `None` when nothing is left. An address is cut at its `@`.
fn base_name(text: &str) -> Option<String> {
    let text = text.split('@').next().unwrap_or(text);
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
    let plain: String = text.chars().map(plain).collect();
    let parts: Vec<&str> = plain.split('-').filter(|part| !part.is_empty()).collect();
    let name = suffixed(&parts.join("-"), "");
    // A word with a meaning of its own in addresses is not lost, but continued.
    match new_username(&name) {
        Ok(_) => Some(name),
        Err(NameError::Reserved) => Some(suffixed(&format!("{NAMELESS}-{name}"), "")),
        Err(_) => None,
    }
}

/// The name with its suffix, the name cut so that both have room.
fn suffixed(name: &str, suffix: &str) -> String {
    let room = NAME_MAX_CHARS.saturating_sub(suffix.len());
    let cut: String = name.chars().take(room).collect();
    let mut whole = cut.trim_end_matches('-').to_owned();
    whole.push_str(suffix);
    whole.chars().take(NAME_MAX_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::{Identity, usernames};

    #[test]
    fn subjects_are_short_plain_texts() {
        let check = |subject: &str, good: bool| {
            let made = Identity::new("https://id.example", subject);
            assert_eq!(made.is_ok(), good, "{subject:?}");
        };
        check("248289761001", true);
        check("auth0|Ä 1", true);
        check(&"x".repeat(255), true);
        for bad in ["", "a\0", "a\n", &"x".repeat(256)] {
            check(bad, false);
        }
    }

    #[test]
    fn a_name_is_made_of_what_the_claims_offer() {
        let check = |offered: &[&str], expected: &str| {
            let first = usernames(offered, 7).next().unwrap();
            assert_eq!(first.as_str(), expected, "{offered:?}");
        };
        check(&["ada"], "ada");
        check(&["Ada Lovelace"], "Ada-Lovelace");
        check(&["ada.lovelace@example.com", "x"], "ada-lovelace");
        check(&["", "   ", "ada"], "ada");
        check(&["--a__b--"], "a-b");
        check(&["Ünlü"], "nl");
        check(&["🦀", "李"], "user");
        check(&[], "user");
        check(&["me"], "user-me");
        check(
            &["0190d3a0b5a07c3b9d2f3f1d2a3b4c5d"],
            "user-0190d3a0b5a07c3b9d2f3f1d2a3",
        );
        check(&["a\0b"], "a-b");
        check(&[&"x".repeat(99)], &"x".repeat(32));
        check(&[&format!("{}-y", "x".repeat(31))], &"x".repeat(31));
    }

    #[test]
    fn names_that_are_taken_are_followed_by_others() {
        let names: Vec<_> = usernames(&["ada"], 7).map(String::from).collect();
        assert_eq!(names[..3], ["ada", "ada-2", "ada-3"]);
        assert_eq!(names.last().unwrap(), "ada-0000000000000007");
        assert_eq!(names.len(), 21);
        let long = "x".repeat(32);
        let names: Vec<_> = usernames(&[&long], u64::MAX).map(String::from).collect();
        assert_eq!(names[1], format!("{}-2", "x".repeat(30)));
        assert_eq!(names[20], format!("{}-{:x}", "x".repeat(15), u64::MAX));
    }
}
