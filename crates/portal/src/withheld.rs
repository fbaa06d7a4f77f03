//! What the portal writes may repeat what it was told; secrets must not come back that way.

use std::collections::HashSet;

use secrecy::{ExposeSecret, SecretString};

/// So many bytes of a secret in a row give it away.
const TELLING_BYTES: usize = 8;
/// How long a detail for the log may be, in characters.
const DETAIL_CHARS: usize = 300;
/// What stands in for a text that repeats a secret.
const WITHHELD: &str = "(withheld: it repeats a secret)";

/// The secrets of a client.
#[derive(Debug, Default)]
pub(crate) struct Withheld(Vec<SecretString>);

impl Withheld {
    /// These.
    pub(crate) fn new(secrets: impl IntoIterator<Item = SecretString>) -> Self {
        Self(secrets.into_iter().collect())
    }

    /// The text as it is, unless it repeats a secret or part of one.
    pub(crate) fn text(&self, text: String) -> String {
        if self.0.iter().any(|secret| repeats(&text, secret)) {
            return WITHHELD.to_owned();
        }
        text
    }

    /// The same for the log: not long, and on one line.
    pub(crate) fn detail(&self, text: &str) -> String {
        let visible = |char: char| if char.is_control() { ' ' } else { char };
        let text = self.text(text.to_owned());
        text.chars().take(DETAIL_CHARS).map(visible).collect()
    }
}

fn repeats(text: &str, secret: &SecretString) -> bool {
    let secret = secret.expose_secret().as_bytes();
    let telling = TELLING_BYTES.min(secret.len());
    if telling == 0 {
        return false;
    }
    let parts: HashSet<&[u8]> = secret.windows(telling).collect();
    let mut windows = text.as_bytes().windows(telling);
    windows.any(|window| parts.contains(window))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_with_secrets_are_withheld() {
        let withheld = Withheld::new(["0123456789abcdef".into(), "pin".into(), "".into()]);
        let check = |text: &str, kept: bool| {
            let found = withheld.text(text.to_owned());
            assert_eq!(found == text, kept, "{text}");
        };
        check("Cap must be greater than or equal to 0", true);
        check("1234567", true);
        check("bad key 0123456789abcdef", false);
        check("bad key 456789ab...", false);
        check("the pin is wrong", false);
        check("", true);
    }

    #[test]
    fn details_are_short_lines() {
        let withheld = Withheld::default();
        assert_eq!(withheld.detail("a\nb\u{1b}[31m"), "a b [31m");
        assert_eq!(withheld.detail(&"é".repeat(1000)), "é".repeat(300));
    }
}
