//! Secrets that options name files of.

use std::{fs, path::Path};

use anyhow::{Context, bail};

/// The greatest size of a file with a secret, in bytes.
const MAX_BYTES: u64 = 16 * 1024;

/// The text of a file that is called `what`. It is in no message.
///
/// # Errors
/// When it cannot be read, is too large, or no text.
pub(crate) fn read(path: &Path, what: &str) -> anyhow::Result<String> {
    let shown = path.display();
    let unreadable = || format!("the {what} file `{shown}` cannot be read");
    if fs::metadata(path).with_context(unreadable)?.len() > MAX_BYTES {
        bail!("the {what} file `{shown}` is larger than {MAX_BYTES} bytes");
    }
    fs::read_to_string(path).with_context(unreadable)
}

/// The secret in such a file, which is one line.
///
/// # Errors
/// When it cannot be read, or is empty or more than a line.
pub(crate) fn line(path: &Path, what: &str) -> anyhow::Result<String> {
    let text = read(path, what)?;
    let secret = text.trim_end_matches(['\r', '\n']);
    if secret.trim().is_empty() || secret.chars().any(char::is_control) {
        let shown = path.display();
        bail!("the {what} file `{shown}` must hold the {what} in one line");
    }
    Ok(secret.to_owned())
}
