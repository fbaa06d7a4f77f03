//! Where things are in the repository.

use std::path::{Path, PathBuf};

/// The root of the repository.
#[must_use]
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}
