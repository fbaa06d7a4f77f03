//! The text of a key: `<10 characters>-<22 characters>`, ASCII letters and digits.
//!
//! The part before the hyphen is the key's public id. The part after it is the secret, 130 bits from the
//! operating system, of which only the SHA-256 is stored: a secret that cannot be guessed needs no slow hash.

use rand::{TryRng, rngs::SysError, rngs::SysRng};
use secrecy::SecretString;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

const ID_CHARS: usize = 10;
const SECRET_CHARS: usize = 22;
const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// A key that was just made. Its text is known nowhere else.
#[derive(Debug)]
pub(crate) struct FreshKey {
    /// The public id.
    pub(crate) id: String,
    /// The SHA-256 of the secret.
    pub(crate) hashed_secret: [u8; 32],
    /// The text to hand out, once.
    pub(crate) text: SecretString,
}

/// Makes a key.
///
/// # Errors
/// When the operating system gives no randomness.
pub(crate) fn generate() -> Result<FreshKey, SysError> {
    let id = random_text(ID_CHARS)?;
    let secret = random_text(SECRET_CHARS)?;
    let text = SecretString::from(format!("{id}-{secret}"));
    Ok(FreshKey {
        id,
        hashed_secret: hash(&secret),
        text,
    })
}

/// A key as it was presented.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct PresentedText<'a> {
    /// The public id.
    pub(crate) id: &'a str,
    /// The SHA-256 of the secret.
    pub(crate) hashed_secret: [u8; 32],
}

/// Reads a key; `None` for a text of any other form.
pub(crate) fn parse(text: &str) -> Option<PresentedText<'_>> {
    let (id, secret) = text.split_once('-')?;
    let plain = |part: &str, chars| {
        part.len() == chars && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    let good = plain(id, ID_CHARS) && plain(secret, SECRET_CHARS);
    good.then(|| PresentedText {
        id,
        hashed_secret: hash(secret),
    })
}

/// Whether two hashes are equal, in a time that does not tell where they differ.
pub(crate) fn same(one: &[u8; 32], other: &[u8; 32]) -> bool {
    one.ct_eq(other).into()
}

/// The SHA-256 of a secret.
pub(crate) fn hash(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

/// Letters and digits from the operating system's randomness.
///
/// # Errors
/// When there is none.
pub fn random_text(chars: usize) -> Result<String, SysError> {
    let mut text = String::with_capacity(chars);
    let mut bytes = [0; 32];
    while text.len() < chars {
        SysRng.try_fill_bytes(&mut bytes)?;
        // 248 is four times 62: the bytes above it would make the first letters likelier.
        let fair = bytes.iter().filter(|byte| **byte < 248);
        let letters = fair.filter_map(|byte| ALPHABET.get(usize::from(*byte) % ALPHABET.len()));
        let missing = chars.saturating_sub(text.len());
        text.extend(letters.take(missing).map(|letter| char::from(*letter)));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn a_fresh_key_is_read_back_and_is_like_no_other() {
        let keys: Vec<_> = (0..200).map(|_| generate().unwrap()).collect();
        for key in &keys {
            let text = key.text.expose_secret();
            let presented = parse(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(presented.id, key.id);
            assert!(same(&presented.hashed_secret, &key.hashed_secret));
            assert!(!format!("{key:?}").contains(text.split_once('-').unwrap().1));
        }
        let ids: BTreeSet<_> = keys.iter().map(|key| &key.id).collect();
        assert_eq!(ids.len(), keys.len());
        // Every letter comes up, the first and the last too.
        let letters: BTreeSet<_> = keys
            .iter()
            .flat_map(|key| key.text.expose_secret().bytes())
            .collect();
        assert_eq!(letters.len(), ALPHABET.len() + 1);
    }

    #[test]
    fn any_other_text_is_no_key() {
        let good = "abcdefghij-ABCDEFGHIJKLMNOPQRSTUV";
        assert!(parse(good).is_some());
        let bad = [
            String::new(),
            "-".to_owned(),
            good.replace('-', ""),
            good.replace('-', "_"),
            good.replace('j', ""),
            good.replace('V', ""),
            format!("{good}W"),
            format!(" {good}"),
            format!("{good}\n"),
            good.replace('a', "ä"),
            good.replace("ab", "ä"),
            good.replace('A', "-"),
            "abcdefghij-ABCDEFGHIJKLMNOPQRST\0\0".to_owned(),
        ];
        for text in bad {
            assert_eq!(parse(&text), None, "{text:?}");
        }
    }

    #[test]
    fn the_hash_is_that_of_the_secret_alone() {
        let one = parse("abcdefghij-ABCDEFGHIJKLMNOPQRSTUV").unwrap();
        let other = parse("0123456789-ABCDEFGHIJKLMNOPQRSTUV").unwrap();
        let third = parse("abcdefghij-ABCDEFGHIJKLMNOPQRSTUW").unwrap();
        assert!(same(&one.hashed_secret, &other.hashed_secret));
        assert!(!same(&one.hashed_secret, &third.hashed_secret));
    }
}
